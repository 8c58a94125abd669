// Dot.cpp: dot_general as loops over the contracting dimensions.
//
// Several rows of the result may be asked for at once: they share the loads of the right operand. Where
// both operands have the last contracting dimension innermost and one element is asked for, lanes run
// along it; otherwise lanes are elements of the result. Products of floats are summed with fma, in f32 or
// in the wider of the types involved.
#include "compiler/emit/Emitter.h"

using namespace mlir;

namespace wherry::compile {

static Element accumulatorOf(const Element& lhs, const Element& rhs, const Element& result) {
  MLIRContext* context = result.type.getContext();
  if (!result.isFloat()) return result;
  const bool isWide =
      result.bits == 64 || (lhs.isFloat() && lhs.bits == 64) || (rhs.isFloat() && rhs.bits == 64);
  return Element::of(isWide ? Type(Float64Type::get(context)) : Type(Float32Type::get(context)));
}

Emitter::Vals Emitter::dot(Operation* op, ArrayRef<Place> places) {
  const DotDims dims = *DotDims::of(op);
  const Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  const Element lhsElement = Element::of(lhs.getType()), rhsElement = Element::of(rhs.getType());
  const Element result = Element::of(op->getResult(0).getType());
  const Element sumElement = accumulatorOf(lhsElement, rhsElement, result);

  unsigned depth = structureDepth(places.front());
  for (const Place& place : places) depth = std::max(depth, structureDepth(place));
  const KernelBuilder::Outside hoisted(b, depth);
  const unsigned count = static_cast<unsigned>(places.size()), outerLanes = b.lanes();
  const bool uniform =
      llvm::all_of(places, [&](const Place& place) { return isUniform(place) && lanesAt(place) == 1; });
  const int64_t extent = dims.groups.empty() ? 1 : dims.groups.back().extent;
  const unsigned rowLanes = uniform && dims.contractsRows() ? lanesFor(extent, maxLanes_) : 1;
  const unsigned lanes = rowLanes > 1 ? rowLanes : uniform ? 1 : outerLanes;

  const auto product = [&](const Place& place, ArrayRef<Index> at, Val sum) {
    const Val x = converted(b, lhsElement, sumElement, value(lhs, dims.operandPlace(math, true, place, at)));
    const Val y = converted(b, rhsElement, sumElement, value(rhs, dims.operandPlace(math, false, place, at)));
    return multiplyAdd(b, sumElement, x, y, sum);
  };
  const Val zero = constantOf(b, sumElement, 0.0);
  const auto splat = [&](Val value) {
    return Val{b.splat(value.re, lanes), value.im ? b.splat(value.im, lanes) : Value()};
  };
  const auto finished = [&](ArrayRef<Val> sums) {
    Vals results;
    for (const Val& sum : sums) results.push_back(converted(b, sumElement, result, sum));
    return results;
  };
  if (dims.groups.empty()) {
    SmallVector<Val> sums;
    for (const Place& place : places) sums.push_back(product(place, {}, zero));
    return finished(sums);
  }
  // One element alone has several accumulators, to hide the latency of fma.
  const int64_t vectors = extent / rowLanes, rest = extent % rowLanes;
  const unsigned width =
      static_cast<unsigned>(std::max<int64_t>(1, std::min<int64_t>(count >= 4 ? 1 : 4, vectors)));
  const int64_t whole = vectors / width * width * rowLanes;
  SmallVector<int64_t, 4> outer;
  for (const auto& group : ArrayRef(dims.groups).drop_back()) outer.push_back(group.extent);
  // Sums of place p are p * width ...; then, where rows do not divide into vectors, a scalar per place.
  SmallVector<Val> start(count * width, splat(zero));
  const bool hasTail = rowLanes > 1 && rest > 0;
  if (hasTail) start.append(count, zero);
  const SmallVector<Element> vectorElements(count * width, sumElement), scalarElements(count, sumElement);
  const SmallVector<Element> elements(start.size(), sumElement);
  const auto along = [&](Index first) {
    if (rowLanes > 1) {
      first.step = 1;
      first.max += rowLanes - 1;
    }
    return first;
  };
  const SmallVector<Value> sums =
      outerLoops(outer, flattened(start), [&](ArrayRef<Index> at, ValueRange carried) -> SmallVector<Value> {
        if (rowLanes > 1) b.setLanes(rowLanes);
        SmallVector<Val> all = unflattened(carried, elements);
        SmallVector<Val> sum(all.begin(), all.begin() + count * width),
            tail(all.begin() + count * width, all.end());
        const auto stepAt = [&](const Index& last, unsigned which, MutableArrayRef<Val> into) {
          SmallVector<Index, 4> loops(at);
          loops.push_back(last);
          const unsigned stride = into.size() / count;
          for (unsigned p = 0; p < count; ++p) {
            Val& one = into[p * stride + which];
            one = product(places[p], loops, one);
          }
        };
        sum = unflattened(loop(0, whole, int64_t{rowLanes} * width, flattened(sum),
                               [&](const Index& first, ValueRange inner) {
                                 SmallVector<Val> next = unflattened(inner, vectorElements);
                                 for (unsigned i = 0; i < width; ++i)
                                   stepAt(along(math.add(first, int64_t{i} * rowLanes)), i, next);
                                 return flattened(next);
                               }),
                          vectorElements);
        unsigned which = 0;
        for (int64_t first = whole; first + rowLanes <= extent; first += rowLanes)
          stepAt(along(math.constant(first)), which++, sum);
        if (hasTail) {
          b.setLanes(1);
          tail = unflattened(loop(extent - rest, extent, 1, flattened(tail),
                                  [&](const Index& last, ValueRange inner) {
                                    SmallVector<Val> next = unflattened(inner, scalarElements);
                                    stepAt(last, 0, next);
                                    return flattened(next);
                                  }),
                             scalarElements);
        }
        b.setLanes(outerLanes);
        sum.append(tail);
        return flattened(sum);
      });
  const SmallVector<Val> all = unflattened(sums, elements);
  SmallVector<Val> totals;
  for (unsigned p = 0; p < count; ++p) {
    Val total = all[p * width];
    for (unsigned i = 1; i < width; ++i)
      total = combine(b, Combiner::Add, sumElement, total, all[p * width + i]);
    if (rowLanes > 1) total = acrossLanes(b, Combiner::Add, sumElement, total);
    if (hasTail) total = combine(b, Combiner::Add, sumElement, total, all[count * width + p]);
    totals.push_back(total);
  }
  return finished(totals);
}

}  // namespace wherry::compile
