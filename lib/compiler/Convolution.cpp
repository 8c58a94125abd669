// Convolution.cpp: see Convolution.h.
#include "compiler/Convolution.h"

using namespace mlir;

namespace wherry::compile {

Convolution::Convolution(stablehlo::ConvolutionOp op) {
  const auto lhs = cast<RankedTensorType>(op.getLhs().getType()),
             rhs = cast<RankedTensorType>(op.getRhs().getType()),
             result = cast<RankedTensorType>(op.getType());
  const auto n = op.getDimensionNumbers();
  lhsBatch = n.getInputBatchDimension();
  lhsFeature = n.getInputFeatureDimension();
  rhsInput = n.getKernelInputFeatureDimension();
  rhsOutput = n.getKernelOutputFeatureDimension();
  resultBatch = n.getOutputBatchDimension();
  resultFeature = n.getOutputFeatureDimension();
  batch = result.getDimSize(resultBatch);
  inputs = rhs.getDimSize(rhsInput);
  outputs = rhs.getDimSize(rhsOutput);
  batchGroups = op.getBatchGroupCount();
  featureGroups = op.getFeatureGroupCount();
  const auto entry = [](std::optional<ArrayRef<int64_t>> list, size_t i) {
    return list && !list->empty() ? (*list)[i] : int64_t{1};
  };
  const auto reversal = op.getWindowReversal();
  llvm::SmallVector<int64_t> padding;
  if (const auto attribute = op.getPadding()) llvm::append_range(padding, attribute->getValues<int64_t>());
  for (size_t i = 0; i < n.getInputSpatialDimensions().size(); ++i) {
    Spatial s{};
    s.lhs = n.getInputSpatialDimensions()[i];
    s.rhs = n.getKernelSpatialDimensions()[i];
    s.result = n.getOutputSpatialDimensions()[i];
    s.input = lhs.getDimSize(s.lhs);
    s.window = rhs.getDimSize(s.rhs);
    s.positions = result.getDimSize(s.result);
    s.stride = entry(op.getWindowStrides(), i);
    s.dilation = entry(op.getRhsDilation(), i);
    s.inputDilation = entry(op.getLhsDilation(), i);
    if (!padding.empty()) {
      s.low = padding[2 * i];
      s.high = padding[2 * i + 1];
    }
    s.reversed = reversal && !reversal->empty() && (*reversal)[i];
    spatial.push_back(s);
  }
}

bool Convolution::isPlain() const {
  return llvm::all_of(spatial, [](const Spatial& s) {
    return s.low == 0 && s.high == 0 && s.inputDilation == 1 && !s.reversed;
  });
}

int64_t Convolution::depth() const {
  int64_t count = inputs;
  for (const Spatial& s : spatial) count *= s.window;
  return count;
}

}  // namespace wherry::compile
