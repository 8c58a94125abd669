// Control.cpp: loops carry only what changes, every branch is a `case`, and known branches disappear.
#include "compiler/passes/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// A carried value that the body returns unchanged is the initial value everywhere.
struct DropInvariants : OpRewritePattern<stablehlo::WhileOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::WhileOp op, PatternRewriter& rewriter) const override {
    Block &cond = op.getCond().front(), &body = op.getBody().front();
    Operation* yield = body.getTerminator();
    llvm::BitVector drop(op->getNumOperands());
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      const Value next = yield->getOperand(i);
      const bool same = next == body.getArgument(i) || next == op->getOperand(i);
      if (same && op->getOperand(i).getType() == op->getResult(i).getType()) drop.set(i);
    }
    if (drop.none()) return failure();
    llvm::SmallVector<Value> operands;
    llvm::SmallVector<Type> types;
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      if (drop.test(i)) {
        rewriter.replaceAllUsesWith(body.getArgument(i), op->getOperand(i));
        rewriter.replaceAllUsesWith(cond.getArgument(i), op->getOperand(i));
        continue;
      }
      operands.push_back(op->getOperand(i));
      types.push_back(op->getResult(i).getType());
    }
    rewriter.modifyOpInPlace(yield, [&] { yield->eraseOperands(drop); });
    cond.eraseArguments(drop);
    body.eraseArguments(drop);
    OperationState state(op.getLoc(), op->getName());
    state.addOperands(operands);
    state.addTypes(types);
    state.addAttributes(llvm::to_vector(op->getDiscardableAttrs()));
    for (Region& region : op->getRegions()) state.addRegion()->takeBody(region);
    Operation* smaller = rewriter.create(state);
    llvm::SmallVector<Value> results;
    unsigned at = 0;
    for (unsigned i = 0; i < drop.size(); ++i)
      results.push_back(drop.test(i) ? op->getOperand(i) : smaller->getResult(at++));
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// `if p` is `case (p ? 0 : 1)`.
struct IfIsCase : OpRewritePattern<stablehlo::IfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::IfOp op, PatternRewriter& rewriter) const override {
    const Value isFalse =
        stablehlo::NotOp::create(rewriter, op.getLoc(), op.getPred().getType(), op.getPred());
    const auto indexType = RankedTensorType::get({}, rewriter.getI32Type());
    const Value shaped = stablehlo::ReshapeOp::create(
        rewriter, op.getLoc(), RankedTensorType::get({}, rewriter.getI1Type()), isFalse);
    const Value index = stablehlo::ConvertOp::create(rewriter, op.getLoc(), indexType, shaped);
    OperationState state(op.getLoc(), stablehlo::CaseOp::getOperationName());
    state.addOperands(index);
    state.addTypes(op->getResultTypes());
    for (Region& region : op->getRegions()) state.addRegion()->takeBody(region);
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

struct KnownBranch : OpRewritePattern<stablehlo::CaseOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::CaseOp op, PatternRewriter& rewriter) const override {
    int64_t chosen = 0;
    const int64_t last = static_cast<int64_t>(op->getNumRegions()) - 1;
    if (last > 0) {
      auto constant = op.getIndex().getDefiningOp<stablehlo::ConstantOp>();
      if (!constant) return failure();
      const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!elements || !elements.isSplat()) return failure();
      chosen = elements.getSplatValue<APInt>().getSExtValue();
      if (chosen < 0 || chosen > last) chosen = last;
    }
    Block& block = op->getRegion(static_cast<unsigned>(chosen)).front();
    Operation* yield = block.getTerminator();
    const llvm::SmallVector<Value> results(yield->getOperands());
    rewriter.eraseOp(yield);
    rewriter.inlineBlockBefore(&block, op);
    rewriter.replaceOp(op, results);
    return success();
  }
};

}  // namespace

void populateControlPatterns(RewritePatternSet& patterns) {
  patterns.add<DropInvariants, IfIsCase, KnownBranch>(patterns.getContext());
}

}  // namespace wherry::compile
