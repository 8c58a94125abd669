// SelectAndScatter.cpp: select_and_scatter as a reduce_window that finds positions and a scatter.
//
// The window reduces pairs of a value and its position, by the select region; -1 says that there is no
// element yet, so padding never wins. Dimensions outside the range that windows span count batches of the
// scatter, whose positions need no indices.
#include "compiler/Window.h"
#include "compiler/expand/Expand.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// The position in its window's range of the element that each window selects; -1 for windows of padding
/// only.
Value selectedPositions(Build& build, stablehlo::SelectAndScatterOp op, const Window& window,
                        Value positions) {
  const Value operand = op.getOperand();
  const Type element = Build::elementOf(operand), index = Build::elementOf(positions);
  const Build::Shape windows = Build::shapeOf(op.getSource());
  llvm::SmallVector<int64_t> sizes;
  bool isPadded = false;
  for (const Window::Dim& dim : window.dims) {
    sizes.push_back(dim.size);
    isPadded |= dim.low > 0 || dim.high > 0;
  }
  auto reduce = stablehlo::ReduceWindowOp::create(
      build.b, build.loc(),
      TypeRange{RankedTensorType::get(windows, element), RankedTensorType::get(windows, index)},
      ValueRange{operand, positions}, ValueRange{build.scalar(element, 0), build.scalar(index, -1)},
      build.b.getDenseI64ArrayAttr(sizes), op.getWindowStridesAttr(), DenseI64ArrayAttr(),
      DenseI64ArrayAttr(), op.getPaddingAttr());
  OpBuilder::InsertionGuard guard(build.b);
  const Type value = RankedTensorType::get({}, element), position = RankedTensorType::get({}, index);
  const Location loc = build.loc();
  Block* body =
      build.b.createBlock(&reduce.getBody(), {}, {value, position, value, position}, {loc, loc, loc, loc});
  const Value best = body->getArgument(0), bestAt = body->getArgument(1), next = body->getArgument(2),
              nextAt = body->getArgument(3);
  IRMapping mapping;
  mapping.map(op.getSelect().getArguments(), ValueRange{best, next});
  for (Operation& step : op.getSelect().front().without_terminator()) build.b.clone(step, mapping);
  Value keeps = mapping.lookupOrDefault(op.getSelect().front().getTerminator()->getOperand(0));
  const Value none = build.scalar(index, 0);
  keeps = build.logicalAnd(keeps, build.compare(stablehlo::ComparisonDirection::GE, bestAt, none));
  if (isPadded)
    keeps = build.logicalOr(keeps, build.compare(stablehlo::ComparisonDirection::LT, nextAt, none));
  stablehlo::ReturnOp::create(
      build.b, loc, ValueRange{build.select(keeps, best, next), build.select(keeps, bestAt, nextAt)});
  return reduce.getResult(1);
}

}  // namespace

Expanded expandSelectAndScatter(Build& build, Operation* operation) {
  auto op = cast<stablehlo::SelectAndScatterOp>(operation);
  const Build::Shape shape = Build::shapeOf(op.getOperand()), windows = Build::shapeOf(op.getSource());
  const Window window = Window::of(op);
  // Dimensions before, in and after the range that windows span, each as one.
  unsigned first = 0, last = 0;
  for (unsigned d = 0; d < window.dims.size(); ++d) {
    if (window.isPlain(d)) continue;
    if (window.isPlain(first)) first = d;
    last = d;
  }
  int64_t before = 1, range = 1, after = 1, sources = 1;
  for (unsigned d = 0; d < shape.size(); ++d) {
    (d < first ? before : d > last ? after : range) *= shape[d];
    if (d >= first && d <= last) sources *= windows[d];
  }
  const Type result = Build::elementOf(op.getResult());
  const Value initial = build.fill(op.getInitValue(), {before, range, after});
  if (before * range * after == 0 || before * sources * after == 0)
    return Expanded({build.reshape(build.convert(initial, result), shape)});
  const Type index = range <= INT32_MAX ? build.b.getI32Type() : build.b.getI64Type();
  const Value positions = build.reshape(build.iota({before, range, after}, index, 1), shape);
  const Value selected = selectedPositions(build, op, window, positions);
  const auto numbers = stablehlo::ScatterDimensionNumbersAttr::get(
      build.b.getContext(), /*updateWindowDims=*/{}, /*insertedWindowDims=*/{1}, /*inputBatchingDims=*/{0, 2},
      /*scatterIndicesBatchingDims=*/{0, 2}, /*scatterDimsToOperandDims=*/{1}, /*indexVectorDim=*/3);
  auto scatter = stablehlo::ScatterOp::create(
      build.b, build.loc(), TypeRange{RankedTensorType::get({before, range, after}, result)},
      ValueRange{initial}, build.reshape(selected, {before, sources, after}),
      ValueRange{build.reshape(op.getSource(), {before, sources, after})}, numbers, false, false);
  IRMapping mapping;
  op.getScatter().cloneInto(&scatter.getUpdateComputation(), mapping);
  return Expanded({build.reshape(scatter.getResult(0), shape)});
}

}  // namespace wherry::compile
