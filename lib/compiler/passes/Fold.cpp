// Fold.cpp: operations on constants, computed at compile time with the bits that a kernel would give.
//
// Only repeated elements (splats) and constants of few elements are folded: larger ones are cheaper to
// compute on the device than to keep as attributes, which a context never frees.
#include <functional>
#include <optional>

#include "compiler/passes/Passes.h"
#include "llvm/ADT/APSInt.h"
#include "mlir/IR/PatternMatch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

constexpr int64_t maxElements = 64;

DenseElementsAttr constantOf(Value value) {
  auto constant = value.getDefiningOp<stablehlo::ConstantOp>();
  if (!constant) return {};
  const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!elements || !isa<IntegerType, FloatType>(elements.getElementType())) return {};
  return elements.isSplat() || elements.getNumElements() <= maxElements ? elements : DenseElementsAttr();
}

/// A number with its type: integers keep their width, floats their semantics.
struct Number {
  Type type;
  std::optional<APFloat> f;
  APInt i;
  bool isUnsigned() const { return type.isUnsignedInteger() || type.isInteger(1); }
};

Number numberAt(DenseElementsAttr elements, int64_t index) {
  Number number{elements.getElementType(), std::nullopt, APInt()};
  const int64_t at = elements.isSplat() ? 0 : index;
  if (isa<FloatType>(number.type))
    number.f = elements.isSplat() ? elements.getSplatValue<APFloat>() : elements.getValues<APFloat>()[at];
  else
    number.i = elements.isSplat() ? elements.getSplatValue<APInt>() : elements.getValues<APInt>()[at];
  return number;
}

Attribute attributeOf(const Number& number) {
  if (number.f) return FloatAttr::get(number.type, *number.f);
  return IntegerAttr::get(number.type, number.i);
}

void replaceByConstant(Operation* op, ShapedType type, ArrayRef<Attribute> values,
                       PatternRewriter& rewriter) {
  rewriter.replaceOpWithNewOp<stablehlo::ConstantOp>(op, DenseElementsAttr::get(type, values));
}

std::optional<Number> addLike(Operation* op, const Number& a, const Number& b) {
  Number r = a;
  const auto nearest = APFloat::rmNearestTiesToEven;
  if (isa<stablehlo::AddOp>(op)) {
    if (a.f)
      r.f->add(*b.f, nearest);
    else
      r.i = a.type.isInteger(1) ? a.i | b.i : a.i + b.i;
  } else if (isa<stablehlo::SubtractOp>(op)) {
    if (a.f)
      r.f->subtract(*b.f, nearest);
    else
      r.i = a.i - b.i;
  } else if (isa<stablehlo::MulOp>(op)) {
    if (a.f)
      r.f->multiply(*b.f, nearest);
    else
      r.i = a.i * b.i;
  } else if (isa<stablehlo::DivOp>(op)) {
    if (a.f)
      r.f->divide(*b.f, nearest);
    else if (b.i.isZero() || (!a.isUnsigned() && a.i.isMinSignedValue() && b.i.isAllOnes()))
      return std::nullopt;
    else
      r.i = a.isUnsigned() ? a.i.udiv(b.i) : a.i.sdiv(b.i);
  } else {
    return std::nullopt;
  }
  // Which NaN an operation makes is the device's choice.
  if (r.f && r.f->isNaN()) return std::nullopt;
  return r;
}

std::optional<Number> logicLike(Operation* op, const Number& a, const Number& b) {
  Number r = a;
  if (isa<stablehlo::MaxOp, stablehlo::MinOp>(op)) {
    const bool isMax = isa<stablehlo::MaxOp>(op);
    if (a.f) {
      if (a.f->isNaN() || b.f->isNaN()) return std::nullopt;
      r.f = isMax ? llvm::maximum(*a.f, *b.f) : llvm::minimum(*a.f, *b.f);
    } else {
      const bool aIsLess = a.isUnsigned() ? a.i.ult(b.i) : a.i.slt(b.i);
      r.i = aIsLess == isMax ? b.i : a.i;
    }
    return r;
  }
  if (a.f) return std::nullopt;
  if (isa<stablehlo::AndOp>(op))
    r.i = a.i & b.i;
  else if (isa<stablehlo::OrOp>(op))
    r.i = a.i | b.i;
  else if (isa<stablehlo::XorOp>(op))
    r.i = a.i ^ b.i;
  else
    return std::nullopt;
  return r;
}

bool holds(stablehlo::ComparisonDirection direction, int order) {
  switch (direction) {
    case stablehlo::ComparisonDirection::EQ:
      return order == 0;
    case stablehlo::ComparisonDirection::NE:
      return order != 0;
    case stablehlo::ComparisonDirection::LT:
      return order < 0;
    case stablehlo::ComparisonDirection::LE:
      return order <= 0;
    case stablehlo::ComparisonDirection::GT:
      return order > 0;
    case stablehlo::ComparisonDirection::GE:
      return order >= 0;
  }
  return false;
}

