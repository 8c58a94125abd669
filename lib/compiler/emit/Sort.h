// Sort.h: the kernels of a sort along the last dimension, and the steps that it takes.
//
// A row is sorted in tiles of a few elements, then sorted runs are merged two by two until one is left. The
// first step reads the operands and writes sorted tiles; every further step is one launch of one merge
// kernel, which learns the length of the runs from memory. A unit of work of the merge kernel writes a fixed
// range of a row: it finds the parts of the two runs that end up there by bisection (Odeh, Green, Mwassi,
// Shmueli, Birk, "Merge Path", 2012). So every step is parallel, and results do not depend on who does what.
//
// The sort is stable. A comparator that is no strict weak order gives an unspecified arrangement, as the
// specification has it, but reads and writes stay within the row.
#pragma once

#include "compiler/Kernels.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "stablehlo/Dialect.h"

namespace wherry::compile {

/// An attribute of a sort along the last dimension: only this many elements of each row are wanted; what the
/// others are is not specified.
constexpr llvm::StringLiteral wantedAttribute = "wherry.wanted";

/// Elements that the first step sorts.
constexpr int64_t tileSize = 16;

struct SortShape {
  int64_t rows = 1;
  int64_t length = 1;  // of a row
  int64_t wanted = 1;  // sorted elements at the start of a row that matter

  /// `op` sorts along its last dimension.
  static SortShape of(mlir::stablehlo::SortOp op);
};

/// Writes the kernel of `stage` for `cluster`, whose one operation is a sort: its arguments are operands and
/// results for the first stage; runs, merged runs and the length of a run (one i64) for the second.
/// Returns false after a diagnostic.
bool emitSort(const Cluster& cluster, mlir::func::FuncOp function, const EmitOptions& options,
              EmittedKernel& kernel);

/// The types of the arguments of that kernel, without the bounds of its loop over units.
llvm::SmallVector<mlir::Type> sortArguments(const Cluster& cluster);

}  // namespace wherry::compile
