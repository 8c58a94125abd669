// VerifyIndexing.cpp: constraints of dot products, convolutions, gather and scatter: dimension numbers.
#include "Infer.h"

using namespace mlir;
using namespace mlir::stablehlo;

// Accepts results of any element type of the operands' kind: the accumulation may be wider or narrower.
LogicalResult DotGeneralOp::verify() {
  constexpr StringRef name = getOperationName();
  const auto lhs = getLhs().getType(), rhs = getRhs().getType(), result = getType();
  const DotDimensionNumbersAttr n = getDotDimensionNumbers();
  const ArrayRef<int64_t> lhsBatch = n.getLhsBatchingDimensions(), rhsBatch = n.getRhsBatchingDimensions();
  const ArrayRef<int64_t> lhsSum = n.getLhsContractingDimensions(), rhsSum = n.getRhsContractingDimensions();
  if (lhsBatch.size() != rhsBatch.size())
    return emitOpError() << "needs as many batching dimensions of both operands, got " << lhsBatch.size()
                         << " and " << rhsBatch.size();
  if (lhsSum.size() != rhsSum.size())
    return emitOpError() << "needs as many contracting dimensions of both operands, got " << lhsSum.size()
                         << " and " << rhsSum.size();
  SmallVector<int64_t> lhsDims(lhsBatch), rhsDims(rhsBatch);
  llvm::append_range(lhsDims, lhsSum);
  llvm::append_range(rhsDims, rhsSum);
  if (failed(checkDims(getLoc(), name, "lhs batching and contracting dimensions", lhsDims, lhs.getRank())) ||
      failed(checkDims(getLoc(), name, "rhs batching and contracting dimensions", rhsDims, rhs.getRank())))
    return failure();
  for (auto [left, right] : llvm::zip(lhsDims, rhsDims))
    if (!compatibleSizes(lhs.getDimSize(left), rhs.getDimSize(right)))
      return emitOpError() << "paired dimensions must have one size: lhs dimension " << left << " has "
                           << lhs.getDimSize(left) << ", rhs dimension " << right << " has "
                           << rhs.getDimSize(right);
  SmallVector<int64_t> shape;
  for (const int64_t dim : lhsBatch)
    shape.push_back(lhs.getDimSize(dim));
  for (int64_t i = 0; i < lhs.getRank(); ++i)
    if (!llvm::is_contained(lhsDims, i))
      shape.push_back(lhs.getDimSize(i));
  for (int64_t i = 0; i < rhs.getRank(); ++i)
    if (!llvm::is_contained(rhsDims, i))
      shape.push_back(rhs.getDimSize(i));
  if (!compatibleShapes(shape, result.getShape()))
    return emitOpError() << "result must have the shape of "
                         << RankedTensorType::get(shape, result.getElementType()) << ", got " << result;
  if (const auto precision = getPrecisionConfig(); precision && !precision->empty() && precision->size() != 2)
    return emitOpError() << "precision needs an entry per operand, got " << precision->size();
  return success();
}

LogicalResult DotOp::verify() {
  const auto lhs = getLhs().getType(), rhs = getRhs().getType();
  if (lhs.getRank() < 1 || lhs.getRank() > 2 || rhs.getRank() < 1 || rhs.getRank() > 2)
    return emitOpError() << "operands must be vectors or matrices, got " << lhs << " and " << rhs;
  if (!compatibleSizes(lhs.getShape().back(), rhs.getShape().front()))
    return emitOpError() << "the last dimension of lhs and the first of rhs must have one size, got " << lhs
                         << " and " << rhs;
  SmallVector<int64_t> shape(lhs.getShape().drop_back());
  llvm::append_range(shape, rhs.getShape().drop_front());
  if (!compatibleShapes(shape, getType().getShape()))
    return emitOpError() << "result must have the shape of "
                         << RankedTensorType::get(shape, getType().getElementType()) << ", got " << getType();
  return success();
}

