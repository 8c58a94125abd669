// Elementwise.td: operations that compute every element of their result from one element of each operand.
#ifndef WHERRY_STABLEHLO_ELEMENTWISE
#define WHERRY_STABLEHLO_ELEMENTWISE

include "stablehlo/OpBase.td"

def StableHLO_AbsOp : StableHLO_UnaryOp<"abs", StableHLO_SignedTensor, StableHLO_RealTensor>;
def StableHLO_CbrtOp : StableHLO_UnaryAccuracyOp<"cbrt">;
def StableHLO_CeilOp : StableHLO_UnaryOp<"ceil", StableHLO_FloatOrQuantTensor, StableHLO_FloatOrQuantTensor,
                                         [StableHLO_SameElements]>;
def StableHLO_ClzOp : StableHLO_UnaryOp<"count_leading_zeros", StableHLO_IntTensor, StableHLO_IntTensor,
                                        [StableHLO_SameElements]>;
def StableHLO_CosineOp : StableHLO_UnaryAccuracyOp<"cosine">;
def StableHLO_ExpOp : StableHLO_UnaryAccuracyOp<"exponential">;
def StableHLO_Expm1Op : StableHLO_UnaryAccuracyOp<"exponential_minus_one">;
def StableHLO_FloorOp : StableHLO_UnaryOp<"floor", StableHLO_FloatOrQuantTensor, StableHLO_FloatOrQuantTensor,
                                          [StableHLO_SameElements]>;
def StableHLO_LogOp : StableHLO_UnaryAccuracyOp<"log">;
def StableHLO_Log1pOp : StableHLO_UnaryAccuracyOp<"log_plus_one">;
def StableHLO_LogisticOp : StableHLO_UnaryAccuracyOp<"logistic">;
def StableHLO_NegOp : StableHLO_UnaryOp<"negate", StableHLO_NumberTensor, StableHLO_NumberTensor,
                                        [StableHLO_SameElements]>;
def StableHLO_NotOp : StableHLO_UnaryOp<"not", StableHLO_LogicTensor, StableHLO_LogicTensor,
                                        [StableHLO_SameElements]>;
def StableHLO_PopulationCountOp : StableHLO_UnaryOp<"popcnt", StableHLO_IntTensor, StableHLO_IntTensor,
                                                    [StableHLO_SameElements]>;
def StableHLO_RoundOp : StableHLO_UnaryOp<"round_nearest_afz", StableHLO_FloatOrQuantTensor,
                                          StableHLO_FloatOrQuantTensor, [StableHLO_SameElements]>;
def StableHLO_RoundNearestEvenOp : StableHLO_UnaryOp<"round_nearest_even", StableHLO_FloatOrQuantTensor,
                                                     StableHLO_FloatOrQuantTensor, [StableHLO_SameElements]>;
def StableHLO_RsqrtOp : StableHLO_UnaryAccuracyOp<"rsqrt">;
def StableHLO_SignOp : StableHLO_UnaryOp<"sign", StableHLO_SignedTensor, StableHLO_SignedTensor,
                                         [StableHLO_SameElements]>;
def StableHLO_SineOp : StableHLO_UnaryAccuracyOp<"sine">;
def StableHLO_SqrtOp : StableHLO_UnaryAccuracyOp<"sqrt">;
def StableHLO_TanOp : StableHLO_UnaryAccuracyOp<"tan">;
def StableHLO_TanhOp : StableHLO_UnaryAccuracyOp<"tanh">;

def StableHLO_ConvertOp : StableHLO_Op<"convert", [Pure, StableHLO_SameShapes, Elementwise]> {
  let arguments = (ins StableHLO_Tensor:$operand);
  let results = (outs StableHLO_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "::mlir::Type":$elementType)>];
  let assemblyFormat = "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))";
}
def StableHLO_RealOp : StableHLO_UnaryOp<"real", StableHLO_FloatOrComplexTensor, StableHLO_FloatTensor>;
def StableHLO_ImagOp : StableHLO_UnaryOp<"imag", StableHLO_FloatOrComplexTensor, StableHLO_FloatTensor>;
def StableHLO_IsFiniteOp : StableHLO_UnaryOp<"is_finite", StableHLO_FloatOrQuantTensor, StableHLO_PredTensor> {
  let arguments = (ins StableHLO_FloatOrQuantTensor:$x);
  let results = (outs StableHLO_PredTensor:$y);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}

def StableHLO_AddOp : StableHLO_BinaryOp<"add", StableHLO_Tensor, [Commutative]>;
def StableHLO_AndOp : StableHLO_BinaryOp<"and", StableHLO_LogicTensor, [Commutative]>;
def StableHLO_Atan2Op : StableHLO_BinaryOp<"atan2", StableHLO_FpTensor>;
def StableHLO_DivOp : StableHLO_BinaryOp<"divide", StableHLO_NumberTensor>;
def StableHLO_MaxOp : StableHLO_BinaryOp<"maximum", StableHLO_Tensor, [Commutative]>;
def StableHLO_MinOp : StableHLO_BinaryOp<"minimum", StableHLO_Tensor, [Commutative]>;
def StableHLO_MulOp : StableHLO_BinaryOp<"multiply", StableHLO_Tensor, [Commutative]>;
def StableHLO_OrOp : StableHLO_BinaryOp<"or", StableHLO_LogicTensor, [Commutative]>;
def StableHLO_PowOp : StableHLO_BinaryOp<"power", StableHLO_NumberTensor>;
def StableHLO_RemOp : StableHLO_BinaryOp<"remainder", StableHLO_NumberTensor>;
def StableHLO_ShiftLeftOp : StableHLO_BinaryOp<"shift_left", StableHLO_IntTensor>;
def StableHLO_ShiftRightArithmeticOp : StableHLO_BinaryOp<"shift_right_arithmetic", StableHLO_IntTensor>;
def StableHLO_ShiftRightLogicalOp : StableHLO_BinaryOp<"shift_right_logical", StableHLO_IntTensor>;
def StableHLO_SubtractOp : StableHLO_BinaryOp<"subtract", StableHLO_NumberTensor>;
def StableHLO_XorOp : StableHLO_BinaryOp<"xor", StableHLO_LogicTensor, [Commutative]>;

def StableHLO_ComplexOp
    : StableHLO_InferredOp<"complex", [Pure, StableHLO_SameShapes, Elementwise]> {
  let arguments = (ins StableHLO_PartTensor:$lhs, StableHLO_PartTensor:$rhs);
  let results = (outs StableHLO_ComplexTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` custom<ComplexType>(type($lhs), type($rhs), type($result))
  }];
}

def StableHLO_CompareOp : StableHLO_InferredOp<"compare", [Pure, StableHLO_SameShapes, Elementwise]> {
  let arguments = (ins StableHLO_Tensor:$lhs, StableHLO_Tensor:$rhs,
                       StableHLO_ComparisonDirectionAttr:$comparison_direction,
                       OptionalAttr<StableHLO_ComparisonTypeAttr>:$compare_type);
  let results = (outs StableHLO_PredTensor:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $comparison_direction `,` $lhs `,` $rhs (`,` $compare_type^)? attr-dict `:` functional-type(operands, results)
  }];
}

def StableHLO_SelectOp : StableHLO_InferredOp<"select", [Pure]> {
  let arguments = (ins StableHLO_PredTensor:$pred, StableHLO_Tensor:$on_true, StableHLO_Tensor:$on_false);
  let results = (outs StableHLO_Tensor:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    operands attr-dict `:` custom<SelectType>(type($pred), type($on_true), type($on_false), type($result))
  }];
}

def StableHLO_ClampOp : StableHLO_InferredOp<"clamp", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$min, StableHLO_Tensor:$operand, StableHLO_Tensor:$max);
  let results = (outs StableHLO_Tensor:$result);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $min `,` $operand `,` $max attr-dict
      `:` custom<SameOperandsAndResultType>(type($min), type($operand), type($max), type($result))
  }];
}

def StableHLO_BitcastConvertOp : StableHLO_Op<"bitcast_convert", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand);
  let results = (outs StableHLO_Tensor:$result);
  let hasVerifier = 1;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def StableHLO_ReducePrecisionOp
    : StableHLO_InferredOp<"reduce_precision", [Pure, StableHLO_SameShapes, StableHLO_SameElements, Elementwise]> {
  let arguments = (ins StableHLO_FloatOrQuantTensor:$operand, I32Attr:$exponent_bits, I32Attr:$mantissa_bits);
  let results = (outs StableHLO_FloatOrQuantTensor:$output);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $operand `,` `format` `=` custom<ExponentMantissa>($exponent_bits, $mantissa_bits) attr-dict
      `:` custom<SameOperandsAndResultType>(type($operand), type($output))
  }];
}

def StableHLO_MapOp
    : StableHLO_Op<"map", [RecursiveMemoryEffects, SingleBlock, StableHLO_SameShapes]> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$inputs, DenseI64ArrayAttr:$dimensions);
  let regions = (region SizedRegion<1>:$computation);
  let results = (outs StableHLO_Tensor:$result);
  let hasRegionVerifier = 1;
}

def StableHLO_ConstantOp : StableHLO_Op<"constant", [Pure, ConstantLike]> {
  let arguments = (ins ElementsAttr:$value);
  let results = (outs StableHLO_Tensor:$output);
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value)>];
  let hasVerifier = 1;
  let hasCustomAssemblyFormat = 1;
  let hasFolder = 1;
}

def StableHLO_UniformQuantizeOp : StableHLO_Op<"uniform_quantize", [Pure, StableHLO_SameShapes, Elementwise]> {
  let arguments = (ins StableHLO_FloatOrQuantTensor:$operand);
  let results = (outs StableHLO_QuantTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` custom<SameOperandsAndResultType>(type($operand), type($result))";
}
def StableHLO_UniformDequantizeOp : StableHLO_UnaryOp<"uniform_dequantize", StableHLO_QuantTensor,
                                                      StableHLO_FloatTensor>;

#endif // WHERRY_STABLEHLO_ELEMENTWISE
