// Loops.h: how often a loop runs, where the program says so.
#pragma once

#include <cstdint>
#include <optional>

#include "mlir/IR/Operation.h"

namespace mlir::stablehlo {
class WhileOp;
}

namespace wherry::compile {

/// Returns the number of iterations of a counted loop: a carried integer that starts at a constant, grows
/// by a constant in every iteration and is compared LT with a constant, and nothing else decides.
std::optional<int64_t> tripCount(mlir::stablehlo::WhileOp op);

}  // namespace wherry::compile
