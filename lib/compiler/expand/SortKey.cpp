// SortKey.cpp: see SortKey.h.
#include "compiler/expand/SortKey.h"

#include <limits>

#include "compiler/OpModel.h"
#include "llvm/ADT/DenseSet.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Direction = stablehlo::ComparisonDirection;

/// Compares the key expressions of two elements.
class KeyMatcher {
 public:
  explicit KeyMatcher(Region& comparator) : comparator_(comparator) {}

  /// True if `x` is computed from the elements with number `side` (0 or 1) as `y` is from the others.
  bool isSame(Value x, Value y, unsigned side) {
    if (!seen_.insert({x, y}).second) return true;
    if (const auto argument = dyn_cast<BlockArgument>(x);
        argument && argument.getOwner() == &comparator_.front()) {
      const auto other = dyn_cast<BlockArgument>(y);
      return other && other.getOwner() == argument.getOwner() && argument.getArgNumber() % 2 == side &&
             other.getArgNumber() == (argument.getArgNumber() ^ 1u);
    }
    Operation *a = x.getDefiningOp(), *b = y.getDefiningOp();
    if (!a || !b || !comparator_.isAncestor(a->getParentRegion())) return x == y;
    if (a->getName() != b->getName() || a->getAttrDictionary() != b->getAttrDictionary() ||
        x.getType() != y.getType() || a->getNumOperands() != b->getNumOperands())
      return false;
    const OpKind kind = modelOf(a).kind;
    if (a->getNumRegions() > 0 || (kind != OpKind::Elementwise && kind != OpKind::Constant)) return false;
    for (const auto& [left, right] : llvm::zip(a->getOperands(), b->getOperands()))
      if (!isSame(left, right, side)) return false;
    return true;
  }

 private:
  Region& comparator_;
  llvm::DenseSet<std::pair<Value, Value>> seen_;
};

constexpr size_t mostOperations = 100;  // of a comparator that is looked at

bool isNarrow(Type element) {
  if (const auto integer = dyn_cast<IntegerType>(element)) return integer.getWidth() <= 32;
  return isa<Float32Type, Float16Type, BFloat16Type>(element);
}

/// What comes before what, for all elements at once: the operations of the comparator on whole tensors.
class KeyLifter {
 public:
  KeyLifter(Build& build, stablehlo::SortOp op) : b_(build), op_(op) {}

  Value lift(Value scalar) {
    if (const Value known = lifted_.lookupOrNull(scalar)) return known;
    const Value value = compute(scalar);
    lifted_.map(scalar, value);
    return value;
  }

 private:
  Value compute(Value scalar) {
    const Build::Shape shape = Build::shapeOf(op_.getInputs().front());
    Region& region = op_.getComparator();
    if (!region.isAncestor(scalar.getParentRegion())) return b_.fill(scalar, shape);
    if (const auto argument = dyn_cast<BlockArgument>(scalar))
      return op_.getInputs()[argument.getArgNumber() / 2];
    Operation* op = scalar.getDefiningOp();
    if (auto constant = dyn_cast<stablehlo::ConstantOp>(op)) {
      auto elements = cast<DenseElementsAttr>(constant.getValue());
      return stablehlo::ConstantOp::create(b_.b, b_.loc(),
                                           elements.resizeSplat(Build::typeOf(scalar).clone(shape)));
    }
    IRMapping mapping;
    for (const Value operand : op->getOperands()) mapping.map(operand, lift(operand));
    Operation* whole = b_.b.clone(*op, mapping);
    whole->getResult(0).setType(Build::typeOf(scalar).clone(shape));
    return whole->getResult(0);
  }

  Build& b_;
  stablehlo::SortOp op_;
  IRMapping lifted_;
};

}  // namespace

std::optional<SortKey> keyOf(stablehlo::SortOp op) {
  Block& body = op.getComparator().front();
  if (body.getOperations().size() > mostOperations) return std::nullopt;
  auto compare = body.getTerminator()->getOperand(0).getDefiningOp<stablehlo::CompareOp>();
  if (!compare || !op.getComparator().isAncestor(compare->getParentRegion())) return std::nullopt;
  const Direction direction = compare.getComparisonDirection();
  if (direction != Direction::LT && direction != Direction::GT) return std::nullopt;
  if (!isNarrow(Build::elementOf(compare.getLhs()))) return std::nullopt;
  const bool isLess = direction == Direction::LT;
  if (KeyMatcher(op.getComparator()).isSame(compare.getLhs(), compare.getRhs(), 0))
    return SortKey{compare.getLhs(), !isLess};
  if (KeyMatcher(op.getComparator()).isSame(compare.getRhs(), compare.getLhs(), 0))
    return SortKey{compare.getRhs(), isLess};
  return std::nullopt;
}

Value keysOf(Build& b, stablehlo::SortOp op, const SortKey& key) {
  Value keys = KeyLifter(b, op).lift(key.scalar);
  const Type element = Build::elementOf(keys), i32 = b.b.getI32Type(),
             ui32 = b.b.getIntegerType(32, /*isSigned=*/false);
  const auto bitcast = [&](Value x, Type to) -> Value {
    return stablehlo::BitcastConvertOp::create(b.b, b.loc(), Build::typeOf(x).clone(to), x);
  };
  const auto integer = dyn_cast<IntegerType>(element);
  if (integer && (integer.isUnsigned() || integer.getWidth() == 1)) {
    keys = b.convert(keys, ui32);
  } else {
    if (!integer) {
      // Negative numbers have their other bits complemented: then the order is that of signed integers.
      const unsigned bits = element.getIntOrFloatBitWidth();
      keys = b.convert(bitcast(keys, b.b.getIntegerType(bits)), i32);
      const Value sign = b.binary<stablehlo::ShiftRightArithmeticOp>(keys, b.splatLike(keys, 31));
      const double magnitude = static_cast<double>((int64_t{1} << (bits - 1)) - 1);
      keys = b.binary<stablehlo::XorOp>(keys, b.logicalAnd(sign, b.splatLike(keys, magnitude)));
    }
    keys = bitcast(b.convert(keys, i32), ui32);
    keys = b.binary<stablehlo::XorOp>(keys, b.splatLike(keys, 2147483648.0));
  }
  return key.descending ? b.unary<stablehlo::NotOp>(keys) : keys;
}

void orderFloats(Region& comparator) {
  llvm::SmallVector<stablehlo::CompareOp> partial;
  comparator.walk([&](stablehlo::CompareOp op) {
    const Direction direction = op.getComparisonDirection();
    if (direction == Direction::EQ || direction == Direction::NE) return;
    if (!isa<FloatType>(Build::elementOf(op.getLhs()))) return;
    if (op.getCompareType() != stablehlo::ComparisonType::TOTALORDER) partial.push_back(op);
  });
  for (stablehlo::CompareOp op : partial) {
    Build b(OpBuilder(op), op.getLoc());
    for (OpOperand& operand : op->getOpOperands()) {
      const Value x = operand.get(), zero = b.splatLike(x, 0.0);
      const Value positive = b.select(b.compare(Direction::EQ, x, zero), zero, x);
      operand.set(positive);
      if (!APFloat::semanticsHasNaN(cast<FloatType>(Build::elementOf(x)).getFloatSemantics())) continue;
      const Value nan = b.splatLike(x, std::numeric_limits<double>::quiet_NaN());
      operand.set(b.select(b.compare(Direction::NE, x, x), nan, positive));
    }
    op.setCompareType(stablehlo::ComparisonType::TOTALORDER);
  }
}

}  // namespace wherry::compile
