// MergeVectors.cpp: see MergeVectors.h.
#include "compiler/emit/MergeVectors.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace wherry::compile {

namespace {

stablehlo::CompareOp comparisonOf(stablehlo::SortOp op) {
  return op.getComparator().front().getTerminator()->getOperand(0).getDefiningOp<stablehlo::CompareOp>();
}

using Direction = stablehlo::ComparisonDirection;

}  // namespace

bool VectorMerger::handles(stablehlo::SortOp op) {
  if (op->getNumOperands() != 1) return false;
  const Element element = Element::of(op.getInputs().front().getType());
  auto compare = comparisonOf(op);
  if (!compare || !element.isInteger() || element.isNarrow()) return false;
  Block& body = op.getComparator().front();
  const Direction direction = compare.getComparisonDirection();
  return (direction == Direction::LT || direction == Direction::GT) &&
         compare.getLhs() == body.getArgument(0) && compare.getRhs() == body.getArgument(1);
}

VectorMerger::VectorMerger(KernelBuilder& builder, Emitter& emitter, stablehlo::SortOp op, unsigned lanes,
                           Value from, Value to)
    : b_(builder),
      emitter_(emitter),
      element_(Element::of(op.getInputs().front().getType())),
      descending_(comparisonOf(op).getComparisonDirection() == Direction::GT),
      lanes_(lanes),
      from_(from),
      to_(to) {
  OpBuilder entry = b_.at(0);
  rest_ = memref::AllocaOp::create(entry, b_.loc(), MemRefType::get({lanes}, element_.storage));
}

Index VectorMerger::at(Value position, int64_t step) const {
  Index where;
  where.base = position;
  where.step = step;
  where.max = cast<MemRefType>(from_.getType()).getNumElements();
  return where;
}

Value VectorMerger::earlier(Value x, Value y, bool isEarlier) {
  const bool isLess = isEarlier != descending_;
  if (element_.isUnsigned())
    return isLess ? b_.binary<arith::MinUIOp>(x, y) : b_.binary<arith::MaxUIOp>(x, y);
  return isLess ? b_.binary<arith::MinSIOp>(x, y) : b_.binary<arith::MaxSIOp>(x, y);
}

Value VectorMerger::head(const Run& run, Value last) {
  const Value inside = b_.make<arith::MinSIOp>(run.next, last);
  const Value element = emitter_.load(from_, element_, at(inside, 0)).re;
  return b_.select(b_.cmpi(arith::CmpIPredicate::slt, run.next, run.end), element,
                   extremeOf(b_, element_, !descending_));
}

Value VectorMerger::carefully(const Run& run, Value last) {
  const Type type = b_.indexLaneType();
  const auto lane = [&](Value position) { return b_.make<arith::IndexCastOp>(type, position); };
  Index where = at(Value(), 0);
  const Value positions = b_.binary<arith::AddIOp>(lane(run.next), b_.laneNumbers(type, 1));
  where.lanes = b_.binary<arith::MinSIOp>(positions, lane(last));
  return b_.select(b_.cmpi(arith::CmpIPredicate::slt, positions, lane(run.end)),
                   emitter_.load(from_, element_, where).re, extremeOf(b_, element_, !descending_));
}

VectorMerger::Taken VectorMerger::take(const Run& first, const Run& second, Value last) {
  using Predicate = arith::CmpIPredicate;
  const Predicate isLess = element_.isUnsigned() ? (descending_ ? Predicate::uge : Predicate::ule)
                                                 : (descending_ ? Predicate::sge : Predicate::sle);
  const Value isFirst = b_.cmpi(isLess, head(first, last), head(second, last));
  const Run run{b_.select(isFirst, first.next, second.next), b_.select(isFirst, first.end, second.end)};
  const Value after = b_.make<arith::AddIOp>(run.next, b_.constantIndex(lanes_));
  return {load(run, last), {b_.select(isFirst, after, first.next), b_.select(isFirst, second.next, after)}};
}

Value VectorMerger::load(const Run& run, Value last) {
  b_.setLanes(lanes_);
  const Value after = b_.make<arith::AddIOp>(run.next, b_.constantIndex(lanes_));
  const Value isWhole = b_.cmpi(arith::CmpIPredicate::sle, after, run.end);
  OpBuilder builder = b_.here();
  auto choice = scf::IfOp::create(builder, b_.loc(), b_.withLanes(element_.compute, lanes_), isWhole,
                                  /*withElseRegion=*/true);
  const auto fill = [&](Block* block, llvm::function_ref<Value()> side) {
    b_.push(block, choice, true);
    const Value value = side();
    OpBuilder inner = b_.here();
    scf::YieldOp::create(inner, b_.loc(), value);
    b_.pop();
  };
  fill(choice.thenBlock(), [&] { return emitter_.load(from_, element_, at(run.next, 1)).re; });
  fill(choice.elseBlock(), [&] { return carefully(run, last); });
  b_.setLanes(1);
  return choice.getResult(0);
}

