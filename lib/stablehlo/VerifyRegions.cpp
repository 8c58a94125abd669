// VerifyRegions.cpp: what the regions of an operation take and return.
#include "Infer.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

// True if a computation on `from` may be done in `to`: the same kind of number, at least as wide.
bool promotable(Type from, Type to) {
  const Type a = getElementTypeOrSelf(from), b = getElementTypeOrSelf(to);
  if (compatibleElements(a, b))
    return true;
  if (auto complexA = dyn_cast<ComplexType>(a))
    if (auto complexB = dyn_cast<ComplexType>(b))
      return promotable(complexA.getElementType(), complexB.getElementType());
  auto integerA = dyn_cast<IntegerType>(a), integerB = dyn_cast<IntegerType>(b);
  if (integerA && integerB)
    return integerA.isUnsigned() == integerB.isUnsigned() && integerA.getWidth() <= integerB.getWidth();
  auto floatA = dyn_cast<FloatType>(a), floatB = dyn_cast<FloatType>(b);
  return floatA && floatB && floatA.getWidth() <= floatB.getWidth();
}

// Checks that `region` returns `expected`; `name` is the region's in messages.
LogicalResult checkReturns(Operation *op, Region &region, const Twine &name, TypeRange expected) {
  auto terminator = dyn_cast<stablehlo::ReturnOp>(region.front().getTerminator());
  if (!terminator)
    return op->emitOpError() << name << " must end in stablehlo.return, got "
                             << region.front().getTerminator()->getName();
  const TypeRange returned = terminator.getOperandTypes();
  if (!compatibleTypes(returned, expected))
    return op->emitOpError() << name << " must return (" << expected << "), got (" << returned << ")";
  return success();
}

LogicalResult checkTakes(Operation *op, Region &region, const Twine &name, TypeRange expected) {
  if (!compatibleTypes(region.getArgumentTypes(), expected))
    return op->emitOpError() << name << " must take (" << expected << "), got (" << region.getArgumentTypes()
                             << ")";
  return success();
}

// A reducer of `inputs`: takes two scalars of each (all first ones first) and returns one of each, in
// types that the inputs promote to.
LogicalResult checkReducer(Operation *op, Region &region, const Twine &name, TypeRange inputs,
                           TypeRange inits) {
  const size_t count = inputs.size();
  const TypeRange arguments = region.getArgumentTypes();
  if (arguments.size() != 2 * count)
    return op->emitOpError() << name << " must take " << 2 * count << " arguments, two per operand, got "
                             << arguments.size();
  SmallVector<Type> expected;
  for (size_t i = 0; i < 2 * count; ++i) {
    auto argument = dyn_cast<RankedTensorType>(arguments[i]);
    const Type input = getElementTypeOrSelf(inputs[i % count]);
    if (!argument || argument.getRank() != 0 || !promotable(input, argument))
      return op->emitOpError() << name << " argument #" << i << " must be a scalar that " << input
                               << " promotes to, got " << arguments[i];
    if (i < count)
      expected.push_back(argument);
  }
  for (auto [index, init] : llvm::enumerate(inits))
    if (!promotable(init, expected[index]))
      return op->emitOpError() << "initial value #" << index << " must promote to " << expected[index]
                               << ", got " << init;
  SmallVector<Type> pairs(expected);
  llvm::append_range(pairs, expected);
  if (failed(checkTakes(op, region, name, pairs)))
    return failure();
  return checkReturns(op, region, name, expected);
}

Type predicate(Operation *op) { return RankedTensorType::get({}, IntegerType::get(op->getContext(), 1)); }

// Branches take nothing and return what the operation does.
LogicalResult checkBranch(Operation *op, Region &region, const Twine &name) {
  if (failed(checkTakes(op, region, name, {})))
    return failure();
  return checkReturns(op, region, name, op->getResultTypes());
}

} // namespace

LogicalResult MapOp::verifyRegions() {
  SmallVector<Type> scalars;
  for (const Type type : getOperandTypes())
    scalars.push_back(RankedTensorType::get({}, getElementTypeOrSelf(type)));
  const int64_t rank = cast<RankedTensorType>(getType()).getRank();
  for (auto [index, dim] : llvm::enumerate(getDimensions()))
    if (dim != static_cast<int64_t>(index))
      return emitOpError() << "dimensions must be 0, 1, 2, ..., got " << dim << " at " << index;
  if (static_cast<int64_t>(getDimensions().size()) != rank)
    return emitOpError() << "must map all of " << rank << " dimensions, got " << getDimensions().size();
  if (failed(checkTakes(*this, getComputation(), "computation", scalars)))
    return failure();
  return checkReturns(*this, getComputation(), "computation",
                      RankedTensorType::get({}, getElementTypeOrSelf(getType())));
}

