// Branch.cpp: branches inside the regions of reductions and the like, as choices.
//
// Such a region becomes a part of a kernel, which computes values for several elements at once. There every
// branch is computed, and each element takes the results of its own: operations have no effects that this
// could show.
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Values = llvm::SmallVector<Value>;

/// True for branches that the plan takes: in the function itself, in loops and in other branches.
bool isTakenByPlan(Operation* op) {
  for (Operation* parent = op->getParentOp(); parent; parent = parent->getParentOp()) {
    if (isa<func::FuncOp>(parent)) return true;
    if (!isa<stablehlo::WhileOp, stablehlo::CaseOp, stablehlo::IfOp>(parent)) return false;
  }
  return true;
}

/// Moves the operations of a branch before `op`; returns its results.
Values moved(Region& branch, Operation* op) {
  Block& block = branch.front();
  Operation* end = block.getTerminator();
  Values results(end->getOperands());
  end->erase();
  op->getBlock()->getOperations().splice(Block::iterator(op), block.getOperations());
  return results;
}

}  // namespace

Expanded expandIf(Build& build, Operation* operation) {
  if (isTakenByPlan(operation) || operation->getNumResults() == 0) return Expanded(Values());
  auto op = cast<stablehlo::IfOp>(operation);
  const Values yes = moved(op.getTrueBranch(), op), no = moved(op.getFalseBranch(), op);
  Values results;
  for (const auto [a, b] : llvm::zip(yes, no)) results.push_back(build.select(op.getPred(), a, b));
  return Expanded(results);
}

Expanded expandCase(Build& build, Operation* operation) {
  if (isTakenByPlan(operation) || operation->getNumResults() == 0) return Expanded(Values());
  auto op = cast<stablehlo::CaseOp>(operation);
  Values results;
  // An index that names no branch takes the last one.
  for (size_t i = op->getNumRegions(); i-- > 0;) {
    const Values own = moved(op->getRegion(static_cast<unsigned>(i)), op);
    if (results.empty()) {
      results = own;
      continue;
    }
    const Value isOwn = build.compare(stablehlo::ComparisonDirection::EQ, op.getIndex(),
                                      build.splatLike(op.getIndex(), static_cast<double>(i)));
    for (auto [result, value] : llvm::zip(results, own)) result = build.select(isOwn, value, result);
  }
  return Expanded(results);
}

}  // namespace wherry::compile
