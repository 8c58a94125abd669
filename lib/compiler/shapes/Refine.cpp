// Refine.cpp: result types from operand types.
//
// Most operations infer their results themselves; here is the rest. A result keeps what its written type
// knows and gains the sizes that follow.
#include "compiler/shapes/Shapes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Sizes = llvm::SmallVector<int64_t>;

constexpr int64_t unknown = ShapedType::kDynamic;

ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

Sizes shapeOfDot(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs, ArrayRef<int64_t> lhsBatch,
                 ArrayRef<int64_t> lhsSummed, ArrayRef<int64_t> rhsBatch, ArrayRef<int64_t> rhsSummed) {
  Sizes sizes;
  for (const auto [left, right] : llvm::zip(lhsBatch, rhsBatch))
    sizes.push_back(lhs[left] == unknown ? rhs[right] : lhs[left]);
  const auto addFree = [&](ArrayRef<int64_t> from, ArrayRef<int64_t> batch, ArrayRef<int64_t> summed) {
    for (const auto [d, size] : llvm::enumerate(from))
      if (!llvm::is_contained(batch, static_cast<int64_t>(d)) &&
          !llvm::is_contained(summed, static_cast<int64_t>(d)))
        sizes.push_back(size);
  };
  addFree(lhs, lhsBatch, lhsSummed);
  addFree(rhs, rhsBatch, rhsSummed);
  return sizes;
}

Sizes shapeOfGather(stablehlo::GatherOp op) {
  const stablehlo::GatherDimensionNumbersAttr numbers = op.getDimensionNumbers();
  const ArrayRef<int64_t> indices = shapeOf(op.getStartIndices());
  Sizes window, sizes(cast<RankedTensorType>(op.getType()).getRank(), unknown);
  for (const auto [d, size] : llvm::enumerate(op.getSliceSizes()))
    if (!llvm::is_contained(numbers.getCollapsedSliceDims(), static_cast<int64_t>(d)) &&
        !llvm::is_contained(numbers.getOperandBatchingDims(), static_cast<int64_t>(d)))
      window.push_back(size);
  size_t nextWindow = 0;
  int64_t nextIndex = 0;
  for (const auto [d, size] : llvm::enumerate(sizes)) {
    if (llvm::is_contained(numbers.getOffsetDims(), static_cast<int64_t>(d))) {
      if (nextWindow < window.size()) size = window[nextWindow++];
      continue;
    }
    if (nextIndex == numbers.getIndexVectorDim()) ++nextIndex;
    if (nextIndex < static_cast<int64_t>(indices.size())) size = indices[nextIndex++];
  }
  return sizes;
}

Sizes shapeOfConvolution(stablehlo::ConvolutionOp op) {
  const stablehlo::ConvDimensionNumbersAttr numbers = op.getDimensionNumbers();
  const ArrayRef<int64_t> input = shapeOf(op.getLhs()), kernel = shapeOf(op.getRhs());
  Sizes sizes(input.size(), unknown);
  const auto at = [](std::optional<ArrayRef<int64_t>> list, size_t k) { return list ? (*list)[k] : 1; };
  const auto dilated = [](int64_t size, int64_t by) { return size == 0 ? 0 : (size - 1) * by + 1; };
  const int64_t batch = input[numbers.getInputBatchDimension()];
  sizes[numbers.getOutputBatchDimension()] =
      batch == unknown ? unknown : batch / static_cast<int64_t>(op.getBatchGroupCount());
  sizes[numbers.getOutputFeatureDimension()] = kernel[numbers.getKernelOutputFeatureDimension()];
  llvm::SmallVector<int64_t> padding(2 * numbers.getInputSpatialDimensions().size(), 0);
  if (const auto given = op.getPadding()) {
    padding.clear();
    for (const APInt& value : given->getValues<APInt>()) padding.push_back(value.getSExtValue());
  }
  for (const auto [k, dim] : llvm::enumerate(numbers.getInputSpatialDimensions())) {
    const int64_t size = input[dim], window = kernel[numbers.getKernelSpatialDimensions()[k]];
    if (size == unknown || window == unknown) continue;
    const int64_t padded = dilated(size, at(op.getLhsDilation(), k)) + padding[2 * k] + padding[2 * k + 1];
    const int64_t reach = dilated(window, at(op.getRhsDilation(), k));
    const int64_t room = padded - reach;
    sizes[numbers.getOutputSpatialDimensions()[k]] = room < 0 ? 0 : room / at(op.getWindowStrides(), k) + 1;
  }
  return sizes;
}

/// What numpy's broadcasting gives, the sizes being aligned at their ends or as `dims` says.
Sizes broadcastShape(Operation* op, int64_t rank, std::optional<ArrayRef<int64_t>> dims) {
  Sizes sizes(rank, 1);
  for (Value operand : op->getOperands()) {
    const ArrayRef<int64_t> from = shapeOf(operand);
    const bool isMapped = dims && static_cast<int64_t>(from.size()) < rank && dims->size() == from.size();
    for (const auto [d, size] : llvm::enumerate(from)) {
      const int64_t to = isMapped ? (*dims)[d] : rank - static_cast<int64_t>(from.size() - d);
      if (to < 0 || to >= rank) continue;
      if (sizes[to] == 1 || (sizes[to] == unknown && size != 1)) sizes[to] = size;
    }
  }
  return sizes;
}

