// Passes.h: the rewrites of a program before it is clustered, in the order in which they run.
//
// All of them keep every bit of every result, but for the order in which a dot sums.
#pragma once

#include <memory>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir {
class Pass;
class RewritePatternSet;
}  // namespace mlir

namespace wherry::compile {

/// Replaces every call and composite in `entry` by the body it names. Fails, with a diagnostic at the
/// call, for recursion, an unknown function and a body of several blocks.
mlir::LogicalResult inlineCalls(mlir::func::FuncOp entry);

/// Folds constants, removes operations that change nothing, brings broadcasts, transposes and dots into
/// the forms that clustering knows, turns `if` into `case`, and shares equal operations.
mlir::LogicalResult simplify(mlir::func::FuncOp entry);

/// Puts a transpose before each operand of a large dot whose dimensions have no common stride.
void prepareDots(mlir::func::FuncOp entry);

/// Copies constants of one repeated element that the region of a reduction, sort or the like captures into
/// it.
void sinkConstants(mlir::func::FuncOp entry);

/// Writes large constants of one repeated element that must be in memory as broadcasts of a scalar.
void expandSplats(mlir::func::FuncOp entry);

// The parts of `simplify`.
void populateIdentityPatterns(mlir::RewritePatternSet& patterns);
void populateMovementPatterns(mlir::RewritePatternSet& patterns);
void populateFoldPatterns(mlir::RewritePatternSet& patterns);
void populateControlPatterns(mlir::RewritePatternSet& patterns);
void populateDotPatterns(mlir::RewritePatternSet& patterns);

/// Makes the rewrites known to wherry-opt by name: inline-calls, flatten-values, specialise, lower-quantized,
/// lower-random, expand-ops, lay-out-calls, simplify, prepare-dots, expand-splats, sink-constants.
void registerPasses();

}  // namespace wherry::compile
