// DeepStack.h: running what recurses as deep as a program nests.
//
// Threads: any.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir {
class Operation;
}

namespace mlir::stablehlo {

/// Programs that nest less deep than this are handled on the caller's stack, of whatever size it is.
inline constexpr unsigned shallowNesting = 64;

/// Runs `work` on a thread whose stack is large enough for `maximumNesting` levels, and waits for it.
/// Rethrows what it throws. Returns false, and runs nothing, if the system has no such thread to give.
bool runOnDeepStack(llvm::function_ref<void()> work);

/// How deep the regions inside `root` nest; without recursion. 0 for an operation without regions.
unsigned nestingOf(Operation *root);

} // namespace mlir::stablehlo
