// Scan.cpp: see Scan.h.
#include "compiler/emit/Scan.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace wherry::compile {

stablehlo::ReduceWindowOp scanOf(const Cluster& cluster) {
  auto op = cluster.outputs.front().getDefiningOp<stablehlo::ReduceWindowOp>();
  return op && prefixScanOf(op) ? op : stablehlo::ReduceWindowOp();
}

ScanEmitter::ScanEmitter(KernelBuilder& builder, Emitter& emitter, stablehlo::ReduceWindowOp op,
                         ArrayRef<Value> outputs, const EmitOptions& options, unsigned lanes, double totalNs)
    : b_(builder),
      emitter_(emitter),
      math_(&builder),
      op_(op),
      outputs_(outputs),
      scan_(*prefixScanOf(op)),
      combiner_(combinerOf(op.getBody())) {
  const Shape shape = shapeOf(op.getResult(0));
  rank_ = static_cast<unsigned>(shape.size());
  for (unsigned d = 0; d < rank_; ++d)
    (d < scan_.dim ? outer_ : d > scan_.dim ? inner_ : extent_) *= shape[d];
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    elements_.push_back(Element::of(op.getBody().getArgument(i).getType()));
  alongRows_ = inner_ == 1 && combiner_;
  lanes_ = lanesFor(alongRows_ ? extent_ : inner_, lanes);
  // Several cache lines of a row at a time, where that leaves no rest.
  if (!alongRows_ && op.getNumResults() == 1)
    while (vectors_ < 4 && inner_ % (int64_t{2} * vectors_ * lanes_) == 0) vectors_ *= 2;
  chooseUnits(options, totalNs);
}

void ScanEmitter::chooseUnits(const EmitOptions& options, double totalNs) {
  const double slice = totalNs / static_cast<double>(std::max<int64_t>(1, outer_));
  const auto aim = static_cast<double>(options.unitCostNs);
  const int64_t grain = int64_t{vectors_} * lanes_;
  chunk_ = inner_;
  if (options.smallUnits) {
    chunk_ = std::min(inner_, grain);
  } else if (slice > 2 * aim) {
    const auto wanted = static_cast<int64_t>(static_cast<double>(inner_) * aim / slice);
    chunk_ = std::min(inner_, (wanted / grain + 1) * grain);
  } else {
    slicesPerUnit_ = std::clamp<int64_t>(static_cast<int64_t>(aim / std::max(slice, 1e-6)), 1,
                                         std::max<int64_t>(1, outer_));
  }
  const int64_t chunks = (inner_ + chunk_ - 1) / std::max<int64_t>(1, chunk_);
  units_ = chunks > 1 ? outer_ * chunks : (outer_ + slicesPerUnit_ - 1) / slicesPerUnit_;
}

void ScanEmitter::loop(Value from, Value to, int64_t step, int64_t most,
                       llvm::function_ref<void(const Index&)> body) {
  OpBuilder builder = b_.here();
  auto loop = scf::ForOp::create(builder, b_.loc(), from, to, b_.constantIndex(step));
  b_.push(loop.getBody(), loop);
  Index at;
  at.base = loop.getInductionVar();
  at.max = most;
  body(at);
  b_.pop();
}

void ScanEmitter::emit(const Index& unit) {
  b_.setLoc(op_.getLoc());
  b_.setLanes(1);
  if (chunk_ < inner_) {
    const int64_t chunks = (inner_ + chunk_ - 1) / chunk_;
    const Index from = math_.scale(math_.rem(unit, chunks), chunk_);
    return scanSlice(math_.div(unit, chunks), from, math_.clamp(math_.add(from, chunk_), 0, inner_));
  }
  const Index none = math_.constant(0), all = math_.constant(inner_);
  const Index from = math_.scale(unit, slicesPerUnit_);
  if (slicesPerUnit_ == 1) return scanSlice(from, none, all);
  const Index to = math_.clamp(math_.add(from, slicesPerUnit_), 0, outer_);
  loop(from.base, to.base, 1, outer_ - 1, [&](const Index& outer) { scanSlice(outer, none, all); });
}

void ScanEmitter::scanSlice(const Index& outer, const Index& from, const Index& to) {
  if (alongRows_) return scanRow(outer);
  const int64_t step = int64_t{vectors_} * lanes_, whole = inner_ / step * step;
  const Index vectorsEnd = math_.clamp(to, 0, whole);
  if (lanes_ > 1)
    loop(from.base, vectorsEnd.base, step, whole - lanes_, [&](Index column) {
      b_.setLanes(lanes_);
      column.multiple = lanes_;
      scanColumns(outer, column, vectors_);
      b_.setLanes(1);
    });
  if (lanes_ > 1 && whole == inner_) return;
  const Index rest = lanes_ > 1 ? math_.clamp(from, whole, inner_) : from;
  loop(rest.base, to.base, 1, inner_ - 1, [&](const Index& column) { scanColumns(outer, column, 1); });
}

Place ScanEmitter::placeOf(const Index& outer, const Index& at, const Index& column) const {
  Place place;
  if (scan_.dim > 0) place.push_back({outer, outer_, scan_.dim});
  place.push_back({at, extent_, 1});
  if (scan_.dim + 1 < rank_) place.push_back({column, inner_, rank_ - scan_.dim - 1});
  return place;
}

