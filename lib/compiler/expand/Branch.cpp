// Branch.cpp: branches inside the regions of reductions and the like, as choices.
//
// Such a region becomes a part of a kernel, which computes values for several elements at once. There every
// branch is computed, and each element takes the results of its own: operations have no effects that this
// could show.
#include "compiler/expand/Expand.h"
#include "stablehlo/Chlo.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Values = llvm::SmallVector<Value>;

/// True for branches that the plan takes: in the function itself, in loops, scans and other branches.
bool isTakenByPlan(Operation* op) {
  for (Operation* parent = op->getParentOp(); parent; parent = parent->getParentOp()) {
    if (isa<func::FuncOp>(parent)) return true;
    if (!isa<stablehlo::WhileOp, stablehlo::CaseOp, stablehlo::IfOp, chlo::ScanOp>(parent)) return false;
  }
  return true;
}

/// Moves the operations of a branch, which is taken where `condition` holds, before `op`; returns its
/// results.
Values moved(Region& branch, Operation* op, llvm::function_ref<Value()> condition) {
  Block& block = branch.front();
  // A loop of a branch that is not taken might never end.
  branch.walk<WalkOrder::PreOrder>([&](stablehlo::WhileOp loop) {
    const Value isTaken = condition();
    Operation* end = loop.getCond().front().getTerminator();
    OpBuilder builder(end);
    end->setOperand(0, stablehlo::AndOp::create(builder, loop.getLoc(), isTaken, end->getOperand(0)));
    return WalkResult::skip();
  });
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
  const Value pred = op.getPred();
  const Values yes = moved(op.getTrueBranch(), op, [&] { return pred; }),
               no = moved(op.getFalseBranch(), op, [&] { return build.unary<stablehlo::NotOp>(pred); });
  Values results;
  for (const auto [a, b] : llvm::zip(yes, no)) results.push_back(build.select(pred, a, b));
  return Expanded(results);
}

Expanded expandCase(Build& build, Operation* operation) {
  if (isTakenByPlan(operation) || operation->getNumResults() == 0) return Expanded(Values());
  auto op = cast<stablehlo::CaseOp>(operation);
  // An index that names no branch takes the last one.
  const auto count = static_cast<unsigned>(op->getNumRegions());
  Values isOwn;
  for (unsigned i = 0; i + 1 < count; ++i)
    isOwn.push_back(build.compare(stablehlo::ComparisonDirection::EQ, op.getIndex(),
                                  build.splatLike(op.getIndex(), static_cast<double>(i))));
  Values results = moved(op->getRegion(count - 1), op, [&] {
    Value isLast = build.scalar(build.b.getI1Type(), 1);
    for (const Value other : isOwn) isLast = build.logicalAnd(isLast, build.unary<stablehlo::NotOp>(other));
    return isLast;
  });
  for (unsigned i = count - 1; i-- > 0;)
    for (auto [result, value] : llvm::zip(results, moved(op->getRegion(i), op, [&] { return isOwn[i]; })))
      result = build.select(isOwn[i], value, result);
  return Expanded(results);
}

}  // namespace wherry::compile
