// Scatter.cpp: scatter as loops over the updates.
//
// One loop per dimension of the updates: first those that choose an index vector, then those of the window.
// Bounds are met by the loops where a dimension has a window (the part that lies inside the result is one
// range), and by one condition where it has a single position. As the specification has it, elements of a
// window that lie outside are left out one by one.
#include "compiler/emit/Update.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace wherry::compile {

namespace {

constexpr double walkNs = 2.0;        // of one index vector
constexpr double elementNs = 1.2;     // of one update
constexpr double rowElementNs = 0.2;  // of one update in a row of neighbours
constexpr double copyNs = 0.1;        // of one element of an operand
constexpr int64_t mostUnits = 64;     // on a CPU
constexpr int64_t mostWalkers = 8;    // units that walk the same index vectors, on a CPU
constexpr int64_t mostGpuWalkers = 256;
constexpr int64_t far = int64_t{1} << 62;

int64_t productOf(ArrayRef<int64_t> extents) {
  int64_t product = 1;
  for (const int64_t extent : extents) product *= extent;
  return product;
}

}  // namespace

ScatterEmitter::ScatterEmitter(KernelBuilder& builder, Emitter& emitter, stablehlo::ScatterOp op,
                               ArrayRef<Value> outputs, bool inPlace, const EmitOptions& options,
                               unsigned lanes)
    : b_(builder),
      emitter_(emitter),
      math_(&builder),
      op_(op),
      outputs_(outputs),
      inPlace_(inPlace),
      lanes_(lanes) {
  readDimensions();
  chooseUnits(options);
}

void ScatterEmitter::readDimensions() {
  const auto numbers = op_.getScatterDimensionNumbers();
  shape_.assign(shapeOf(op_.getResult(0)).begin(), shapeOf(op_.getResult(0)).end());
  updates_.assign(shapeOf(op_.getUpdates()[0]).begin(), shapeOf(op_.getUpdates()[0]).end());
  const auto windows = numbers.getUpdateWindowDims();
  dimensions_.resize(shape_.size());
  resultDim_.assign(updates_.size(), -1);
  for (unsigned u = 0; u < updates_.size(); ++u)
    (llvm::is_contained(windows, static_cast<int64_t>(u)) ? windowDims_ : positionDims_).push_back(u);
  unsigned nextWindow = 0;
  for (unsigned d = 0; d < shape_.size(); ++d) {
    Dimension& dimension = dimensions_[d];
    const auto dim = static_cast<int64_t>(d);
    dimension.extent = shape_[d];
    if (const auto it = llvm::find(numbers.getScatterDimsToOperandDims(), dim);
        it != numbers.getScatterDimsToOperandDims().end())
      dimension.component = static_cast<int>(it - numbers.getScatterDimsToOperandDims().begin());
    if (const auto it = llvm::find(numbers.getInputBatchingDims(), dim);
        it != numbers.getInputBatchingDims().end()) {
      const int64_t of = numbers.getScatterIndicesBatchingDims()[it - numbers.getInputBatchingDims().begin()];
      dimension.batchDim = static_cast<int>(positionDims_[of > numbers.getIndexVectorDim() ? of - 1 : of]);
      resultDim_[dimension.batchDim] = static_cast<int>(d);
    } else if (!llvm::is_contained(numbers.getInsertedWindowDims(), dim)) {
      dimension.windowDim = static_cast<int>(windows[nextWindow++]);
      dimension.window = updates_[dimension.windowDim];
      resultDim_[dimension.windowDim] = static_cast<int>(d);
    }
  }
  for (const unsigned u : windowDims_)
    if (updates_[u] > 1 && productOf(ArrayRef(shape_).drop_front(resultDim_[u] + 1)) == 1)
      rowDim_ = static_cast<int>(u);
}

