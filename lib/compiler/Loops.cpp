// Loops.cpp: see Loops.h.
#include "compiler/Loops.h"

#include "compiler/Call.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

static std::optional<APInt> integerOf(Value value) {
  auto constant = value.getDefiningOp<stablehlo::ConstantOp>();
  if (!constant) return std::nullopt;
  const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!elements || !elements.isSplat() || !isa<IntegerType>(elements.getElementType())) return std::nullopt;
  return elements.getSplatValue<APInt>();
}

std::optional<int64_t> tripCount(stablehlo::WhileOp op) {
  Block &cond = op.getCond().front(), &body = op.getBody().front();
  // The condition of a counted loop is not computed.
  if (llvm::any_of(cond, [](Operation& op) { return hasCallEffect(&op); })) return std::nullopt;
  auto compare = cond.getTerminator()->getOperand(0).getDefiningOp<stablehlo::CompareOp>();
  if (!compare || compare.getComparisonDirection() != stablehlo::ComparisonDirection::LT) return std::nullopt;
  const auto counter = dyn_cast<BlockArgument>(compare.getLhs());
  if (!counter || counter.getOwner() != &cond) return std::nullopt;
  const unsigned index = counter.getArgNumber();
  auto next = body.getTerminator()->getOperand(index).getDefiningOp<stablehlo::AddOp>();
  if (!next) return std::nullopt;
  const Value current = body.getArgument(index);
  const Value other = next.getLhs() == current ? next.getRhs() : next.getLhs();
  if (next.getLhs() != current && next.getRhs() != current) return std::nullopt;
  const auto start = integerOf(op->getOperand(index)), limit = integerOf(compare.getRhs()),
             stride = integerOf(other);
  if (!start || !limit || !stride || start->getBitWidth() > 64) return std::nullopt;
  const bool isUnsigned = cast<ShapedType>(current.getType()).getElementType().isUnsignedInteger();
  if (isUnsigned ? stride->isZero() : !stride->isStrictlyPositive()) return std::nullopt;
  const unsigned width = 128;
  const auto wide = [&](const APInt& v) { return isUnsigned ? v.zext(width) : v.sext(width); };
  const APInt distance = wide(*limit) - wide(*start);
  if (!distance.isStrictlyPositive()) return 0;
  const APInt by = wide(*stride);
  const APInt trips = (distance + by - 1).udiv(by);
  // A counter that wraps around before it reaches the limit is no counted loop.
  const APInt last = wide(*start) + trips * by;
  const APInt most = isUnsigned ? APInt::getMaxValue(start->getBitWidth()).zext(width)
                                : APInt::getSignedMaxValue(start->getBitWidth()).sext(width);
  if (last.sgt(most) || trips.getActiveBits() > 62) return std::nullopt;
  return static_cast<int64_t>(trips.getZExtValue());
}

}  // namespace wherry::compile
