// Probe.h: probes of values as values.
//
// `interpreter.probe` returns its operand and records it; `check.expect_serialized_eq` compares a value with
// what the probe of that name has recorded, the first time or the one that `iter` counts from 0. Upstream's
// interpreter records in files. Here the records are values of the program, which the loops and branches
// around a probe pass on.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace wherry::compile {

/// Replaces all probes in `entry`, and the checks of their records by `check.expect_eq` of a record, and of
/// whether the probe ran often enough. Calls must have been inlined. Fails, with a diagnostic, for a check
/// inside a region, for one whose type is not its probe's, and for a probe inside a region of a reduction or
/// the like.
mlir::LogicalResult recordProbes(mlir::func::FuncOp entry);

}  // namespace wherry::compile
