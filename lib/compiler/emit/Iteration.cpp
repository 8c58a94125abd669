// Iteration.cpp: the planner.
#include "compiler/emit/Iteration.h"

#include "compiler/Window.h"
#include "compiler/emit/Element.h"
#include "compiler/emit/Movement.h"
#include "compiler/emit/Rules.h"
#include "llvm/ADT/TypeSwitch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

namespace {

constexpr unsigned maxPlaces = 8;  // of one value; further ones are not looked at
constexpr size_t maxCuts = 12;     // of one dimension; with more, positions are compared at run time

class Planner {
 public:
  Planner(Shape shape, llvm::function_ref<bool(Value)> isInput) : shape_(shape), isInput_(isInput) {
    plan_.cutAfter.assign(shape.size(), false);
    plan_.cuts.resize(shape.size());
    for (int d = 0; d < static_cast<int>(shape.size()); ++d)
      if (shape[d] != 1) inner_ = d;
  }

  Iteration take() {
    for (auto& cuts : plan_.cuts) {
      llvm::sort(cuts);
      cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
      if (cuts.size() > maxCuts) cuts.clear();
    }
    return std::move(plan_);
  }

  Place root() {
    Place place;
    for (int d = 0; d < static_cast<int>(shape_.size()); ++d) {
      Index index = math_.constant(0);
      if (shape_[d] != 1) {
        index.max = shape_[d] - 1;
        index.first = index.last = d;
        index.exact = true;
        index.span = shape_[d];
        index.step = d == inner_ ? 1 : 0;
      }
      place.push_back({index, shape_[d], 1});
    }
    return place;
  }

  void visit(Value value, const Place& place) {
    if (llvm::is_contained(shapeOf(value), 0) || seen(value, place)) return;
    Operation* op = value.getDefiningOp();
    if (isInput_(value) || !op) return leaf(place);
    if (auto moved = movedPlace(math_, op, place)) return visit(op->getOperand(0), *moved);
    llvm::TypeSwitch<Operation*>(op)
        .Case([&](stablehlo::ConstantOp) {})
        .Case([&](stablehlo::IotaOp iota) {
          apart(math_.split(place, shapeOf(value))[iota.getIotaDimension()]);
        })
        .Case([&](stablehlo::PadOp pad) { visitPad(pad, place); })
        .Case([&](stablehlo::ConcatenateOp concatenate) { visitConcatenate(concatenate, place); })
        .Case([&](stablehlo::DynamicSliceOp slice) { visitDynamicSlice(slice, place); })
        .Case([&](stablehlo::DynamicUpdateSliceOp update) { visitDynamicUpdate(update, place); })
        .Case([&](stablehlo::ReduceOp reduce) { visitReduce(reduce, place); })
        .Case([&](stablehlo::ReduceWindowOp window) { visitReduceWindow(window, place); })
        .Case<stablehlo::DotGeneralOp, stablehlo::DotOp, stablehlo::ConvolutionOp>(
            [&](Operation*) { visitDot(op, place); })
        .Default([&](Operation*) {
          if (isElementwise(op)) {
            for (const Value operand : op->getOperands())
              visit(operand, shapeOf(operand).empty() ? Place() : place);
            return;
          }
          for (const Index& index : math_.split(place, shapeOf(value))) apart(index);
        });
  }

 private:
  bool seen(Value value, const Place& place) {
    auto& places = seen_[value];
    for (const Place& other : places)
      if (other.size() == place.size() && llvm::all_of(llvm::zip(other, place), [](const auto& pair) {
            const Index &x = std::get<0>(pair).index, &y = std::get<1>(pair).index;
            return std::get<0>(pair).dims == std::get<1>(pair).dims && x.first == y.first &&
                   x.last == y.last && x.exact == y.exact && x.offset == y.offset && x.step == y.step &&
                   x.min == y.min && x.max == y.max;
          }))
        return true;
    if (places.size() >= maxPlaces) return true;
    places.push_back(place);
    return false;
  }

  void cutBetween(int d) {
    if (d >= 0 && d + 1 < static_cast<int>(shape_.size())) plan_.cutAfter[d] = true;
  }
  void apart(const Index& index) {
    if (index.first < 0) return;
    cutBetween(index.first - 1);
    cutBetween(index.last);
    if (!index.exact)
      for (int d = index.first; d < index.last; ++d) cutBetween(d);
  }
  /// Cuts around positions whose difference decides what is read.
  void cutAt(const Index& index, ArrayRef<int64_t> positions) {
    apart(index);
    if (!index.exact || index.first != index.last) return;
    for (const int64_t position : positions) {
      const int64_t at = position - index.offset;
      if (at > 0 && at < shape_[index.first]) plan_.cuts[index.first].push_back(at);
    }
  }

