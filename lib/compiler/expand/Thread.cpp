// Thread.cpp: see Thread.h.
#include "compiler/expand/Thread.h"

#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

bool isUsedIn(Region& region, const Thread& thread) {
  return region
      .walk([&](Operation* op) { return thread.uses(op) ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}

/// Rebuilds a loop or branch with the state among what it carries and returns.
LogicalResult threadRegions(Operation* op, ThreadedState& state, const Thread& thread) {
  const bool isLoop = isa<stablehlo::WhileOp>(op);
  if (isLoop && isUsedIn(op->getRegion(0), thread))
    return op->emitError() << "a probe or random numbers inside the condition of a loop are not supported";
  for (Region& region : op->getRegions()) {
    Block& block = region.front();
    ThreadedState inner = state;
    if (isLoop) {
      inner.clear();
      for (const Value value : state) inner.push_back(block.addArgument(value.getType(), op->getLoc()));
      if (region.getRegionNumber() == 0) continue;
    }
    if (failed(threadState(block, inner, thread))) return failure();
    Operation* end = block.getTerminator();
    end->insertOperands(end->getNumOperands(), inner);
  }
  OperationState wider(op->getLoc(), op->getName());
  wider.addOperands(op->getOperands());
  if (isLoop) wider.addOperands(state);
  wider.addTypes(op->getResultTypes());
  wider.addTypes(ValueRange(state).getTypes());
  wider.addAttributes(op->getAttrs());
  for (Region& region : op->getRegions()) wider.addRegion()->takeBody(region);
  OpBuilder builder(op);
  Operation* rebuilt = builder.create(wider);
  const unsigned count = op->getNumResults();
  op->replaceAllUsesWith(rebuilt->getResults().take_front(count));
  state.assign(rebuilt->result_begin() + count, rebuilt->result_end());
  op->erase();
  return success();
}

}  // namespace

LogicalResult threadState(Block& block, ThreadedState& state, const Thread& thread) {
  for (Operation& op : llvm::make_early_inc_range(block)) {
    if (thread.uses(&op)) {
      if (failed(thread.visit(&op, state))) return failure();
      continue;
    }
    if (!llvm::any_of(op.getRegions(), [&](Region& region) { return isUsedIn(region, thread); })) continue;
    if (!isa<stablehlo::WhileOp, stablehlo::CaseOp, stablehlo::IfOp>(op))
      return op.emitError() << "a probe or random numbers inside a region of " << op.getName()
                            << " are not supported";
    if (failed(threadRegions(&op, state, thread))) return failure();
  }
  return success();
}

}  // namespace wherry::compile
