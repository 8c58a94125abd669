// Simplify.cpp: runs the rewrite patterns and shares equal operations.
#include "compiler/OpModel.h"
#include "compiler/passes/Passes.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

LogicalResult simplify(func::FuncOp entry) {
  RewritePatternSet set(entry.getContext());
  populateIdentityPatterns(set);
  populateMovementPatterns(set);
  populateFoldPatterns(set);
  populateControlPatterns(set);
  populateDotPatterns(set);
  const FrozenRewritePatternSet patterns(std::move(set));
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(true)
      .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled)
      .enableConstantCSE(false);
  IRRewriter rewriter(entry.getContext());
  // Sharing makes more patterns match (a dot's only use), and they make more operations equal.
  for (int round = 0; round < 4; ++round) {
    bool changed = false, shared = false;
    if (failed(applyPatternsGreedily(entry, patterns, config, &changed)))
      return entry.emitError() << "simplification did not come to an end";
    if (round > 0 && !changed) break;
    DominanceInfo dominance(entry);
    eliminateCommonSubExpressions(rewriter, dominance, entry, &shared);
    if (!shared) break;
  }
  return success();
}

void sinkConstants(func::FuncOp entry) {
  entry.walk([](Operation* op) {
    if (op->getNumRegions() == 0 || isa<stablehlo::WhileOp, stablehlo::CaseOp, func::FuncOp>(op)) return;
    for (Region& region : op->getRegions()) {
      llvm::DenseMap<Operation*, Value> copies;
      OpBuilder builder = OpBuilder::atBlockBegin(&region.front());
      region.walk([&](Operation* nested) {
        for (OpOperand& operand : nested->getOpOperands()) {
          Operation* constant = operand.get().getDefiningOp<stablehlo::ConstantOp>();
          // Others are read from memory, as whatever else a region uses from outside.
          if (!isSplatConstant(constant) || region.isAncestor(constant->getParentRegion())) continue;
          Value& copy = copies[constant];
          if (!copy) copy = builder.clone(*constant)->getResult(0);
          operand.set(copy);
        }
      });
    }
  });
}

}  // namespace wherry::compile
