// TopK.cpp: the k largest elements of each row, with their positions.
//
// Follows chlo: descending in the total order of floats (NaN with a clear sign first), equal elements by
// position. The sort knows that only k elements of a row are wanted (Sort.cpp).
#include "compiler/expand/Expand.h"
#include "stablehlo/Chlo.h"

using namespace mlir;

namespace wherry::compile {
namespace {

Expanded topK(Build& b, Value operand, int64_t k, bool largest) {
  const auto type = Build::typeOf(operand);
  const int64_t last = type.getRank() - 1;
  const Value positions = b.iota(type.getShape(), b.b.getI32Type(), last);
  auto sort = stablehlo::SortOp::create(b.b, b.loc(), TypeRange{operand.getType(), positions.getType()},
                                        ValueRange{operand, positions}, static_cast<uint64_t>(last),
                                        /*is_stable=*/true);
  Block* body = &sort.getComparator().emplaceBlock();
  for (const Value of : {operand, positions})
    body->addArguments(
        {RankedTensorType::get({}, Build::elementOf(of)), RankedTensorType::get({}, Build::elementOf(of))},
        {b.loc(), b.loc()});
  Build inner(OpBuilder::atBlockEnd(body), b.loc());
  using stablehlo::ComparisonDirection;
  const Value comparison = inner.compare(largest ? ComparisonDirection::GT : ComparisonDirection::LT,
                                         body->getArgument(0), body->getArgument(1));
  if (isa<FloatType>(type.getElementType()))
    comparison.getDefiningOp<stablehlo::CompareOp>().setCompareType(stablehlo::ComparisonType::TOTALORDER);
  stablehlo::ReturnOp::create(inner.b, inner.loc(), comparison);
  llvm::SmallVector<int64_t> start(type.getRank(), 0), limit(type.getShape());
  limit.back() = k;
  return Expanded({b.slice(sort.getResult(0), start, limit), b.slice(sort.getResult(1), start, limit)});
}

}  // namespace

Expanded expandTopK(Build& build, Operation* operation) {
  auto op = cast<chlo::TopKOp>(operation);
  if (!Build::typeOf(op.getOperand()).hasStaticShape()) return Expanded(llvm::SmallVector<Value>());
  return topK(build, op.getOperand(), static_cast<int64_t>(op.getK()), /*largest=*/true);
}

Expanded expandTopKCall(Build& build, Operation* operation) {
  auto op = cast<stablehlo::CustomCallOp>(operation);
  const llvm::StringRef target = op.getCallTargetName();
  const auto attributes = op->getAttrOfType<DictionaryAttr>("mhlo.attributes");
  const auto k = attributes ? attributes.getAs<IntegerAttr>("k") : IntegerAttr();
  if (!k) return op.emitError() << "'" << target << "' needs mhlo.attributes with an integer k";
  if (op->getNumOperands() != 1 || op->getNumResults() != 2)
    return op.emitError() << "'" << target << "' takes 1 operand and gives 2 results, got "
                          << op->getNumOperands() << " and " << op->getNumResults();
  const auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  if (!type || !type.hasStaticShape() || type.getRank() == 0)
    return op.emitError() << "'" << target
                          << "' needs an operand of static shape and at least one dimension, got "
                          << op->getOperand(0).getType();
  const int64_t last = type.getShape().back(), count = k.getInt();
  if (count < 0 || count > last)
    return op.emitError() << "'" << target << "': k must be in [0, " << last << "], got " << count;
  llvm::SmallVector<int64_t> shape(type.getShape());
  shape.back() = count;
  const Type values = type.clone(shape), positions = RankedTensorType::get(shape, build.b.getI32Type());
  if (op->getResultTypes() != TypeRange{values, positions})
    return op.emitError() << "'" << target << "' must have results of types " << values << " and "
                          << positions << ", got " << op->getResultTypes();
  const auto largest = attributes.getAs<BoolAttr>("largest");
  return topK(build, op->getOperand(0), count, !largest || largest.getValue());
}

}  // namespace wherry::compile
