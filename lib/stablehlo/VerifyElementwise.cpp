// VerifyElementwise.cpp: constraints of elementwise operations and shape changes beyond their result types.
#include "Infer.h"

using namespace mlir;
using namespace mlir::stablehlo;

// The value holds the stored integers of quantized numbers.
LogicalResult ConstantOp::verify() {
  const auto value = cast<ShapedType>(getValue().getType());
  Type element = getType().getElementType();
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    element = quantized.getStorageType();
  if (!compatibleShapes(value.getShape(), getType().getShape()) ||
      (value.getElementType() != element && value.getElementType() != getType().getElementType()))
    return emitOpError() << "result must have the type of the value " << value << ", got " << getType();
  return success();
}

LogicalResult CompareOp::verify() {
  const Type lhs = getLhs().getType().getElementType(), rhs = getRhs().getType().getElementType();
  if (!compatibleElements(lhs, rhs))
    return emitOpError() << "operands must have one element type, got " << lhs << " and " << rhs;
  if (isa<ComplexType>(lhs) && getComparisonDirection() != ComparisonDirection::EQ &&
      getComparisonDirection() != ComparisonDirection::NE)
    return emitOpError() << "complex numbers compare only by EQ and NE, got "
                         << stringifyComparisonDirection(getComparisonDirection());
  const ComparisonType kind = getCompareType().value_or(ComparisonType::NOTYPE);
  if (kind == ComparisonType::NOTYPE)
    return success();
  const Type element = expressedElement(lhs);
  auto integer = dyn_cast<IntegerType>(element);
  const bool isUnsigned = integer && (integer.isUnsigned() || integer.getWidth() == 1);
  const bool fits = kind == ComparisonType::FLOAT        ? isa<FloatType, ComplexType>(element)
                    : kind == ComparisonType::TOTALORDER ? isa<FloatType>(element)
                    : kind == ComparisonType::UNSIGNED   ? isUnsigned
                                                         : integer && !isUnsigned;
  if (!fits)
    return emitOpError() << "compare type " << stringifyComparisonType(kind)
                         << " does not fit elements of type " << lhs;
  return success();
}

LogicalResult SelectOp::verify() {
  if (!compatibleTypes(getOnTrue().getType(), getOnFalse().getType()))
    return emitOpError() << "both values must have one type, got " << getOnTrue().getType() << " and "
                         << getOnFalse().getType();
  const auto pred = getPred().getType();
  if (pred.getRank() != 0 && !compatibleShapes(pred.getShape(), getOnTrue().getType().getShape()))
    return emitOpError() << "predicate must be a scalar or have the shape of the values "
                         << getOnTrue().getType() << ", got " << pred;
  return success();
}

LogicalResult ClampOp::verify() {
  const auto operand = getOperand().getType();
  for (auto [name, bound] : {std::pair{"min", getMin()}, std::pair{"max", getMax()}}) {
    const auto type = cast<RankedTensorType>(bound.getType());
    if (!compatibleElements(type, operand) ||
        (type.getRank() != 0 && !compatibleShapes(type.getShape(), operand.getShape())))
      return emitOpError() << name << " must be a scalar or have the operand's type " << operand << ", got "
                           << type;
  }
  return success();
}

LogicalResult ReducePrecisionOp::verify() {
  if (static_cast<int32_t>(getExponentBits()) < 1)
    return emitOpError() << "needs at least 1 exponent bit, got " << static_cast<int32_t>(getExponentBits());
  if (static_cast<int32_t>(getMantissaBits()) < 0)
    return emitOpError() << "mantissa bits must not be negative, got "
                         << static_cast<int32_t>(getMantissaBits());
  return success();
}

// Bits of one element; 0 where they are unknown.
static int64_t elementBits(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    element = quantized.getStorageType();
  if (auto complex = dyn_cast<ComplexType>(element))
    return 2 * elementBits(complex.getElementType());
  return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 0;
}

