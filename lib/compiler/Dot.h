// Dot.h: which dot_general or convolution is a product for the prebuilt kernels, and with which strides.
#pragma once

#include <optional>

#include "kernels/contract.hpp"
#include "kernels/gemm.hpp"
#include "mlir/IR/Operation.h"

namespace mlir::stablehlo {
class DotGeneralOp;
}

namespace wherry::compile {

/// True for a dot or convolution of a supported element type that is large enough for packing to pay.
bool isLargeDot(mlir::Operation* op);

/// Returns the matrix product that `op` is over dense row-major operands, or nothing where its batch, free or
/// contracting dimensions have no common stride in an operand (then a transpose of it must come first).
std::optional<kernels::gemm_problem> gemmOf(mlir::stablehlo::DotGeneralOp op);

/// Returns the product of tensors that a dot or a plain convolution is, if the prebuilt kernels take it.
std::optional<kernels::contract_problem> contractOf(mlir::Operation* op);

/// True when `op` is a dot_general or a plain convolution that becomes launches of prebuilt kernels.
bool usesPrebuiltDot(mlir::Operation* op);

/// Returns these launches.
kernels::gemm_plan planPrebuiltDot(mlir::Operation* op);

}  // namespace wherry::compile
