// Reduce.cpp: reductions as loops.
//
// Three forms, chosen by shape alone, so that the order of a sum never depends on how work is split.
// Rows: where one element needs the innermost dimension, lanes run along it, in several accumulators that
// are combined pairwise and then across lanes. In order: where lanes are different elements, each reduces
// in order (with several accumulators, too). By region: anything else than one combining operation runs
// its region step by step, as the specification's left fold.
#include "compiler/emit/Emitter.h"
#include "compiler/emit/Iteration.h"

using namespace mlir;

namespace wherry::compile {

namespace {

constexpr unsigned accumulators = 4;  // hides the latency of an addition

/// Combined pairwise: (0 + 1) + (2 + 3).
Val pairwise(KernelBuilder& b, Combiner combiner, const Element& element, SmallVector<Val> values) {
  while (values.size() > 1) {
    SmallVector<Val> next;
    for (size_t i = 0; i + 1 < values.size(); i += 2)
      next.push_back(combine(b, combiner, element, values[i], values[i + 1]));
    if (values.size() % 2) next.push_back(values.back());
    values = std::move(next);
  }
  return values.front();
}

Index laneIndex(Index first, unsigned lanes) {
  first.step = 1;
  first.max += lanes - 1;
  return first;
}

Element elementOfArgument(Region& region, unsigned i) { return Element::of(region.getArgument(i).getType()); }

}  // namespace

SmallVector<Value> Emitter::outerLoops(
    ArrayRef<int64_t> extents, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(ArrayRef<Index>, ValueRange)> body) {
  SmallVector<Index, 4> at;
  const auto nest = [&](const auto& self, ValueRange values) -> SmallVector<Value> {
    if (at.size() == extents.size()) return body(at, values);
    return loop(0, extents[at.size()], 1, values, [&](const Index& position, ValueRange inner) {
      at.push_back(position);
      SmallVector<Value> result = self(self, inner);
      at.pop_back();
      return result;
    });
  };
  return nest(nest, carried);
}

Emitter::Vals Emitter::reduce(stablehlo::ReduceOp op, const Place& place) {
  const Shape operand = shapeOf(op.getInputs()[0]);
  const auto isInput = [&](Value value) { return inputs_.contains(value); };
  const Iteration plan = planIteration(operand, SmallVector<Value, 2>(op.getInputs()), isInput);
  const ReduceDims dims(operand, op.getDimensions(), plan.cutAfter);
  Vals initial;
  for (const auto [i, init] : llvm::enumerate(op.getInitValues()))
    initial.push_back(
        converted(b, Element::of(init.getType()), elementOfArgument(op.getBody(), i), value(init, {})));
  const auto finished = [&](Vals results) {
    for (unsigned i = 0; i < results.size(); ++i)
      results[i] = converted(b, elementOfArgument(op.getBody(), i), Element::of(op.getResult(i).getType()),
                             results[i]);
    return results;
  };
  if (dims.groups.empty() || llvm::is_contained(operand, 0)) {
    if (llvm::is_contained(operand, 0)) return finished(initial);
    Vals arguments = initial;
    for (const auto [i, input] : llvm::enumerate(op.getInputs()))
      arguments.push_back(converted(b, Element::of(input.getType()), elementOfArgument(op.getBody(), i),
                                    value(input, place)));
    return finished(region(op.getBody(), arguments));
  }
  const KernelBuilder::Outside hoisted(b, structureDepth(place));
  const std::optional<Combiner> combiner = combinerOf(op.getBody());
  if (!combiner) return finished(reduceByRegion(op, dims, place));
  const Element element = elementOfArgument(op.getBody(), 0);
  const bool alongRows = isUniform(place) && lanesAt(place) == 1 && dims.reducesRows() &&
                         lanesFor(dims.groups.back().extent, maxLanes_) > 1;
  const Val total =
      alongRows ? reduceRows(op, dims, *combiner, place) : reduceInOrder(op, dims, *combiner, place);
  return finished({rounded(b, element, combine(b, *combiner, element, initial[0], total))});
}

Val Emitter::reduceRows(stablehlo::ReduceOp op, const ReduceDims& dims, Combiner combiner,
                        const Place& place) {
  const Value input = op.getInputs()[0];
  const Element from = Element::of(input.getType()), element = elementOfArgument(op.getBody(), 0);
  const int64_t extent = dims.groups.back().extent;
  const unsigned lanes = lanesFor(extent, maxLanes_), outerLanes = b.lanes();
  const int64_t vectors = extent / lanes, rest = extent % lanes;
  const unsigned width = static_cast<unsigned>(std::min<int64_t>(accumulators, vectors));
  const int64_t whole = vectors / width * width * lanes;
  SmallVector<int64_t, 4> outer;
  for (const auto& group : ArrayRef(dims.groups).drop_back()) outer.push_back(group.extent);
  const Val identity = identityOf(b, combiner, element);
  const auto splat = [&](Val value) {
    return Val{b.splat(value.re, lanes), value.im ? b.splat(value.im, lanes) : Value()};
  };

  SmallVector<Val> start(width, splat(identity));
  if (rest > 0) start.push_back(identity);
  const SmallVector<Element> elements(start.size(), element);
  const auto step = [&](ArrayRef<Index> at, const Index& last, Val sum) {
    SmallVector<Index, 4> loops(at);
    loops.push_back(last);
    const Val next = value(input, dims.operandPlace(math, place, loops));
    return combine(b, combiner, element, sum, converted(b, from, element, next));
  };
  const SmallVector<Value> sums =
      outerLoops(outer, flattened(start), [&](ArrayRef<Index> at, ValueRange carried) -> SmallVector<Value> {
        b.setLanes(lanes);
        SmallVector<Val> sum = unflattened(carried, elements);
        const Val tail = rest > 0 ? sum.pop_back_val() : Val();
        const SmallVector<Element> vectorElements(width, element);
        sum = unflattened(loop(0, whole, lanes * width, flattened(sum),
                               [&](const Index& first, ValueRange inner) {
                                 SmallVector<Val> next = unflattened(inner, vectorElements);
                                 for (unsigned i = 0; i < width; ++i)
                                   next[i] = step(at, laneIndex(math.add(first, int64_t{i} * lanes), lanes),
                                                  next[i]);
                                 return flattened(next);
                               }),
                          vectorElements);
        for (int64_t first = whole, i = 0; first + lanes <= extent; first += lanes, ++i)
          sum[i] = step(at, laneIndex(math.constant(first), lanes), sum[i]);
        if (rest > 0) {
          b.setLanes(1);
          const Element single[] = {element};
          sum.push_back(unflattened(loop(extent - rest, extent, 1, flattened({tail}),
                                         [&](const Index& last, ValueRange inner) {
                                           return flattened({step(at, last, unflattened(inner, single)[0])});
                                         }),
                                    single)[0]);
        }
        b.setLanes(outerLanes);
        return flattened(sum);
      });
  SmallVector<Val> sum = unflattened(sums, elements);
  const Val tail = rest > 0 ? sum.pop_back_val() : Val();
  const Val total = acrossLanes(b, combiner, element, pairwise(b, combiner, element, sum));
  return tail ? combine(b, combiner, element, total, tail) : total;
}

Val Emitter::reduceInOrder(stablehlo::ReduceOp op, const ReduceDims& dims, Combiner combiner,
                           const Place& place) {
  const Value input = op.getInputs()[0];
  const Element from = Element::of(input.getType()), element = elementOfArgument(op.getBody(), 0);
  const unsigned lanes = lanesAt(place);
  const int64_t extent = dims.groups.back().extent;
  const unsigned width = static_cast<unsigned>(std::min<int64_t>(accumulators, extent));
  const int64_t whole = extent / width * width;
  SmallVector<int64_t, 4> outer;
  for (const auto& group : ArrayRef(dims.groups).drop_back()) outer.push_back(group.extent);
  const Val identity = identityOf(b, combiner, element);
  SmallVector<Val> start(width,
                         {b.splat(identity.re, lanes), identity.im ? b.splat(identity.im, lanes) : Value()});
  const SmallVector<Element> elements(width, element);
  const auto step = [&](ArrayRef<Index> at, const Index& last, Val sum) {
    SmallVector<Index, 4> loops(at);
    loops.push_back(last);
    const Val next = value(input, dims.operandPlace(math, place, loops));
    return combine(b, combiner, element, sum, converted(b, from, element, next));
  };
  const SmallVector<Value> sums =
      outerLoops(outer, flattened(start), [&](ArrayRef<Index> at, ValueRange carried) {
        SmallVector<Val> sum = unflattened(loop(0, whole, width, carried,
                                                [&](const Index& first, ValueRange inner) {
                                                  SmallVector<Val> next = unflattened(inner, elements);
                                                  for (unsigned i = 0; i < width; ++i)
                                                    next[i] = step(at, math.add(first, i), next[i]);
                                                  return flattened(next);
                                                }),
                                           elements);
        for (int64_t last = whole; last < extent; ++last)
          sum[last - whole] = step(at, math.constant(last), sum[last - whole]);
        return flattened(sum);
      });
  return pairwise(b, combiner, element, unflattened(sums, elements));
}

Emitter::Vals Emitter::reduceByRegion(stablehlo::ReduceOp op, const ReduceDims& dims, const Place& place) {
  const unsigned lanes = lanesAt(place);
  SmallVector<int64_t, 4> extents;
  for (const auto& group : dims.groups) extents.push_back(group.extent);
  const auto splat = [&](Val value) {
    return Val{b.splat(value.re, lanes), value.im ? b.splat(value.im, lanes) : Value()};
  };
  SmallVector<Val> start;
  SmallVector<Element> elements;
  for (const auto [i, init] : llvm::enumerate(op.getInitValues())) {
    elements.push_back(elementOfArgument(op.getBody(), i));
    start.push_back(splat(converted(b, Element::of(init.getType()), elements.back(), value(init, {}))));
  }
  const SmallVector<Value> results =
      outerLoops(extents, flattened(start), [&](ArrayRef<Index> at, ValueRange carried) {
        SmallVector<Val> arguments = unflattened(carried, elements);
        const Place there = dims.operandPlace(math, place, at);
        for (const auto [i, input] : llvm::enumerate(op.getInputs()))
          arguments.push_back(converted(b, Element::of(input.getType()), elements[i], value(input, there)));
        SmallVector<Val> next;
        for (const Val& result : region(op.getBody(), arguments)) next.push_back(splat(result));
        return flattened(next);
      });
  const SmallVector<Val> values = unflattened(results, elements);
  return Vals(values.begin(), values.end());
}

}  // namespace wherry::compile
