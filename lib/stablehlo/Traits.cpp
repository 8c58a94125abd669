// Traits.cpp: checks of families of operations; Traits.h says which.
#include "stablehlo/Traits.h"

#include "Verify.h"

#include "stablehlo/Dialect.h"

using namespace mlir;
using namespace mlir::stablehlo;

bool mlir::stablehlo::compatibleSizes(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

bool mlir::stablehlo::compatibleShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [](auto pair) {
           return compatibleSizes(std::get<0>(pair), std::get<1>(pair));
         });
}

Type mlir::stablehlo::expressedElement(Type type) {
  const Type element = getElementTypeOrSelf(type);
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    return quantized.getExpressedType();
  return element;
}

bool mlir::stablehlo::compatibleElements(Type a, Type b) {
  const Type left = getElementTypeOrSelf(a), right = getElementTypeOrSelf(b);
  if (isa<quant::QuantizedType>(left) || isa<quant::QuantizedType>(right))
    return expressedElement(left) == expressedElement(right);
  return left == right;
}

bool mlir::stablehlo::compatibleTypes(Type a, Type b) {
  if (a == b)
    return true;
  auto left = dyn_cast<RankedTensorType>(a), right = dyn_cast<RankedTensorType>(b);
  if (left && right)
    return compatibleElements(a, b) && compatibleShapes(left.getShape(), right.getShape());
  auto leftTuple = dyn_cast<TupleType>(a), rightTuple = dyn_cast<TupleType>(b);
  return leftTuple && rightTuple && compatibleTypes(leftTuple.getTypes(), rightTuple.getTypes());
}

bool mlir::stablehlo::compatibleTypes(TypeRange a, TypeRange b) {
  return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [](auto pair) {
           return compatibleTypes(std::get<0>(pair), std::get<1>(pair));
         });
}

namespace {

// Checks every operand and result against the first one that has a type to compare.
LogicalResult verifyAgainstFirst(Operation *op, StringRef what,
                                 function_ref<bool(RankedTensorType, RankedTensorType)> agree) {
  RankedTensorType first;
  std::string firstName;
  const auto check = [&](Type type, StringRef kind, unsigned index) -> LogicalResult {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return success();
    if (!first) {
      first = tensor;
      firstName = (kind + " #" + Twine(index)).str();
      return success();
    }
    if (!agree(first, tensor))
      return op->emitOpError() << kind << " #" << index << " must have the same " << what << " as "
                               << firstName << ": expected " << first << ", got " << tensor;
    return success();
  };
  for (auto [index, type] : llvm::enumerate(op->getOperandTypes()))
    if (failed(check(type, "operand", index)))
      return failure();
  for (auto [index, type] : llvm::enumerate(op->getResultTypes()))
    if (failed(check(type, "result", index)))
      return failure();
  return success();
}

} // namespace

LogicalResult mlir::stablehlo::verifySameShapes(Operation *op) {
  return verifyAgainstFirst(op, "shape", [](RankedTensorType a, RankedTensorType b) {
    return compatibleShapes(a.getShape(), b.getShape());
  });
}

LogicalResult mlir::stablehlo::verifySameElements(Operation *op) {
  return verifyAgainstFirst(op, "element type",
                            [](RankedTensorType a, RankedTensorType b) { return compatibleElements(a, b); });
}
