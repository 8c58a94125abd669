// DilatedInput.cpp: a convolution of a dilated input (the gradient of a strided one) without the zeros.
//
// With stride 1, position d * q + r of the result sees only the kernel's elements d * j + low % d - r, at
// element q + j - low / d of the input. So one convolution of the input as it is has d times the output
// features, one set for each r, and its result is put in order at the end. The kernel is the small operand:
// cutting it up costs little.
#include "compiler/Convolution.h"
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Dims = llvm::SmallVector<int64_t>;

bool isCut(const Convolution::Spatial& s) { return s.inputDilation > 1; }

int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
int64_t ceilDiv(int64_t a, int64_t b) { return -floorDiv(-a, b); }

/// The kernel with its output features in the order [group, r of each cut dimension, feature of the group].
Value cutKernel(Build& build, const Convolution& c, Value rhs, MutableArrayRef<int64_t> windows) {
  const size_t rank = Build::shapeOf(rhs).size();
  Dims low(rank, 0), high(rank, 0);
  for (const auto [s, window] : llvm::zip(c.spatial, windows)) {
    window = s.window;
    if (!isCut(s)) continue;
    const int64_t d = s.inputDilation, rest = s.low - floorDiv(s.low, d) * d;
    window = ceilDiv(s.window - 1 - rest, d) + 1;
    low[s.rhs] = d - 1 - rest;
    high[s.rhs] = window * d - s.window - low[s.rhs];
  }
  rhs = build.pad(rhs, build.scalar(Build::elementOf(rhs), 0), low, high);
  // Every dimension of the kernel and, after it, what it is split into.
  Dims shape, whole, cuts;
  int64_t output = -1;
  for (int64_t dim = 0; dim < static_cast<int64_t>(rank); ++dim) {
    const auto* s = llvm::find_if(c.spatial, [&](const auto& s) { return s.rhs == dim; });
    const int64_t at = static_cast<int64_t>(shape.size());
    if (s != c.spatial.end() && isCut(*s)) {
      shape.append({windows[s - c.spatial.begin()], s->inputDilation});
      whole.push_back(at);
      cuts.push_back(at + 1);
    } else if (dim == c.rhsOutput) {
      shape.append({c.groups(), c.outputs / c.groups()});
      output = static_cast<int64_t>(whole.size());
      whole.push_back(at);
    } else {
      shape.push_back(Build::shapeOf(rhs)[dim]);
      whole.push_back(at);
    }
  }
  // The cuts in the order of the spatial dimensions.
  llvm::sort(cuts);
  Dims ordered;
  for (const auto& s : c.spatial) {
    if (!isCut(s)) continue;
    int64_t before = 0;
    for (const auto& other : c.spatial) before += isCut(other) && other.rhs < s.rhs;
    ordered.push_back(cuts[before]);
  }
  rhs = build.reverse(build.reshape(rhs, shape), cuts);
  Dims permutation(whole), result;
  permutation.insert(permutation.begin() + output + 1, ordered.begin(), ordered.end());
  permutation.insert(permutation.begin() + output + 1 + ordered.size(), whole[output] + 1);
  int64_t outputs = c.outputs;
  for (const auto& s : c.spatial)
    if (isCut(s)) outputs *= s.inputDilation;
  for (const int64_t at : whole) result.push_back(at == whole[output] ? outputs : shape[at]);
  return build.reshape(build.transpose(rhs, permutation), result);
}

/// Brings the output features of each r to their positions.
Value inOrder(Build& build, const Convolution& c, Value x, Build::Shape wanted) {
  const Dims from(Build::shapeOf(x));
  Dims shape, permutation, merged;
  const int64_t rank = static_cast<int64_t>(from.size());
  Dims at(rank);  // where a dimension begins once the features are split
  Dims factors;
  for (int64_t dim = 0; dim < rank; ++dim) {
    at[dim] = static_cast<int64_t>(shape.size());
    if (dim != c.resultFeature) {
      shape.push_back(from[dim]);
      continue;
    }
    shape.push_back(c.groups());
    for (const auto& s : c.spatial)
      if (isCut(s)) shape.push_back(s.inputDilation);
    shape.push_back(c.outputs / c.groups());
  }
  for (int64_t dim = 0; dim < rank; ++dim) {
    permutation.push_back(at[dim]);
    merged.push_back(dim == c.resultFeature ? c.outputs : from[dim]);
    int64_t cut = at[c.resultFeature];
    for (const auto& s : c.spatial) {
      if (!isCut(s)) continue;
      ++cut;
      if (s.result != dim) continue;
      permutation.push_back(cut);
      merged.back() *= s.inputDilation;
    }
    if (dim == c.resultFeature) permutation.push_back(cut + 1);
  }
  x = build.reshape(build.transpose(build.reshape(x, shape), permutation), merged);
  if (Dims(wanted) == merged) return x;
  return build.slice(x, Dims(rank, 0), wanted);
}

}  // namespace

bool hasDilatedInput(const Convolution& c) {
  // With a few features in each group, lanes would have to run across groups and their copies.
  if (c.groups() > 1 && c.outputs / c.groups() < 4) return false;
  return llvm::any_of(c.spatial, isCut) && llvm::all_of(c.spatial, [](const auto& s) {
           return !isCut(s) || (s.stride == 1 && s.dilation == 1 && !s.reversed);
         });
}

Value withoutDilation(Build& build, stablehlo::ConvolutionOp op, const Convolution& c) {
  Dims windows(c.spatial.size()), padding, strides, dilations;
  const Value rhs = cutKernel(build, c, op.getRhs(), windows);
  Dims shape(Build::shapeOf(op.getResult()));
  const Dims wanted(shape);
  for (const auto [s, window] : llvm::zip(c.spatial, windows)) {
    strides.push_back(s.stride);
    dilations.push_back(s.dilation);
    if (!isCut(s)) {
      padding.append({s.low, s.high});
      continue;
    }
    const int64_t positions = ceilDiv(s.positions, s.inputDilation), low = floorDiv(s.low, s.inputDilation);
    padding.append({low, positions + window - 1 - s.input - low});
    shape[s.result] = positions;
    shape[c.resultFeature] *= s.inputDilation;
  }
  OperationState state(op.getLoc(), op->getName());
  state.addOperands({op.getLhs(), rhs});
  state.addTypes(cast<RankedTensorType>(op.getType()).clone(shape));
  state.addAttributes(op->getAttrs());
  auto plain = cast<stablehlo::ConvolutionOp>(build.b.create(state));
  plain.setWindowStridesAttr(build.b.getDenseI64ArrayAttr(strides));
  plain.setRhsDilationAttr(build.b.getDenseI64ArrayAttr(dilations));
  plain.removeLhsDilationAttr();
  const auto pairs = RankedTensorType::get({static_cast<int64_t>(c.spatial.size()), 2}, build.b.getI64Type());
  plain.setPaddingAttr(DenseIntElementsAttr::get(pairs, ArrayRef<int64_t>(padding)));
  return inOrder(build, c, plain.getResult(), wanted);
}

}  // namespace wherry::compile
