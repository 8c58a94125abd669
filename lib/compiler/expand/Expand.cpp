// Expand.cpp: finds the operations that have an expansion; see Expand.h.
#include "compiler/expand/Expand.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// An expansion may use operations that have one themselves; none leads back to itself.
constexpr int maxRounds = 16;

const llvm::StringMap<Expansion*>& expansions() {
  static const llvm::StringMap<Expansion*> table{
      {"stablehlo.atan2", expandAtan2},
      {"stablehlo.batch_norm_grad", expandBatchNormGrad},
      {"stablehlo.batch_norm_inference", expandBatchNormInference},
      {"stablehlo.batch_norm_training", expandBatchNormTraining},
      {"chlo.broadcast_compare", expandBroadcastCompare},
      {"chlo.broadcast_select", expandBroadcastSelect},
      {"chlo.constant", expandChloConstant},
      {"chlo.constant_like", expandConstantLike},
      {"chlo.ragged_dot", expandRaggedDot},
      {"chlo.broadcast_add", expandBroadcasting},
      {"chlo.broadcast_and", expandBroadcasting},
      {"chlo.broadcast_atan2", expandBroadcasting},
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
      {"chlo.broadcast_shift_left", expandBroadcasting},
      {"chlo.broadcast_shift_right_arithmetic", expandBroadcasting},
      {"chlo.broadcast_shift_right_logical", expandBroadcasting},
      {"chlo.broadcast_subtract", expandBroadcasting},
      {"chlo.broadcast_xor", expandBroadcasting},
      {"chlo.broadcast_zeta", expandBroadcasting},
      {"stablehlo.reduce_window", expandReduceWindow},
      {"stablehlo.select_and_scatter", expandSelectAndScatter},
      {"stablehlo.custom_call", expandCustomCall},
      {"stablehlo.sort", expandSort},
      {"chlo.top_k", expandTopK},
  };
  return table;
}

}  // namespace

LogicalResult expandOps(func::FuncOp entry) {
  llvm::SmallPtrSet<Operation*, 8> kept;  // operations that their expansion left as they are
  for (int round = 0; round < maxRounds; ++round) {
    llvm::SmallVector<std::pair<Operation*, Expansion*>> found;
    entry.walk([&](Operation* op) {
      const auto it = expansions().find(op->getName().getStringRef());
      if (it != expansions().end() && !kept.contains(op)) found.emplace_back(op, it->second);
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
