// ReduceWindow.cpp: windows that are better written as reductions or as prefix scans.
//
// Windows that do not overlap, along rows of memory, are reductions of a reshaped operand. Windows that all
// start at or before the first element (or all end at or after the last) are pieces of one prefix scan, which
// takes n steps instead of n^2 / 2. Long scans with little else to do in parallel are cut into blocks.
#include "compiler/Window.h"
#include "compiler/emit/Rules.h"
#include "compiler/expand/Expand.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Values = llvm::SmallVector<Value>;
using Dims = llvm::SmallVector<int64_t>;

// Windows of fewer elements gain nothing from being reductions.
constexpr int64_t leastReduced = 8;
// Nobody waits for longer windows, unless most of them is padding that can be left out.
constexpr int64_t mostSteps = int64_t{1} << 40;
// A scan with fewer columns than this, in vectors of so many lanes, that is at least so long is cut into
// blocks.
constexpr int64_t fewColumns = 8, columnLanes = 16, longScan = 16384;
constexpr int64_t blockLength = 4096;
// A scan along rows by a region nobody knows runs down columns where there are this many.
constexpr int64_t manyRows = 4;

Dims shapeOf(Value value) { return Dims(Build::shapeOf(value)); }

int64_t productOf(llvm::ArrayRef<int64_t> extents) {
  int64_t product = 1;
  for (const int64_t extent : extents) product *= extent;
  return product;
}

Values eachInput(stablehlo::ReduceWindowOp op, llvm::function_ref<Value(Value)> change) {
  Values values;
  for (const Value input : op.getInputs()) values.push_back(change(input));
  return values;
}

/// Types of this shape with the element types of the results of `op`.
llvm::SmallVector<Type> resultTypes(stablehlo::ReduceWindowOp op, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<Type> types;
  for (const Value result : op.getResults()) types.push_back(Build::typeOf(result).clone(shape));
  return types;
}

/// The prefix scan of `inputs` along `dim`, with an empty region.
stablehlo::ReduceWindowOp scanOf(Build& build, TypeRange types, ValueRange inputs, ValueRange inits,
                                 int64_t dim, bool isReversed) {
  const Dims shape = shapeOf(inputs[0]);
  Dims sizes(shape.size(), 1), padding(2 * shape.size(), 0);
  sizes[dim] = shape[dim];
  padding[2 * dim + (isReversed ? 1 : 0)] = shape[dim] - 1;
  const auto type =
      RankedTensorType::get({static_cast<int64_t>(shape.size()), 2}, build.b.getIntegerType(64));
  return stablehlo::ReduceWindowOp::create(
      build.b, build.loc(), types, inputs, inits, build.b.getDenseI64ArrayAttr(sizes), DenseI64ArrayAttr(),
      DenseI64ArrayAttr(), DenseI64ArrayAttr(), DenseIntElementsAttr::get(type, llvm::ArrayRef(padding)));
}

stablehlo::ReduceWindowOp scanOf(Build& build, stablehlo::ReduceWindowOp like, ValueRange inputs, int64_t dim,
                                 bool isReversed) {
  auto scan =
      scanOf(build, resultTypes(like, shapeOf(inputs[0])), inputs, like.getInitValues(), dim, isReversed);
  IRMapping mapping;
  like.getBody().cloneInto(&scan.getBody(), mapping);
  return scan;
}

/// Gives `region` the one operation of `like` on two scalars of type `element`.
void fillCombiner(Build& build, Region& region, Region& like, Type element) {
  Operation& op = like.front().front();
  const Type scalar = RankedTensorType::get({}, element);
  OpBuilder::InsertionGuard guard(build.b);
  Block* body = build.b.createBlock(&region, {}, {scalar, scalar}, {build.loc(), build.loc()});
  Operation* step = build.b.create(build.loc(), op.getName().getIdentifier(), body->getArguments(), {scalar});
  stablehlo::ReturnOp::create(build.b, build.loc(), step->getResults());
}

/// Windows that do not overlap and leave nothing out at the front, or the only window along a dimension.
Values asReduction(Build& build, stablehlo::ReduceWindowOp op, const Window& window) {
  const Dims from = shapeOf(op.getInputs()[0]), to = shapeOf(op.getResult(0));
  const auto rank = static_cast<int64_t>(from.size());
  if (window.volume() < leastReduced) return {};
  bool alongRows = false, isWhole = true;
  Dims start(rank, 0), limit(from), steps(rank, 1), parts, reduced;
  for (int64_t d = 0; d < rank; ++d) {
    const Window::Dim& along = window.dims[d];
    if (from[d] > 1) alongRows = along.size > 1;
    if (along.isPlain()) {
      parts.push_back(to[d]);
      continue;
    }
    if (along.baseDilation != 1 || along.low > 0) return {};
    if (to[d] == 1) {
      start[d] = -along.low;
      limit[d] = start[d] + (along.size - 1) * along.dilation + 1;
      steps[d] = along.dilation;
    } else {
      if (along.low != 0 || along.dilation != 1 || along.stride != along.size) return {};
      isWhole &= along.size == 1;
      limit[d] = to[d] * along.size;
      parts.push_back(to[d]);
    }
    if (limit[d] > from[d]) return {};
    reduced.push_back(static_cast<int64_t>(parts.size()));
    parts.push_back(along.size);
  }
  if (reduced.empty() || (!alongRows && !isWhole)) return {};
  const Values inputs = eachInput(op, [&](Value input) {
    if (start != Dims(rank, 0) || limit != from || steps != Dims(rank, 1))
      input = build.slice(input, start, limit, steps);
    return build.reshape(input, parts);
  });
  Dims kept;
  for (int64_t d = 0; d < static_cast<int64_t>(parts.size()); ++d)
    if (!llvm::is_contained(reduced, d)) kept.push_back(parts[d]);
  auto reduce = stablehlo::ReduceOp::create(build.b, build.loc(), resultTypes(op, kept), inputs,
                                            op.getInitValues(), build.b.getDenseI64ArrayAttr(reduced));
  IRMapping mapping;
  op.getBody().cloneInto(&reduce.getBody(), mapping);
  Values results;
  for (const Value result : reduce.getResults()) results.push_back(build.reshape(result, to));
  return results;
}

