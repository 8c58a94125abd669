// Movement.cpp: one form for operations that only move elements.
//
// A broadcast keeps no dimension of extent 1 in its operand and is not fed by another broadcast; one that
// multiplies nothing is a reshape, as is a transpose that moves only extents of 1. Reshapes cost nothing.
#include "compiler/passes/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

struct MergeReshapes : OpRewritePattern<stablehlo::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::ReshapeOp op, PatternRewriter& rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<stablehlo::ReshapeOp>();
    if (!inner) return failure();
    rewriter.replaceOpWithNewOp<stablehlo::ReshapeOp>(op, op.getType(), inner.getOperand());
    return success();
  }
};

struct SqueezeBroadcast : OpRewritePattern<stablehlo::BroadcastInDimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::BroadcastInDimOp op, PatternRewriter& rewriter) const override {
    const RankedTensorType from = typeOf(op.getOperand());
    if (!llvm::is_contained(from.getShape(), 1)) return failure();
    llvm::SmallVector<int64_t> shape, dims;
    for (int64_t i = 0; i < from.getRank(); ++i)
      if (from.getDimSize(i) != 1) {
        shape.push_back(from.getDimSize(i));
        dims.push_back(op.getBroadcastDimensions()[i]);
      }
    const Value squeezed =
        stablehlo::ReshapeOp::create(rewriter, op.getLoc(), from.clone(shape), op.getOperand());
    rewriter.replaceOpWithNewOp<stablehlo::BroadcastInDimOp>(op, op.getType(), squeezed,
                                                             rewriter.getDenseI64ArrayAttr(dims));
    return success();
  }
};

struct BroadcastIsInDim : OpRewritePattern<stablehlo::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::BroadcastOp op, PatternRewriter& rewriter) const override {
    const auto type = cast<RankedTensorType>(op.getType());
    const int64_t rank = typeOf(op.getOperand()).getRank();
    llvm::SmallVector<int64_t> dims;
    for (int64_t i = 0; i < rank; ++i) dims.push_back(type.getRank() - rank + i);
    rewriter.replaceOpWithNewOp<stablehlo::BroadcastInDimOp>(op, type, op.getOperand(),
                                                             rewriter.getDenseI64ArrayAttr(dims));
    return success();
  }
};

struct MergeBroadcasts : OpRewritePattern<stablehlo::BroadcastInDimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::BroadcastInDimOp op, PatternRewriter& rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<stablehlo::BroadcastInDimOp>();
    if (!inner) return failure();
    llvm::SmallVector<int64_t> dims;
    for (int64_t dim : inner.getBroadcastDimensions()) dims.push_back(op.getBroadcastDimensions()[dim]);
    rewriter.replaceOpWithNewOp<stablehlo::BroadcastInDimOp>(op, op.getType(), inner.getOperand(),
                                                             rewriter.getDenseI64ArrayAttr(dims));
    return success();
  }
};

struct BroadcastIsReshape : OpRewritePattern<stablehlo::BroadcastInDimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::BroadcastInDimOp op, PatternRewriter& rewriter) const override {
    const auto type = cast<RankedTensorType>(op.getType());
    if (typeOf(op.getOperand()).getNumElements() != type.getNumElements() || type.getNumElements() == 0)
      return failure();
    const ArrayRef<int64_t> dims = op.getBroadcastDimensions();
    // Extents of 1 may go anywhere; the others must keep their order.
    int64_t last = -1;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (typeOf(op.getOperand()).getDimSize(i) == 1) continue;
      if (dims[i] <= last) return failure();
      last = dims[i];
    }
    rewriter.replaceOpWithNewOp<stablehlo::ReshapeOp>(op, type, op.getOperand());
    return success();
  }
};

