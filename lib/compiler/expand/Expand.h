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

/// Replaces tuples below `entry` by their elements, depth first, and tokens by nothing, among arguments and
/// results too. Fails, with a diagnostic, at operations of tuples or tokens that talk to other devices.
mlir::LogicalResult flattenValues(mlir::func::FuncOp entry);

/// Replaces quantized tensors below `entry` by tensors of their integers, and what computes with them by
/// arithmetic.
mlir::LogicalResult lowerQuantized(mlir::func::FuncOp entry);

/// Replaces rng below `entry` by rng_bit_generator and arithmetic.
mlir::LogicalResult lowerRandom(mlir::func::FuncOp entry);

/// Writes simpler operations with `build`, which stands before `op`, and returns a value for each result of
/// `op`. An empty list leaves `op` as it is; a failure comes with a diagnostic at `op`.
using Expanded = mlir::FailureOr<llvm::SmallVector<mlir::Value>>;
using Expansion = Expanded(Build& build, mlir::Operation* op);

// Atan2.cpp
Expansion expandAtan2;

// Values.cpp
Expansion expandAllocateBuffer;
Expansion expandGetDimensionSize;
Expansion expandIdentityCall;
Expansion expandProbe;
Expansion expandSetDimensionSize;

// BatchNorm.cpp
Expansion expandBatchNormInference;
Expansion expandBatchNormTraining;
Expansion expandBatchNormGrad;

// Broadcasting.cpp
Expansion expandBroadcasting;
Expansion expandBroadcastCompare;
Expansion expandBroadcastSelect;
Expansion expandChloConstant;
Expansion expandConstantLike;

// RaggedDot.cpp
Expansion expandRaggedDot;

// ReduceWindow.cpp
Expansion expandReduceWindow;

// Scan.cpp
Expansion expandScan;

// SelectAndScatter.cpp
Expansion expandSelectAndScatter;

// Sort.cpp
Expansion expandSort;

// TopK.cpp
Expansion expandTopK;
Expansion expandTopKCall;

// Branch.cpp
Expansion expandCase;
Expansion expandIf;

// Einsum.cpp
Expansion expandBroadcast;
Expansion expandDot;
Expansion expandEinsum;
Expansion expandTorchIndexSelect;
Expansion expandUnaryEinsum;

// RandomBits.cpp
Expansion expandRngBitGenerator;

// Triangular.cpp
Expansion expandCholesky;
Expansion expandTriangularSolve;

// Convolution.cpp
Expansion expandConvolution;

// DilatedInput.cpp
/// True when `withoutDilation` writes the convolution; its window is not reversed then.
bool hasDilatedInput(const Convolution& convolution);
mlir::Value withoutDilation(Build& build, mlir::stablehlo::ConvolutionOp op, const Convolution& convolution);

// Fft.cpp
Expansion expandFft;

}  // namespace wherry::compile