Val ScanEmitter::spread(Val value) const {
  const unsigned lanes = b_.lanes();
  return {b_.splat(value.re, lanes), value.im ? b_.splat(value.im, lanes) : Value()};
}

ScanEmitter::Vals ScanEmitter::start() {
  Vals values;
  for (const auto [element, init] : llvm::zip(elements_, op_.getInitValues()))
    values.push_back(spread(converted(b_, Element::of(init.getType()), element, emitter_.value(init, {}))));
  return values;
}

Val ScanEmitter::operand(unsigned i, const Place& place) {
  const Value input = op_.getInputs()[i];
  return spread(converted(b_, Element::of(input.getType()), elements_[i], emitter_.value(input, place)));
}

void ScanEmitter::store(const Place& place, ArrayRef<Val> values) {
  const Index position = math_.linear(place);
  for (const auto [i, value] : llvm::enumerate(values)) {
    const Element to = Element::of(op_.getResult(static_cast<unsigned>(i)).getType());
    const Val own = combiner_ ? rounded(b_, elements_[i], value) : value;
    emitter_.store(outputs_[i], to, position, converted(b_, elements_[i], to, own));
  }
}

ScanEmitter::Vals ScanEmitter::combined(ArrayRef<Val> so, ArrayRef<Val> next) {
  // The region sees elements in their order in the operand.
  const ArrayRef<Val> left = scan_.isReversed ? next : so, right = scan_.isReversed ? so : next;
  if (combiner_) return {combine(b_, *combiner_, elements_[0], left[0], right[0])};
  Vals arguments(left), results;
  arguments.append(right.begin(), right.end());
  for (const Val& result : emitter_.region(op_.getBody(), arguments)) results.push_back(spread(result));
  return results;
}

void ScanEmitter::scanColumns(const Index& outer, const Index& column, unsigned count) {
  SmallVector<Element> elements;
  Vals first;
  for (unsigned v = 0; v < count; ++v) {
    first.append(start());
    elements.append(elements_);
  }
  emitter_.loop(0, extent_, 1, flattened(first), [&](const Index& step, ValueRange carried) {
    const Index at = scan_.isReversed ? math_.add(math_.scale(step, -1), extent_ - 1) : step;
    const Vals so = unflattened(carried, elements);
    const size_t each = elements_.size();
    Vals results;
    SmallVector<Place, 4> places;
    for (unsigned v = 0; v < count; ++v) {
      Index lane = math_.add(column, int64_t{v} * b_.lanes());
      lane.step = b_.lanes() > 1 ? 1 : 0;
      lane.max += b_.lanes() - 1;
      places.push_back(placeOf(outer, at, lane));
      Vals next;
      for (unsigned i = 0; i < each; ++i) next.push_back(operand(i, places.back()));
      results.append(combined(ArrayRef(so).slice(v * each, each), next));
    }
    for (unsigned v = 0; v < count; ++v) store(places[v], ArrayRef(results).slice(v * each, each));
    return flattened(results);
  });
}

void ScanEmitter::scanRow(const Index& outer) {
  const Element element = elements_[0];
  const int64_t whole = lanes_ > 1 ? extent_ / lanes_ * lanes_ : 0;
  const auto lanes = static_cast<int64_t>(lanes_);
  const Index none = math_.constant(0);
  b_.setLanes(lanes_);
  Vals carried = start();
  if (lanes_ > 1) {
    const Val identity = spread(identityOf(b_, *combiner_, element));
    const auto moved = [&](Val x, llvm::function_ref<int64_t(int64_t)> from) -> Val {
      SmallVector<int64_t, 16> mask;
      for (int64_t i = 0; i < lanes; ++i) {
        const int64_t lane = from(i);
        mask.push_back(lane >= 0 && lane < lanes ? lane : lanes);  // past the end: the identity
      }
      return {b_.shuffle(x.re, identity.re, mask), x.im ? b_.shuffle(x.im, identity.im, mask) : Value()};
    };
    const int64_t last = scan_.isReversed ? 0 : lanes - 1;
    carried = unflattened(
        emitter_.loop(
            0, whole, lanes, flattened(carried),
            [&](const Index& step, ValueRange values) {
              Index at = scan_.isReversed ? math_.add(math_.scale(step, -1), extent_ - lanes) : step;
              at.step = 1;
              at.max += lanes - 1;
              const Place place = placeOf(outer, at, none);
              Vals x{operand(0, place)};
              for (int64_t by = 1; by < lanes; by *= 2)
                x = combined({moved(x[0], [&](int64_t i) { return scan_.isReversed ? i + by : i - by; })}, x);
              const Vals so = unflattened(values, element);
              store(place, combined(so, x));
              return flattened(combined(so, {moved(x[0], [&](int64_t) { return last; })}));
            }),
        element);
    b_.setLanes(1);
    for (Value* part : {&carried[0].re, &carried[0].im})
      if (*part) *part = b_.make<vector::ExtractOp>(*part, int64_t{0});
  }
  b_.setLanes(1);
  emitter_.loop(whole, extent_, 1, flattened(carried), [&](const Index& step, ValueRange values) {
    const Index at = scan_.isReversed ? math_.add(math_.scale(step, -1), extent_ - 1) : step;
    const Place place = placeOf(outer, at, none);
    const Vals next = combined(unflattened(values, element), {operand(0, place)});
    store(place, next);
    return flattened(next);
  });
}

}  // namespace wherry::compile
