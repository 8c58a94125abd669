// Expand.h: operations written as simpler ones of the same dialect.
//
// What has no rule of its own in the emitter is rewritten before simplification into operations that have
// one: batch norms become reductions and elementwise operations, and so on. An expansion is a function of one
// operation; a module pays for those whose operations it contains.
#pragma once

#include "compiler/expand/Build.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace wherry::compile {

struct Convolution;

/// Replaces every operation below `entry` that has an expansion, until none is left.
mlir::LogicalResult expandOps(mlir::func::FuncOp entry);

/// Writes simpler operations with `build`, which stands before `op`, and returns a value for each result of
/// `op`. An empty list leaves `op` as it is; a failure comes with a diagnostic at `op`.
using Expanded = mlir::FailureOr<llvm::SmallVector<mlir::Value>>;
using Expansion = Expanded(Build& build, mlir::Operation* op);

// BatchNorm.cpp
Expansion expandBatchNormInference;
Expansion expandBatchNormTraining;
Expansion expandBatchNormGrad;

// Convolution.cpp
Expansion expandConvolution;

// DilatedInput.cpp
/// True when `withoutDilation` writes the convolution; its window is not reversed then.
bool hasDilatedInput(const Convolution& convolution);
mlir::Value withoutDilation(Build& build, mlir::stablehlo::ConvolutionOp op, const Convolution& convolution);

// Fft.cpp
Expansion expandFft;

}  // namespace wherry::compile