LogicalResult ConvolutionOp::verify() {
  constexpr StringRef name = getOperationName();
  const auto lhs = getLhs().getType(), rhs = getRhs().getType(), result = getType();
  const ConvDimensionNumbersAttr n = getDimensionNumbers();
  const int64_t rank = lhs.getRank(), spatial = rank - 2;
  if (rank < 2 || rhs.getRank() != rank || result.getRank() != rank)
    return emitOpError() << "operands and result must have one rank of at least 2, got " << lhs << ", " << rhs
                         << " and " << result;
  const auto cover = [&](StringRef what, int64_t first, int64_t second, ArrayRef<int64_t> rest) {
    SmallVector<int64_t> dims(rest);
    dims.append({first, second});
    return success(succeeded(checkCount(getLoc(), name, what, dims.size(), rank)) &&
                   succeeded(checkDims(getLoc(), name, what, dims, rank)));
  };
  if (failed(cover("input dimensions", n.getInputBatchDimension(), n.getInputFeatureDimension(),
                   n.getInputSpatialDimensions())) ||
      failed(cover("kernel dimensions", n.getKernelInputFeatureDimension(),
                   n.getKernelOutputFeatureDimension(), n.getKernelSpatialDimensions())) ||
      failed(cover("output dimensions", n.getOutputBatchDimension(), n.getOutputFeatureDimension(),
                   n.getOutputSpatialDimensions())))
    return failure();
  const auto list = [&](std::optional<ArrayRef<int64_t>> values, int64_t i) {
    return values && !values->empty() ? (*values)[i] : int64_t{1};
  };
  for (auto [field, values] :
       {std::pair{"stride", getWindowStrides()}, std::pair{"lhs_dilate", getLhsDilation()},
        std::pair{"rhs_dilate", getRhsDilation()}}) {
    if (!values || values->empty())
      continue;
    if (static_cast<int64_t>(values->size()) != spatial)
      return emitOpError() << field << " must have one entry for each of " << spatial
                           << " spatial dimensions, got " << values->size();
    for (const int64_t value : *values)
      if (value <= 0)
        return emitOpError() << field << " must be positive, got " << value;
  }
  SmallVector<int64_t> padding(2 * spatial, 0);
  if (const auto attribute = getPadding(); attribute && !attribute->empty()) {
    if (attribute->getNumElements() != 2 * spatial)
      return emitOpError() << "pad must have low and high for each of " << spatial
                           << " spatial dimensions, got " << attribute->getType();
    padding.assign(attribute->getValues<int64_t>().begin(), attribute->getValues<int64_t>().end());
  }
  const int64_t batchGroups = getBatchGroupCount(), featureGroups = getFeatureGroupCount();
  if (batchGroups < 1 || featureGroups < 1 || (batchGroups > 1 && featureGroups > 1))
    return emitOpError() << "group counts must be positive and one of them 1, got batch_group_count "
                         << batchGroups << " and feature_group_count " << featureGroups;
  const int64_t inputFeatures = lhs.getDimSize(n.getInputFeatureDimension());
  const int64_t kernelInputs = rhs.getDimSize(n.getKernelInputFeatureDimension());
  if (!ShapedType::isDynamic(inputFeatures) && !ShapedType::isDynamic(kernelInputs) &&
      kernelInputs * featureGroups != inputFeatures)
    return emitOpError() << "input features must be kernel input features times feature_group_count, "
                         << kernelInputs * featureGroups << ", got " << inputFeatures;
  SmallVector<int64_t> shape(rank);
  const int64_t batch = lhs.getDimSize(n.getInputBatchDimension());
  if (!ShapedType::isDynamic(batch) && batch % batchGroups != 0)
    return emitOpError() << "input batch must be a multiple of batch_group_count, " << batchGroups << ", got "
                         << batch;
  const int64_t outputs = rhs.getDimSize(n.getKernelOutputFeatureDimension());
  const int64_t groups = batchGroups * featureGroups;
  if (!ShapedType::isDynamic(outputs) && outputs % groups != 0)
    return emitOpError() << "kernel output features must be a multiple of "
                         << (batchGroups > 1 ? "batch_group_count, " : "feature_group_count, ") << groups
                         << ", got " << outputs;
  if (const auto precision = getPrecisionConfig(); precision && !precision->empty() && precision->size() != 2)
    return emitOpError() << "precision_config needs an entry per operand, got " << precision->size();
  if (const auto reversal = getWindowReversal();
      reversal && !reversal->empty() && static_cast<int64_t>(reversal->size()) != spatial)
    return emitOpError() << "reverse must have one entry for each of " << spatial
                         << " spatial dimensions, got " << reversal->size();
  const auto kindOf = [](Type type) {
    const Type element = expressedElement(cast<ShapedType>(type).getElementType());
    return isa<FloatType>(element) ? 0 : isa<ComplexType>(element) ? 1 : 2;
  };
  if (kindOf(lhs) != kindOf(rhs) || kindOf(lhs) != kindOf(result))
    return emitOpError() << "operands and result must all have integer, all floating-point or all complex "
                            "elements, got "
                         << lhs << ", " << rhs << " and " << result;
  shape[n.getOutputBatchDimension()] = ShapedType::isDynamic(batch) ? batch : batch / batchGroups;
  shape[n.getOutputFeatureDimension()] = rhs.getDimSize(n.getKernelOutputFeatureDimension());
  for (int64_t i = 0; i < spatial; ++i) {
    const int64_t size = lhs.getDimSize(n.getInputSpatialDimensions()[i]);
    const int64_t window = rhs.getDimSize(n.getKernelSpatialDimensions()[i]);
    int64_t &out = shape[n.getOutputSpatialDimensions()[i]];
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(window)) {
      out = ShapedType::kDynamic;
      continue;
    }
    const int64_t dilated = size == 0 ? 0 : (size - 1) * list(getLhsDilation(), i) + 1;
    const int64_t padded = padding[2 * i] + dilated + padding[2 * i + 1];
    const int64_t span = window == 0 ? 0 : (window - 1) * list(getRhsDilation(), i) + 1;
    out = padded <= 0 || span > padded ? 0 : (padded - span) / list(getWindowStrides(), i) + 1;
  }
  if (!compatibleShapes(shape, result.getShape()))
    return emitOpError() << "result must have the shape of "
                         << RankedTensorType::get(shape, result.getElementType()) << ", got " << result;
  return success();
}

