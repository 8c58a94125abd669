// Chlo.td: the chlo dialect: functions that programs may use above stablehlo.
//
// Elementary and special functions, top_k, ragged_dot, scan, and binary operations that broadcast their
// operands implicitly.
#ifndef WHERRY_STABLEHLO_CHLO
#define WHERRY_STABLEHLO_CHLO

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "stablehlo/Base.td"

def CHLO_Dialect : Dialect {
  let name = "chlo";
  let summary = "functions that programs may use above stablehlo";
  let cppNamespace = "::mlir::chlo";
  let dependentDialects = ["::mlir::stablehlo::StableHLODialect"];
  let useDefaultAttributePrinterParser = 1;
}

class CHLO_Enum<string name, string what, list<I32EnumAttrCase> cases> : I32EnumAttr<name, what, cases> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::mlir::chlo";
}
def CHLO_ComparisonDirection : CHLO_Enum<"ComparisonDirection", "which comparison", [
    I32EnumAttrCase<"EQ", 0>, I32EnumAttrCase<"NE", 1>, I32EnumAttrCase<"GE", 2>,
    I32EnumAttrCase<"GT", 3>, I32EnumAttrCase<"LE", 4>, I32EnumAttrCase<"LT", 5>]>;
def CHLO_ComparisonDirectionAttr : EnumAttr<CHLO_Dialect, CHLO_ComparisonDirection, "comparison_direction">;
def CHLO_ComparisonType : CHLO_Enum<"ComparisonType", "how elements are compared", [
    I32EnumAttrCase<"NOTYPE", 0>, I32EnumAttrCase<"FLOAT", 1>, I32EnumAttrCase<"TOTALORDER", 2>,
    I32EnumAttrCase<"SIGNED", 3>, I32EnumAttrCase<"UNSIGNED", 4>]>;
def CHLO_ComparisonTypeAttr : EnumAttr<CHLO_Dialect, CHLO_ComparisonType, "comparison_type">;
def CHLO_Precision : CHLO_Enum<"Precision", "speed against accuracy", [
    I32EnumAttrCase<"DEFAULT", 0>, I32EnumAttrCase<"HIGH", 1>, I32EnumAttrCase<"HIGHEST", 2>]>;
def CHLO_PrecisionAttr : EnumAttr<CHLO_Dialect, CHLO_Precision, "precision">;

def CHLO_RaggedDotDimensionNumbers : AttrDef<CHLO_Dialect, "RaggedDotDimensionNumbers"> {
  let mnemonic = "ragged_dot";
  let summary = "which dimensions ragged_dot pairs, sums and groups";
  let parameters = (ins ArrayRefParameter<"int64_t">:$lhsBatchingDimensions,
                        ArrayRefParameter<"int64_t">:$rhsBatchingDimensions,
                        ArrayRefParameter<"int64_t">:$lhsContractingDimensions,
                        ArrayRefParameter<"int64_t">:$rhsContractingDimensions,
                        ArrayRefParameter<"int64_t">:$lhsRaggedDimensions,
                        ArrayRefParameter<"int64_t">:$rhsGroupDimensions);
  let hasCustomAssemblyFormat = 1;
}

class CHLO_Op<string mnemonic, list<Trait> traits = []> : Op<CHLO_Dialect, mnemonic, traits>;

