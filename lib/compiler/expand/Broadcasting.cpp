// Broadcasting.cpp: operations of chlo that broadcast their operands, and its constants.
//
// Shapes are aligned at their last dimensions, or `broadcast_dimensions` says where the dimensions of the
// operand of lower rank go; then dimensions of size 1 are repeated.
#include "compiler/expand/Expand.h"
#include "stablehlo/Chlo.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// Where the dimensions of a tensor of rank `rank` go.
llvm::SmallVector<int64_t> placesOf(int64_t rank, int64_t into, DenseI64ArrayAttr given) {
  if (given && given.size() == rank && rank < into) return llvm::SmallVector<int64_t>(given.asArrayRef());
  llvm::SmallVector<int64_t> places;
  for (int64_t d = 0; d < rank; ++d) places.push_back(into - rank + d);
  return places;
}

/// `x` with the shape of the result of `op`; null, with a diagnostic, if it does not fit.
Value fitted(Build& build, Operation* op, Value x) {
  const auto from = dyn_cast<RankedTensorType>(x.getType());
  const auto into = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!from || !into || !from.hasStaticShape() || !into.hasStaticShape()) {
    op->emitError() << "operands of dynamic shapes are not supported";
    return {};
  }
  const auto places = from.getRank() > into.getRank()
                          ? llvm::SmallVector<int64_t>()
                          : placesOf(from.getRank(), into.getRank(),
                                     op->getAttrOfType<DenseI64ArrayAttr>("broadcast_dimensions"));
  bool fits = from.getRank() <= into.getRank();
  for (int64_t d = 0, last = -1; fits && d < from.getRank(); last = places[d++])
    fits = places[d] > last && places[d] < into.getRank() &&
           (from.getDimSize(d) == 1 || from.getDimSize(d) == into.getDimSize(places[d]));
  if (!fits) {
    op->emitError() << "an operand of type " << from << " cannot be broadcast to " << into;
    return {};
  }
  return build.broadcast(x, into.getShape(), places);
}

FailureOr<llvm::SmallVector<Value>> fittedOperands(Build& build, Operation* op) {
  llvm::SmallVector<Value> operands;
  for (const Value operand : op->getOperands()) {
    operands.push_back(fitted(build, op, operand));
    if (!operands.back()) return failure();
  }
  return operands;
}

}  // namespace

// broadcast_X is X of stablehlo, or of chlo where stablehlo has none.
Expanded expandBroadcasting(Build& build, Operation* op) {
  const auto operands = fittedOperands(build, op);
  if (failed(operands)) return failure();
  const llvm::StringRef name = op->getName().stripDialect().drop_front(llvm::StringRef("broadcast_").size());
  const std::string ours = ("stablehlo." + name).str();
  const bool isOurs = RegisteredOperationName::lookup(ours, op->getContext()).has_value();
  OperationState state(build.loc(), isOurs ? ours : ("chlo." + name).str(), *operands, op->getResultTypes());
  return Expanded({build.b.create(state)->getResult(0)});
}

Expanded expandBroadcastCompare(Build& build, Operation* operation) {
  auto op = cast<chlo::BroadcastCompareOp>(operation);
  const auto operands = fittedOperands(build, op);
  if (failed(operands)) return failure();
  // Both dialects number their directions and kinds alike.
  const auto direction = static_cast<stablehlo::ComparisonDirection>(op.getComparisonDirection());
  stablehlo::ComparisonTypeAttr kind;
  if (const auto given = op.getCompareType())
    kind =
        stablehlo::ComparisonTypeAttr::get(op.getContext(), static_cast<stablehlo::ComparisonType>(*given));
  const Value result = stablehlo::CompareOp::create(build.b, build.loc(), op.getType(), (*operands)[0],
                                                    (*operands)[1], direction, kind);
  return Expanded({result});
}

Expanded expandBroadcastSelect(Build& build, Operation* op) {
  const auto operands = fittedOperands(build, op);
  if (failed(operands)) return failure();
  return Expanded({build.select((*operands)[0], (*operands)[1], (*operands)[2])});
}

Expanded expandChloConstant(Build& build, Operation* operation) {
  auto op = cast<chlo::ConstantOp>(operation);
  const Value result = stablehlo::ConstantOp::create(build.b, build.loc(), op.getType(), op.getValue());
  return Expanded({result});
}

Expanded expandConstantLike(Build& build, Operation* operation) {
  auto op = cast<chlo::ConstantLikeOp>(operation);
  const auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type || !type.hasStaticShape())
    return op.emitError() << "a result of a dynamic shape is not supported";
  const TypedAttr value = op.getValue();
  const Type element = type.getElementType();
  if (value.getType() != element || !isa<FloatAttr, IntegerAttr>(value))
    return op.emitError() << "the value " << value << " is not a number of the element type " << element;
  const auto elements = DenseElementsAttr::get(type, Attribute(value));
  const Value result = stablehlo::ConstantOp::create(build.b, build.loc(), elements);
  return Expanded({result});
}

}  // namespace wherry::compile
