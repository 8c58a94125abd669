// Dynamism.td: operations whose result shape is computed by the program.
#ifndef WHERRY_STABLEHLO_DYNAMISM
#define WHERRY_STABLEHLO_DYNAMISM

include "stablehlo/OpBase.td"

def StableHLO_DynamicBroadcastInDimOp : StableHLO_Op<"dynamic_broadcast_in_dim", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, StableHLO_IndexTensor:$output_dimensions,
                       DenseI64ArrayAttr:$broadcast_dimensions,
                       OptionalAttr<DenseI64ArrayAttr>:$known_expanding_dimensions,
                       OptionalAttr<DenseI64ArrayAttr>:$known_nonexpanding_dimensions);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = [{
    $operand `,` $output_dimensions `,` `dims` `=` $broadcast_dimensions attr-dict
      `:` functional-type(operands, results)
  }];
}
def StableHLO_DynamicGatherOp : StableHLO_Op<"dynamic_gather", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, StableHLO_IntTensor:$start_indices, StableHLO_IntTensor:$slice_sizes,
                       StableHLO_GatherDimensionNumbers:$dimension_numbers, StableHLO_SortedFlag:$indices_are_sorted);
  let results = (outs StableHLO_Tensor:$result);
}
def StableHLO_DynamicIotaOp : StableHLO_Op<"dynamic_iota", [Pure]> {
  let arguments = (ins StableHLO_IndexTensor:$output_shape, I64Attr:$iota_dimension);
  let results = (outs StableHLO_NumberTensor:$result);
  let assemblyFormat = [{
    $output_shape `,` `dim` `=` custom<PlainInt>($iota_dimension) attr-dict `:` functional-type(operands, results)
  }];
}
def StableHLO_DynamicPadOp : StableHLO_Op<"dynamic_pad", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, StableHLO_Tensor:$padding_value,
                       StableHLO_IndexTensor:$edge_padding_low, StableHLO_IndexTensor:$edge_padding_high,
                       StableHLO_IndexTensor:$interior_padding);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def StableHLO_DynamicReshapeOp : StableHLO_Op<"dynamic_reshape", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, StableHLO_IndexTensor:$output_shape);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def StableHLO_RealDynamicSliceOp : StableHLO_Op<"real_dynamic_slice", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, StableHLO_IndexTensor:$start_indices,
                       StableHLO_IndexTensor:$limit_indices, StableHLO_IndexTensor:$strides);
  let results = (outs StableHLO_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}
def StableHLO_GetDimensionSizeOp : StableHLO_InferredOp<"get_dimension_size", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, I64Attr:$dimension);
  let results = (outs RankedTensorOf<[I32]>);
  let assemblyFormat = [{
    $operand `,` `dim` `=` custom<PlainInt>($dimension) attr-dict `:` functional-type(operands, results)
  }];
}
def StableHLO_SetDimensionSizeOp : StableHLO_Op<"set_dimension_size", [Pure]> {
  let arguments = (ins StableHLO_Tensor:$operand, RankedTensorOf<[I32]>:$size, I64Attr:$dimension);
  let results = (outs StableHLO_Tensor);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $operand `,` $size `,` `dim` `=` custom<PlainInt>($dimension) attr-dict `:` functional-type(operands, results)
  }];
}

#endif // WHERRY_STABLEHLO_DYNAMISM
