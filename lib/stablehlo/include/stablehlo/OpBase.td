// OpBase.td: the base classes of stablehlo operations.
#ifndef WHERRY_STABLEHLO_OPBASE
#define WHERRY_STABLEHLO_OPBASE

include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "stablehlo/Attrs.td"

class StableHLO_Op<string mnemonic, list<Trait> traits = []> : Op<StableHLO_Dialect, mnemonic, traits>;

// An operation whose result types follow from its operands and attributes. A result that differs from
// the inferred one is still accepted where it is compatible: `?` dimensions, bounds, quantization.
class StableHLO_InferredOp<string mnemonic, list<Trait> traits = []>
    : StableHLO_Op<mnemonic, traits # [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let extraClassDeclaration = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange written) {
      return ::mlir::stablehlo::compatibleTypes(inferred, written);
    }
  }];
}

// `op %x : T` or, where the types differ, `op %x : (T) -> U`.
class StableHLO_UnaryOp<string mnemonic, Type operandType, Type resultType = operandType, list<Trait> traits = []>
    : StableHLO_InferredOp<mnemonic, [Pure, StableHLO_SameShapes, Elementwise] # traits> {
  let arguments = (ins operandType:$operand);
  let results = (outs resultType:$result);
  let assemblyFormat = "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))";
}

// A unary function whose accuracy can be asked for.
class StableHLO_UnaryAccuracyOp<string mnemonic, Type type = StableHLO_FpTensor>
    : StableHLO_UnaryOp<mnemonic, type, type, [StableHLO_SameElements]> {
  let arguments = (ins type:$operand, OptionalAttr<StableHLO_ResultAccuracy>:$result_accuracy);
}

// `op %a, %b : T` or, where the types differ, `op %a, %b : (T, U) -> V`.
class StableHLO_BinaryOp<string mnemonic, Type type, list<Trait> traits = []>
    : StableHLO_InferredOp<mnemonic, [Pure, StableHLO_SameShapes, StableHLO_SameElements, Elementwise] # traits> {
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` custom<SameOperandsAndResultType>(type($lhs), type($rhs), type($result))
  }];
}

#endif // WHERRY_STABLEHLO_OPBASE
