// InferMovement.cpp: result types of operations that move elements.
#include "Infer.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

// `start_indices` of the dynamic slices: one scalar per dimension, all of one type.
template <typename Op>
LogicalResult checkStarts(std::optional<Location> location, ValueRange starts, int64_t rank) {
  if (static_cast<int64_t>(starts.size()) != rank)
    return refuse<Op>(location, "needs a start index for each of ", rank, " dimensions, got ", starts.size());
  for (auto [index, start] : llvm::enumerate(starts)) {
    if (tensor(start).getRank() != 0)
      return refuse<Op>(location, "start index #", index, " must be a scalar, got ", start.getType());
    if (start.getType() != starts.front().getType())
      return refuse<Op>(location, "start indices must have one type: #0 is ", starts.front().getType(), ", #",
                        index, " is ", start.getType());
  }
  return success();
}

} // namespace

LogicalResult mlir::stablehlo::checkDims(std::optional<Location> location, StringRef op, StringRef name,
                                         ArrayRef<int64_t> dims, int64_t rank) {
  SmallVector<bool> seen(rank, false);
  for (const int64_t dim : dims) {
    if (dim < 0 || dim >= rank)
      return emitOptionalError(location, "'", op, "' op ", name, " must be in [0, ", rank, "), got ", dim);
    if (std::exchange(seen[dim], true))
      return emitOptionalError(location, "'", op, "' op ", name, " must be distinct, but ", dim,
                               " is there twice");
  }
  return success();
}

LogicalResult mlir::stablehlo::checkCount(std::optional<Location> location, StringRef op, StringRef name,
                                          size_t count, int64_t rank) {
  if (static_cast<int64_t>(count) == rank)
    return success();
  return emitOptionalError(location, "'", op, "' op ", name, " must have one entry for each of ", rank,
                           " dimensions, got ", count);
}

INFER(BroadcastOp) {
  const RankedTensorType operand = tensor(adaptor.getOperand());
  SmallVector<int64_t> shape(adaptor.getBroadcastSizes());
  for (const int64_t size : shape)
    if (size < 0)
      return refuse<BroadcastOp>(location, "sizes must not be negative, got ", size);
  llvm::append_range(shape, operand.getShape());
  types.push_back(RankedTensorType::get(shape, operand.getElementType()));
  return success();
}

INFER(ConcatenateOp) {
  if (adaptor.getInputs().empty())
    return refuse<ConcatenateOp>(location, "needs at least one operand");
  const RankedTensorType first = tensor(adaptor.getInputs().front());
  const int64_t dim = static_cast<int64_t>(adaptor.getDimension());
  if (dim < 0 || dim >= first.getRank())
    return refuse<ConcatenateOp>(location, "dimension must be in [0, ", first.getRank(), "), got ", dim);
  SmallVector<int64_t> shape(first.getShape());
  for (auto [index, input] : llvm::drop_begin(llvm::enumerate(adaptor.getInputs()))) {
    const RankedTensorType type = tensor(input);
    if (type.getRank() != first.getRank() || !compatibleElements(type, first))
      return refuse<ConcatenateOp>(location, "operand #", index,
                                   " must have the rank and element type of operand #0, ", first, ", got ",
                                   type);
    for (int64_t i = 0; i < first.getRank(); ++i) {
      const int64_t size = type.getDimSize(i);
      if (i == dim) {
        shape[i] = ShapedType::isDynamic(shape[i]) || ShapedType::isDynamic(size) ? ShapedType::kDynamic
                                                                                  : shape[i] + size;
        continue;
      }
      if (!compatibleSizes(shape[i], size))
        return refuse<ConcatenateOp>(location, "operand #", index,
                                     " must agree with the others in dimension ", i, ": expected ", shape[i],
                                     ", got ", size);
      if (ShapedType::isDynamic(shape[i]))
        shape[i] = size;
    }
  }
  types.push_back(RankedTensorType::get(shape, first.getElementType()));
  return success();
}

