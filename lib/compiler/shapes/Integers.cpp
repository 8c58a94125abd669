// Integers.cpp: the arithmetic on sizes, done when compiling.
//
// A shape is a handful of integers, so everything here is an interpreter of small integer tensors.
#include "compiler/shapes/Shapes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Integers = llvm::SmallVector<int64_t>;

constexpr int64_t maxElements = 64;

/// The integer type of the elements of a static tensor of at most `maxElements`, or null.
IntegerType integerOf(Type type) {
  const auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape()) return {};
  int64_t count = 1;
  for (const int64_t size : tensor.getShape()) {
    if (size > maxElements) return {};
    count *= size;
    if (count > maxElements) return {};
  }
  return dyn_cast<IntegerType>(tensor.getElementType());
}

bool isUnsigned(IntegerType type) { return type.isUnsigned() || type.getWidth() == 1; }

/// `value` as a number of `type` has it: the bits beyond its width dropped.
int64_t wrapped(IntegerType type, const APInt& value) {
  const APInt fitting = value.sextOrTrunc(type.getWidth());
  return isUnsigned(type) ? static_cast<int64_t>(fitting.zextOrTrunc(64).getZExtValue())
                          : fitting.sextOrTrunc(64).getSExtValue();
}

int64_t wrapped(IntegerType type, int64_t value) {
  return wrapped(type, APInt(64, static_cast<uint64_t>(value)));
}

std::optional<int64_t> binary(Operation* op, IntegerType type, int64_t left, int64_t right) {
  const bool plain = isUnsigned(type);
  const APInt a(64, static_cast<uint64_t>(left)), b(64, static_cast<uint64_t>(right));
  const bool less = plain ? a.ult(b) : a.slt(b);
  if (isa<stablehlo::AddOp>(op)) return wrapped(type, a + b);
  if (isa<stablehlo::SubtractOp>(op)) return wrapped(type, a - b);
  if (isa<stablehlo::MulOp>(op)) return wrapped(type, a * b);
  if (isa<stablehlo::MaxOp>(op)) return less ? right : left;
  if (isa<stablehlo::MinOp>(op)) return less ? left : right;
  if (isa<stablehlo::AndOp>(op)) return left & right;
  if (isa<stablehlo::OrOp>(op)) return left | right;
  if (isa<stablehlo::XorOp>(op)) return left ^ right;
  if (isa<stablehlo::DivOp, stablehlo::RemOp>(op)) {
    const bool isDivision = isa<stablehlo::DivOp>(op);
    if (b.isZero()) return std::nullopt;
    // The smallest number by -1 does not fit; as a size it means nothing.
    if (!plain && a.isMinSignedValue() && b.isAllOnes()) return std::nullopt;
    if (plain) return wrapped(type, isDivision ? a.udiv(b) : a.urem(b));
    return wrapped(type, isDivision ? a.sdiv(b) : a.srem(b));
  }
  const auto distance = static_cast<uint64_t>(right);
  if (isa<stablehlo::ShiftLeftOp>(op)) return distance < type.getWidth() ? wrapped(type, a.shl(distance)) : 0;
  if (isa<stablehlo::ShiftRightArithmeticOp>(op) && !plain)
    return a.ashr(distance < type.getWidth() ? distance : 63).getSExtValue();
  return std::nullopt;
}

bool holds(stablehlo::ComparisonDirection direction, bool less, bool equal) {
  switch (direction) {
    case stablehlo::ComparisonDirection::EQ:
      return equal;
    case stablehlo::ComparisonDirection::NE:
      return !equal;
    case stablehlo::ComparisonDirection::LT:
      return less;
    case stablehlo::ComparisonDirection::LE:
      return less || equal;
    case stablehlo::ComparisonDirection::GT:
      return !less && !equal;
    case stablehlo::ComparisonDirection::GE:
      return !less;
  }
  return false;
}

std::optional<int64_t> unary(Operation* op, IntegerType from, IntegerType to, int64_t value) {
  if (isa<stablehlo::ConvertOp>(op)) return to.getWidth() == 1 ? value != 0 : wrapped(to, value);
  if (isa<stablehlo::NegOp>(op)) return wrapped(to, -APInt(64, static_cast<uint64_t>(value)));
  if (isa<stablehlo::NotOp>(op)) return wrapped(to, ~value);
  if (isa<stablehlo::AbsOp>(op) && !isUnsigned(from))
    return wrapped(to, APInt(64, static_cast<uint64_t>(value)).abs());
  if (isa<stablehlo::SignOp>(op) && !isUnsigned(from)) return value > 0 ? 1 : value < 0 ? -1 : 0;
  return std::nullopt;
}

/// Calls `body` with the index of each element of `type`, in memory order.
void forEachIndex(RankedTensorType type, llvm::function_ref<void(ArrayRef<int64_t>)> body) {
  Integers index(type.getRank(), 0);
  for (int64_t left = type.getNumElements(); left > 0; --left) {
    body(index);
    for (int64_t d = type.getRank() - 1; d >= 0 && ++index[d] == type.getDimSize(d); --d) index[d] = 0;
  }
}

int64_t linear(RankedTensorType type, ArrayRef<int64_t> index) {
  int64_t at = 0;
  for (int64_t d = 0; d < type.getRank(); ++d) at = at * type.getDimSize(d) + index[d];
  return at;
}

