// InferReduction.cpp: result types of reductions, windows, solvers, transforms and normalisations.
#include "Infer.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

// Inputs of one shape and scalar initial values, as many of these as of those.
template <typename Op>
LogicalResult checkReduced(std::optional<Location> location, ValueRange operands, ValueRange inputs,
                           ValueRange inits) {
  if (operands.size() % 2 != 0)
    return refuse<Op>(location, "needs an initial value for each operand to reduce, got ", operands.size(),
                      " values in all");
  if (inputs.empty())
    return refuse<Op>(location, "needs at least one operand to reduce");
  for (auto [index, input, init] : llvm::enumerate(inputs, inits)) {
    if (!compatibleShapes(tensor(input).getShape(), tensor(inputs.front()).getShape()))
      return refuse<Op>(location, "operands must have one shape: #0 is ", inputs.front().getType(), ", #",
                        index, " is ", input.getType());
    if (tensor(init).getRank() != 0)
      return refuse<Op>(location, "initial value #", index, " must be a scalar, got ", init.getType());
  }
  return success();
}

// The element types of the values that the body returns: a reduction may widen. Falls back to those of
// the initial values while the body is not there yet.
SmallVector<Type> reducedElements(RegionRange regions, ValueRange inits) {
  SmallVector<Type> elements;
  if (regions.size() == 1 && !regions.front()->empty() && regions.front()->front().mightHaveTerminator())
    for (const Type type : regions.front()->front().getTerminator()->getOperandTypes())
      elements.push_back(getElementTypeOrSelf(type));
  if (elements.size() != inits.size()) {
    elements.clear();
    for (Value init : inits)
      elements.push_back(tensor(init).getElementType());
  }
  return elements;
}

int64_t entry(std::optional<ArrayRef<int64_t>> list, int64_t index, int64_t otherwise) {
  return list && !list->empty() ? (*list)[index] : otherwise;
}

// Attributes of a sliding window, checked to have an entry per dimension.
template <typename Op, typename Adaptor>
LogicalResult checkWindow(std::optional<Location> location, Adaptor adaptor, ArrayRef<int64_t> window,
                          int64_t rank) {
  constexpr StringRef name = Op::getOperationName();
  const auto positive = [&](StringRef field, std::optional<ArrayRef<int64_t>> list) -> LogicalResult {
    if (!list || list->empty())
      return success();
    if (failed(checkCount(location, name, field, list->size(), rank)))
      return failure();
    for (const int64_t value : *list)
      if (value <= 0)
        return refuse<Op>(location, field, " must be positive, got ", value);
    return success();
  };
  if (failed(checkCount(location, name, "window_dimensions", window.size(), rank)) ||
      failed(positive("window_dimensions", window)) ||
      failed(positive("window_strides", adaptor.getWindowStrides())))
    return failure();
  if (const auto padding = adaptor.getPadding(); padding && !padding->empty()) {
    const ArrayRef<int64_t> shape = padding->getType().getShape();
    if (shape.size() != 2 || shape[0] != rank || shape[1] != 2)
      return refuse<Op>(location, "padding must have the shape ", rank, "x2, got ", padding->getType());
  }
  return success();
}

// How many positions a window takes along one dimension; specification, "reduce_window". Nothing if a number
// on the way does not fit.
std::optional<int64_t> windowCount(int64_t size, int64_t window, int64_t stride, int64_t baseDilation,
                                   int64_t windowDilation, int64_t low, int64_t high) {
  if (ShapedType::isDynamic(size))
    return size;
  const auto spread = [](int64_t count, int64_t dilation) -> std::optional<int64_t> {
    int64_t result = 0;
    if (count == 0)
      return 0;
    if (llvm::MulOverflow(count - 1, dilation, result) || llvm::AddOverflow<int64_t>(result, 1, result))
      return std::nullopt;
    return result;
  };
  const std::optional<int64_t> dilated = spread(size, baseDilation), span = spread(window, windowDilation);
  int64_t padded = 0;
  if (!dilated || !span || llvm::AddOverflow(low, *dilated, padded) ||
      llvm::AddOverflow(padded, high, padded))
    return std::nullopt;
  return padded <= 0 || *span > padded ? 0 : (padded - *span) / stride + 1;
}

// The number of positions along every dimension of `operand`. `base` and `inside` are dilations.
template <typename Op, typename Adaptor>
LogicalResult countWindows(std::optional<Location> location, Adaptor adaptor, RankedTensorType operand,
                           ArrayRef<int64_t> window, std::optional<ArrayRef<int64_t>> base,
                           std::optional<ArrayRef<int64_t>> inside, SmallVectorImpl<int64_t> &shape) {
  const int64_t rank = operand.getRank();
  SmallVector<int64_t> padding(2 * rank, 0);
  if (const auto attribute = adaptor.getPadding(); attribute && !attribute->empty())
    padding.assign(attribute->template getValues<int64_t>().begin(),
                   attribute->template getValues<int64_t>().end());
  for (int64_t i = 0; i < rank; ++i) {
    const std::optional<int64_t> count =
        windowCount(operand.getDimSize(i), window[i], entry(adaptor.getWindowStrides(), i, 1),
                    entry(base, i, 1), entry(inside, i, 1), padding[2 * i], padding[2 * i + 1]);
    if (!count)
      return refuse<Op>(location, "window, dilations and padding of dimension ", i,
                        " are too large: sizes must fit in 64 bits");
    shape.push_back(*count);
  }
  return success();
}

} // namespace

