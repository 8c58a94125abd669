// UpdateSlice.cpp: a dynamic_update_slice whose result has the memory of its operand.
//
// Its kernel is elementwise over the update, and stores each element where the window lies. Dimensions of
// the update stay one loop where they are neighbours in the result, too: where the inner one is as long
// there.
#include "compiler/emit/Update.h"

using namespace mlir;

namespace wherry::compile {

Operation* updateOf(const Cluster& cluster) {
  Operation* update = nullptr;
  for (Operation* op : cluster.ops) {
    if (isa<stablehlo::ConstantOp>(op)) continue;
    if (update) return nullptr;
    update = op;
  }
  if (isa_and_nonnull<stablehlo::ScatterOp>(update)) return update;
  return cluster.inPlace && isa_and_nonnull<stablehlo::DynamicUpdateSliceOp>(update) ? update : nullptr;
}

void WindowPlace::cut(stablehlo::DynamicUpdateSliceOp op, MutableArrayRef<bool> cutAfter) {
  const Shape from = shapeOf(op.getUpdate()), to = shapeOf(op.getResult());
  for (unsigned d = 0; d + 1 < from.size(); ++d)
    if (from[d + 1] != to[d + 1]) cutAfter[d] = true;
}

bool WindowPlace::hasRows(stablehlo::DynamicUpdateSliceOp op) {
  const Shape from = shapeOf(op.getUpdate()), to = shapeOf(op.getResult());
  for (unsigned d = from.size(); d-- > 0;) {
    if (from[d] != 1) return true;
    if (to[d] != 1) return false;
  }
  return false;
}

Index WindowPlace::linear(const Place& place) {
  const Shape from = shapeOf(op_.getUpdate()), to = shapeOf(op_.getResult());
  SmallVector<int64_t, 4> strides(to.size(), 1);
  for (unsigned d = to.size(); d-- > 1;) strides[d - 1] = strides[d] * to[d];
  Index sum = math_.constant(0);
  unsigned dim = 0;
  for (const Part& part : place) {
    // Dimensions of one element join their neighbours; the group counts in its last longer one.
    unsigned last = dim;
    for (unsigned d = dim; d < dim + part.dims; ++d)
      if (from[d] != 1) last = d;
    dim += part.dims;
    if (part.extent != 1) sum = math_.add(sum, math_.scale(part.index, strides[last]));
  }
  for (unsigned d = 0; d < to.size(); ++d) {
    if (from[d] == to[d]) continue;
    const Value start = op_.getStartIndices()[d];
    const Index first =
        emitter_.positionOf(emitter_.value(start, {}), Element::of(start.getType()), to[d] - from[d]);
    sum = math_.add(sum, math_.scale(first, strides[d]));
  }
  return sum;
}

}  // namespace wherry::compile