/// Windows that are prefixes (or, reversed, suffixes), as pieces of the prefix scan.
Values asPrefixes(Build& build, stablehlo::ReduceWindowOp op, const Window& window) {
  const int only = window.only();
  if (only < 0 || (combinerOf(op.getBody()) && !padsFreely(op))) return {};
  const Window::Dim& along = window.dims[only];
  const Dims from = shapeOf(op.getInputs()[0]), to = shapeOf(op.getResult(0));
  const int64_t extent = from[only], count = to[only];
  if (along.stride != 1 || along.baseDilation != 1 || along.dilation != 1 || along.size < 2) return {};
  const int64_t firstEnd = along.size - 1 - along.low;  // of the window of result 0, inclusive
  const bool isReversed = along.low < count - 1;
  if (isReversed && firstEnd < extent - 1) return {};
  // Result i is the scan at i + shift: the last element of a prefix, the first one of a suffix.
  const int64_t shift = isReversed ? -along.low : firstEnd;
  const int64_t first = std::clamp<int64_t>(shift, 0, extent),
                last = std::clamp<int64_t>(shift + count, 0, extent);  // exclusive
  Dims start(from.size(), 0), limit(from);
  (isReversed ? start : limit)[only] = isReversed ? std::min(first, extent - 1) : std::max<int64_t>(last, 1);
  const Values inputs = eachInput(op, [&](Value input) { return build.slice(input, start, limit); });
  auto scan = scanOf(build, op, inputs, only, isReversed);
  const auto between = [&](Value x, int64_t low, int64_t high) {
    Dims lows(from.size(), 0), highs = shapeOf(x);
    lows[only] = low - start[only];
    highs[only] = high - start[only];
    return build.slice(x, lows, highs);
  };
  const auto repeated = [&](Value x, int64_t times) {
    Dims shape(to), dims;
    shape[only] = times;
    for (size_t d = 0; d < to.size() && Build::typeOf(x).getRank() > 0; ++d)
      dims.push_back(static_cast<int64_t>(d));
    return build.broadcast(x, shape, dims);
  };
  // Results before the first element and after the last: nothing, or everything.
  const int64_t before = std::clamp<int64_t>(-shift, 0, count),
                after = std::clamp<int64_t>(shift + count - extent, 0, count);
  Values results;
  for (const auto [result, init] : llvm::zip(scan.getResults(), op.getInitValues())) {
    const Value nothing = build.convert(init, Build::elementOf(result));
    Values parts;
    if (before > 0) parts.push_back(repeated(isReversed ? between(result, 0, 1) : nothing, before));
    if (first < last) parts.push_back(between(result, first, last));
    if (after > 0)
      parts.push_back(repeated(isReversed ? nothing : between(result, extent - 1, extent), after));
    results.push_back(parts.size() == 1 ? parts[0] : build.concatenate(parts, only));
  }
  return results;
}