// The shape of index vectors' positions: `indices` without its index vector dimension.
static SmallVector<int64_t> positionShape(RankedTensorType indices, int64_t indexVectorDim) {
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(indices.getShape()))
    if (static_cast<int64_t>(dim) != indexVectorDim)
      shape.push_back(size);
  return shape;
}

LogicalResult GatherOp::verify() {
  constexpr StringRef name = getOperationName();
  const auto operand = getOperand().getType(), indices = getStartIndices().getType(), result = getType();
  const GatherDimensionNumbersAttr n = getDimensionNumbers();
  const ArrayRef<int64_t> sizes = getSliceSizes();
  const int64_t rank = operand.getRank();
  if (n.getIndexVectorDim() < 0 || n.getIndexVectorDim() > indices.getRank())
    return emitOpError() << "index_vector_dim must be in [0, " << indices.getRank() << "], got "
                         << n.getIndexVectorDim();
  SmallVector<int64_t> removed(n.getCollapsedSliceDims());
  llvm::append_range(removed, n.getOperandBatchingDims());
  SmallVector<int64_t> mapped(n.getStartIndexMap());
  llvm::append_range(mapped, n.getOperandBatchingDims());
  if (failed(checkCount(getLoc(), name, "slice_sizes", sizes.size(), rank)) ||
      failed(checkDims(getLoc(), name, "collapsed_slice_dims and operand_batching_dims", removed, rank)) ||
      failed(checkDims(getLoc(), name, "start_index_map and operand_batching_dims", mapped, rank)) ||
      failed(checkDims(getLoc(), name, "offset_dims", n.getOffsetDims(), result.getRank())) ||
      failed(checkDims(getLoc(), name, "start_indices_batching_dims", n.getStartIndicesBatchingDims(),
                       indices.getRank())))
    return failure();
  if (n.getOperandBatchingDims().size() != n.getStartIndicesBatchingDims().size())
    return emitOpError() << "needs as many operand_batching_dims as start_indices_batching_dims, got "
                         << n.getOperandBatchingDims().size() << " and "
                         << n.getStartIndicesBatchingDims().size();
  const int64_t vector =
      n.getIndexVectorDim() == indices.getRank() ? 1 : indices.getDimSize(n.getIndexVectorDim());
  if (!compatibleSizes(vector, n.getStartIndexMap().size()))
    return emitOpError() << "start_index_map must have an entry for each of " << vector << " indices, got "
                         << n.getStartIndexMap().size();
  SmallVector<int64_t> offsets;
  for (auto [dim, size, limit] : llvm::enumerate(sizes, operand.getShape())) {
    if (size < 0 || (!ShapedType::isDynamic(limit) && size > limit))
      return emitOpError() << "slice size must be in [0, " << limit << "] in dimension " << dim << ", got "
                           << size;
    const bool gone = llvm::is_contained(removed, static_cast<int64_t>(dim));
    if (gone && size > 1)
      return emitOpError() << "slice size of collapsed or batching dimension " << dim
                           << " must be at most 1, got " << size;
    if (!gone)
      offsets.push_back(size);
  }
  const SmallVector<int64_t> positions = positionShape(indices, n.getIndexVectorDim());
  const int64_t expected = static_cast<int64_t>(offsets.size() + positions.size());
  if (offsets.size() != n.getOffsetDims().size() || result.getRank() != expected)
    return emitOpError() << "needs " << offsets.size() << " offset_dims and a result of rank " << expected
                         << ", got " << n.getOffsetDims().size() << " and " << result;
  SmallVector<int64_t> shape;
  const int64_t *offset = offsets.begin(), *position = positions.begin();
  for (int64_t i = 0; i < expected; ++i)
    shape.push_back(llvm::is_contained(n.getOffsetDims(), i) ? *offset++ : *position++);
  const auto inferred = RankedTensorType::get(shape, operand.getElementType());
  if (!compatibleTypes(inferred, result))
    return emitOpError() << "result must have the type " << inferred << ", got " << result;
  return success();
}