std::optional<Number> compareLike(stablehlo::CompareOp op, const Number& a, const Number& b) {
  if (op.getCompareType() == stablehlo::ComparisonType::TOTALORDER) return std::nullopt;
  bool result = false;
  if (a.f) {
    const auto order = a.f->compare(*b.f);
    if (order == APFloat::cmpUnordered)
      result = op.getComparisonDirection() == stablehlo::ComparisonDirection::NE;
    else
      result = holds(op.getComparisonDirection(), order == APFloat::cmpLessThan ? -1
                                                  : order == APFloat::cmpEqual  ? 0
                                                                                : 1);
  } else {
    const bool less = a.isUnsigned() ? a.i.ult(b.i) : a.i.slt(b.i);
    result = holds(op.getComparisonDirection(), less ? -1 : a.i == b.i ? 0 : 1);
  }
  return Number{IntegerType::get(op.getContext(), 1), std::nullopt, APInt(1, result)};
}

std::optional<Number> convertTo(Type type, const Number& a) {
  Number r{type, std::nullopt, APInt()};
  bool exact = false;
  if (const auto to = dyn_cast<FloatType>(type)) {
    APFloat value(to.getFloatSemantics());
    if (a.f) {
      if (a.f->isNaN()) return std::nullopt;
      value = *a.f;
      value.convert(to.getFloatSemantics(), APFloat::rmNearestTiesToEven, &exact);
    } else {
      value.convertFromAPInt(a.i, !a.isUnsigned(), APFloat::rmNearestTiesToEven);
    }
    r.f = value;
    return r;
  }
  const unsigned width = type.getIntOrFloatBitWidth();
  if (a.f) {
    if (!a.f->isFinite()) return std::nullopt;
    if (type.isInteger(1)) {
      r.i = APInt(1, !a.f->isZero());
      return r;
    }
    llvm::APSInt value(width, r.isUnsigned());
    if (a.f->convertToInteger(value, APFloat::rmTowardZero, &exact) == APFloat::opInvalidOp)
      return std::nullopt;
    r.i = value;
    return r;
  }
  if (type.isInteger(1))
    r.i = APInt(1, !a.i.isZero());
  else
    r.i = a.isUnsigned() ? a.i.zextOrTrunc(width) : a.i.sextOrTrunc(width);
  return r;
}

std::optional<Number> unary(Operation* op, const Number& a) {
  Number r = a;
  if (isa<stablehlo::ConvertOp>(op))
    return convertTo(cast<ShapedType>(op->getResult(0).getType()).getElementType(), a);
  if (isa<stablehlo::NegOp>(op)) {
    if (a.f)
      r.f->changeSign();
    else
      r.i = -a.i;
    return r;
  }
  if (isa<stablehlo::NotOp>(op) && !a.f) {
    r.i = ~a.i;
    return r;
  }
  if (isa<stablehlo::AbsOp>(op)) {
    if (a.f)
      r.f->clearSign();
    else
      r.i = a.i.abs();
    return r;
  }
  return std::nullopt;
}

struct FoldElementwise : RewritePattern {
  explicit FoldElementwise(MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 3, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    const unsigned arity = op->getNumOperands();
    if (arity == 0 || arity > 2 || op->getNumResults() != 1 || op->getNumRegions() != 0) return failure();
    const auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() || type.getNumElements() == 0) return failure();
    if (!isa<IntegerType, FloatType>(type.getElementType())) return failure();
    llvm::SmallVector<DenseElementsAttr, 2> operands;
    bool allSplat = true;
    for (Value operand : op->getOperands()) {
      const DenseElementsAttr elements = constantOf(operand);
      if (!elements || elements.getNumElements() != type.getNumElements()) return failure();
      allSplat &= elements.isSplat();
      operands.push_back(elements);
    }
    const int64_t count = allSplat ? 1 : type.getNumElements();
    if (count > maxElements) return failure();
    llvm::SmallVector<Attribute> values;
    for (int64_t i = 0; i < count; ++i) {
      const Number a = numberAt(operands[0], i);
      std::optional<Number> result;
      if (arity == 1) {
        result = unary(op, a);
      } else {
        const Number b = numberAt(operands[1], i);
        if (a.type != b.type) return failure();
        if (auto compare = dyn_cast<stablehlo::CompareOp>(op))
          result = compareLike(compare, a, b);
        else if (!(result = addLike(op, a, b)))
          result = logicLike(op, a, b);
      }
      if (!result || result->type != type.getElementType()) return failure();
      values.push_back(attributeOf(*result));
    }
    replaceByConstant(op, type, values, rewriter);
    return success();
  }
};