  void leaf(const Place& place) {
    bool usesInnermost = false, isLast = true;
    for (const Part& part : llvm::reverse(place)) {
      if (part.extent == 1) continue;
      const bool isInner = part.index.first >= 0 && part.index.first <= inner_ && part.index.last >= inner_;
      usesInnermost |= isInner && !isLast;
      if (isLast && (isInner || part.index.first < 0)) break;
      isLast = false;
    }
    plan_.readsAcross |= usesInnermost;
    // Dimensions of size 1 are nowhere: they never keep two others apart.
    int previous = -2;
    for (const Part& part : place) {
      const Index& index = part.index;
      if (part.extent == 1) continue;
      const bool whole = index.first >= 0 && index.exact && index.offset == 0 && part.extent == index.span;
      if (!whole) {
        apart(index);
        if (previous >= 0) cutBetween(previous);
        previous = -2;
        continue;
      }
      if (previous != before(index.first)) {
        cutBetween(index.first - 1);
        cutBetween(before(index.first));
        if (previous >= 0) cutBetween(previous);
      }
      previous = index.last;
    }
    if (previous >= 0 && previous != inner_) cutBetween(previous);
  }
  /// The nearest dimension before `d` that is not of size 1; -2 without one.
  int before(int d) const {
    for (--d; d >= 0; --d)
      if (shape_[d] != 1) return d;
    return -2;
  }

  void visitPad(stablehlo::PadOp pad, const Place& place) {
    const Shape from = shapeOf(pad.getResult()), to = shapeOf(pad.getOperand());
    const auto low = pad.getEdgePaddingLow(), high = pad.getEdgePaddingHigh(),
               interior = pad.getInteriorPadding();
    const auto plain = [&](unsigned d) { return low[d] == 0 && high[d] == 0 && interior[d] == 0; };
    Place inner = math_.refine(place, from, [&](unsigned d) { return !plain(d) || !plain(d + 1); });
    unsigned dim = 0;
    for (Part& part : inner) {
      const unsigned d = dim;
      dim += part.dims;
      if (part.dims != 1 || plain(d)) continue;
      if (to[d] > 0) cutAt(part.index, {low[d], low[d] + (to[d] - 1) * (interior[d] + 1) + 1});
      part.index = math_.add(part.index, -low[d]);
      if (interior[d] != 0) part.index.exact = false;
      part.extent = to[d];
    }
    visit(pad.getOperand(), inner);
  }

  void visitConcatenate(stablehlo::ConcatenateOp op, const Place& place) {
    const Shape from = shapeOf(op.getResult());
    const unsigned d = static_cast<unsigned>(op.getDimension());
    const Place inner = math_.refine(place, from, [&](unsigned i) { return i == d || i + 1 == d; });
    int64_t start = 0;
    for (const Value operand : op.getInputs()) {
      Place shifted = inner;
      unsigned dim = 0;
      for (Part& part : shifted) {
        if (dim == d) {
          cutAt(part.index, {start, start + shapeOf(operand)[d]});
          part.index = math_.add(part.index, -start);
          part.extent = shapeOf(operand)[d];
        }
        dim += part.dims;
      }
      start += shapeOf(operand)[d];
      visit(operand, shifted);
    }
  }

  void visitDynamicSlice(stablehlo::DynamicSliceOp op, const Place& place) {
    const Shape from = shapeOf(op.getResult()), to = shapeOf(op.getOperand());
    Place inner =
        math_.refine(place, from, [&](unsigned d) { return from[d] != to[d] || from[d + 1] != to[d + 1]; });
    unsigned dim = 0;
    for (Part& part : inner) {
      if (part.dims == 1 && from[dim] != to[dim]) {
        apart(part.index);
        part.index.exact = false;
        part.index.max += to[dim] - from[dim];
        part.extent = to[dim];
      }
      dim += part.dims;
    }
    visit(op.getOperand(), inner);
  }

  void visitDynamicUpdate(stablehlo::DynamicUpdateSliceOp op, const Place& place) {
    const Shape from = shapeOf(op.getResult()), to = shapeOf(op.getUpdate());
    visit(op.getOperand(), place);
    Place inner =
        math_.refine(place, from, [&](unsigned d) { return from[d] != to[d] || from[d + 1] != to[d + 1]; });
    unsigned dim = 0;
    for (Part& part : inner) {
      if (part.dims == 1 && from[dim] != to[dim]) {
        apart(part.index);
        part.index.exact = false;
        part.extent = to[dim];
      }
      dim += part.dims;
    }
    visit(op.getUpdate(), inner);
  }

