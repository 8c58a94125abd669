// Scan.cpp: chlo.scan as a loop over slices, or as a cumulative reduction where it is one.
#include "compiler/emit/Rules.h"
#include "compiler/expand/Expand.h"
#include "mlir/IR/IRMapping.h"
#include "stablehlo/Chlo.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Values = llvm::SmallVector<Value>;
using Dims = llvm::SmallVector<int64_t>;

/// Sums and the like that may be taken in any order: a window as long as the row, which has a kernel of its
/// own. Null for others.
Value cumulative(Build& build, chlo::ScanOp op) {
  Region& body = op.getBody();
  Block& block = body.front();
  Operation* end = block.getTerminator();
  if (!op.getIsAssociative().value_or(false) || op.getInputs().size() != 1 || op.getInits().size() != 1 ||
      op.getOutputs().size() != 1 || end->getOperand(0) != end->getOperand(1))
    return {};
  Operation* combine = end->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<stablehlo::AddOp, stablehlo::MulOp>(combine) || combine->getBlock() != &block ||
      block.getOperations().size() != 2 || combine->getOperand(0) == combine->getOperand(1) ||
      !isa<BlockArgument>(combine->getOperand(0)) || !isa<BlockArgument>(combine->getOperand(1)))
    return {};
  const Value input = op.getInputs().front();
  const auto type = Build::typeOf(input);
  if (!type.hasStaticShape() || type.getNumElements() == 0 || type != op.getOutputs().front().getType())
    return {};
  const auto dimension = static_cast<int64_t>(op.getDimension());
  const int64_t length = type.getDimSize(dimension);
  const bool isSum = isa<stablehlo::AddOp>(combine);
  const Value neutral = build.scalar(type.getElementType(), isSum ? 0 : 1);
  Dims window(type.getRank(), 1), padding(2 * type.getRank(), 0);
  window[dimension] = length;
  padding[2 * dimension + (op.getIsReverse() ? 1 : 0)] = length - 1;
  const auto paddingType = RankedTensorType::get({type.getRank(), 2}, build.b.getI64Type());
  auto reduced = stablehlo::ReduceWindowOp::create(
      build.b, build.loc(), TypeRange(type), ValueRange(input), ValueRange(neutral),
      build.b.getDenseI64ArrayAttr(window), DenseI64ArrayAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
      DenseIntElementsAttr::get(paddingType, ArrayRef<int64_t>(padding)));
  Block* inner = &reduced.getBody().emplaceBlock();
  const auto scalar = RankedTensorType::get({}, type.getElementType());
  for (int i = 0; i < 2; ++i) inner->addArgument(scalar, build.loc());
  Build region(OpBuilder::atBlockEnd(inner), build.loc());
  const auto both = [&](Build& b, Value x, Value y) { return isSum ? b.add(x, y) : b.mul(x, y); };
  stablehlo::ReturnOp::create(region.b, region.loc(),
                              both(region, inner->getArgument(0), inner->getArgument(1)));
  Dims others;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (d != dimension) others.push_back(d);
  return both(build, reduced.getResult(0), build.broadcast(op.getInits().front(), type.getShape(), others));
}

/// Where slice `at` of `whole` is.
Values startOf(Value whole, int64_t dimension, Value at) {
  Values start(Build::typeOf(whole).getRank());
  start[dimension] = at;
  return start;
}

Dims sliceShape(Value whole, int64_t dimension, bool keepsDimension) {
  Dims shape(Build::shapeOf(whole));
  if (keepsDimension)
    shape[dimension] = 1;
  else
    shape.erase(shape.begin() + dimension);
  return shape;
}

}  // namespace

Expanded expandScan(Build& build, Operation* operation) {
  auto op = cast<chlo::ScanOp>(operation);
  const auto dimension = static_cast<int64_t>(op.getDimension());
  const Value any = op.getInputs().empty() ? op.getOutputs().front() : op.getInputs().front();
  const int64_t length = Build::shapeOf(any)[dimension];
  if (const Value sums = cumulative(build, op)) {
    Dims first(Build::shapeOf(sums).size(), 0), last(Build::shapeOf(sums));
    (op.getIsReverse() ? last[dimension] : first[dimension]) = op.getIsReverse() ? 1 : length - 1;
    const Value carry = build.slice(sums, first, last);
    return Expanded(Values{sums, build.reshape(carry, sliceShape(sums, dimension, false))});
  }
  Values carried;
  for (const Value output : op.getOutputs()) carried.push_back(build.splatLike(output, 0));
  llvm::append_range(carried, op.getInits());
  return Expanded(build.loop(length, carried, [&](Build& inner, Value i, ValueRange now) {
    if (op.getIsReverse())
      i = inner.sub(inner.scalar(inner.b.getI64Type(), static_cast<double>(length - 1)), i);
    const size_t outputs = op.getOutputs().size();
    IRMapping mapping;
    Block& block = op.getBody().front();
    for (const auto [k, input] : llvm::enumerate(op.getInputs())) {
      const Value slice =
          inner.dynamicSlice(input, startOf(input, dimension, i), sliceShape(input, dimension, true));
      mapping.map(block.getArgument(static_cast<unsigned>(k)),
                  inner.reshape(slice, sliceShape(input, dimension, false)));
    }
    mapping.map(block.getArguments().drop_front(op.getInputs().size()), now.drop_front(outputs));
    for (Operation& copied : block.without_terminator()) inner.b.clone(copied, mapping);
    Values next;
    for (const auto [k, result] : llvm::enumerate(block.getTerminator()->getOperands())) {
      const Value value = mapping.lookupOrDefault(result);
      if (k >= outputs) {
        next.push_back(value);
        continue;
      }
      const Value whole = now[k];
      next.push_back(inner.update(whole, inner.reshape(value, sliceShape(whole, dimension, true)),
                                  startOf(whole, dimension, i)));
    }
    return next;
  }));
}

}  // namespace wherry::compile
