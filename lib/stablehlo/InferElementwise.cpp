// InferElementwise.cpp: result types of elementwise operations, tuples and ids; builders and folders of
// theirs.
#include "Infer.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::stablehlo;

RankedTensorType mlir::stablehlo::mergeTypes(ValueRange values) {
  auto first = cast<RankedTensorType>(values.front().getType());
  SmallVector<int64_t> shape(first.getShape());
  for (Value value : values.drop_front()) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() != first.getRank())
      continue;
    for (auto [size, other] : llvm::zip(shape, type.getShape()))
      if (ShapedType::isDynamic(size))
        size = other;
  }
  return shape == first.getShape() ? first : RankedTensorType::get(shape, first.getElementType());
}

// The result has the type of the operands.
#define INFER_LIKE_OPERANDS(OpName)                                                                          \
  INFER(OpName) {                                                                                            \
    types.push_back(mergeTypes(adaptor.getOperands()));                                                      \
    return success();                                                                                        \
  }

INFER_LIKE_OPERANDS(AddOp)
INFER_LIKE_OPERANDS(AndOp)
INFER_LIKE_OPERANDS(Atan2Op)
INFER_LIKE_OPERANDS(CbrtOp)
INFER_LIKE_OPERANDS(CeilOp)
INFER_LIKE_OPERANDS(CholeskyOp)
INFER_LIKE_OPERANDS(ClzOp)
INFER_LIKE_OPERANDS(CosineOp)
INFER_LIKE_OPERANDS(DivOp)
INFER_LIKE_OPERANDS(ExpOp)
INFER_LIKE_OPERANDS(Expm1Op)
INFER_LIKE_OPERANDS(FloorOp)
INFER_LIKE_OPERANDS(Log1pOp)
INFER_LIKE_OPERANDS(LogOp)
INFER_LIKE_OPERANDS(LogisticOp)
INFER_LIKE_OPERANDS(MaxOp)
INFER_LIKE_OPERANDS(MinOp)
INFER_LIKE_OPERANDS(MulOp)
INFER_LIKE_OPERANDS(NegOp)
INFER_LIKE_OPERANDS(NotOp)
INFER_LIKE_OPERANDS(OrOp)
INFER_LIKE_OPERANDS(PopulationCountOp)
INFER_LIKE_OPERANDS(PowOp)
INFER_LIKE_OPERANDS(ReducePrecisionOp)
INFER_LIKE_OPERANDS(RemOp)
INFER_LIKE_OPERANDS(ReverseOp)
INFER_LIKE_OPERANDS(RoundNearestEvenOp)
INFER_LIKE_OPERANDS(RoundOp)
INFER_LIKE_OPERANDS(RsqrtOp)
INFER_LIKE_OPERANDS(ShiftLeftOp)
INFER_LIKE_OPERANDS(ShiftRightArithmeticOp)
INFER_LIKE_OPERANDS(ShiftRightLogicalOp)
INFER_LIKE_OPERANDS(SignOp)
INFER_LIKE_OPERANDS(SineOp)
INFER_LIKE_OPERANDS(SqrtOp)
INFER_LIKE_OPERANDS(SubtractOp)
INFER_LIKE_OPERANDS(TanOp)
INFER_LIKE_OPERANDS(TanhOp)
INFER_LIKE_OPERANDS(XorOp)

// The type of `operand` with complex numbers replaced by their parts.
static Type partsOf(Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  auto complex = dyn_cast<ComplexType>(type.getElementType());
  return complex ? type.clone(complex.getElementType()) : type;
}

INFER(AbsOp) {
  types.push_back(partsOf(adaptor.getOperand()));
  return success();
}
INFER(RealOp) {
  types.push_back(partsOf(adaptor.getOperand()));
  return success();
}
INFER(ImagOp) {
  types.push_back(partsOf(adaptor.getOperand()));
  return success();
}
INFER(IsFiniteOp) {
  types.push_back(cast<RankedTensorType>(adaptor.getX().getType()).clone(IntegerType::get(context, 1)));
  return success();
}
INFER(UniformDequantizeOp) {
  auto type = cast<RankedTensorType>(adaptor.getOperand().getType());
  types.push_back(RankedTensorType::get(type.getShape(), expressedElement(type)));
  return success();
}
INFER(ComplexOp) {
  const RankedTensorType part = mergeTypes(adaptor.getOperands());
  types.push_back(RankedTensorType::get(part.getShape(), ComplexType::get(part.getElementType())));
  return success();
}
INFER(CompareOp) {
  types.push_back(mergeTypes(adaptor.getOperands()).clone(IntegerType::get(context, 1)));
  return success();
}
INFER(SelectOp) {
  types.push_back(mergeTypes({adaptor.getOnTrue(), adaptor.getOnFalse()}));
  return success();
}
INFER(ClampOp) {
  types.push_back(adaptor.getOperand().getType());
  return success();
}

#define INFER_SAME_TYPES(OpName)                                                                             \
  INFER(OpName) {                                                                                            \
    llvm::append_range(types, adaptor.getOperands().getTypes());                                             \
    return success();                                                                                        \
  }
INFER_SAME_TYPES(OptimizationBarrierOp)
INFER_SAME_TYPES(SortOp)
INFER_SAME_TYPES(WhileOp)

INFER(PartitionIdOp) {
  types.push_back(RankedTensorType::get({}, IntegerType::get(context, 32, IntegerType::Unsigned)));
  return success();
}
INFER(ReplicaIdOp) {
  types.push_back(RankedTensorType::get({}, IntegerType::get(context, 32, IntegerType::Unsigned)));
  return success();
}

INFER(TupleOp) {
  types.push_back(TupleType::get(context, adaptor.getOperands().getTypes()));
  return success();
}
INFER(GetTupleElementOp) {
  auto tuple = cast<TupleType>(adaptor.getOperand().getType());
  if (adaptor.getIndex() >= tuple.size())
    return refuse<GetTupleElementOp>(location, "index must be less than the tuple's size ", tuple.size(),
                                     ", got ", static_cast<int32_t>(adaptor.getIndex()));
  types.push_back(tuple.getType(adaptor.getIndex()));
  return success();
}

void ConvertOp::build(OpBuilder &builder, OperationState &state, Value operand, Type elementType) {
  build(builder, state, TypeRange(cast<RankedTensorType>(operand.getType()).clone(elementType)), operand);
}

void ConstantOp::build(OpBuilder &builder, OperationState &state, ElementsAttr value) {
  build(builder, state, TypeRange(value.getType()), value);
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }
