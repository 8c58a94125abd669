// Expand.cpp: finds the operations that have an expansion; see Expand.h.
#include "compiler/expand/Expand.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// An expansion may use operations that have one themselves; none leads back to itself.
constexpr int maxRounds = 16;

/// By the operation's name; "@..." are targets of custom calls.
const llvm::StringMap<Expansion*>& expansions() {
  static const llvm::StringMap<Expansion*> table{
      {"@AllocateBuffer", expandAllocateBuffer},
      {"@LayoutConstraint", expandIdentityCall},
      {"@MoveToDevice", expandIdentityCall},
      {"@MoveToHost", expandIdentityCall},
      {"@SPMDFullToShardShape", expandIdentityCall},
      {"@SPMDShardToFullShape", expandIdentityCall},
      {"@Sharding", expandIdentityCall},
      {"@annotate_device_placement", expandIdentityCall},
      {"@chlo.top_k", expandTopKCall},
      {"@mhlo.topk", expandTopKCall},
      {"@xla.sdy.FuncResultSharding", expandIdentityCall},
      {"@xla.sdy.GlobalToLocalShape", expandIdentityCall},
      {"@xla.sdy.LocalToGlobalShape", expandIdentityCall},
      {"chlo.broadcast_add", expandBroadcasting},
      {"chlo.broadcast_and", expandBroadcasting},
      {"chlo.broadcast_atan2", expandBroadcasting},
      {"chlo.broadcast_compare", expandBroadcastCompare},
      {"chlo.broadcast_complex", expandBroadcasting},
      {"chlo.broadcast_divide", expandBroadcasting},
      {"chlo.broadcast_maximum", expandBroadcasting},
      {"chlo.broadcast_minimum", expandBroadcasting},
      {"chlo.broadcast_multiply", expandBroadcasting},
      {"chlo.broadcast_next_after", expandBroadcasting},
      {"chlo.broadcast_or", expandBroadcasting},
      {"chlo.broadcast_polygamma", expandBroadcasting},
      {"chlo.broadcast_power", expandBroadcasting},
      {"chlo.broadcast_remainder", expandBroadcasting},
      {"chlo.broadcast_select", expandBroadcastSelect},
      {"chlo.broadcast_shift_left", expandBroadcasting},
      {"chlo.broadcast_shift_right_arithmetic", expandBroadcasting},
      {"chlo.broadcast_shift_right_logical", expandBroadcasting},
      {"chlo.broadcast_subtract", expandBroadcasting},
      {"chlo.broadcast_xor", expandBroadcasting},
      {"chlo.broadcast_zeta", expandBroadcasting},
      {"chlo.constant", expandChloConstant},
      {"chlo.constant_like", expandConstantLike},
      {"chlo.ragged_dot", expandRaggedDot},
      {"chlo.scan", expandScan},
      {"chlo.top_k", expandTopK},
      {"interpreter.probe", expandProbe},
      {"stablehlo.atan2", expandAtan2},
      {"stablehlo.batch_norm_grad", expandBatchNormGrad},
      {"stablehlo.batch_norm_inference", expandBatchNormInference},
      {"stablehlo.batch_norm_training", expandBatchNormTraining},
      {"stablehlo.broadcast", expandBroadcast},
      {"stablehlo.case", expandCase},
      {"stablehlo.cholesky", expandCholesky},
      {"stablehlo.convolution", expandConvolution},
      {"stablehlo.dot", expandDot},
      {"stablehlo.einsum", expandEinsum},
      {"stablehlo.fft", expandFft},
      {"stablehlo.get_dimension_size", expandGetDimensionSize},
      {"stablehlo.if", expandIf},
      {"stablehlo.reduce_window", expandReduceWindow},
      {"stablehlo.rng_bit_generator", expandRngBitGenerator},
      {"stablehlo.select_and_scatter", expandSelectAndScatter},
      {"stablehlo.set_dimension_size", expandSetDimensionSize},
      {"stablehlo.sort", expandSort},
      {"stablehlo.torch_index_select", expandTorchIndexSelect},
      {"stablehlo.triangular_solve", expandTriangularSolve},
      {"stablehlo.unary_einsum", expandUnaryEinsum},
  };
  return table;
}

Expansion* expansionOf(Operation* op) {
  if (auto call = dyn_cast<stablehlo::CustomCallOp>(op))
    if (Expansion* expansion = expansions().lookup(("@" + call.getCallTargetName()).str())) return expansion;
  return expansions().lookup(op->getName().getStringRef());
}

}  // namespace

LogicalResult expandOps(func::FuncOp entry) {
  llvm::SmallPtrSet<Operation*, 8> kept;  // operations that their expansion left as they are
  for (int round = 0; round < maxRounds; ++round) {
    llvm::SmallVector<std::pair<Operation*, Expansion*>> found;
    entry.walk([&](Operation* op) {
      Expansion* expansion = expansionOf(op);
      if (expansion && !kept.contains(op)) found.emplace_back(op, expansion);
    });
    if (found.empty()) return success();
    for (const auto& [op, expansion] : found) {
      Build build(OpBuilder(op), op->getLoc());
      Expanded expanded = expansion(build, op);
      if (failed(expanded)) return failure();
      if (expanded->empty()) {
        kept.insert(op);
        continue;
      }
      op->replaceAllUsesWith(*expanded);
      op->erase();
    }
  }
  return entry.emitError() << "expansion did not come to an end";
}

}  // namespace wherry::compile