void ScatterEmitter::chooseUnits(const EmitOptions& options) {
  const auto results = static_cast<double>(op_.getNumResults());
  const double elements = static_cast<double>(productOf(shape_)) * results;
  double vectors = 1;
  for (const unsigned u : positionDims_) vectors *= static_cast<double>(updates_[u]);
  const double updates = static_cast<double>(productOf(updates_)) * results;
  const bool hasRows = rowDim_ >= 0 && updates_[rowDim_] >= static_cast<int64_t>(lanes_);
  const double walk = vectors * walkNs, touch = updates * (hasRows ? rowElementNs : elementNs);
  const double copied = inPlace_ ? 0.0 : elements * copyNs;
  totalNs_ = walk + touch + copied;
  // Best are dimensions whose positions do not come from indices: their units share no work.
  int fixed = -1, indexed = -1;
  for (int d = 0; d < static_cast<int>(shape_.size()); ++d) {
    const Dimension& dimension = dimensions_[d];
    if (dimension.extent < 2) continue;
    const bool isFixed = dimension.component < 0 && (dimension.windowDim >= 0 || dimension.batchDim >= 0);
    int& best = isFixed ? fixed : indexed;
    if (best < 0 || (shape_[best] < 2 * mostWalkers && shape_[d] > shape_[best])) best = d;
  }
  int64_t wanted = std::clamp<int64_t>(
      static_cast<int64_t>(totalNs_ / static_cast<double>(std::max<int64_t>(1, options.unitCostNs))), 1,
      mostUnits);
  if (options.smallUnits) wanted = productOf(shape_);
  const bool useFixed = fixed >= 0 && (indexed < 0 || shape_[fixed] >= mostWalkers);
  slabDim_ = useFixed ? fixed : indexed;
  if (slabDim_ < 0) return;
  const bool sharesWalk = !useFixed || dimensions_[slabDim_].batchDim < 0;
  if (sharesWalk && !options.smallUnits)  // as long as walking is a small part of the work
    wanted = std::min(wanted, 1 + static_cast<int64_t>((touch + copied) / (2.0 * walk + 1.0)));
  if (!useFixed) wanted = std::min(wanted, options.smallUnits ? mostGpuWalkers : mostWalkers);
  const int64_t extent = shape_[slabDim_];
  slab_ = (extent + wanted - 1) / std::max<int64_t>(1, wanted);
  // Slabs of rows keep whole vectors together.
  if (rowDim_ >= 0 && resultDim_[rowDim_] == slabDim_)
    slab_ = (slab_ + lanes_ - 1) / lanes_ * static_cast<int64_t>(lanes_);
  slab_ = std::clamp<int64_t>(slab_, 1, std::max<int64_t>(1, extent));
  units_ = (extent + slab_ - 1) / slab_;
  if (units_ <= 1) {
    units_ = 1;
    slabDim_ = -1;
  }
}

ScatterEmitter::Span ScatterEmitter::wholeOf(unsigned dimension) const {
  if (static_cast<int>(dimension) == slabDim_) return {low_, high_};
  return {math_.constant(0), math_.constant(shape_[dimension])};
}

Value ScatterEmitter::both(Value x, Value y) {
  if (!x || !y) return x ? x : y;
  return b_.binary<arith::AndIOp>(x, y);
}

void ScatterEmitter::loop(const Span& span, int64_t step, Body body) {
  if (span.isConstant()) {
    emitter_.loop(span.from.min, span.to.min, step, {},
                  [&](const Index& at, ValueRange) -> SmallVector<Value> {
                    body(at);
                    return {};
                  });
    return;
  }
  OpBuilder builder = b_.here();
  auto loop = scf::ForOp::create(builder, b_.loc(), span.from.base, span.to.base, b_.constantIndex(step));
  b_.push(loop.getBody(), loop);
  Index at;
  at.base = loop.getInductionVar();
  at.min = span.from.min;
  at.max = std::max(span.to.max - 1, at.min);
  body(at);
  b_.pop();
}

