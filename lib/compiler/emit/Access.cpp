// Access.cpp: operations that read different places by position or by data.
//
// Where all lanes agree the choice is a branch, and only the chosen side runs. Where they differ, every
// side is read at a position clamped into its bounds, and lanes select. Positions whose bounds decide the
// choice cost nothing; planning makes pieces in which they do (Iteration.h).
#include "compiler/emit/Emitter.h"
#include "compiler/emit/Guard.h"

using namespace mlir;

namespace wherry::compile {

Val Emitter::guarded(Value condition, Value laneCondition, const Element& element, unsigned lanes,
                     llvm::function_ref<Val()> inside, llvm::function_ref<Val()> outside) {
  const auto perLane = [&]() -> Val {
    if (!laneCondition) return inside();
    const Val yes = inside();
    return select(b, laneCondition, yes, outside());
  };
  return condition ? branch(condition, element, lanes, perLane, outside) : perLane();
}

Val Emitter::pad(stablehlo::PadOp op, const Place& place) {
  const Element element = Element::of(op.getType());
  const Shape from = shapeOf(op.getResult()), to = shapeOf(op.getOperand());
  const auto low = op.getEdgePaddingLow(), high = op.getEdgePaddingHigh(), interior = op.getInteriorPadding();
  const auto outside = [&] { return value(op.getPaddingValue(), {}); };
  if (llvm::is_contained(to, 0)) return outside();
  const auto plain = [&](unsigned d) { return low[d] == 0 && high[d] == 0 && interior[d] == 0; };
  const KernelBuilder::Outside hoisted(b, structureDepth(place));
  Place inner = math.refine(place, from, [&](unsigned d) { return !plain(d) || !plain(d + 1); });
  Conditions conditions{b, {}, {}};
  unsigned dim = 0;
  for (Part& part : inner) {
    const unsigned d = dim;
    dim += part.dims;
    if (part.dims != 1 || plain(d)) continue;
    const int64_t gap = interior[d] + 1, limit = (to[d] - 1) * gap + 1;
    part.extent = to[d];
    part.index = math.add(part.index, -low[d]);
    if (part.index.max < 0 || part.index.min >= limit) return outside();
    conditions.add(math.inside(part.index, 0, limit));
    // The remainder is of a position that is never negative: that one is clamped even where lanes agree.
    part.index = gap == 1 ? assumed(math, part.index, 0, limit - 1) : math.clamp(part.index, 0, limit - 1);
    if (gap == 1) continue;
    const Index rest = math.rem(part.index, gap);
    if (rest.isConstant() && rest.min != 0) return outside();
    conditions.add(math.inside(math.scale(rest, -1), 0, 1));
    part.index = math.div(part.index, gap);
  }
  return guarded(
      conditions.all, conditions.lanes, element, lanesAt(place),
      [&] { return value(op.getOperand(), inner); }, outside);
}

Val Emitter::concatenate(stablehlo::ConcatenateOp op, const Place& place) {
  const Element element = Element::of(op.getType());
  const Shape from = shapeOf(op.getResult());
  const unsigned d = static_cast<unsigned>(op.getDimension());
  const KernelBuilder::Outside hoisted(b, structureDepth(place));
  const Place inner = math.refine(place, from, [&](unsigned i) { return i == d || i + 1 == d; });
  unsigned at = 0, dim = 0;
  while (dim < d) dim += inner[at++].dims;
  const Index position = inner[at].index;
  // The operands that the position can fall into.
  struct Piece {
    Value operand;
    int64_t start, size;
  };
  SmallVector<Piece, 4> pieces;
  int64_t start = 0;
  for (const Value operand : op.getInputs()) {
    const int64_t size = shapeOf(operand)[d];
    if (size > 0 && position.max >= start && position.min < start + size)
      pieces.push_back({operand, start, size});
    start += size;
  }
  const auto read = [&](const Piece& piece) {
    Place there = inner;
    there[at].extent = piece.size;
    there[at].index = assumed(math, math.add(position, -piece.start), 0, piece.size - 1);
    return value(piece.operand, there);
  };
  const auto choose = [&](const auto& self, ArrayRef<Piece> rest) -> Val {
    if (rest.size() == 1) return read(rest.front());
    const size_t half = rest.size() / 2;
    const int64_t border = rest[half].start;
    if (position.isUniform()) {
      const Value isLow = b.cmpi(arith::CmpIPredicate::slt, position.base, border);
      return branch(
          isLow, element, lanesAt(place), [&] { return self(self, rest.take_front(half)); },
          [&] { return self(self, rest.drop_front(half)); });
    }
    const Value isLow = b.cmpi(arith::CmpIPredicate::slt, math.vector(position), border);
    const Val low = self(self, rest.take_front(half));
    return select(b, isLow, low, self(self, rest.drop_front(half)));
  };
  return choose(choose, pieces);
}

Val Emitter::iota(stablehlo::IotaOp op, const Place& place) {
  const Element element = Element::of(op.getType());
  const Shape shape = shapeOf(op.getResult());
  const int64_t d = op.getIotaDimension();
  const Index position =
      math.split(math.refine(place, shape, [&](unsigned i) { return i == d || i + 1 == d; }), shape)[d];
  const Element integer = Element::of(b.indexLaneType());
  Index scalar = position;
  const Value number = position.isUniform() ? b.make<arith::IndexCastOp>(b.indexLaneType(), scalar.base)
                                            : math.vector(position);
  return converted(b, integer, element, {number, Value()});
}

Index Emitter::positionOf(Val value, const Element& element, int64_t high) {
  Value x = value.re;
  const unsigned width = element.compute.getIntOrFloatBitWidth();
  const bool isUnsigned = element.isUnsigned();
  if (!isUnsigned) x = b.binary<arith::MaxSIOp>(x, 0);
  // A type that cannot exceed the bound needs no bound.
  const APInt most = isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  if (most.getActiveBits() > 63 || static_cast<int64_t>(most.getZExtValue()) > high)
    x = isUnsigned ? b.binary<arith::MinUIOp>(x, high) : b.binary<arith::MinSIOp>(x, high);
  Index position = math.constant(0);
  position.max = high;
  position.multiple = 1;
  if (high == 0) return math.constant(0);
  if (KernelBuilder::lanesOf(x) == 1) {
    position.base = isUnsigned ? b.make<arith::IndexCastUIOp>(IndexType::get(b.context()), x)
                               : b.make<arith::IndexCastOp>(IndexType::get(b.context()), x);
    return position;
  }
  position.base = Value();
  const unsigned want = b.indexLaneType().getIntOrFloatBitWidth();
  position.lanes = width > want   ? b.cast<arith::TruncIOp>(x, b.indexLaneType())
                   : width < want ? b.cast<arith::ExtUIOp>(x, b.indexLaneType())
                                  : x;
  return position;
}

Val Emitter::dynamicSlice(stablehlo::DynamicSliceOp op, const Place& place) {
  const Shape from = shapeOf(op.getResult()), to = shapeOf(op.getOperand());
  Place inner =
      math.refine(place, from, [&](unsigned d) { return from[d] != to[d] || from[d + 1] != to[d + 1]; });
  unsigned dim = 0;
  for (Part& part : inner) {
    const unsigned d = dim;
    dim += part.dims;
    if (part.dims != 1 || from[d] == to[d]) continue;
    const Value start = op.getStartIndices()[d];
    part.index =
        math.add(part.index, positionOf(value(start, {}), Element::of(start.getType()), to[d] - from[d]));
    part.extent = to[d];
  }
  return value(op.getOperand(), inner);
}

Val Emitter::dynamicUpdateSlice(stablehlo::DynamicUpdateSliceOp op, const Place& place) {
  const Element element = Element::of(op.getType());
  const Shape from = shapeOf(op.getResult()), to = shapeOf(op.getUpdate());
  const auto outside = [&] { return value(op.getOperand(), place); };
  if (llvm::is_contained(to, 0)) return outside();
  Place inner =
      math.refine(place, from, [&](unsigned d) { return from[d] != to[d] || from[d + 1] != to[d + 1]; });
  Conditions conditions{b, {}, {}};
  unsigned dim = 0;
  for (Part& part : inner) {
    const unsigned d = dim;
    dim += part.dims;
    if (part.dims != 1 || from[d] == to[d]) continue;
    const Value start = op.getStartIndices()[d];
    const Index first = positionOf(value(start, {}), Element::of(start.getType()), from[d] - to[d]);
    part.index = math.add(part.index, math.scale(first, -1));
    part.extent = to[d];
    conditions.add(math.inside(part.index, 0, to[d]));
    part.index = assumed(math, part.index, 0, to[d] - 1);
  }
  return guarded(
      conditions.all, conditions.lanes, element, lanesAt(place), [&] { return value(op.getUpdate(), inner); },
      outside);
}

Val Emitter::gather(stablehlo::GatherOp op, const Place& place) {
  const auto numbers = op.getDimensionNumbers();
  const Shape operand = shapeOf(op.getOperand()), indices = shapeOf(op.getStartIndices());
  const auto offsetDims = numbers.getOffsetDims();
  const auto result = math.split(place, shapeOf(op.getResult()));
  const int64_t vectorDim = numbers.getIndexVectorDim();
  // Dimensions of the result that are not offsets are the dimensions of the indices but for the vector's.
  SmallVector<Index, 4> batch, offsets;
  for (unsigned d = 0; d < result.size(); ++d)
    (llvm::is_contained(offsetDims, static_cast<int64_t>(d)) ? offsets : batch).push_back(result[d]);
  const auto startAt = [&](int64_t component, int64_t high) {
    SmallVector<Index, 4> at(batch.begin(), batch.end());
    if (vectorDim < static_cast<int64_t>(indices.size()))
      at.insert(at.begin() + vectorDim, math.constant(component));
    const Val start = value(op.getStartIndices(), math.join(at, indices));
    return positionOf(start, Element::of(op.getStartIndices().getType()), high);
  };
  SmallVector<Index, 4> at;
  unsigned nextOffset = 0;
  for (int64_t d = 0; d < static_cast<int64_t>(operand.size()); ++d) {
    const bool isBatching = llvm::is_contained(numbers.getOperandBatchingDims(), d);
    const bool isCollapsed = llvm::is_contained(numbers.getCollapsedSliceDims(), d);
    Index position = isBatching || isCollapsed ? math.constant(0) : offsets[nextOffset++];
    if (const auto it = llvm::find(numbers.getStartIndexMap(), d); it != numbers.getStartIndexMap().end())
      position = math.add(
          position, startAt(it - numbers.getStartIndexMap().begin(), operand[d] - op.getSliceSizes()[d]));
    if (const auto it = llvm::find(numbers.getOperandBatchingDims(), d);
        it != numbers.getOperandBatchingDims().end()) {
      const int64_t of = numbers.getStartIndicesBatchingDims()[it - numbers.getOperandBatchingDims().begin()];
      position = math.add(position, batch[of > vectorDim ? of - 1 : of]);
    }
    at.push_back(position);
  }
  return value(op.getOperand(), math.join(at, operand));
}

Val Emitter::bitcastConvert(stablehlo::BitcastConvertOp op, const Place& place) {
  const Element from = Element::of(op.getOperand().getType()), to = Element::of(op.getType());
  const Shape operand = shapeOf(op.getOperand()), result = shapeOf(op.getResult());
  // Integers of 2 and 4 bits fill a byte with their sign; a float of any code is a value as it is.
  const auto valueOf = [&](Value bits) {
    const Value x = fromBits(b, to, bits);
    return Val{to.isFloat() ? x : rounded(b, to, x), Value()};
  };
  if (from.bits == to.bits) {
    const Val whole = value(op.getOperand(), place);
    if (from.type == to.type) return whole;
    return valueOf(bitsOf(b, from, whole.re));
  }
  const auto integer = [&](unsigned bits) { return IntegerType::get(b.context(), std::max(bits, 8u)); };
  auto indices = math.split(place, result);
  if (from.bits > to.bits) {  // the last dimension of the result counts pieces of one element
    const Index piece = indices.pop_back_val();
    const Value whole = bitsOf(b, from, value(op.getOperand(), math.join(indices, operand)).re);
    const Value number =
        piece.isUniform() ? b.make<arith::IndexCastOp>(b.indexLaneType(), piece.base) : math.vector(piece);
    const Val amount =
        converted(b, Element::of(b.indexLaneType()), Element::of(integer(from.bits)), {number, Value()});
    const Value moved = b.binary<arith::ShRUIOp>(whole, b.binary<arith::MulIOp>(amount.re, to.bits));
    return valueOf(integer(to.bits) == moved.getType() ? moved
                                                       : b.cast<arith::TruncIOp>(moved, integer(to.bits)));
  }
  const unsigned count = to.bits / from.bits;
  Value whole;
  for (unsigned i = 0; i < count; ++i) {
    indices.push_back(math.constant(i));
    Value piece = bitsOf(b, from, value(op.getOperand(), math.join(indices, operand)).re);
    indices.pop_back();
    if (from.bits < 8) piece = b.binary<arith::AndIOp>(piece, (int64_t{1} << from.bits) - 1);
    if (to.bits > 8) piece = b.cast<arith::ExtUIOp>(piece, integer(to.bits));
    piece = b.binary<arith::ShLIOp>(piece, static_cast<int64_t>(i) * from.bits);
    whole = whole ? b.binary<arith::OrIOp>(whole, piece) : piece;
  }
  return valueOf(whole);
}

}  // namespace wherry::compile