class CHLO_UnaryOp<string mnemonic, Type type> : CHLO_Op<mnemonic, [Pure, Elementwise, SameOperandsAndResultType]> {
  let arguments = (ins type:$operand);
  let results = (outs type:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
}
def CHLO_AcosOp : CHLO_UnaryOp<"acos", StableHLO_FloatOrComplexTensor>;
def CHLO_AcoshOp : CHLO_UnaryOp<"acosh", StableHLO_FloatOrComplexTensor>;
def CHLO_AsinOp : CHLO_UnaryOp<"asin", StableHLO_FloatOrComplexTensor>;
def CHLO_AsinhOp : CHLO_UnaryOp<"asinh", StableHLO_FloatOrComplexTensor>;
def CHLO_AtanOp : CHLO_UnaryOp<"atan", StableHLO_FloatOrComplexTensor>;
def CHLO_AtanhOp : CHLO_UnaryOp<"atanh", StableHLO_FloatOrComplexTensor>;
def CHLO_BesselI1eOp : CHLO_UnaryOp<"bessel_i1e", StableHLO_FloatTensor>;
def CHLO_ConjOp : CHLO_UnaryOp<"conj", StableHLO_NumberTensor>;
def CHLO_CoshOp : CHLO_UnaryOp<"cosh", StableHLO_FloatOrComplexTensor>;
def CHLO_DigammaOp : CHLO_UnaryOp<"digamma", StableHLO_FloatTensor>;
def CHLO_ErfOp : CHLO_UnaryOp<"erf", StableHLO_FloatTensor>;
def CHLO_ErfInvOp : CHLO_UnaryOp<"erf_inv", StableHLO_FloatTensor>;
def CHLO_ErfcOp : CHLO_UnaryOp<"erfc", StableHLO_FloatTensor>;
def CHLO_LgammaOp : CHLO_UnaryOp<"lgamma", StableHLO_FloatTensor>;
def CHLO_SinhOp : CHLO_UnaryOp<"sinh", StableHLO_FloatOrComplexTensor>;
def CHLO_SquareOp : CHLO_UnaryOp<"square", StableHLO_NumberTensor>;
def CHLO_TanOp : CHLO_UnaryOp<"tan", StableHLO_FloatOrComplexTensor>;

class CHLO_TestOp<string mnemonic> : CHLO_Op<mnemonic, [Pure, StableHLO_SameShapes, Elementwise]> {
  let arguments = (ins StableHLO_FloatTensor:$operand);
  let results = (outs StableHLO_PredTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
}
def CHLO_IsInfOp : CHLO_TestOp<"is_inf">;
def CHLO_IsNegInfOp : CHLO_TestOp<"is_neg_inf">;
def CHLO_IsPosInfOp : CHLO_TestOp<"is_pos_inf">;

class CHLO_BinaryOp<string mnemonic, Type type> : CHLO_Op<mnemonic, [Pure, Elementwise, SameOperandsAndResultType]> {
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}
def CHLO_MulhiOp : CHLO_BinaryOp<"mulhi", StableHLO_IntTensor>;
def CHLO_NextAfterOp : CHLO_BinaryOp<"next_after", StableHLO_FloatTensor>;
def CHLO_PolygammaOp : CHLO_BinaryOp<"polygamma", StableHLO_FloatTensor>;
def CHLO_ZetaOp : CHLO_BinaryOp<"zeta", StableHLO_FloatTensor>;

// Operands of different shapes are broadcast; `broadcast_dimensions` places the one of smaller rank.
class CHLO_BroadcastOp<string mnemonic, Type operandType, Type resultType = operandType> : CHLO_Op<mnemonic, [Pure]> {
  let arguments = (ins operandType:$lhs, operandType:$rhs, OptionalAttr<DenseI64ArrayAttr>:$broadcast_dimensions);
  let results = (outs resultType:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}
def CHLO_BroadcastAddOp : CHLO_BroadcastOp<"broadcast_add", StableHLO_Tensor>;
def CHLO_BroadcastAndOp : CHLO_BroadcastOp<"broadcast_and", StableHLO_LogicTensor>;
def CHLO_BroadcastAtan2Op : CHLO_BroadcastOp<"broadcast_atan2", StableHLO_Tensor>;
def CHLO_BroadcastComplexOp : CHLO_BroadcastOp<"broadcast_complex", StableHLO_PartTensor, StableHLO_ComplexTensor>;
def CHLO_BroadcastDivOp : CHLO_BroadcastOp<"broadcast_divide", StableHLO_Tensor>;
def CHLO_BroadcastMaxOp : CHLO_BroadcastOp<"broadcast_maximum", StableHLO_Tensor>;
def CHLO_BroadcastMinOp : CHLO_BroadcastOp<"broadcast_minimum", StableHLO_Tensor>;
def CHLO_BroadcastMulOp : CHLO_BroadcastOp<"broadcast_multiply", StableHLO_Tensor>;
def CHLO_BroadcastNextAfterOp : CHLO_BroadcastOp<"broadcast_next_after", StableHLO_FloatTensor>;
def CHLO_BroadcastOrOp : CHLO_BroadcastOp<"broadcast_or", StableHLO_LogicTensor>;
def CHLO_BroadcastPolygammaOp : CHLO_BroadcastOp<"broadcast_polygamma", StableHLO_FloatTensor>;
def CHLO_BroadcastPowOp : CHLO_BroadcastOp<"broadcast_power", StableHLO_Tensor>;
def CHLO_BroadcastRemOp : CHLO_BroadcastOp<"broadcast_remainder", StableHLO_Tensor>;
def CHLO_BroadcastShiftLeftOp : CHLO_BroadcastOp<"broadcast_shift_left", StableHLO_IntTensor>;
def CHLO_BroadcastShiftRightArithmeticOp
    : CHLO_BroadcastOp<"broadcast_shift_right_arithmetic", StableHLO_IntTensor>;
def CHLO_BroadcastShiftRightLogicalOp : CHLO_BroadcastOp<"broadcast_shift_right_logical", StableHLO_IntTensor>;
def CHLO_BroadcastSubOp : CHLO_BroadcastOp<"broadcast_subtract", StableHLO_Tensor>;
def CHLO_BroadcastXorOp : CHLO_BroadcastOp<"broadcast_xor", StableHLO_LogicTensor>;
def CHLO_BroadcastZetaOp : CHLO_BroadcastOp<"broadcast_zeta", StableHLO_FloatTensor>;

def CHLO_BroadcastCompareOp : CHLO_Op<"broadcast_compare", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$lhs, StableHLO_Tensor:$rhs,
                       OptionalAttr<DenseI64ArrayAttr>:$broadcast_dimensions,
                       CHLO_ComparisonDirectionAttr:$comparison_direction,
                       OptionalAttr<CHLO_ComparisonTypeAttr>:$compare_type);
  let results = (outs StableHLO_PredTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}
def CHLO_BroadcastSelectOp : CHLO_Op<"broadcast_select", [Pure]> {
  let arguments = (ins StableHLO_PredTensor:$pred, StableHLO_Tensor:$on_true, StableHLO_Tensor:$on_false);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = "$pred `,` $on_true `,` $on_false attr-dict `:` functional-type(operands, results)";
}

def CHLO_ConstantOp : CHLO_Op<"constant", [Pure, AllTypesMatch<["value", "output"]>]> {
  let arguments = (ins ElementsAttr:$value);
  let results = (outs StableHLO_Tensor:$output);
  let assemblyFormat = "attr-dict $value";
}
def CHLO_ConstantLikeOp : CHLO_Op<"constant_like", [Pure, StableHLO_SameShapes]> {
  let arguments = (ins StableHLO_Tensor:$operand, TypedAttrInterface:$value);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
}

def CHLO_TopKOp : CHLO_Op<"top_k", [Pure]> {
  let arguments = (ins StableHLO_PlainTensor:$operand, I64Attr:$k);
  let results = (outs StableHLO_PlainTensor:$values, RankedTensorOf<[I32]>:$indices);
  let hasVerifier = 1;
  let assemblyFormat = [{
    `(` $operand `,` `k` `=` $k `)` attr-dict `:` type($operand) `->` `(` type($values) `,` type($indices) `)`
  }];
}

def CHLO_RaggedDotOp : CHLO_Op<"ragged_dot", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$lhs, StableHLO_Tensor:$rhs, StableHLO_IntTensor:$group_sizes,
                       CHLO_RaggedDotDimensionNumbers:$ragged_dot_dimension_numbers,
                       OptionalAttr<TypedArrayAttrBase<CHLO_PrecisionAttr, "list of precisions">>:$precision_config);
  let results = (outs StableHLO_Tensor:$result);
}

def CHLO_ScanOp : CHLO_Op<"scan", [AttrSizedOperandSegments, AttrSizedResultSegments, RecursiveMemoryEffects,
                                   SingleBlock]> {
  let arguments = (ins Variadic<StableHLO_PlainTensor>:$inputs, Variadic<StableHLO_PlainTensor>:$inits,
                       I64Attr:$dimension, DefaultValuedOptionalAttr<BoolAttr, "false">:$is_reverse,
                       OptionalAttr<BoolAttr>:$is_associative, OptionalAttr<I64Attr>:$scan_dim_size);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<StableHLO_PlainTensor>:$outputs, Variadic<StableHLO_PlainTensor>:$carries);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
}

#endif // WHERRY_STABLEHLO_CHLO