void ScatterEmitter::rowLoop(const Span& span, Body body) {
  const unsigned lanes = lanesFor(span.to.max - span.from.min, lanes_);
  if (lanes == 1) return loop(span, 1, body);
  Span vectors = span, rest = span;
  if (span.isConstant()) {
    vectors.to = math_.constant(span.from.min + (span.to.min - span.from.min) / lanes * lanes);
  } else {
    const Index size = math_.clamp(math_.add(span.to, math_.scale(span.from, -1)), 0, span.to.max);
    vectors.to = math_.add(span.from, math_.scale(math_.div(size, lanes), lanes));
  }
  rest.from = vectors.to;
  loop(vectors, lanes, [&](Index at) {
    b_.setLanes(lanes);
    at.step = 1;
    if (span.isConstant()) at.max += lanes - 1;
    body(at);
    b_.setLanes(1);
  });
  loop(rest, 1, body);
}

void ScatterEmitter::guarded(Value condition, llvm::function_ref<void()> body) {
  APInt known;
  if (!condition || matchPattern(condition, m_ConstantInt(&known))) {
    if (!condition || !known.isZero()) body();
    return;
  }
  OpBuilder builder = b_.here();
  auto choice = scf::IfOp::create(builder, b_.loc(), TypeRange{}, condition, false);
  b_.push(choice.thenBlock(), choice, true);
  body();
  b_.pop();
}

void ScatterEmitter::emit(const Index& unit) {
  b_.setLoc(op_.getLoc());
  b_.setLanes(1);
  low_ = math_.constant(0);
  high_ = math_.constant(slabDim_ < 0 ? 1 : shape_[slabDim_]);
  if (slabDim_ >= 0) {
    low_ = math_.scale(unit, slab_);
    high_ = math_.clamp(math_.add(low_, slab_), 0, shape_[slabDim_]);
  }
  if (!inPlace_) copyOperands();
  position_.assign(updates_.size(), Index());
  if (!llvm::is_contained(updates_, 0)) walkPositions(0);
}

void ScatterEmitter::copyOperands() {
  const int64_t elements = productOf(shape_);
  const auto rank = static_cast<unsigned>(shape_.size());
  const int64_t inner = slabDim_ < 0 ? elements : productOf(ArrayRef(shape_).drop_front(slabDim_ + 1));
  const int64_t outer = slabDim_ < 0 ? 1 : productOf(ArrayRef(shape_).take_front(slabDim_));
  const Span row = slabDim_ < 0 ? Span{math_.constant(0), math_.constant(elements)}
                                : Span{math_.scale(low_, inner), math_.scale(high_, inner)};
  loop({math_.constant(0), math_.constant(outer)}, 1, [&](const Index& first) {
    rowLoop(row, [&](const Index& at) {
      const Index linear = math_.add(math_.scale(first, elements / outer), at);
      Place place;
      if (rank > 0) place.push_back({linear, elements, rank});
      for (const auto [operand, memory] : llvm::zip(op_.getInputs(), outputs_))
        emitter_.store(memory, Element::of(operand.getType()), linear, emitter_.value(operand, place));
    });
  });
}

void ScatterEmitter::walkPositions(unsigned next) {
  if (next < positionDims_.size()) {
    const unsigned u = positionDims_[next];
    const Span span =
        resultDim_[u] >= 0 ? wholeOf(resultDim_[u]) : Span{math_.constant(0), math_.constant(updates_[u])};
    return loop(span, 1, [&](const Index& at) {
      position_[u] = at;
      walkPositions(next + 1);
    });
  }
  SmallVector<Index, 8> starts;
  Value condition;
  startsOf(starts, condition);
  guarded(condition, [&] { walkWindow(0, starts); });
}