LogicalResult BitcastConvertOp::verify() {
  const auto from = getOperand().getType(), to = getType();
  const int64_t fromBits = elementBits(from), toBits = elementBits(to);
  if (isa<ComplexType>(from.getElementType()) != isa<ComplexType>(to.getElementType()))
    return emitOpError() << "cannot convert between complex and other numbers, got " << from << " and " << to;
  const auto mismatch = [&](StringRef expected) {
    return emitOpError() << "expected " << expected << " of the operand's " << from << ", got " << to;
  };
  if (fromBits == toBits)
    return compatibleShapes(from.getShape(), to.getShape()) ? LogicalResult(success())
                                                            : mismatch("the shape");
  // The wider elements' tensor has one dimension less: the ratio of the widths.
  const auto wide = fromBits > toBits ? from : to, narrow = fromBits > toBits ? to : from;
  const int64_t wideBits = std::max(fromBits, toBits), narrowBits = std::min(fromBits, toBits);
  if (narrowBits == 0 || wideBits % narrowBits != 0 || narrow.getRank() != wide.getRank() + 1 ||
      !compatibleShapes(narrow.getShape().drop_back(), wide.getShape()) ||
      !compatibleSizes(narrow.getShape().back(), wideBits / narrowBits))
    return mismatch("the shape with a last dimension for the ratio of element widths");
  return success();
}

LogicalResult BroadcastInDimOp::verify() {
  const auto operand = getOperand().getType(), result = getType();
  const ArrayRef<int64_t> dims = getBroadcastDimensions();
  constexpr StringRef name = getOperationName();
  if (!compatibleElements(operand, result))
    return emitOpError() << "result must have the operand's element type " << operand.getElementType()
                         << ", got " << result.getElementType();
  if (failed(checkCount(getLoc(), name, "dims", dims.size(), operand.getRank())) ||
      failed(checkDims(getLoc(), name, "dims", dims, result.getRank())))
    return failure();
  for (auto [index, dim] : llvm::enumerate(dims)) {
    const int64_t size = operand.getDimSize(index), target = result.getDimSize(dim);
    if (size != 1 && !compatibleSizes(size, target))
      return emitOpError() << "operand dimension " << index
                           << " must have size 1 or that of result dimension " << dim << ", " << target
                           << ", got " << size;
  }
  return success();
}

LogicalResult IotaOp::verify() {
  const int64_t dim = static_cast<int64_t>(getIotaDimension()), rank = getType().getRank();
  if (dim < 0 || dim >= rank)
    return emitOpError() << "dim must be in [0, " << rank << "), got " << dim;
  if (!getType().hasStaticShape())
    return emitOpError() << "result must have a static shape, got " << getType();
  return success();
}

LogicalResult ReshapeOp::verify() {
  const auto operand = getOperand().getType(), result = getType();
  if (!compatibleElements(operand, result))
    return emitOpError() << "result must have the operand's element type " << operand.getElementType()
                         << ", got " << result.getElementType();
  if (operand.hasStaticShape() && result.hasStaticShape() &&
      operand.getNumElements() != result.getNumElements())
    return emitOpError() << "result must have as many elements as the operand, " << operand.getNumElements()
                         << ", got " << result.getNumElements();
  return success();
}

LogicalResult ReverseOp::verify() {
  return checkDims(getLoc(), getOperationName(), "dims", getDimensions(), getOperand().getType().getRank());
}

LogicalResult CholeskyOp::verify() {
  const auto a = getA().getType();
  const int64_t rank = a.getRank();
  if (rank < 2 || !compatibleSizes(a.getDimSize(rank - 1), a.getDimSize(rank - 2)))
    return emitOpError() << "operand must be a batch of square matrices, got " << a;
  return success();
}

LogicalResult RngOp::verify() {
  if (getA().getType().getRank() != 0 || getB().getType().getRank() != 0)
    return emitOpError() << "bounds must be scalars, got " << getA().getType() << " and " << getB().getType();
  if (getA().getType() != getB().getType() || !compatibleElements(getA().getType(), getType()))
    return emitOpError() << "bounds and result must have one element type, got " << getA().getType() << ", "
                         << getB().getType() << " and " << getType();
  const auto shape = getShape().getType();
  if (shape.getRank() != 1 || !compatibleSizes(shape.getDimSize(0), getType().getRank()))
    return emitOpError() << "shape must have one entry for each of " << getType().getRank()
                         << " dimensions, got " << shape;
  return success();
}

LogicalResult RngBitGeneratorOp::verify() {
  const Type before = getInitialState().getType(), after = getOutputState().getType();
  if (!compatibleTypes(before, after))
    return emitOpError() << "output state must have the type of the initial state " << before << ", got "
                         << after;
  return success();
}

LogicalResult SetDimensionSizeOp::verify() {
  const int64_t dim = static_cast<int64_t>(getDimension()), rank = getOperand().getType().getRank();
  if (dim < 0 || dim >= rank)
    return emitOpError() << "dim must be in [0, " << rank << "), got " << dim;
  if (getSize().getType().getRank() != 0)
    return emitOpError() << "size must be a scalar, got " << getSize().getType();
  return success();
}