INFER(ReduceOp) {
  const ValueRange inputs = adaptor.getInputs();
  if (failed(checkReduced<ReduceOp>(location, adaptor.getOperands(), inputs, adaptor.getInitValues())))
    return failure();
  const RankedTensorType merged = mergeTypes(inputs);
  const ArrayRef<int64_t> dims = adaptor.getDimensions();
  if (failed(checkDims(location, ReduceOp::getOperationName(), "dimensions", dims, merged.getRank())))
    return failure();
  SmallVector<int64_t> shape;
  for (auto [index, size] : llvm::enumerate(merged.getShape()))
    if (!llvm::is_contained(dims, static_cast<int64_t>(index)))
      shape.push_back(size);
  for (const Type element : reducedElements(adaptor.getRegions(), adaptor.getInitValues()))
    types.push_back(RankedTensorType::get(shape, element));
  return success();
}

INFER(ReduceWindowOp) {
  constexpr StringRef name = ReduceWindowOp::getOperationName();
  const ValueRange inputs = adaptor.getInputs();
  if (failed(checkReduced<ReduceWindowOp>(location, adaptor.getOperands(), inputs, adaptor.getInitValues())))
    return failure();
  const RankedTensorType merged = mergeTypes(inputs);
  const int64_t rank = merged.getRank();
  const ArrayRef<int64_t> window = adaptor.getWindowDimensions();
  if (failed(checkWindow<ReduceWindowOp>(location, adaptor, window, rank)))
    return failure();
  for (auto [field, list] : {std::pair{"base_dilations", adaptor.getBaseDilations()},
                             std::pair{"window_dilations", adaptor.getWindowDilations()}}) {
    if (!list || list->empty())
      continue;
    if (failed(checkCount(location, name, field, list->size(), rank)))
      return failure();
    for (const int64_t value : *list)
      if (value <= 0)
        return refuse<ReduceWindowOp>(location, field, " must be positive, got ", value);
  }
  SmallVector<int64_t> shape;
  if (failed(countWindows<ReduceWindowOp>(location, adaptor, merged, window, adaptor.getBaseDilations(),
                                          adaptor.getWindowDilations(), shape)))
    return failure();
  for (const Type element : reducedElements(adaptor.getRegions(), adaptor.getInitValues()))
    types.push_back(RankedTensorType::get(shape, element));
  return success();
}

INFER(SelectAndScatterOp) {
  const RankedTensorType operand = tensor(adaptor.getOperand()), source = tensor(adaptor.getSource());
  const int64_t rank = operand.getRank();
  const SmallVector<int64_t> ones(rank, 1);
  const ArrayRef<int64_t> window = adaptor.getWindowDimensions().value_or(ones);
  if (failed(checkWindow<SelectAndScatterOp>(location, adaptor, window, rank)))
    return failure();
  if (tensor(adaptor.getInitValue()).getRank() != 0)
    return refuse<SelectAndScatterOp>(location, "initial value must be a scalar, got ",
                                      adaptor.getInitValue().getType());
  SmallVector<int64_t> positions;
  if (failed(countWindows<SelectAndScatterOp>(location, adaptor, operand, window, std::nullopt, std::nullopt,
                                              positions)))
    return failure();
  if (!compatibleShapes(source.getShape(), positions) || !compatibleElements(source, operand))
    return refuse<SelectAndScatterOp>(location, "source must have an element per window position: expected ",
                                      RankedTensorType::get(positions, operand.getElementType()), ", got ",
                                      source);
  Type element = operand.getElementType();
  if (adaptor.getRegions().size() == 2 && !adaptor.getScatter().empty() &&
      adaptor.getScatter().front().mightHaveTerminator()) {
    Operation *returned = adaptor.getScatter().front().getTerminator();
    if (returned->getNumOperands() == 1)
      element = getElementTypeOrSelf(returned->getOperand(0).getType());
  }
  types.push_back(RankedTensorType::get(operand.getShape(), element));
  return success();
}