void ScatterEmitter::startsOf(SmallVectorImpl<Index>& starts, Value& condition) {
  const Value indices = op_.getScatterIndices();
  const Shape shape = shapeOf(indices);
  const Element element = Element::of(indices.getType());
  const auto vectorDim = static_cast<size_t>(op_.getScatterDimensionNumbers().getIndexVectorDim());
  for (unsigned d = 0; d < shape_.size(); ++d) {
    const Dimension& dimension = dimensions_[d];
    if (dimension.batchDim >= 0) {
      starts.push_back(position_[dimension.batchDim]);
      continue;
    }
    Index start = math_.constant(0);
    if (dimension.component >= 0) {
      SmallVector<Index, 8> at;
      for (const unsigned u : positionDims_) at.push_back(position_[u]);
      if (vectorDim < shape.size())
        at.insert(at.begin() + static_cast<std::ptrdiff_t>(vectorDim), math_.constant(dimension.component));
      const Value value = emitter_.value(indices, math_.join(at, shape)).re;
      const Type type = IndexType::get(b_.context());
      start.base = element.isUnsigned() ? b_.make<arith::IndexCastUIOp>(type, value)
                                        : b_.make<arith::IndexCastOp>(type, value);
      start.min = -far;
      start.max = far;
      start.multiple = 1;
    }
    const Span whole = wholeOf(d);
    if (dimension.window != 1) {
      // Farther away than this, no part of the window is inside.
      starts.push_back(math_.clamp(start, -dimension.window, dimension.extent));
      continue;
    }
    if (dimension.component >= 0 || static_cast<int>(d) == slabDim_) {
      if (static_cast<int>(d) == slabDim_) {
        condition = both(condition, b_.cmpi(arith::CmpIPredicate::sge, start.base, whole.from.base));
        condition = both(condition, b_.cmpi(arith::CmpIPredicate::slt, start.base, whole.to.base));
      } else {
        condition = both(condition, b_.cmpi(arith::CmpIPredicate::ult, start.base, whole.to.base));
      }
      start.min = std::max<int64_t>(start.min, 0);
      start.max = std::max<int64_t>(0, std::min(start.max, dimension.extent - 1));
    }
    starts.push_back(start);
  }
}

void ScatterEmitter::walkWindow(unsigned next, MutableArrayRef<Index> starts) {
  if (next == windowDims_.size()) return apply(starts);
  const unsigned u = windowDims_[next];
  const auto d = static_cast<unsigned>(resultDim_[u]);
  const Index start = starts[d];
  position_[u] = math_.constant(0);
  if (dimensions_[d].window == 1) return walkWindow(next + 1, starts);
  // The part of the window that lies inside the result, and inside the slab.
  const Span whole = wholeOf(d);
  const Index back = math_.scale(start, -1);
  const Span inside{math_.clamp(math_.add(whole.from, back), 0, updates_[u]),
                    math_.clamp(math_.add(whole.to, back), 0, updates_[u])};
  const auto body = [&](const Index& at) {
    position_[u] = at;
    starts[d] = math_.add(start, at);
    starts[d].min = std::max<int64_t>(0, starts[d].min);
    starts[d].max = std::min(shape_[d] - 1, starts[d].max);
    walkWindow(next + 1, starts);
  };
  if (static_cast<int>(u) == rowDim_)
    rowLoop(inside, body);
  else
    loop(inside, 1, body);
  starts[d] = start;
}

void ScatterEmitter::apply(ArrayRef<Index> at) {
  Region& region = op_.getUpdateComputation();
  const Index linear = math_.linear(math_.join(at, shape_));
  const Place place = math_.join(position_, updates_);
  const unsigned count = op_.getNumResults();
  SmallVector<Val, 4> arguments;
  // What is there now: an earlier update may have written it.
  b_.keepLoadsInOrder(true);
  for (unsigned i = 0; i < count; ++i) {
    const Element from = Element::of(op_.getResult(i).getType()),
                  to = Element::of(region.getArgument(i).getType());
    arguments.push_back(region.getArgument(i).use_empty()
                            ? constantOf(b_, to, 0.0)
                            : converted(b_, from, to, emitter_.load(outputs_[i], from, linear)));
  }
  b_.keepLoadsInOrder(false);
  for (unsigned i = 0; i < count; ++i) {
    const Value update = op_.getUpdates()[i];
    arguments.push_back(converted(b_, Element::of(update.getType()),
                                  Element::of(region.getArgument(count + i).getType()),
                                  emitter_.value(update, place)));
  }
  const Emitter::Vals results = emitter_.region(region, arguments);
  const auto terminator = region.front().getTerminator();
  for (unsigned i = 0; i < count; ++i) {
    const Element to = Element::of(op_.getResult(i).getType());
    emitter_.store(outputs_[i], to, linear,
                   converted(b_, Element::of(terminator->getOperand(i).getType()), to, results[i]));
  }
}

}  // namespace wherry::compile