Value VectorMerger::exchanged(Value x, unsigned distance, unsigned block) {
  SmallVector<int64_t, 16> partner, blend;
  for (unsigned lane = 0; lane < lanes_; ++lane) {
    const bool isLower = (lane & distance) == 0, ascends = (lane & block) == 0;
    partner.push_back(lane ^ distance);
    blend.push_back(isLower == ascends ? lane : lane + lanes_);
  }
  const Value other = b_.shuffle(x, x, partner);
  return b_.shuffle(earlier(x, other, true), earlier(x, other, false), blend);
}

Value VectorMerger::cleaned(Value x) {
  for (unsigned distance = lanes_ / 2; distance > 0; distance /= 2) x = exchanged(x, distance, lanes_);
  return x;
}

Value VectorMerger::sorted(Value x) {
  for (unsigned block = 2; block <= lanes_; block *= 2)
    for (unsigned distance = block / 2; distance > 0; distance /= 2) x = exchanged(x, distance, block);
  return x;
}

std::pair<Value, Value> VectorMerger::merged(Value x, Value y) {
  SmallVector<int64_t, 16> backwards;
  for (unsigned lane = lanes_; lane-- > 0;) backwards.push_back(lane);
  const Value other = b_.shuffle(y, y, backwards);
  return {cleaned(earlier(x, other, true)), cleaned(earlier(x, other, false))};
}

void VectorMerger::store(Value vector, Value out, Value outEnd) {
  const Value left = b_.make<arith::SubIOp>(outEnd, out);
  OpBuilder builder = b_.here();
  auto choice = scf::IfOp::create(builder, b_.loc(), TypeRange{},
                                  b_.cmpi(arith::CmpIPredicate::sge, left, b_.constantIndex(lanes_)), true);
  b_.push(choice.thenBlock(), choice, true);
  b_.setLanes(lanes_);
  emitter_.store(to_, element_, at(out, 1), {vector, Value()});
  b_.pop();
  b_.push(choice.elseBlock(), choice, true);
  emitter_.store(rest_, element_, at(b_.constantIndex(0), 1), {vector, Value()});
  b_.setLanes(1);
  builder = b_.here();
  auto loop = scf::ForOp::create(builder, b_.loc(), b_.constantIndex(0), left, b_.constantIndex(1));
  b_.push(loop.getBody(), loop);
  b_.keepLoadsInOrder(true);
  const Value lane = loop.getInductionVar();
  emitter_.store(to_, element_, at(b_.make<arith::AddIOp>(out, lane), 0),
                 emitter_.load(rest_, element_, at(lane, 0)));
  b_.keepLoadsInOrder(false);
  b_.pop();
  b_.pop();
}

void VectorMerger::merge(ArrayRef<Part> parts, Value last) {
  SmallVector<Value> carried;
  Value longest;
  for (const Part& part : parts) {
    const Taken start = take(part.first, part.second, last);
    carried.append({start.next[0], start.next[1], start.vector});
    const Value size = b_.make<arith::SubIOp>(part.outEnd, part.out);
    longest = longest ? b_.make<arith::MaxSIOp>(longest, size) : size;
  }
  OpBuilder builder = b_.here();
  auto loop =
      scf::ForOp::create(builder, b_.loc(), b_.constantIndex(0), longest, b_.constantIndex(lanes_), carried);
  b_.push(loop.getBody(), loop);
  SmallVector<Value> next, lows;
  for (const auto& [i, part] : llvm::enumerate(parts)) {
    const ValueRange now = loop.getRegionIterArgs().slice(3 * i, 3);
    const Taken taken = take({now[0], part.first.end}, {now[1], part.second.end}, last);
    const auto [low, high] = merged(now[2], taken.vector);
    lows.push_back(low);
    next.append({taken.next[0], taken.next[1], high});
  }
  for (const auto& [part, low] : llvm::zip(parts, lows))
    store(low, b_.make<arith::AddIOp>(part.out, loop.getInductionVar()), part.outEnd);
  builder = b_.here();
  scf::YieldOp::create(builder, b_.loc(), next);
  b_.pop();
}

void VectorMerger::sort(Value start, Value end, int64_t size) {
  const Value last = b_.make<arith::SubIOp>(end, b_.constantIndex(1));
  const Value x = sorted(load({start, end}, last));
  if (size <= lanes_) return store(x, start, end);
  const Value next = b_.make<arith::AddIOp>(start, b_.constantIndex(lanes_));
  const auto [low, high] = merged(x, sorted(load({next, end}, last)));
  store(low, start, end);
  store(high, next, end);
}

}  // namespace wherry::compile
