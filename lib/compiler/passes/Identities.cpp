// Identities.cpp: operations whose result is one of their operands.
#include <optional>

#include "compiler/passes/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// The repeated element of a constant, when `value` is one.
template <class Element>
std::optional<Element> splatOf(Value value) {
  auto constant = value.getDefiningOp<stablehlo::ConstantOp>();
  if (!constant) return std::nullopt;
  const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!elements || !elements.isSplat()) return std::nullopt;
  const Type type = elements.getElementType();
  if constexpr (std::is_same_v<Element, APFloat>) {
    if (!isa<FloatType>(type)) return std::nullopt;
  } else if (!isa<IntegerType>(type)) {
    return std::nullopt;
  }
  return elements.getSplatValue<Element>();
}

bool isOne(Value value) {
  if (const auto f = splatOf<APFloat>(value)) return f->isExactlyValue(1.0);
  if (const auto i = splatOf<APInt>(value)) return i->isOne();
  return false;
}
bool isIntegerZero(Value value) {
  const auto i = splatOf<APInt>(value);
  return i && i->isZero();
}
bool isAllOnes(Value value) {
  const auto i = splatOf<APInt>(value);
  return i && i->isAllOnes();
}
bool isFloatZero(Value value, bool negative) {
  const auto f = splatOf<APFloat>(value);
  return f && f->isZero() && f->isNegative() == negative;
}
bool isInfinity(Value value, bool negative) {
  const auto f = splatOf<APFloat>(value);
  return f && f->isInfinity() && f->isNegative() == negative;
}

/// Returns the operand that a binary operation always equals, or null.
Value identityOf(Operation* op) {
  const Value a = op->getOperand(0), b = op->getOperand(1);
  const auto either = [&](auto isNeutral) -> Value {
    if (isNeutral(b)) return a;
    if (isNeutral(a)) return b;
    return {};
  };
  if (isa<stablehlo::AddOp>(op))
    return either([](Value v) { return isIntegerZero(v) || isFloatZero(v, true); });  // x + -0 is x
  if (isa<stablehlo::SubtractOp>(op)) return isIntegerZero(b) || isFloatZero(b, false) ? a : Value();
  if (isa<stablehlo::MulOp>(op)) return either(isOne);
  if (isa<stablehlo::DivOp>(op)) return isOne(b) ? a : Value();
  if (isa<stablehlo::MaxOp>(op)) return either([](Value v) { return isInfinity(v, true); });
  if (isa<stablehlo::MinOp>(op)) return either([](Value v) { return isInfinity(v, false); });
  if (isa<stablehlo::AndOp>(op)) return a == b ? a : either(isAllOnes);
  if (isa<stablehlo::OrOp>(op)) return a == b ? a : either(isIntegerZero);
  if (isa<stablehlo::XorOp>(op)) return either(isIntegerZero);
  return {};
}

struct BinaryIdentity : RewritePattern {
  explicit BinaryIdentity(MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 2, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    if (op->getNumOperands() != 2 || op->getNumResults() != 1 || op->getNumRegions() != 0) return failure();
    const Value same = identityOf(op);
    if (!same || same.getType() != op->getResult(0).getType()) return failure();
    rewriter.replaceOp(op, same);
    return success();
  }
};

/// Division by a power of two is an exact multiplication.
struct DivideByPowerOfTwo : OpRewritePattern<stablehlo::DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::DivOp op, PatternRewriter& rewriter) const override {
    const auto divisor = splatOf<APFloat>(op.getRhs());
    if (!divisor) return failure();
    APFloat inverse(divisor->getSemantics());
    if (!divisor->getExactInverse(&inverse)) return failure();
    const Value factor = stablehlo::ConstantOp::create(
        rewriter, op.getLoc(), DenseElementsAttr::get(cast<ShapedType>(op.getRhs().getType()), inverse));
    rewriter.replaceOpWithNewOp<stablehlo::MulOp>(op, op.getLhs(), factor);
    return success();
  }
};

struct SelectIdentity : OpRewritePattern<stablehlo::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::SelectOp op, PatternRewriter& rewriter) const override {
    if (op.getOnTrue() == op.getOnFalse()) {
      rewriter.replaceOp(op, op.getOnTrue());
      return success();
    }
    const auto predicate = splatOf<APInt>(op.getPred());
    if (!predicate) return failure();
    rewriter.replaceOp(op, predicate->isZero() ? op.getOnFalse() : op.getOnTrue());
    return success();
  }
};

/// `x != false` and `x == true` are x for booleans.
struct CompareBoolean : OpRewritePattern<stablehlo::CompareOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::CompareOp op, PatternRewriter& rewriter) const override {
    if (op.getLhs().getType() != op.getType()) return failure();
    const auto rhs = splatOf<APInt>(op.getRhs());
    if (!rhs) return failure();
    const auto direction = op.getComparisonDirection();
    const bool keeps = rhs->isZero() ? direction == stablehlo::ComparisonDirection::NE
                                     : direction == stablehlo::ComparisonDirection::EQ;
    if (!keeps) return failure();
    rewriter.replaceOp(op, op.getLhs());
    return success();
  }
};

template <class Op>
struct SameTypeIdentity : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    if (op->getOperand(0).getType() != op->getResult(0).getType()) return failure();
    rewriter.replaceOp(op, op->getOperand(0));
    return success();
  }
};

struct DoubleNegation : RewritePattern {
  explicit DoubleNegation(MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    if (!isa<stablehlo::NegOp, stablehlo::NotOp>(op)) return failure();
    Operation* inner = op->getOperand(0).getDefiningOp();
    if (!inner || inner->getName() != op->getName()) return failure();
    rewriter.replaceOp(op, inner->getOperand(0));
    return success();
  }
};

struct BarrierIdentity : OpRewritePattern<stablehlo::OptimizationBarrierOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::OptimizationBarrierOp op,
                                PatternRewriter& rewriter) const override {
    rewriter.replaceOp(op, op->getOperands());
    return success();
  }
};

struct ElementOfTuple : OpRewritePattern<stablehlo::GetTupleElementOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(stablehlo::GetTupleElementOp op, PatternRewriter& rewriter) const override {
    auto tuple = op.getOperand().getDefiningOp<stablehlo::TupleOp>();
    if (!tuple) return failure();
    rewriter.replaceOp(op, tuple->getOperand(op.getIndex()));
    return success();
  }
};

}  // namespace

void populateIdentityPatterns(RewritePatternSet& patterns) {
  patterns
      .add<BinaryIdentity, DivideByPowerOfTwo, SelectIdentity, CompareBoolean,
           SameTypeIdentity<stablehlo::ConvertOp>, SameTypeIdentity<stablehlo::ReshapeOp>,
           SameTypeIdentity<stablehlo::BitcastConvertOp>, DoubleNegation, BarrierIdentity, ElementOfTuple>(
          patterns.getContext());
}

}  // namespace wherry::compile
