// Cost.cpp: nanoseconds per element, from measurements of such loops on one core at 16 lanes.
#include "compiler/emit/Cost.h"

#include "compiler/Window.h"
#include "compiler/emit/Element.h"
#include "compiler/emit/Movement.h"
#include "compiler/emit/Rules.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

static int64_t countOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getNumElements(); }

/// Of one element of the result (of the operand, for a reduce; of one product, for a dot).
static double elementCost(Operation* op) {
  const Element element =
      Element::of(op->getOperands().empty() ? op->getResult(0).getType() : op->getOperand(0).getType());
  if (element.isComplex() && complexFunctionOf(op)) return 8.0;
  if (isa<chlo::PolygammaOp, chlo::ZetaOp>(op)) return element.bits == 64 ? 40.0 : 15.0;
  if (isa<chlo::LgammaOp, chlo::DigammaOp>(op)) return element.bits == 64 ? 6.0 : 2.0;
  const double width = element.bits == 64 ? 2.0 : 1.0, parts = element.isComplex() ? 4.0 : 1.0;
  const double narrow = element.isFloat() && element.isNarrow() ? 6.0 : 1.0;
  if (isa<stablehlo::ConstantOp, stablehlo::ReshapeOp, stablehlo::BroadcastInDimOp, stablehlo::SliceOp>(op))
    return 0.0;
  if (isa<stablehlo::ExpOp, stablehlo::LogOp, stablehlo::Log1pOp, stablehlo::Expm1Op, stablehlo::LogisticOp,
          stablehlo::TanhOp, stablehlo::CbrtOp>(op))
    return 0.25 * width;
  if (isa<stablehlo::SineOp, stablehlo::CosineOp, stablehlo::TanOp, stablehlo::PowOp, stablehlo::Atan2Op,
          stablehlo::MapOp>(op))
    return 0.8 * width;
  if (isa<stablehlo::DivOp, stablehlo::RemOp>(op))
    return element.isInteger() ? 2.0 * width : 0.15 * width * parts;
  if (isa<stablehlo::SqrtOp, stablehlo::RsqrtOp>(op)) return 0.2 * width;
  if (isa<stablehlo::GatherOp, stablehlo::TransposeOp, stablehlo::PadOp, stablehlo::ConcatenateOp,
          stablehlo::ReverseOp, stablehlo::DynamicUpdateSliceOp>(op))
    return 0.5 * width;
  return 0.03 * width * parts * narrow;
}

Cost costOf(const Cluster& cluster) {
  Cost cost;
  const auto see = [&](Value value) {
    const Element element = Element::of(value.getType());
    const int64_t count = countOf(value);
    cost.mostElements = std::max(cost.mostElements, count * element.parts());
    // Scalars, positions among them, are the same for all lanes.
    if (count > 1) cost.widestBits = std::max(cost.widestBits, element.bits);
  };
  for (const Value input : cluster.inputs) {
    see(input);
    cost.totalNs += 0.01 * static_cast<double>(countOf(input)) * Element::of(input.getType()).bits / 8.0;
  }
  for (const Value output : cluster.outputs)
    cost.totalNs += 0.01 * static_cast<double>(countOf(output)) * Element::of(output.getType()).bits / 8.0;
  for (Operation* op : cluster.ops) {
    for (const Value result : op->getResults()) see(result);
    // Computed in f64 whatever their type.
    if (countOf(op->getResult(0)) > 1 && Element::of(op->getResult(0).getType()).isComplex() &&
        complexFunctionOf(op))
      cost.widestBits = 64;
    if (const auto dims = DotDims::of(op)) {
      cost.hasDot = true;
      double products = static_cast<double>(countOf(op->getResult(0)));
      for (const auto& group : dims->groups) products *= static_cast<double>(group.extent);
      cost.totalNs += 0.03 * products * (Element::of(op->getResult(0).getType()).bits == 64 ? 2.0 : 1.0);
      continue;
    }
    if (auto window = dyn_cast<stablehlo::ReduceWindowOp>(op)) {
      const double steps = prefixScanOf(window) ? 1.0 : static_cast<double>(Window::of(window).volume());
      const auto ops = static_cast<double>(window.getBody().front().getOperations().size() - 1);
      cost.totalNs += 0.1 * steps * ops * static_cast<double>(countOf(op->getResult(0)));
      continue;
    }
    const bool isReduce = isa<stablehlo::ReduceOp>(op);
    const Value counted = isReduce ? op->getOperand(0) : op->getResult(0);
    cost.totalNs += (isReduce ? 0.06 : elementCost(op)) * static_cast<double>(countOf(counted));
  }
  return cost;
}

}  // namespace wherry::compile
