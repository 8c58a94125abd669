// Thread.h: values that some operations read and replace, passed on in the order of the program.
//
// A program has no memory that survives an operation. Where one is needed (what a probe has recorded, the
// state of a random number generator) its contents are values: each operation that uses them gets those
// before it and gives those after it, and loops and branches on the way carry them.
#pragma once

#include <functional>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace wherry::compile {

using ThreadedState = llvm::SmallVector<mlir::Value>;

struct Thread {
  /// True for the operations that `visit` is to see.
  std::function<bool(mlir::Operation*)> uses;
  /// Replaces the state by that after the operation; may erase the operation.
  std::function<mlir::LogicalResult(mlir::Operation*, ThreadedState&)> visit;
};

/// Passes `state`, which is defined before `block`, through it. Fails, with a diagnostic, where a user is
/// inside a region of something else than a loop's body or a branch.
mlir::LogicalResult threadState(mlir::Block& block, ThreadedState& state, const Thread& thread);

}  // namespace wherry::compile