LogicalResult ScatterOp::verify() {
  constexpr StringRef name = getOperationName();
  if (getInputs().empty())
    return emitOpError() << "needs at least one input";
  if (getNumOperands() % 2 == 0)
    return emitOpError() << "needs inputs, indices and as many updates as inputs, got " << getNumOperands()
                         << " values in all";
  const ScatterDimensionNumbersAttr n = getScatterDimensionNumbers();
  const auto indices = getScatterIndices().getType();
  const auto input = cast<RankedTensorType>(getInputs().front().getType());
  const auto update = cast<RankedTensorType>(getUpdates().front().getType());
  const int64_t rank = input.getRank();
  if (n.getIndexVectorDim() < 0 || n.getIndexVectorDim() > indices.getRank())
    return emitOpError() << "index_vector_dim must be in [0, " << indices.getRank() << "], got "
                         << n.getIndexVectorDim();
  SmallVector<int64_t> removed(n.getInsertedWindowDims());
  llvm::append_range(removed, n.getInputBatchingDims());
  SmallVector<int64_t> mapped(n.getScatterDimsToOperandDims());
  llvm::append_range(mapped, n.getInputBatchingDims());
  if (failed(checkDims(getLoc(), name, "inserted_window_dims and input_batching_dims", removed, rank)) ||
      failed(
          checkDims(getLoc(), name, "scatter_dims_to_operand_dims and input_batching_dims", mapped, rank)) ||
      failed(checkDims(getLoc(), name, "update_window_dims", n.getUpdateWindowDims(), update.getRank())) ||
      failed(checkDims(getLoc(), name, "scatter_indices_batching_dims", n.getScatterIndicesBatchingDims(),
                       indices.getRank())))
    return failure();
  if (static_cast<int64_t>(n.getUpdateWindowDims().size() + removed.size()) != rank)
    return emitOpError()
           << "update_window_dims, inserted_window_dims and input_batching_dims must together cover " << rank
           << " dimensions, got " << n.getUpdateWindowDims().size() + removed.size();
  const int64_t vector =
      n.getIndexVectorDim() == indices.getRank() ? 1 : indices.getDimSize(n.getIndexVectorDim());
  if (!compatibleSizes(vector, n.getScatterDimsToOperandDims().size()))
    return emitOpError() << "scatter_dims_to_operand_dims must have an entry for each of " << vector
                         << " indices, got " << n.getScatterDimsToOperandDims().size();
  const SmallVector<int64_t> positions = positionShape(indices, n.getIndexVectorDim());
  if (update.getRank() != static_cast<int64_t>(positions.size() + n.getUpdateWindowDims().size()))
    return emitOpError() << "updates must have rank " << positions.size() + n.getUpdateWindowDims().size()
                         << ", got " << update;
  auto position = positions.begin();
  for (auto [dim, size] : llvm::enumerate(update.getShape())) {
    if (llvm::is_contained(n.getUpdateWindowDims(), static_cast<int64_t>(dim)))
      continue;
    if (!compatibleSizes(size, *position))
      return emitOpError() << "dimension " << dim << " of updates must have the size of the indices, "
                           << *position << ", got " << size;
    ++position;
  }
  for (auto [index, in, up] : llvm::enumerate(getInputs().getTypes(), getUpdates().getTypes())) {
    if (!compatibleShapes(cast<RankedTensorType>(in).getShape(), input.getShape()) ||
        !compatibleShapes(cast<RankedTensorType>(up).getShape(), update.getShape()))
      return emitOpError() << "inputs must have one shape and updates too: pair #" << index << " is " << in
                           << " and " << up << ", pair #0 " << input << " and " << update;
  }
  if (getNumResults() != getInputs().size())
    return emitOpError() << "needs a result for each of " << getInputs().size() << " inputs, got "
                         << getNumResults();
  for (auto [index, in, out] : llvm::enumerate(getInputs().getTypes(), getResultTypes()))
    if (!compatibleShapes(cast<RankedTensorType>(in).getShape(), cast<RankedTensorType>(out).getShape()))
      return emitOpError() << "result #" << index << " must have the shape of its input " << in << ", got "
                           << out;
  return success();
}
