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
      {"stablehlo.batch_norm_grad", expandBatchNormGrad},
      {"stablehlo.batch_norm_inference", expandBatchNormInference},
      {"stablehlo.batch_norm_training", expandBatchNormTraining},
      {"stablehlo.convolution", expandConvolution},
      {"stablehlo.fft", expandFft},
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