LogicalResult ReduceOp::verifyRegions() {
  return checkReducer(*this, getBody(), "body", getInputs().getTypes(), getInitValues().getTypes());
}

LogicalResult ReduceWindowOp::verifyRegions() {
  return checkReducer(*this, getBody(), "body", getInputs().getTypes(), getInitValues().getTypes());
}

LogicalResult SelectAndScatterOp::verifyRegions() {
  const Type scalar = RankedTensorType::get({}, getOperand().getType().getElementType());
  if (failed(checkTakes(*this, getSelect(), "select", {scalar, scalar})) ||
      failed(checkReturns(*this, getSelect(), "select", predicate(*this))))
    return failure();
  return checkReducer(*this, getScatter(), "scatter", getSource().getType(), getInitValue().getType());
}

LogicalResult ScatterOp::verifyRegions() {
  return checkReducer(*this, getUpdateComputation(), "update_computation", getInputs().getTypes(), {});
}

LogicalResult SortOp::verifyRegions() {
  if (getInputs().empty())
    return emitOpError() << "needs at least one operand";
  const auto first = cast<RankedTensorType>(getInputs().front().getType());
  SmallVector<Type> scalars;
  for (auto [index, type] : llvm::enumerate(getInputs().getTypes())) {
    const auto tensor = cast<RankedTensorType>(type);
    if (!compatibleShapes(tensor.getShape(), first.getShape()))
      return emitOpError() << "operands must have one shape: #0 is " << first << ", #" << index << " is "
                           << tensor;
    scalars.append(2, RankedTensorType::get({}, tensor.getElementType()));
  }
  const int64_t rank = first.getRank(), dim = static_cast<int64_t>(getDimension());
  if (dim < -rank || dim >= rank)
    return emitOpError() << "dimension must be in [" << -rank << ", " << rank << "), got " << dim;
  if (failed(checkTakes(*this, getComparator(), "comparator", scalars)))
    return failure();
  return checkReturns(*this, getComparator(), "comparator", predicate(*this));
}

LogicalResult WhileOp::verifyRegions() {
  if (failed(checkTakes(*this, getCond(), "cond", getOperandTypes())) ||
      failed(checkReturns(*this, getCond(), "cond", predicate(*this))) ||
      failed(checkTakes(*this, getBody(), "body", getOperandTypes())))
    return failure();
  return checkReturns(*this, getBody(), "body", getOperandTypes());
}

LogicalResult CaseOp::verifyRegions() {
  if (getIndex().getType().getRank() != 0)
    return emitOpError() << "index must be a scalar, got " << getIndex().getType();
  if (getBranches().empty())
    return emitOpError() << "needs at least one branch";
  for (auto [index, branch] : llvm::enumerate(getBranches()))
    if (failed(checkBranch(*this, branch, "branch #" + Twine(index))))
      return failure();
  return success();
}

LogicalResult IfOp::verifyRegions() {
  if (getPred().getType().getRank() != 0)
    return emitOpError() << "predicate must be a scalar, got " << getPred().getType();
  if (failed(checkBranch(*this, getTrueBranch(), "true branch")))
    return failure();
  return checkBranch(*this, getFalseBranch(), "false branch");
}

// Collectives reduce every operand by itself with one computation of two scalars.
static LogicalResult checkCollective(Operation *op, Region &region, TypeRange operands) {
  if (operands.empty())
    return op->emitOpError() << "needs at least one operand";
  return checkReducer(op, region, "computation", operands.take_front(1), {});
}

LogicalResult AllReduceOp::verifyRegions() {
  return checkCollective(*this, getComputation(), getOperandTypes());
}

LogicalResult ReduceScatterOp::verifyRegions() {
  return checkCollective(*this, getComputation(), (*this)->getOperandTypes());
}

LogicalResult CollectiveReduceOp::verifyRegions() {
  return checkCollective(*this, getComputation(), getOperandTypes());
}
