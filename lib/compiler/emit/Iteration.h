// Iteration.h: which dimensions of an iteration space can be one loop.
//
// The planner follows every element back from the results to the inputs, by the same index maps that emit
// code. Two neighbouring dimensions stay apart where some tensor has them not next to each other, or
// something treats them differently; the rest is collapsed, so that a cluster of one shape is one flat
// loop whatever its rank. Where a pad or a concatenation changes what it reads along a dimension, the
// position becomes a cut: the pieces are separate loops in which the choice is known.
#pragma once

#include "compiler/emit/Index.h"
#include "mlir/IR/Operation.h"

namespace wherry::compile {

struct Iteration {
  llvm::SmallVector<bool, 8> cutAfter;                       // dimensions d and d + 1 are different loops
  llvm::SmallVector<llvm::SmallVector<int64_t, 4>, 8> cuts;  // ascending, inside (0, extent)
  bool readsAcross = false;          // an input's rows run across the innermost dimension, as in a transpose
  bool wantsScalarElements = false;  // a reduction inside uses the lanes along its own rows
};

/// Plans loops over `shape`, in which `values` are computed. `isInput(v)` says that v is read from memory.
/// Outputs of other shapes with as many elements are reached by reshaping.
Iteration planIteration(Shape shape, llvm::ArrayRef<mlir::Value> values,
                        llvm::function_ref<bool(mlir::Value)> isInput);

/// The part of `shape` that one index covers, as the plan allows: groups of dimensions with their extents.
Place groupsOf(Shape shape, llvm::ArrayRef<bool> cutAfter);

}  // namespace wherry::compile
