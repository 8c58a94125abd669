// Distribution.td: operations between processes, and with the host.
#ifndef WHERRY_STABLEHLO_DISTRIBUTION
#define WHERRY_STABLEHLO_DISTRIBUTION

include "stablehlo/OpBase.td"

def StableHLO_AllGatherOp : StableHLO_Op<"all_gather"> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$operands, I64Attr:$all_gather_dim,
                       StableHLO_ReplicaGroups:$replica_groups, OptionalAttr<StableHLO_ChannelHandle>:$channel_handle,
                       UnitAttr:$use_global_device_ids);
  let results = (outs Variadic<StableHLO_Tensor>);
}
def StableHLO_AllReduceOp : StableHLO_Op<"all_reduce", [SingleBlock]> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$operands, StableHLO_ReplicaGroups:$replica_groups,
                       OptionalAttr<StableHLO_ChannelHandle>:$channel_handle, UnitAttr:$use_global_device_ids);
  let regions = (region SizedRegion<1>:$computation);
  let results = (outs Variadic<StableHLO_Tensor>);
  let hasRegionVerifier = 1;
}
def StableHLO_ReduceScatterOp : StableHLO_Op<"reduce_scatter", [SingleBlock]> {
  let arguments = (ins StableHLO_Tensor:$operand, I64Attr:$scatter_dimension, StableHLO_ReplicaGroups:$replica_groups,
                       OptionalAttr<StableHLO_ChannelHandle>:$channel_handle, UnitAttr:$use_global_device_ids);
  let regions = (region SizedRegion<1>:$computation);
  let results = (outs StableHLO_Tensor);
  let hasRegionVerifier = 1;
}
def StableHLO_AllToAllOp : StableHLO_Op<"all_to_all"> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$operands, I64Attr:$split_dimension, I64Attr:$concat_dimension,
                       I64Attr:$split_count, StableHLO_ReplicaGroups:$replica_groups,
                       OptionalAttr<StableHLO_ChannelHandle>:$channel_handle);
  let results = (outs Variadic<StableHLO_Tensor>);
}
def StableHLO_CollectiveBroadcastOp : StableHLO_Op<"collective_broadcast"> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$operands, StableHLO_ReplicaGroups:$replica_groups,
                       OptionalAttr<StableHLO_ChannelHandle>:$channel_handle, UnitAttr:$has_dynamic_root);
  let results = (outs StableHLO_Tensor);
}
def StableHLO_CollectivePermuteOp : StableHLO_Op<"collective_permute"> {
  let arguments = (ins StableHLO_Tensor:$operand, I64ElementsAttr:$source_target_pairs,
                       OptionalAttr<StableHLO_ChannelHandle>:$channel_handle);
  let results = (outs StableHLO_Tensor);
}
def StableHLO_CollectiveReduceOp : StableHLO_Op<"collective_reduce", [SingleBlock]> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$operands, StableHLO_ReplicaGroups:$replica_groups,
                       OptionalAttr<StableHLO_ChannelHandle>:$channel_handle, UnitAttr:$use_global_device_ids,
                       UnitAttr:$has_dynamic_root);
  let regions = (region SizedRegion<1>:$computation);
  let results = (outs Variadic<StableHLO_Tensor>);
  let hasRegionVerifier = 1;
}
def StableHLO_CrossReplicaSumOp : StableHLO_Op<"cross-replica-sum"> {
  let arguments = (ins StableHLO_Tensor:$operand, I64ElementsAttr:$replica_groups);
  let results = (outs StableHLO_Tensor);
  let assemblyFormat = [{
    $operand `,` `replica_groups` `=` $replica_groups attr-dict `:` functional-type(operands, results)
  }];
}

def StableHLO_ReplicaIdOp : StableHLO_InferredOp<"replica_id", [Pure]> {
  let results = (outs RankedTensorOf<[UI32]>);
  let assemblyFormat = "attr-dict `:` type(results)";
}
def StableHLO_PartitionIdOp : StableHLO_InferredOp<"partition_id", [Pure]> {
  let results = (outs RankedTensorOf<[UI32]>);
  let assemblyFormat = "attr-dict `:` type(results)";
}

def StableHLO_AsyncStartOp : StableHLO_Op<"async_start"> {
  let arguments = (ins Variadic<StableHLO_AnyValue>:$inputs);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs StableHLO_Future:$result);
}
def StableHLO_AsyncDoneOp : StableHLO_Op<"async_done"> {
  let arguments = (ins StableHLO_Future:$operand);
  let results = (outs Variadic<StableHLO_AnyValue>);
}

def StableHLO_InfeedOp : StableHLO_Op<"infeed"> {
  let arguments = (ins StableHLO_Token:$token, DefaultValuedOptionalAttr<StrAttr, "\"\"">:$infeed_config,
                       OptionalAttr<ArrayAttr>:$layout);
  let results = (outs Variadic<StableHLO_TensorOrToken>);
}
def StableHLO_OutfeedOp : StableHLO_Op<"outfeed"> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$inputs, StableHLO_Token:$token,
                       DefaultValuedOptionalAttr<StrAttr, "\"\"">:$outfeed_config);
  let results = (outs StableHLO_Token);
}
def StableHLO_SendOp : StableHLO_Op<"send"> {
  let arguments = (ins Variadic<StableHLO_Tensor>:$inputs, StableHLO_Token:$token,
                       StableHLO_ChannelHandle:$channel_handle,
                       DefaultValuedOptionalAttr<BoolAttr, "false">:$is_host_transfer,
                       OptionalAttr<I64ElementsAttr>:$source_target_pairs);
  let results = (outs StableHLO_Token);
}
def StableHLO_RecvOp : StableHLO_Op<"recv"> {
  let arguments = (ins StableHLO_Token:$token, StableHLO_ChannelHandle:$channel_handle,
                       DefaultValuedOptionalAttr<BoolAttr, "false">:$is_host_transfer,
                       OptionalAttr<I64ElementsAttr>:$source_target_pairs);
  let results = (outs Variadic<StableHLO_TensorOrToken>);
}

#endif // WHERRY_STABLEHLO_DISTRIBUTION
