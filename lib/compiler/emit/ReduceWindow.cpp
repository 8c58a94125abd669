// ReduceWindow.cpp: the elements of a window, combined in order.
//
// One loop per dimension that the window spans. Where padding changes nothing (padsFreely) and all lanes
// agree on the position, the loop runs over the part of the window that lies inside the operand; else every
// step asks whether its element is there and takes the initial value if it is not, as the specification pads.
#include "compiler/Window.h"
#include "compiler/emit/Emitter.h"
#include "compiler/emit/Guard.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace wherry::compile {

namespace {

constexpr int64_t mostUnrolled = 4;  // elements of a window that is written out: code is paid for by the line

/// Emits one element of the results of a reduce_window.
class WindowEmitter {
 public:
  WindowEmitter(Emitter& emitter, KernelBuilder& builder, IndexMath& math, stablehlo::ReduceWindowOp op,
                unsigned lanes)
      : emitter_(emitter),
        b_(builder),
        math_(math),
        op_(op),
        window_(Window::of(op)),
        combiner_(combinerOf(op.getBody())),
        skips_(padsFreely(op)),
        lanes_(lanes) {
    for (const auto [i, init] : llvm::enumerate(op.getInitValues())) {
      elements_.push_back(Element::of(op.getBody().getArgument(static_cast<unsigned>(i)).getType()));
      inits_.push_back(
          converted(b_, Element::of(init.getType()), elements_.back(), emitter_.value(init, {})));
    }
  }

  Emitter::Vals run(const Place& place) {
    const Shape from = shapeOf(op_.getResult(0));
    place_ =
        math_.refine(place, from, [&](unsigned d) { return !window_.isPlain(d) || !window_.isPlain(d + 1); });
    SmallVector<Val> results =
        unflattened(walk(0, 0, Conditions{b_, {}, {}}, false, flattened(spread(inits_))), elements_);
    for (unsigned i = 0; i < results.size(); ++i) {
      if (combiner_) results[i] = rounded(b_, elements_[i], results[i]);
      results[i] = converted(b_, elements_[i], Element::of(op_.getResult(i).getType()), results[i]);
    }
    return Emitter::Vals(results.begin(), results.end());
  }

 private:
  using Values = SmallVector<Value>;

  SmallVector<Val> spread(ArrayRef<Val> values) {
    SmallVector<Val> result;
    for (const Val& value : values)
      result.push_back({b_.splat(value.re, lanes_), value.im ? b_.splat(value.im, lanes_) : Value()});
    return result;
  }

  /// The loops of `place_[part]`, which starts at dimension `dim`, and of those after it. `outside`: the
  /// element is padding, whatever the positions that follow.
  Values walk(unsigned part, unsigned dim, const Conditions& conditions, bool outside, ValueRange carried) {
    if (part == place_.size()) return step(conditions, outside, carried);
    const unsigned next = dim + place_[part].dims;
    if (place_[part].dims != 1 || window_.isPlain(dim))
      return walk(part + 1, next, conditions, outside, carried);
    const Window::Dim& along = window_.dims[dim];
    const int64_t extent = shapeOf(op_.getInputs()[0])[dim];
    const Part of = place_[part];
    const Index first = math_.add(math_.scale(of.index, along.stride), -along.low);
    const int64_t limit = extent == 0 ? 0 : (extent - 1) * along.baseDilation + 1;
    const auto body = [&](const Index& step, ValueRange values) -> Values {
      Conditions inner = conditions;
      bool isOutside = outside;
      Index at = math_.add(first, math_.scale(step, along.dilation));
      if (at.max < 0 || at.min >= limit) {
        isOutside = true;
      } else {
        if (!clips(along, first, extent)) inner.add(math_.inside(at, 0, limit));
        if (along.baseDilation == 1) {
          at = assumed(math_, at, 0, limit - 1);
        } else {
          at = math_.clamp(at, 0, limit - 1);
          const Index rest = math_.rem(at, along.baseDilation);
          isOutside |= rest.isConstant() && rest.min != 0;
          inner.add(math_.inside(math_.scale(rest, -1), 0, 1));
          at = math_.div(at, along.baseDilation);
        }
        place_[part] = {at, extent, 1};
      }
      Values result = isOutside && skips_ ? Values(values) : walk(part + 1, next, inner, isOutside, values);
      place_[part] = of;
      return result;
    };
    if (clips(along, first, extent)) return clippedLoop(along, first, extent, carried, body);
    // Steps that no lane needs, where padding changes nothing.
    int64_t from = 0, to = along.size;
    if (skips_) {
      from = std::clamp<int64_t>(-first.max / along.dilation, 0, along.size);
      to = first.min >= limit ? from
                              : std::clamp((limit - 1 - first.min) / along.dilation + 1, from, along.size);
    }
    if (window_.volume() > mostUnrolled) return emitter_.loop(from, to, 1, carried, body);
    Values values(carried);
    for (int64_t i = from; i < to; ++i) values = body(math_.constant(i), values);
    return values;
  }

