// Movement.cpp: index maps.
#include "compiler/emit/Movement.h"

#include "llvm/ADT/TypeSwitch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

Shape shapeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); }

Place rearranged(IndexMath& math, const Place& place, Shape from, Shape to, ArrayRef<int64_t> target,
                 llvm::function_ref<Part(unsigned)> others) {
  const auto staysGroup = [&](unsigned d) {
    if (target[d] < 0 || target[d + 1] < 0) return target[d] < 0 && target[d + 1] < 0;
    return target[d] + 1 == target[d + 1] && from[d] == to[target[d]] && from[d + 1] == to[target[d + 1]];
  };
  SmallVector<Part, 4> parts(to.size());
  SmallVector<bool, 8> isFirst(to.size(), false);
  unsigned dim = 0;
  for (Part part : math.refine(place, from, [&](unsigned d) { return !staysGroup(d); })) {
    const int64_t at = target[dim];
    dim += part.dims;
    if (at < 0) continue;
    if (part.dims == 1 && to[at] != part.extent) {  // broadcasting a dimension of size 1
      if (to[at] == 1) part.index = math.constant(0);
      part.extent = to[at];
    }
    parts[at] = part;
    isFirst[at] = true;
  }
  Place result;
  for (unsigned d = 0; d < to.size(); d += result.back().dims)
    result.push_back(isFirst[d] ? parts[d] : others(d));
  return result;
}

static Place fromDims(IndexMath& math, const Place& place, Shape from, Shape to, ArrayRef<int64_t> target) {
  return rearranged(math, place, from, to, target,
                    [&](unsigned d) { return Part{math.constant(0), to[d], 1}; });
}

std::optional<Place> movedPlace(IndexMath& math, Operation* op, const Place& place) {
  if (op->getNumOperands() == 0) return std::nullopt;
  const Shape from = shapeOf(op->getResult(0)), to = shapeOf(op->getOperand(0));
  SmallVector<int64_t, 8> target(from.size(), -1);
  if (auto broadcast = dyn_cast<stablehlo::BroadcastInDimOp>(op)) {
    for (const auto [i, d] : llvm::enumerate(broadcast.getBroadcastDimensions()))
      target[d] = static_cast<int64_t>(i);
    return fromDims(math, place, from, to, target);
  }
  if (isa<stablehlo::BroadcastOp>(op)) {
    for (size_t i = 0; i < to.size(); ++i) target[from.size() - to.size() + i] = static_cast<int64_t>(i);
    return fromDims(math, place, from, to, target);
  }
  if (isa<stablehlo::ReshapeOp>(op)) return math.reshape(place, to);
  if (auto transpose = dyn_cast<stablehlo::TransposeOp>(op)) {
    for (const auto [i, d] : llvm::enumerate(transpose.getPermutation())) target[i] = d;
    return fromDims(math, place, from, to, target);
  }
  const auto isPlain = [&](unsigned d) {
    if (auto slice = dyn_cast<stablehlo::SliceOp>(op)) return from[d] == to[d];
    auto reverse = cast<stablehlo::ReverseOp>(op);
    return to[d] == 1 || !llvm::is_contained(reverse.getDimensions(), static_cast<int64_t>(d));
  };
  if (!isa<stablehlo::SliceOp, stablehlo::ReverseOp>(op)) return std::nullopt;
  Place result = math.refine(place, from, [&](unsigned d) { return !isPlain(d) || !isPlain(d + 1); });
  unsigned dim = 0;
  for (Part& part : result) {
    const unsigned d = dim;
    dim += part.dims;
    if (part.dims != 1 || isPlain(d)) continue;
    if (auto slice = dyn_cast<stablehlo::SliceOp>(op))
      part.index = math.add(math.scale(part.index, slice.getStrides()[d]), slice.getStartIndices()[d]);
    else
      part.index = math.add(math.scale(part.index, -1), to[d] - 1);
    part.extent = to[d];
  }
  return result;
}

std::optional<DotDims> DotDims::of(Operation* op) {
  DotDims dims;
  const auto copy = [](ArrayRef<int64_t> list) { return SmallVector<int64_t, 4>(list); };
  if (auto dot = dyn_cast<stablehlo::DotGeneralOp>(op)) {
    const auto numbers = dot.getDotDimensionNumbers();
    dims.lhsBatch = copy(numbers.getLhsBatchingDimensions());
    dims.rhsBatch = copy(numbers.getRhsBatchingDimensions());
    dims.lhsContracting = copy(numbers.getLhsContractingDimensions());
    dims.rhsContracting = copy(numbers.getRhsContractingDimensions());
  } else if (auto convolution = dyn_cast<stablehlo::ConvolutionOp>(op)) {
    dims = DotDims(Convolution(convolution));
  } else if (isa<stablehlo::DotOp>(op)) {
    dims.lhsContracting = {static_cast<int64_t>(shapeOf(op->getOperand(0)).size()) - 1};
    dims.rhsContracting = {0};
  } else {
    return std::nullopt;
  }
  dims.lhsShape = shapeOf(op->getOperand(0));
  dims.rhsShape = shapeOf(op->getOperand(1));
  dims.resultShape = shapeOf(op->getResult(0));
  for (unsigned i = 0; i < dims.lhsContracting.size() && !dims.window; ++i) {
    const int64_t extent = dims.lhsShape[dims.lhsContracting[i]];
    if (i > 0 && dims.lhsContracting[i] == dims.lhsContracting[i - 1] + 1 &&
        dims.rhsContracting[i] == dims.rhsContracting[i - 1] + 1) {
      dims.groups.back().extent *= extent;
      ++dims.groups.back().count;
    } else {
      dims.groups.push_back({i, 1, extent});
    }
  }
  return dims;
}

