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
      {"@xla.sdy.FuncResultSharding", expandIdentityCall},
      {"@xla.sdy.GlobalToLocalShape", expandIdentityCall},
      {"@xla.sdy.LocalToGlobalShape", expandIdentityCall},
      {"interpreter.probe", expandProbe},
      {"stablehlo.batch_norm_grad", expandBatchNormGrad},
      {"stablehlo.batch_norm_inference", expandBatchNormInference},
      {"stablehlo.batch_norm_training", expandBatchNormTraining},
      {"stablehlo.broadcast", expandBroadcast},
      {"stablehlo.case", expandCase},
      {"stablehlo.cholesky", expandCholesky},
      {"stablehlo.dot", expandDot},
      {"stablehlo.einsum", expandEinsum},
      {"stablehlo.get_dimension_size", expandGetDimensionSize},
      {"stablehlo.if", expandIf},
      {"stablehlo.rng_bit_generator", expandRngBitGenerator},
      {"stablehlo.set_dimension_size", expandSetDimensionSize},
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
