// Base.td: the stablehlo dialect, its types, the type constraints of its operations and its traits.
//
// Element types follow the specification's section "Types": signless integers are signed, `ui` types
// are unsigned, i1 is the boolean. Every tensor is ranked; a `?` dimension is accepted everywhere.
#ifndef WHERRY_STABLEHLO_BASE
#define WHERRY_STABLEHLO_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

def StableHLO_Dialect : Dialect {
  let name = "stablehlo";
  let summary = "StableHLO, the portable operation set of machine learning programs";
  let cppNamespace = "::mlir::stablehlo";
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::quant::QuantDialect"];
  let useDefaultAttributePrinterParser = 0;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerBytecode();
    ::mlir::Attribute parseAttribute(::mlir::DialectAsmParser &parser, ::mlir::Type type) const override;
    void printAttribute(::mlir::Attribute attribute, ::mlir::DialectAsmPrinter &printer) const override;
  }];
}

class StableHLO_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<StableHLO_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

def StableHLO_TokenType : StableHLO_Type<"Token", "token"> {
  let summary = "orders side effects; has no value";
}
def StableHLO_FutureType : StableHLO_Type<"Future", "future"> {
  let summary = "the results of an asynchronous operation that may not be there yet";
  let parameters = (ins OptionalArrayRefParameter<"::mlir::Type">:$types);
  let assemblyFormat = "`<` (`>`) : ($types^ `>`)?";
}

// Elements.
def StableHLO_Bool : TypeAlias<I1, "boolean (i1)">;
def StableHLO_SInt : SignlessIntOfWidths<[2, 4, 8, 16, 32, 64]>;
def StableHLO_UInt : UnsignedIntOfWidths<[2, 4, 8, 16, 32, 64]>;
def StableHLO_Int : AnyTypeOf<[StableHLO_SInt, StableHLO_UInt], "integer of 2, 4, 8, 16, 32 or 64 bits">;
def StableHLO_Float : AnyTypeOf<[F4E2M1FN, F6E2M3FN, F6E3M2FN, F8E3M4, F8E4M3, F8E4M3FN, F8E4M3FNUZ,
                                 F8E4M3B11FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0FNU, F16, BF16, F32, F64, TF32],
                                "floating-point number">;
def StableHLO_ComplexPart : AnyTypeOf<[F32, F64], "f32 or f64">;
def StableHLO_Complex : Complex<StableHLO_ComplexPart>;
def StableHLO_Quantized
    : Type<CPred<"::llvm::isa<::mlir::quant::QuantizedType>($_self)">, "quantized integer">;

// Tensors, by what their elements may be.
class StableHLO_TensorOf<list<Type> elements, string what>
    : RankedTensorOf<elements> { let summary = "ranked tensor of " # what; }
def StableHLO_Tensor
    : StableHLO_TensorOf<[StableHLO_Bool, StableHLO_Int, StableHLO_Float, StableHLO_Complex,
                          StableHLO_Quantized], "booleans, integers, floats, complex or quantized numbers">;
def StableHLO_PlainTensor
    : StableHLO_TensorOf<[StableHLO_Bool, StableHLO_Int, StableHLO_Float, StableHLO_Complex],
                         "booleans, integers, floats or complex numbers">;
def StableHLO_PredTensor : StableHLO_TensorOf<[StableHLO_Bool], "booleans">;
def StableHLO_IntTensor : StableHLO_TensorOf<[StableHLO_Int], "integers">;
def StableHLO_LogicTensor : StableHLO_TensorOf<[StableHLO_Bool, StableHLO_Int], "booleans or integers">;
def StableHLO_FloatTensor : StableHLO_TensorOf<[StableHLO_Float], "floats">;
def StableHLO_FloatOrQuantTensor
    : StableHLO_TensorOf<[StableHLO_Float, StableHLO_Quantized], "floats or quantized numbers">;
def StableHLO_FloatOrComplexTensor
    : StableHLO_TensorOf<[StableHLO_Float, StableHLO_Complex], "floats or complex numbers">;
def StableHLO_FpTensor
    : StableHLO_TensorOf<[StableHLO_Float, StableHLO_Complex, StableHLO_Quantized],
                         "floats, complex or quantized numbers">;
def StableHLO_ComplexTensor : StableHLO_TensorOf<[StableHLO_Complex], "complex numbers">;
def StableHLO_PartTensor : StableHLO_TensorOf<[StableHLO_ComplexPart], "f32 or f64">;
def StableHLO_NumberTensor
    : StableHLO_TensorOf<[StableHLO_Int, StableHLO_Float, StableHLO_Complex, StableHLO_Quantized],
                         "integers, floats, complex or quantized numbers">;
def StableHLO_SignedTensor
    : StableHLO_TensorOf<[StableHLO_SInt, StableHLO_Float, StableHLO_Complex, StableHLO_Quantized],
                         "signed integers, floats, complex or quantized numbers">;
def StableHLO_RealTensor
    : StableHLO_TensorOf<[StableHLO_Int, StableHLO_Float, StableHLO_Quantized],
                         "integers, floats or quantized numbers">;
def StableHLO_QuantTensor : StableHLO_TensorOf<[StableHLO_Quantized], "quantized numbers">;
def StableHLO_IndexTensor
    : StableHLO_TensorOf<[StableHLO_Int, Index], "integers or indices">;
def StableHLO_Token : Type<CPred<"::llvm::isa<::mlir::stablehlo::TokenType>($_self)">, "token",
                           "::mlir::stablehlo::TokenType">,
                      BuildableType<"::mlir::stablehlo::TokenType::get($_builder.getContext())">;
def StableHLO_Future : Type<CPred<"::llvm::isa<::mlir::stablehlo::FutureType>($_self)">, "future",
                            "::mlir::stablehlo::FutureType">;
def StableHLO_TensorOrToken : AnyTypeOf<[StableHLO_Tensor, StableHLO_Token], "tensor or token">;
def StableHLO_AnyValue : AnyTypeOf<[StableHLO_Tensor, StableHLO_Token, AnyTuple, AnyMemRef, StableHLO_Future],
                                   "tensor, token, tuple, buffer or future">;

// Traits; Traits.h says what each of them verifies.
class StableHLO_Trait<string name> : NativeOpTrait<name> {
  let cppNamespace = "::mlir::stablehlo::trait";
}
def StableHLO_SameShapes : StableHLO_Trait<"SameShapes">;
def StableHLO_SameElements : StableHLO_Trait<"SameElements">;

#endif // WHERRY_STABLEHLO_BASE
