// Dots.cpp: transposes around a dot become other dimension numbers, so that nothing is moved.
#include <array>

#include "compiler/Dot.h"
#include "compiler/passes/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Dims = llvm::SmallVector<int64_t>;

struct Sides {
  std::array<Dims, 2> batch, contracting, free;
};

Sides sidesOf(stablehlo::DotGeneralOp op) {
  const auto numbers = op.getDotDimensionNumbers();
  Sides sides;
  sides.batch = {Dims(numbers.getLhsBatchingDimensions()), Dims(numbers.getRhsBatchingDimensions())};
  sides.contracting = {Dims(numbers.getLhsContractingDimensions()),
                       Dims(numbers.getRhsContractingDimensions())};
  for (unsigned side = 0; side < 2; ++side) {
    const int64_t rank = cast<RankedTensorType>(op->getOperand(side).getType()).getRank();
    for (int64_t dim = 0; dim < rank; ++dim)
      if (!llvm::is_contained(sides.batch[side], dim) && !llvm::is_contained(sides.contracting[side], dim))
        sides.free[side].push_back(dim);
  }
  return sides;
}

stablehlo::DotDimensionNumbersAttr numbersOf(MLIRContext* context, const Sides& sides) {
  return stablehlo::DotDimensionNumbersAttr::get(context, sides.batch[0], sides.batch[1],
                                                 sides.contracting[0], sides.contracting[1]);
}

/// Reads a transposed operand where it lies, when its free dimensions keep their order.
struct AbsorbOperandTranspose : OpRewritePattern<stablehlo::DotGeneralOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::DotGeneralOp op, PatternRewriter& rewriter) const override {
    Sides sides = sidesOf(op);
    bool changed = false;
    std::array<Value, 2> operands{op.getLhs(), op.getRhs()};
    for (unsigned side = 0; side < 2; ++side) {
      auto transpose = operands[side].getDefiningOp<stablehlo::TransposeOp>();
      if (!transpose) continue;
      const auto source = [&](int64_t dim) { return transpose.getPermutation()[dim]; };
      if (!llvm::is_sorted(llvm::map_range(sides.free[side], source))) continue;
      for (int64_t& dim : sides.batch[side]) dim = source(dim);
      for (int64_t& dim : sides.contracting[side]) dim = source(dim);
      operands[side] = transpose.getOperand();
      changed = true;
    }
    if (!changed) return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands({operands[0], operands[1]});
      op.setDotDimensionNumbersAttr(numbersOf(op.getContext(), sides));
    });
    return success();
  }
};

/// The transpose of a product is the product of the operands in the other order.
struct SwapTransposedDot : OpRewritePattern<stablehlo::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::TransposeOp op, PatternRewriter& rewriter) const override {
    auto dot = op.getOperand().getDefiningOp<stablehlo::DotGeneralOp>();
    if (!dot || !dot->hasOneUse()) return failure();
    Sides sides = sidesOf(dot);
    const int64_t batch = sides.batch[0].size(), rows = sides.free[0].size(), columns = sides.free[1].size();
    Dims swapped;
    for (int64_t i = 0; i < batch; ++i) swapped.push_back(i);
    for (int64_t i = 0; i < columns; ++i) swapped.push_back(batch + rows + i);
    for (int64_t i = 0; i < rows; ++i) swapped.push_back(batch + i);
    if (op.getPermutation() != ArrayRef<int64_t>(swapped)) return failure();
    std::swap(sides.batch[0], sides.batch[1]);
    std::swap(sides.contracting[0], sides.contracting[1]);
    OperationState state(dot.getLoc(), dot->getName());
    state.addOperands({dot.getRhs(), dot.getLhs()});
    state.addTypes(op.getType());
    state.addAttributes(dot->getAttrs());
    auto product = cast<stablehlo::DotGeneralOp>(rewriter.create(state));
    product.setDotDimensionNumbersAttr(numbersOf(op.getContext(), sides));
    rewriter.replaceOp(op, product->getResults());
    return success();
  }
};

struct DotIsDotGeneral : OpRewritePattern<stablehlo::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::DotOp op, PatternRewriter& rewriter) const override {
    Sides sides;
    sides.contracting[0] = {cast<RankedTensorType>(op.getLhs().getType()).getRank() - 1};
    sides.contracting[1] = {0};
    OperationState state(op.getLoc(), stablehlo::DotGeneralOp::getOperationName());
    state.addOperands({op.getLhs(), op.getRhs()});
    state.addTypes(op.getType());
    state.addAttributes(op->getAttrs());
    state.addAttribute("dot_dimension_numbers", numbersOf(op.getContext(), sides));
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

}  // namespace

void populateDotPatterns(RewritePatternSet& patterns) {
  patterns.add<AbsorbOperandTranspose, SwapTransposedDot, DotIsDotGeneral>(patterns.getContext());
}

void prepareDots(func::FuncOp entry) {
  llvm::SmallVector<stablehlo::DotGeneralOp> dots;
  entry.walk([&](stablehlo::DotGeneralOp op) {
    if (isLargeDot(op) && !gemmOf(op) && !contractOf(op)) dots.push_back(op);
  });
  for (stablehlo::DotGeneralOp op : dots) {
    OpBuilder builder(op);
    Sides sides = sidesOf(op);
    for (unsigned side = 0; side < 2; ++side) {
      Dims permutation;
      llvm::append_range(permutation, sides.batch[side]);
      llvm::append_range(permutation, sides.free[side]);
      llvm::append_range(permutation, sides.contracting[side]);
      const auto type = cast<RankedTensorType>(op->getOperand(side).getType());
      Dims shape;
      for (int64_t dim : permutation) shape.push_back(type.getDimSize(dim));
      const int64_t batch = sides.batch[side].size(), inner = batch + sides.free[side].size();
      for (size_t i = 0; i < sides.batch[side].size(); ++i) sides.batch[side][i] = i;
      for (size_t i = 0; i < sides.contracting[side].size(); ++i) sides.contracting[side][i] = inner + i;
      if (llvm::is_sorted(permutation)) continue;
      op->setOperand(
          side, stablehlo::TransposeOp::create(builder, op.getLoc(), type.clone(shape), op->getOperand(side),
                                               builder.getDenseI64ArrayAttr(permutation)));
    }
    op.setDotDimensionNumbersAttr(numbersOf(op.getContext(), sides));
  }
}

}  // namespace wherry::compile