  /// True if the loop visits only the elements that exist.
  bool clips(const Window::Dim& along, const Index& first, int64_t extent) const {
    return skips_ && along.baseDilation == 1 && first.isUniform() && extent > 0 &&
           (first.min < 0 || first.max + (along.size - 1) * along.dilation >= extent);
  }

  Values clippedLoop(const Window::Dim& along, const Index& first, int64_t extent, ValueRange carried,
                     llvm::function_ref<Values(const Index&, ValueRange)> body) {
    const Index back = math_.scale(first, -1);
    const auto positive = [&](const Index& x) { return math_.clamp(x, 0, std::max<int64_t>(0, x.max)); };
    const auto upTo = [&](const Index& x) {  // steps that end before x
      return math_.clamp(math_.div(positive(math_.add(x, along.dilation - 1)), along.dilation), 0,
                         along.size);
    };
    const Index from = upTo(back), to = upTo(math_.add(back, extent));
    if (from.isConstant() && to.isConstant()) return emitter_.loop(from.min, to.min, 1, carried, body);
    OpBuilder builder = b_.here();
    auto loop = scf::ForOp::create(builder, b_.loc(), from.base, to.base, b_.constantIndex(1), carried);
    b_.push(loop.getBody(), loop);
    Index step;
    step.base = loop.getInductionVar();
    step.min = from.min;
    step.max = std::max(from.min, to.max - 1);
    const Values next = body(step, loop.getRegionIterArgs());
    builder = b_.here();
    scf::YieldOp::create(builder, b_.loc(), next);
    b_.pop();
    return Values(loop.getResults());
  }

  Values step(const Conditions& conditions, bool outside, ValueRange carried) {
    SmallVector<Val> arguments = unflattened(carried, elements_);
    for (const auto [i, input] : llvm::enumerate(op_.getInputs())) {
      const Element from = Element::of(input.getType());
      const auto padding = [&] { return inits_[i]; };
      const auto element = [&] { return converted(b_, from, elements_[i], emitter_.value(input, place_)); };
      arguments.push_back(outside ? padding()
                                  : emitter_.guarded(conditions.all, conditions.lanes, elements_[i], lanes_,
                                                     element, padding));
    }
    if (combiner_)
      return flattened(spread({combine(b_, *combiner_, elements_[0], arguments[0], arguments[1])}));
    return flattened(spread(emitter_.region(op_.getBody(), arguments)));
  }

  Emitter& emitter_;
  KernelBuilder& b_;
  IndexMath& math_;
  stablehlo::ReduceWindowOp op_;
  const Window window_;
  const std::optional<Combiner> combiner_;
  const bool skips_;
  const unsigned lanes_;
  SmallVector<Element> elements_;
  SmallVector<Val> inits_;
  Place place_;  // of the result, and of the operand where the loops have replaced parts
};

}  // namespace

Emitter::Vals Emitter::reduceWindow(stablehlo::ReduceWindowOp op, const Place& place) {
  const KernelBuilder::Outside hoisted(b, structureDepth(place));
  return WindowEmitter(*this, b, math, op, lanesAt(place)).run(place);
}

}  // namespace wherry::compile
