// Convolution.h: the numbers of a convolution, by name.
//
// A convolution is *plain* when nothing is padded, its input is not dilated and its window not reversed: then
// the element of the input that goes with a position of the result and of the window is
// `position * stride + window * dilation`, always inside. Expansion makes every convolution plain; the
// emitter and the prebuilt kernels know no other.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "stablehlo/Dialect.h"

namespace wherry::compile {

struct Convolution {
  struct Spatial {
    int64_t lhs, rhs, result;          // the dimension in each tensor
    int64_t input, window, positions;  // its extents
    int64_t stride = 1, dilation = 1;  // of positions, and within the window
    int64_t inputDilation = 1, low = 0, high = 0;
    bool reversed = false;
  };
  llvm::SmallVector<Spatial, 3> spatial;
  int64_t lhsBatch, lhsFeature, rhsInput, rhsOutput, resultBatch, resultFeature;  // dimensions
  int64_t batch, inputs, outputs;  // of the result; features of one group; features of the result
  int64_t batchGroups = 1, featureGroups = 1;

  /// Precondition: static shapes.
  explicit Convolution(mlir::stablehlo::ConvolutionOp op);

  int64_t groups() const { return batchGroups * featureGroups; }
  bool isPlain() const;
  /// Multiplications of one element of the result.
  int64_t depth() const;
};

}  // namespace wherry::compile