/// The shape of the only result, or nothing if no rule says it.
std::optional<Sizes> shapeOfResult(Operation* op) {
  const auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!result) return std::nullopt;
  if (auto dot = dyn_cast<stablehlo::DotGeneralOp>(op)) {
    const stablehlo::DotDimensionNumbersAttr numbers = dot.getDotDimensionNumbers();
    return shapeOfDot(shapeOf(dot.getLhs()), shapeOf(dot.getRhs()), numbers.getLhsBatchingDimensions(),
                      numbers.getLhsContractingDimensions(), numbers.getRhsBatchingDimensions(),
                      numbers.getRhsContractingDimensions());
  }
  if (auto dot = dyn_cast<stablehlo::DotOp>(op)) {
    const auto last = static_cast<int64_t>(shapeOf(dot.getLhs()).size()) - 1;
    return shapeOfDot(shapeOf(dot.getLhs()), shapeOf(dot.getRhs()), {}, {last}, {}, {int64_t{0}});
  }
  if (auto gather = dyn_cast<stablehlo::GatherOp>(op)) return shapeOfGather(gather);
  if (auto convolution = dyn_cast<stablehlo::ConvolutionOp>(op)) return shapeOfConvolution(convolution);
  if (auto bitcast = dyn_cast<stablehlo::BitcastConvertOp>(op)) {
    // Only the last dimension can be another: the ratio of the widths, or none.
    const ArrayRef<int64_t> from = shapeOf(bitcast.getOperand());
    Sizes sizes(result.getShape());
    for (size_t d = 0; d < std::min(sizes.size(), from.size()); ++d) sizes[d] = from[d];
    return sizes;
  }
  if (auto top = dyn_cast<chlo::TopKOp>(op)) {
    Sizes sizes(shapeOf(top.getOperand()));
    if (!sizes.empty()) sizes.back() = static_cast<int64_t>(top.getK());
    return sizes;
  }
  if (op->getName().getStringRef().starts_with("chlo.broadcast_")) {
    std::optional<ArrayRef<int64_t>> dims;
    if (const auto given = op->getAttrOfType<DenseI64ArrayAttr>("broadcast_dimensions"))
      dims = given.asArrayRef();
    return broadcastShape(op, result.getRank(), dims);
  }
  return std::nullopt;
}

/// The most that the operands of an operation on equal shapes say. Fails if they contradict each other.
FailureOr<Sizes> commonShape(Operation* op, int64_t rank) {
  Sizes sizes(rank, unknown);
  for (Value operand : op->getOperands()) {
    const auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || type.getRank() != rank) continue;
    for (const auto [d, size, other] : llvm::enumerate(sizes, type.getShape())) {
      if (other == unknown) continue;
      if (size != unknown && size != other)
        return op->emitError() << op->getName() << ": dimension " << d << " has size " << size
                               << " in one operand and " << other << " in another";
      size = other;
    }
  }
  return sizes;
}

LogicalResult refineShape(Operation* op, Value result, ArrayRef<int64_t> sizes) {
  const auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || type.getRank() != static_cast<int64_t>(sizes.size())) return success();
  return refineType(op, result, RankedTensorType::get(sizes, type.getElementType()));
}

}  // namespace

LogicalResult refineType(Operation* op, Value value, Type type) {
  const auto now = dyn_cast<RankedTensorType>(value.getType()), more = dyn_cast<RankedTensorType>(type);
  if (isa<TupleType>(value.getType()) && isa<TupleType>(type)) {
    value.setType(type);
    return success();
  }
  if (!now || !more) return success();
  if (now.getRank() != more.getRank())
    return op->emitError() << "needs " << type << " where " << value.getType() << " is written";
  Sizes sizes(now.getShape());
  for (const auto [d, size, other] : llvm::enumerate(sizes, more.getShape())) {
    if (other == unknown) continue;
    if (size != unknown && size != other)
      return op->emitError() << op->getName() << ": dimension " << d << " has size " << other << ", but "
                             << size << " is written in " << now;
    size = other;
  }
  value.setType(RankedTensorType::get(sizes, now.getElementType(),
                                      ShapedType::isDynamicShape(sizes) ? now.getEncoding() : Attribute()));
  return success();
}

LogicalResult refineResults(Operation* op) {
  if (op->getNumResults() == 0) return success();
  if (op->hasTrait<stablehlo::trait::SameShapes>() || op->hasTrait<OpTrait::Elementwise>() ||
      op->hasTrait<OpTrait::SameOperandsAndResultType>()) {
    const auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type) return success();
    const FailureOr<Sizes> sizes = commonShape(op, type.getRank());
    return failed(sizes) ? failure() : refineShape(op, op->getResult(0), *sizes);
  }
  if (auto scatter = dyn_cast<stablehlo::ScatterOp>(op)) {
    for (auto [result, input] : llvm::zip(op->getResults(), scatter.getInputs()))
      if (failed(refineType(op, result, input.getType()))) return failure();
    return success();
  }
  if (auto infer = dyn_cast<InferTypeOpInterface>(op)) {
    llvm::SmallVector<Type> types;
    if (failed(infer.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                      op->getRawDictionaryAttrs(), op->getPropertiesStorage(),
                                      op->getRegions(), types)))
      return failure();
    for (auto [result, type] : llvm::zip(op->getResults(), types))
      if (failed(refineType(op, result, type))) return failure();
    return success();
  }
  const std::optional<Sizes> sizes = shapeOfResult(op);
  if (!sizes) return success();
  for (Value result : op->getResults())
    if (failed(refineShape(op, result, *sizes))) return failure();
  return success();
}

}  // namespace wherry::compile
