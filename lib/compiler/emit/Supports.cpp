// Supports.cpp: what the emitter has rules for.
#include "compiler/Convolution.h"
#include "compiler/Kernels.h"
#include "compiler/emit/Emitter.h"

using namespace mlir;

namespace wherry::compile {

static bool isStaticTensor(Type type) {
  const auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && Element::of(tensor).valid();
}

/// True if a region takes and computes scalar tensors by rules of ours.
static bool isScalarRegion(Region& region) {
  for (const Value argument : region.getArguments())
    if (!isStaticTensor(argument.getType()) || !shapeOf(argument).empty()) return false;
  return llvm::all_of(region.front().without_terminator(), [](Operation& op) { return supports(&op); });
}

bool supports(Operation* op) {
  const auto isKnown = [](Type type) { return isStaticTensor(type); };
  if (!llvm::all_of(op->getOperandTypes(), isKnown) || !llvm::all_of(op->getResultTypes(), isKnown))
    return false;
  if (op->getNumResults() == 0) return false;
  if (auto constant = dyn_cast<stablehlo::ConstantOp>(op)) {
    const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    return elements && elements.isSplat();
  }
  if (auto reduce = dyn_cast<stablehlo::ReduceOp>(op)) return isScalarRegion(reduce.getBody());
  if (auto window = dyn_cast<stablehlo::ReduceWindowOp>(op)) return isScalarRegion(window.getBody());
  if (auto scatter = dyn_cast<stablehlo::ScatterOp>(op))
    return isScalarRegion(scatter.getUpdateComputation());
  if (auto sort = dyn_cast<stablehlo::SortOp>(op)) return isScalarRegion(sort.getComparator());
  // Loops of scalars, inside such regions; others are the plan's.
  if (auto loop = dyn_cast<stablehlo::WhileOp>(op))
    return isScalarRegion(loop.getCond()) && isScalarRegion(loop.getBody());
  if (auto map = dyn_cast<stablehlo::MapOp>(op)) return isScalarRegion(map.getComputation());
  if (isa<stablehlo::BroadcastInDimOp, stablehlo::BroadcastOp, stablehlo::ReshapeOp, stablehlo::TransposeOp,
          stablehlo::SliceOp, stablehlo::ReverseOp, stablehlo::PadOp, stablehlo::ConcatenateOp,
          stablehlo::IotaOp, stablehlo::DynamicSliceOp, stablehlo::DynamicUpdateSliceOp, stablehlo::GatherOp,
          stablehlo::GetDimensionSizeOp>(op))
    return true;
  if (auto convolution = dyn_cast<stablehlo::ConvolutionOp>(op))
    if (!Convolution(convolution).isPlain()) return false;
  if (isa<stablehlo::DotGeneralOp, stablehlo::DotOp, stablehlo::ConvolutionOp>(op)) {
    const Element lhs = Element::of(op->getOperand(0).getType()),
                  result = Element::of(op->getResult(0).getType());
    return lhs.isComplex() == result.isComplex();
  }
  if (isa<stablehlo::BitcastConvertOp>(op)) {
    const Element from = Element::of(op->getOperand(0).getType()),
                  to = Element::of(op->getResult(0).getType());
    return (from.type == to.type && from.isComplex() == to.isComplex()) ||
           (!from.isComplex() && !to.isComplex());
  }
  return hasElementwiseRule(op);
}

bool canEmit(Operation* op) { return supports(op); }

}  // namespace wherry::compile