  bool usesInner(const Place& place) const {
    return llvm::any_of(place, [&](const Part& part) {
      return part.index.first >= 0 && part.index.first <= inner_ && part.index.last >= inner_;
    });
  }
  static Index loopIndex(int64_t extent) {
    Index index;
    index.max = std::max<int64_t>(extent - 1, 0);
    return index;
  }

  void visitReduce(stablehlo::ReduceOp op, const Place& place) {
    const Shape operand = shapeOf(op.getInputs()[0]);
    const ReduceDims dims(operand, op.getDimensions(), SmallVector<bool, 8>(operand.size(), true));
    if (dims.reducesRows() && combinerOf(op.getBody()) && operand.back() >= 8 && usesInner(place))
      plan_.wantsScalarElements = true;
    SmallVector<Index, 4> loops;
    for (const auto& group : dims.groups) loops.push_back(loopIndex(group.extent));
    for (const Value input : op.getInputs()) visit(input, dims.operandPlace(math_, place, loops));
  }

  void visitReduceWindow(stablehlo::ReduceWindowOp op, const Place& place) {
    const Shape from = shapeOf(op.getResult(0)), to = shapeOf(op.getInputs()[0]);
    const Window window = Window::of(op);
    Place inner =
        math_.refine(place, from, [&](unsigned d) { return !window.isPlain(d) || !window.isPlain(d + 1); });
    unsigned dim = 0;
    for (Part& part : inner) {
      const unsigned d = dim;
      dim += part.dims;
      if (part.dims != 1 || window.isPlain(d)) continue;
      // Between the cuts every window is inside the operand.
      const Window::Dim& along = window.dims[d];
      const int64_t end = (to[d] - 1) * along.baseDilation + along.low - (along.size - 1) * along.dilation;
      cutAt(part.index,
            {(along.low + along.stride - 1) / along.stride, end < 0 ? 0 : end / along.stride + 1});
      const Index step = math_.scale(loopIndex(along.size), along.dilation);
      part.index = math_.add(math_.add(math_.scale(part.index, along.stride), -along.low), step);
      part.index.exact = false;
      part.extent = to[d];
    }
    for (const Value input : op.getInputs()) visit(input, inner);
  }

  void visitDot(Operation* op, const Place& place) {
    const auto dims = DotDims::of(op);
    if (dims->window)
      for (const Index& index : math_.split(place, dims->resultShape)) apart(index);
    if (dims->contractsRows() && dims->groups.back().extent >= 8 && usesInner(place))
      plan_.wantsScalarElements = true;
    SmallVector<Index, 4> loops;
    for (const auto& group : dims->groups) loops.push_back(loopIndex(group.extent));
    visit(op->getOperand(0), dims->operandPlace(math_, true, place, loops));
    visit(op->getOperand(1), dims->operandPlace(math_, false, place, loops));
  }

  IndexMath math_{nullptr};
  Shape shape_;
  llvm::function_ref<bool(Value)> isInput_;
  Iteration plan_;
  int inner_ = -1;  // the innermost dimension that is not of size 1
  llvm::DenseMap<Value, SmallVector<Place, 2>> seen_;
};

}  // namespace

Iteration planIteration(Shape shape, ArrayRef<Value> values, llvm::function_ref<bool(Value)> isInput) {
  Planner planner(shape, isInput);
  IndexMath math(nullptr);
  for (const Value value : values)
    planner.visit(value,
                  shapeOf(value) == shape ? planner.root() : math.reshape(planner.root(), shapeOf(value)));
  return planner.take();
}

Place groupsOf(Shape shape, ArrayRef<bool> cutAfter) {
  Place groups;
  bool isOpen = false;
  for (unsigned d = 0; d < shape.size(); ++d) {
    // Dimensions of size 1 join whatever is next to them.
    const bool joinsClosed = !isOpen && !groups.empty() && shape[d] == 1;
    if (isOpen || joinsClosed) {
      groups.back().extent *= shape[d];
      ++groups.back().dims;
    } else {
      groups.push_back({Index(), shape[d], 1});
    }
    isOpen = groups.back().extent == 1 || (!joinsClosed && !cutAfter[d]);
  }
  return groups;
}

}  // namespace wherry::compile