INFER(TriangularSolveOp) {
  const RankedTensorType a = tensor(adaptor.getA()), b = tensor(adaptor.getB());
  const int64_t rank = a.getRank();
  if (rank < 2 || b.getRank() != rank)
    return refuse<TriangularSolveOp>(location, "operands must have one rank of at least 2, got ", a, " and ",
                                     b);
  if (!compatibleShapes(a.getShape().drop_back(2), b.getShape().drop_back(2)))
    return refuse<TriangularSolveOp>(location, "operands must have the same batch dimensions, got ", a,
                                     " and ", b);
  if (!compatibleSizes(a.getDimSize(rank - 2), a.getDimSize(rank - 1)))
    return refuse<TriangularSolveOp>(location, "the matrices of a must be square, got ", a);
  const int64_t shared = adaptor.getLeftSide() ? rank - 2 : rank - 1;
  if (!compatibleSizes(a.getDimSize(rank - 1), b.getDimSize(shared)))
    return refuse<TriangularSolveOp>(location, "a and dimension ", shared,
                                     " of b must have the same size, got ", a, " and ", b);
  if (adaptor.getTransposeA() == Transpose::TRANSPOSE_INVALID)
    return refuse<TriangularSolveOp>(location, "transpose_a must not be TRANSPOSE_INVALID");
  types.push_back(b);
  return success();
}

INFER(FftOp) {
  const RankedTensorType operand = tensor(adaptor.getOperand());
  const ArrayRef<int64_t> length = adaptor.getFftLength();
  const FftType kind = adaptor.getFftType();
  const int64_t rank = operand.getRank(), count = static_cast<int64_t>(length.size());
  if (count < 1 || count > 3 || count > rank)
    return refuse<FftOp>(location, "length must have 1 to 3 entries, at most the rank ", rank, ", got ",
                         count);
  for (const int64_t size : length)
    if (size < 0)
      return refuse<FftOp>(location, "length must not be negative, got ", size);
  const bool realInput = kind == FftType::RFFT;
  if (isa<ComplexType>(operand.getElementType()) == realInput)
    return refuse<FftOp>(location, stringifyFftType(kind), " needs ", realInput ? "real" : "complex",
                         " numbers, got ", operand);
  SmallVector<int64_t> shape(operand.getShape());
  for (int64_t i = 0; i < count; ++i) {
    const bool halved = kind == FftType::IRFFT && i == count - 1;
    const int64_t expected = halved ? (length[i] == 0 ? 0 : length[i] / 2 + 1) : length[i];
    int64_t &size = shape[rank - count + i];
    if (!compatibleSizes(size, expected))
      return refuse<FftOp>(location, "dimension ", rank - count + i, " must have the size ", expected,
                           ", got ", size);
  }
  Type element = operand.getElementType();
  if (kind == FftType::RFFT) {
    element = ComplexType::get(element);
    shape.back() = length.back() == 0 ? 0 : length.back() / 2 + 1;
  } else if (kind == FftType::IRFFT) {
    element = cast<ComplexType>(element).getElementType();
    shape.back() = length.back();
  }
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

// Checks the feature dimension and the vectors along it; returns the type of such a vector, or null.
template <typename Op>
static RankedTensorType featureType(std::optional<Location> location, Value operandValue, uint64_t feature,
                                    ValueRange vectors) {
  const RankedTensorType operand = tensor(operandValue);
  if (feature >= static_cast<uint64_t>(operand.getRank())) {
    (void)refuse<Op>(location, "feature_index must be in [0, ", operand.getRank(), "), got ",
                     static_cast<int64_t>(feature));
    return {};
  }
  const auto expected = RankedTensorType::get({operand.getDimSize(feature)}, operand.getElementType());
  for (auto [index, vector] : llvm::enumerate(vectors))
    if (!compatibleTypes(vector.getType(), expected)) {
      (void)refuse<Op>(location, "operand #", index + 1, " must have an element per feature: expected ",
                       expected, ", got ", vector.getType());
      return {};
    }
  return expected;
}

INFER(BatchNormTrainingOp) {
  const RankedTensorType feature = featureType<BatchNormTrainingOp>(
      location, adaptor.getOperand(), adaptor.getFeatureIndex(), {adaptor.getScale(), adaptor.getOffset()});
  if (!feature)
    return failure();
  types.assign({adaptor.getOperand().getType(), feature, feature});
  return success();
}

INFER(BatchNormInferenceOp) {
  if (!featureType<BatchNormInferenceOp>(
          location, adaptor.getOperand(), adaptor.getFeatureIndex(),
          {adaptor.getScale(), adaptor.getOffset(), adaptor.getMean(), adaptor.getVariance()}))
    return failure();
  types.push_back(adaptor.getOperand().getType());
  return success();
}

INFER(BatchNormGradOp) {
  const RankedTensorType feature =
      featureType<BatchNormGradOp>(location, adaptor.getOperand(), adaptor.getFeatureIndex(),
                                   {adaptor.getScale(), adaptor.getMean(), adaptor.getVariance()});
  if (!feature)
    return failure();
  if (!compatibleTypes(adaptor.getGradOutput().getType(), adaptor.getOperand().getType()))
    return refuse<BatchNormGradOp>(location, "grad_output must have the operand's type ",
                                   adaptor.getOperand().getType(), ", got ",
                                   adaptor.getGradOutput().getType());
  types.assign({adaptor.getOperand().getType(), feature, feature});
  return success();
}