/// Calls `body` with the index of every element of `shape`, in memory order.
void forEachIndex(ArrayRef<int64_t> shape, llvm::function_ref<void(ArrayRef<int64_t>)> body) {
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  for (int64_t i = 0; i < count; ++i) {
    body(index);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
}

int64_t linear(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t at = 0;
  for (size_t d = 0; d < shape.size(); ++d) at = at * shape[d] + index[d];
  return at;
}

struct FoldMovement : RewritePattern {
  explicit FoldMovement(MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 3, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    if (!isa<stablehlo::BroadcastInDimOp, stablehlo::ReshapeOp, stablehlo::TransposeOp, stablehlo::SliceOp,
             stablehlo::ReverseOp>(op))
      return failure();
    const auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto constant = op->getOperand(0).getDefiningOp<stablehlo::ConstantOp>();
    if (!constant || !type.hasStaticShape() || type.getNumElements() == 0) return failure();
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements) return failure();
    if (elements.isSplat()) {
      rewriter.replaceOpWithNewOp<stablehlo::ConstantOp>(op, elements.resizeSplat(type));
      return success();
    }
    if (isa<stablehlo::ReshapeOp>(op)) {
      rewriter.replaceOpWithNewOp<stablehlo::ConstantOp>(op, elements.reshape(type));
      return success();
    }
    if (type.getNumElements() > maxElements || elements.getNumElements() > maxElements) return failure();
    const ArrayRef<int64_t> from = cast<ShapedType>(elements.getType()).getShape();
    const auto source = llvm::to_vector(elements.getValues<Attribute>());
    llvm::SmallVector<Attribute> values;
    forEachIndex(type.getShape(), [&](ArrayRef<int64_t> index) {
      llvm::SmallVector<int64_t> at(from.size(), 0);
      for (size_t d = 0; d < from.size(); ++d) {
        if (auto b = dyn_cast<stablehlo::BroadcastInDimOp>(op))
          at[d] = from[d] == 1 ? 0 : index[b.getBroadcastDimensions()[d]];
        if (auto t = dyn_cast<stablehlo::TransposeOp>(op)) at[t.getPermutation()[d]] = index[d];
        if (auto s = dyn_cast<stablehlo::SliceOp>(op))
          at[d] = s.getStartIndices()[d] + index[d] * s.getStrides()[d];
        if (auto r = dyn_cast<stablehlo::ReverseOp>(op))
          at[d] = llvm::is_contained(r.getDimensions(), static_cast<int64_t>(d)) ? from[d] - 1 - index[d]
                                                                                 : index[d];
      }
      values.push_back(source[linear(from, at)]);
    });
    replaceByConstant(op, type, values, rewriter);
    return success();
  }
};

struct FoldIota : OpRewritePattern<stablehlo::IotaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::IotaOp op, PatternRewriter& rewriter) const override {
    const auto type = cast<RankedTensorType>(op.getType());
    if (!type.hasStaticShape() || type.getDimSize(op.getIotaDimension()) != 1 ||
        !isa<IntegerType, FloatType>(type.getElementType()))
      return failure();
    rewriter.replaceOpWithNewOp<stablehlo::ConstantOp>(
        op, DenseElementsAttr::get(type, rewriter.getZeroAttr(type.getElementType())));
    return success();
  }
};

struct FoldDimensionSize : OpRewritePattern<stablehlo::GetDimensionSizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::GetDimensionSizeOp op, PatternRewriter& rewriter) const override {
    const auto from = cast<RankedTensorType>(op.getOperand().getType());
    const auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || from.isDynamicDim(op.getDimension())) return failure();
    const auto size = rewriter.getIntegerAttr(type.getElementType(), from.getDimSize(op.getDimension()));
    rewriter.replaceOpWithNewOp<stablehlo::ConstantOp>(op, DenseElementsAttr::get(type, Attribute(size)));
    return success();
  }
};

struct FoldConcatenate : OpRewritePattern<stablehlo::ConcatenateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::ConcatenateOp op, PatternRewriter& rewriter) const override {
    const auto type = cast<RankedTensorType>(op.getType());
    if (!type.hasStaticShape() || type.getNumElements() > maxElements || type.getRank() != 1)
      return failure();
    llvm::SmallVector<Attribute> values;
    for (Value operand : op->getOperands()) {
      const DenseElementsAttr elements = constantOf(operand);
      if (!elements) return failure();
      llvm::append_range(values, elements.getValues<Attribute>());
    }
    replaceByConstant(op, type, values, rewriter);
    return success();
  }
};

}  // namespace

void populateFoldPatterns(RewritePatternSet& patterns) {
  patterns.add<FoldElementwise, FoldMovement, FoldIota, FoldDimensionSize, FoldConcatenate>(
      patterns.getContext());
}

}  // namespace wherry::compile
