// Dot.h: which dot_general is a (batched) matrix product for the prebuilt kernels, and with which strides.
#pragma once

#include <optional>

#include "kernels/gemm.hpp"
#include "mlir/IR/Operation.h"

namespace mlir::stablehlo {
class DotGeneralOp;
}

namespace wherry::compile {

/// True for a dot of a supported element type that is large enough for packing to pay.
bool isLargeDot(mlir::stablehlo::DotGeneralOp op);

/// Returns the matrix product that `op` is over dense row-major operands, or nothing where its batch, free or
/// contracting dimensions have no common stride in an operand (then a transpose of it must come first).
std::optional<kernels::gemm_problem> gemmOf(mlir::stablehlo::DotGeneralOp op);

/// True when `op` is a dot_general that becomes launches of prebuilt kernels.
bool usesPrebuiltDot(mlir::Operation* op);

}  // namespace wherry::compile