INFER(PadOp) {
  constexpr StringRef name = PadOp::getOperationName();
  const RankedTensorType operand = tensor(adaptor.getOperand());
  const RankedTensorType value = tensor(adaptor.getPaddingValue());
  if (value.getRank() != 0 || !compatibleElements(value, operand))
    return refuse<PadOp>(location,
                         "padding value must be a scalar of the operand's element type, expected tensor<",
                         operand.getElementType(), ">, got ", value);
  const ArrayRef<int64_t> low = adaptor.getEdgePaddingLow(), high = adaptor.getEdgePaddingHigh();
  const ArrayRef<int64_t> interior = adaptor.getInteriorPadding();
  const int64_t rank = operand.getRank();
  if (failed(checkCount(location, name, "low", low.size(), rank)) ||
      failed(checkCount(location, name, "high", high.size(), rank)) ||
      failed(checkCount(location, name, "interior", interior.size(), rank)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < rank; ++i) {
    if (interior[i] < 0)
      return refuse<PadOp>(location, "interior padding must not be negative, got ", interior[i],
                           " in dimension ", i);
    const int64_t size = operand.getDimSize(i);
    if (ShapedType::isDynamic(size)) {
      shape.push_back(size);
      continue;
    }
    const int64_t padded = low[i] + size + std::max<int64_t>(size - 1, 0) * interior[i] + high[i];
    if (padded < 0)
      return refuse<PadOp>(location, "padding leaves dimension ", i, " with the negative size ", padded);
    shape.push_back(padded);
  }
  types.push_back(RankedTensorType::get(shape, operand.getElementType()));
  return success();
}

INFER(SliceOp) {
  constexpr StringRef name = SliceOp::getOperationName();
  const RankedTensorType operand = tensor(adaptor.getOperand());
  const ArrayRef<int64_t> starts = adaptor.getStartIndices(), limits = adaptor.getLimitIndices();
  const ArrayRef<int64_t> strides = adaptor.getStrides();
  const int64_t rank = operand.getRank();
  if (failed(checkCount(location, name, "start_indices", starts.size(), rank)) ||
      failed(checkCount(location, name, "limit_indices", limits.size(), rank)) ||
      failed(checkCount(location, name, "strides", strides.size(), rank)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t size = operand.getDimSize(i);
    if (starts[i] < 0 || starts[i] > limits[i])
      return refuse<SliceOp>(location, "start must be in [0, ", limits[i], "], its limit, in dimension ", i,
                             ", got ", starts[i]);
    if (!ShapedType::isDynamic(size) && limits[i] > size)
      return refuse<SliceOp>(location, "limit must be at most ", size, ", the operand's size, in dimension ",
                             i, ", got ", limits[i]);
    if (strides[i] <= 0)
      return refuse<SliceOp>(location, "stride must be positive in dimension ", i, ", got ", strides[i]);
    const int64_t span = limits[i] - starts[i];
    shape.push_back(span == 0 ? 0 : (span - 1) / strides[i] + 1);
  }
  types.push_back(RankedTensorType::get(shape, operand.getElementType()));
  return success();
}

INFER(DynamicSliceOp) {
  const RankedTensorType operand = tensor(adaptor.getOperand());
  const ArrayRef<int64_t> sizes = adaptor.getSliceSizes();
  if (failed(checkStarts<DynamicSliceOp>(location, adaptor.getStartIndices(), operand.getRank())) ||
      failed(
          checkCount(location, DynamicSliceOp::getOperationName(), "sizes", sizes.size(), operand.getRank())))
    return failure();
  for (auto [i, size, limit] : llvm::enumerate(sizes, operand.getShape()))
    if (size < 0 || (!ShapedType::isDynamic(limit) && size > limit))
      return refuse<DynamicSliceOp>(location, "size must be in [0, ", limit, "] in dimension ", i, ", got ",
                                    size);
  types.push_back(RankedTensorType::get(sizes, operand.getElementType()));
  return success();
}

INFER(DynamicUpdateSliceOp) {
  const RankedTensorType operand = tensor(adaptor.getOperand()), update = tensor(adaptor.getUpdate());
  if (update.getRank() != operand.getRank() || !compatibleElements(update, operand))
    return refuse<DynamicUpdateSliceOp>(location,
                                        "update must have the operand's rank and element type: operand is ",
                                        operand, ", update is ", update);
  for (auto [i, size, limit] : llvm::enumerate(update.getShape(), operand.getShape()))
    if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(limit) && size > limit)
      return refuse<DynamicUpdateSliceOp>(location, "update must not exceed the operand in dimension ", i,
                                          ": expected at most ", limit, ", got ", size);
  if (failed(checkStarts<DynamicUpdateSliceOp>(location, adaptor.getStartIndices(), operand.getRank())))
    return failure();
  types.push_back(operand);
  return success();
}

INFER(TransposeOp) {
  constexpr StringRef name = TransposeOp::getOperationName();
  const RankedTensorType operand = tensor(adaptor.getOperand());
  const ArrayRef<int64_t> permutation = adaptor.getPermutation();
  if (failed(checkCount(location, name, "dims", permutation.size(), operand.getRank())) ||
      failed(checkDims(location, name, "dims", permutation, operand.getRank())))
    return failure();
  SmallVector<int64_t> shape;
  for (const int64_t dim : permutation)
    shape.push_back(operand.getDimSize(dim));
  types.push_back(RankedTensorType::get(shape, operand.getElementType()));
  return success();
}

INFER(GetDimensionSizeOp) {
  const int64_t dim = static_cast<int64_t>(adaptor.getDimension()),
                rank = tensor(adaptor.getOperand()).getRank();
  if (dim < 0 || dim >= rank)
    return refuse<GetDimensionSizeOp>(location, "dim must be in [0, ", rank, "), got ", dim);
  types.push_back(RankedTensorType::get({}, IntegerType::get(context, 32)));
  return success();
}