bool DotDims::contractsRows() const {
  if (groups.empty()) return false;
  return lhsContracting.back() + 1 == static_cast<int64_t>(lhsShape.size()) &&
         rhsContracting.back() + 1 == static_cast<int64_t>(rhsShape.size());
}

DotDims::DotDims(const Convolution& convolution) : window(convolution) {
  for (const auto& s : window->spatial) {
    lhsContracting.push_back(s.lhs);
    rhsContracting.push_back(s.rhs);
    groups.push_back({static_cast<unsigned>(groups.size()), 1, s.window});
  }
  lhsContracting.push_back(window->lhsFeature);
  rhsContracting.push_back(window->rhsInput);
  groups.push_back({static_cast<unsigned>(groups.size()), 1, window->inputs});
}

Place DotDims::windowPlace(IndexMath& math, bool left, const Place& result, ArrayRef<Index> loops) const {
  const auto at = math.split(result, resultShape);
  SmallVector<Index, 4> indices(at.size());
  const Index output = at[window->resultFeature];
  if (left) {
    const Index group = math.div(output, std::max<int64_t>(1, window->outputs / window->groups()));
    const bool isBatch = window->batchGroups > 1, isFeature = window->featureGroups > 1;
    indices[window->lhsBatch] = at[window->resultBatch];
    if (isBatch)
      indices[window->lhsBatch] = math.add(math.scale(group, window->batch), at[window->resultBatch]);
    indices[window->lhsFeature] = loops.back();
    if (isFeature) indices[window->lhsFeature] = math.add(math.scale(group, window->inputs), loops.back());
    for (const auto [s, loop] : llvm::zip(window->spatial, loops))
      indices[s.lhs] = math.add(math.scale(at[s.result], s.stride), math.scale(loop, s.dilation));
    return math.join(indices, lhsShape);
  }
  indices[window->rhsInput] = loops.back();
  indices[window->rhsOutput] = output;
  for (const auto [s, loop] : llvm::zip(window->spatial, loops)) indices[s.rhs] = loop;
  return math.join(indices, rhsShape);
}

Place DotDims::operandPlace(IndexMath& math, bool left, const Place& result, ArrayRef<Index> loops) const {
  if (window) return windowPlace(math, left, result, loops);
  const Shape shape = left ? lhsShape : rhsShape;
  const auto& batch = left ? lhsBatch : rhsBatch;
  const auto& contracting = left ? lhsContracting : rhsContracting;
  SmallVector<int64_t, 8> target(resultShape.size(), -1);
  for (unsigned i = 0; i < batch.size(); ++i) target[i] = batch[i];
  unsigned next = batch.size();
  if (!left) next += lhsShape.size() - lhsBatch.size() - lhsContracting.size();
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (!llvm::is_contained(batch, d) && !llvm::is_contained(contracting, d)) target[next++] = d;
  return rearranged(math, result, resultShape, shape, target, [&](unsigned d) {
    for (unsigned g = 0; g < groups.size(); ++g)
      if (contracting[groups[g].first] == d) return Part{loops[g], groups[g].extent, groups[g].count};
    return Part{math.constant(0), shape[d], 1};
  });
}

ReduceDims::ReduceDims(Shape operand, ArrayRef<int64_t> dimensions, ArrayRef<bool> cutAfter)
    : operandShape(operand), reduced(operand.size(), false) {
  for (const int64_t d : dimensions) reduced[d] = true;
  for (unsigned d = 0; d < operand.size(); ++d) {
    if (!reduced[d]) {
      kept.push_back(d);
      resultShape.push_back(operand[d]);
    } else if (d > 0 && reduced[d - 1] && !cutAfter[d - 1]) {
      ++groups.back().count;
      groups.back().extent *= operand[d];
    } else {
      groups.push_back({d, 1, operand[d]});
    }
  }
}

Place ReduceDims::operandPlace(IndexMath& math, const Place& result, ArrayRef<Index> loops) const {
  return rearranged(math, result, resultShape, operandShape, kept, [&](unsigned d) {
    for (unsigned g = 0; g < groups.size(); ++g)
      if (groups[g].first == d) return Part{loops[g], groups[g].extent, groups[g].count};
    return Part{math.constant(0), operandShape[d], 1};
  });
}

}  // namespace wherry::compile