/// A long scan of few columns: sums of blocks, their scan, and scans of all blocks that start from it.
Values asBlocks(Build& build, stablehlo::ReduceWindowOp op, const PrefixScan& scan) {
  const std::optional<Combiner> combiner = combinerOf(op.getBody());
  const Dims shape = shapeOf(op.getResult(0));
  const int64_t outer = productOf(llvm::ArrayRef(shape).take_front(scan.dim)), extent = shape[scan.dim],
                inner = productOf(llvm::ArrayRef(shape).drop_front(scan.dim + 1));
  if (!combiner || extent < longScan || outer * ((inner + columnLanes - 1) / columnLanes) >= fewColumns)
    return {};
  // A length that divides the extent needs no padding.
  int64_t length = blockLength;
  for (int64_t step = 0; step < blockLength / 2; ++step) {
    if (extent % (blockLength + step) == 0) length = blockLength + step;
    if (extent % (blockLength - step) == 0) length = blockLength - step;
    if (extent % length == 0) break;
  }
  const int64_t blocks = (extent + length - 1) / length, padded = blocks * length;
  const Type own = cast<RankedTensorType>(op.getBody().getArgument(0).getType()).getElementType();
  auto narrow = dyn_cast<FloatType>(own);
  const Type element = narrow && narrow.getWidth() < 32 ? Type(build.b.getF32Type()) : own;
  const auto convert = [&](Value x) { return build.convert(build.convert(x, own), element); };
  const Value init = convert(op.getInitValues()[0]);
  const auto fill = [&](auto made) {
    fillCombiner(build, made->getRegion(0), op.getBody(), element);
    return Value(made->getResult(0));
  };
  const auto typeOf = [&](llvm::ArrayRef<int64_t> of) { return RankedTensorType::get(of, element); };

  Value x = convert(build.reshape(op.getInputs()[0], {outer, extent, inner}));
  const int64_t missing = padded - extent, low = scan.isReversed ? missing : 0;
  if (missing > 0) x = build.pad(x, init, {0, low, 0}, {0, missing - low, 0});
  x = build.reshape(x, {outer, blocks, length, inner});
  const int64_t skipped = scan.isReversed ? 1 : 0;
  // Without columns the blocks are rows, which reductions read best.
  Dims summedShape{outer, blocks - 1, length}, sumShape{outer, blocks - 1};
  if (inner > 1) {
    summedShape.push_back(inner);
    sumShape.push_back(inner);
  }
  const Value summed = build.reshape(
      build.slice(x, {0, skipped, 0, 0}, {outer, blocks - 1 + skipped, length, inner}), summedShape);
  Value sums =
      fill(stablehlo::ReduceOp::create(build.b, build.loc(), TypeRange{typeOf(sumShape)}, ValueRange{summed},
                                       ValueRange{init}, build.b.getDenseI64ArrayAttr({2})));
  sums = build.reshape(sums, {outer, blocks - 1, inner});
  Value carried = sums;
  if (blocks > 2)
    carried = fill(
        scanOf(build, TypeRange{sums.getType()}, ValueRange{sums}, ValueRange{init}, 1, scan.isReversed));
  // Every block starts with what came before it; to combine an initial value again changes nothing.
  const Value starts = build.pad(carried, init, {0, 1 - skipped, 0}, {0, skipped, 0});
  const Dims whole = shapeOf(x);
  const Value spread = build.broadcast(starts, whole, {0, 1, 3});
  Operation* joined = build.b.create(build.loc(), op.getBody().front().front().getName().getIdentifier(),
                                     {spread, x}, {x.getType()});
  const Value at = build.iota(whole, build.b.getI32Type(), 2);
  const Value isStart =
      build.compare(stablehlo::ComparisonDirection::EQ, at,
                    build.splatLike(at, scan.isReversed ? static_cast<double>(length - 1) : 0));
  x = build.select(isStart, joined->getResult(0), x);
  Value result =
      fill(scanOf(build, TypeRange{x.getType()}, ValueRange{x}, ValueRange{init}, 2, scan.isReversed));
  result = build.reshape(result, {outer, padded, inner});
  if (missing > 0) result = build.slice(result, {0, low, 0}, {outer, low + extent, inner});
  result = build.convert(result, own);
  return {build.reshape(build.convert(result, Build::elementOf(op.getResult(0))), shape)};
}

/// A scan along rows by a region that lanes cannot split, as one down the columns of the transposed operands.
Values asColumns(Build& build, stablehlo::ReduceWindowOp op, const PrefixScan& scan) {
  const Dims shape = shapeOf(op.getResult(0));
  const auto dim = static_cast<int64_t>(scan.dim);
  if (combinerOf(op.getBody()) || productOf(llvm::ArrayRef(shape).drop_front(dim + 1)) > 1 ||
      productOf(llvm::ArrayRef(shape).take_front(dim)) < manyRows)
    return {};
  Dims there{dim}, back;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    if (d != dim) there.push_back(d);
    back.push_back(d == dim ? 0 : d < dim ? d + 1 : d);
  }
  auto turned = scanOf(build, op, eachInput(op, [&](Value x) { return build.transpose(x, there); }), 0,
                       scan.isReversed);
  Values results;
  for (const Value result : turned.getResults()) results.push_back(build.transpose(result, back));
  return results;
}

}  // namespace

Expanded expandReduceWindow(Build& build, Operation* operation) {
  auto op = cast<stablehlo::ReduceWindowOp>(operation);
  const auto isEmpty = [](Value value) { return llvm::is_contained(Build::shapeOf(value), 0); };
  if (isEmpty(op.getInputs()[0]) || isEmpty(op.getResult(0))) return Values();
  if (const std::optional<PrefixScan> scan = prefixScanOf(op)) {
    Values results = asBlocks(build, op, *scan);
    return results.empty() ? asColumns(build, op, *scan) : results;
  }
  const Window window = Window::of(op);
  if (window.volume() > mostSteps && !padsFreely(op)) {
    op.emitError() << "windows of " << window.volume() << " elements, padding among them, are not supported";
    return failure();
  }
  Values results = asReduction(build, op, window);
  return results.empty() ? asPrefixes(build, op, window) : results;
}

}  // namespace wherry::compile