struct SimplifyTranspose : OpRewritePattern<stablehlo::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::TransposeOp op, PatternRewriter& rewriter) const override {
    const ArrayRef<int64_t> permutation = op.getPermutation();
    const RankedTensorType from = typeOf(op.getOperand());
    llvm::SmallVector<int64_t> moved;
    for (int64_t dim : permutation)
      if (from.getDimSize(dim) != 1) moved.push_back(dim);
    if (llvm::is_sorted(moved)) {
      rewriter.replaceOpWithNewOp<stablehlo::ReshapeOp>(op, op.getType(), op.getOperand());
      return success();
    }
    auto inner = op.getOperand().getDefiningOp<stablehlo::TransposeOp>();
    if (!inner) return failure();
    llvm::SmallVector<int64_t> merged;
    for (int64_t dim : permutation) merged.push_back(inner.getPermutation()[dim]);
    rewriter.replaceOpWithNewOp<stablehlo::TransposeOp>(op, op.getType(), inner.getOperand(),
                                                        rewriter.getDenseI64ArrayAttr(merged));
    return success();
  }
};

struct WholeSlice : OpRewritePattern<stablehlo::SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::SliceOp op, PatternRewriter& rewriter) const override {
    if (op.getOperand().getType() != op.getType() ||
        llvm::any_of(op.getStrides(), [](int64_t s) { return s != 1; }))
      return failure();
    rewriter.replaceOp(op, op.getOperand());
    return success();
  }
};

struct EmptyPad : OpRewritePattern<stablehlo::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::PadOp op, PatternRewriter& rewriter) const override {
    const auto isZero = [](int64_t amount) { return amount == 0; };
    if (op.getOperand().getType() != op.getType() || !llvm::all_of(op.getEdgePaddingLow(), isZero) ||
        !llvm::all_of(op.getEdgePaddingHigh(), isZero) || !llvm::all_of(op.getInteriorPadding(), isZero))
      return failure();
    rewriter.replaceOp(op, op.getOperand());
    return success();
  }
};

struct SimplifyConcatenate : OpRewritePattern<stablehlo::ConcatenateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::ConcatenateOp op, PatternRewriter& rewriter) const override {
    llvm::SmallVector<Value> parts;
    for (Value part : op->getOperands())
      if (typeOf(part).getDimSize(op.getDimension()) != 0) parts.push_back(part);
    if (parts.size() == 1 && parts.front().getType() == op.getType()) {
      rewriter.replaceOp(op, parts.front());
      return success();
    }
    if (parts.empty() || parts.size() == op->getNumOperands()) return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperands(parts); });
    return success();
  }
};

/// A reduction of one element each is its function applied once.
struct ReduceOfOne : OpRewritePattern<stablehlo::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::ReduceOp op, PatternRewriter& rewriter) const override {
    if (op->getNumResults() != 1) return failure();
    const Value input = op->getOperand(0), init = op->getOperand(1);
    const auto type = cast<RankedTensorType>(op->getResult(0).getType());
    for (int64_t dim : op.getDimensions())
      if (typeOf(input).getDimSize(dim) != 1) return failure();
    Block& body = op->getRegion(0).front();
    if (!llvm::hasSingleElement(body.without_terminator())) return failure();
    Operation* function = &body.front();
    if (function->getNumOperands() != 2 || function->getOperand(0) != body.getArgument(0) ||
        function->getOperand(1) != body.getArgument(1) ||
        body.getTerminator()->getOperand(0) != function->getResult(0) ||
        typeOf(input).getElementType() != type.getElementType())
      return failure();
    const Value shaped = stablehlo::ReshapeOp::create(rewriter, op.getLoc(), type, input);
    const Value start = stablehlo::BroadcastInDimOp::create(rewriter, op.getLoc(), type, init,
                                                            rewriter.getDenseI64ArrayAttr({}));
    OperationState state(op.getLoc(), function->getName());
    state.addOperands({start, shaped});
    state.addTypes(type);
    state.addAttributes(function->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

}  // namespace

void populateMovementPatterns(RewritePatternSet& patterns) {
  patterns.add<MergeReshapes, SqueezeBroadcast, BroadcastIsInDim, BroadcastIsReshape, SimplifyTranspose,
               WholeSlice, EmptyPad, SimplifyConcatenate, ReduceOfOne>(patterns.getContext());
  patterns.add<MergeBroadcasts>(patterns.getContext(), /*benefit=*/2);
}

}  // namespace wherry::compile