/// The elements of a result that only places those of its operands.
std::optional<Integers> moved(Operation* op, RankedTensorType type, ArrayRef<Integers> operands) {
  if (isa<stablehlo::ReshapeOp>(op)) return operands[0];
  Integers result;
  const auto from = [&](unsigned k) { return cast<RankedTensorType>(op->getOperand(k).getType()); };
  if (auto broadcast = dyn_cast<stablehlo::BroadcastInDimOp>(op)) {
    forEachIndex(type, [&](ArrayRef<int64_t> index) {
      Integers at;
      for (const auto [d, dim] : llvm::enumerate(broadcast.getBroadcastDimensions()))
        at.push_back(from(0).getDimSize(d) == 1 ? 0 : index[dim]);
      result.push_back(operands[0][linear(from(0), at)]);
    });
    return result;
  }
  if (auto slice = dyn_cast<stablehlo::SliceOp>(op)) {
    forEachIndex(type, [&](ArrayRef<int64_t> index) {
      Integers at;
      for (int64_t d = 0; d < type.getRank(); ++d)
        at.push_back(slice.getStartIndices()[d] + index[d] * slice.getStrides()[d]);
      result.push_back(operands[0][linear(from(0), at)]);
    });
    return result;
  }
  if (auto concatenate = dyn_cast<stablehlo::ConcatenateOp>(op)) {
    const auto dim = static_cast<int64_t>(concatenate.getDimension());
    forEachIndex(type, [&](ArrayRef<int64_t> index) {
      Integers at(index);
      unsigned k = 0;
      for (; at[dim] >= from(k).getDimSize(dim); ++k) at[dim] -= from(k).getDimSize(dim);
      result.push_back(operands[k][linear(from(k), at)]);
    });
    return result;
  }
  if (auto slice = dyn_cast<stablehlo::DynamicSliceOp>(op)) {
    forEachIndex(type, [&](ArrayRef<int64_t> index) {
      Integers at;
      for (int64_t d = 0; d < type.getRank(); ++d)
        at.push_back(index[d] + std::clamp<int64_t>(operands[1 + d][0], 0,
                                                    from(0).getDimSize(d) - slice.getSliceSizes()[d]));
      result.push_back(operands[0][linear(from(0), at)]);
    });
    return result;
  }
  return std::nullopt;
}

std::optional<Integers> computed(Operation* op, IntegerType type, ArrayRef<Integers> operands) {
  const auto result = cast<RankedTensorType>(op->getResult(0).getType());
  const auto from = dyn_cast<IntegerType>(getElementTypeOrSelf(op->getOperand(0).getType()));
  if (!from) return std::nullopt;
  Integers elements;
  for (int64_t i = 0, count = result.getNumElements(); i < count; ++i) {
    const auto at = [&](unsigned k) { return operands[k][operands[k].size() == 1 ? 0 : i]; };
    std::optional<int64_t> element;
    if (auto compare = dyn_cast<stablehlo::CompareOp>(op)) {
      const APInt a(64, static_cast<uint64_t>(at(0))), b(64, static_cast<uint64_t>(at(1)));
      element = holds(compare.getComparisonDirection(), isUnsigned(from) ? a.ult(b) : a.slt(b), a == b);
    } else if (isa<stablehlo::SelectOp>(op)) {
      element = at(0) ? at(1) : at(2);
    } else if (isa<stablehlo::ClampOp>(op) && !isUnsigned(type)) {
      element = std::min(std::max(at(0), at(1)), at(2));
    } else if (operands.size() == 2) {
      element = binary(op, type, at(0), at(1));
    } else if (operands.size() == 1) {
      element = unary(op, from, type, at(0));
    }
    if (!element) return std::nullopt;
    elements.push_back(*element);
  }
  return elements;
}

}  // namespace

std::optional<Integers> KnownIntegers::elements(Value value) {
  if (const auto it = known.find(value); it != known.end()) return it->second;
  auto constant = value.getDefiningOp<stablehlo::ConstantOp>();
  if (!constant) return std::nullopt;
  const auto elements = dyn_cast<DenseIntElementsAttr>(constant.getValue());
  const Type type = constant.getType();
  const auto tensor = cast<RankedTensorType>(type);
  if (tensor.getElementType().isIndex() && tensor.hasStaticShape() &&
      tensor.getNumElements() <= maxElements && elements) {
    Integers result;
    for (const APInt& element : elements.getValues<APInt>()) result.push_back(element.getSExtValue());
    return result;
  }
  const IntegerType integer = integerOf(type);
  if (!integer || !elements) return std::nullopt;
  Integers result;
  for (const APInt& element : elements.getValues<APInt>())
    result.push_back(isUnsigned(integer) ? static_cast<int64_t>(element.getZExtValue())
                                         : element.getSExtValue());
  return result;
}

void KnownIntegers::learn(Operation* op) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0) return;
  const IntegerType type = integerOf(op->getResult(0).getType());
  if (!type) return;
  const auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (auto size = dyn_cast<stablehlo::GetDimensionSizeOp>(op)) {
    const auto from = cast<RankedTensorType>(size.getOperand().getType());
    const auto dim = static_cast<int64_t>(size.getDimension());
    if (dim < from.getRank() && !from.isDynamicDim(dim))
      known[size.getResult()] = {wrapped(type, from.getDimSize(dim))};
    return;
  }
  if (auto iota = dyn_cast<stablehlo::IotaOp>(op)) {
    Integers elements;
    forEachIndex(result,
                 [&](ArrayRef<int64_t> index) { elements.push_back(index[iota.getIotaDimension()]); });
    known[op->getResult(0)] = elements;
    return;
  }
  if (op->getNumOperands() == 0) return;
  llvm::SmallVector<Integers> operands;
  for (Value operand : op->getOperands()) {
    std::optional<Integers> values = elements(operand);
    if (!values) return;
    operands.push_back(std::move(*values));
  }
  std::optional<Integers> learned = moved(op, result, operands);
  if (!learned) learned = computed(op, type, operands);
  if (learned) known[op->getResult(0)] = std::move(*learned);
}

}  // namespace wherry::compile
