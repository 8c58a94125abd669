// Shapes.h: programs of unknown sizes, compiled for known ones.
//
// A program may have `?` in its types and compute shapes: from the sizes of its arguments, or from arguments
// that are sizes (`tensor<i64>` dimension variables). `specialise` gives it concrete arguments. Types then
// follow forwards, the arithmetic on sizes becomes constants, and every operation that takes its shape as an
// operand becomes the one that has it in its type. Nothing later in the compiler knows unknown sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace wherry::compile {

/// An argument of a call: its type, without unknown sizes, and its value if that decides about shapes.
struct KnownArgument {
  mlir::Type type;
  std::optional<int64_t> value;
};

/// True if `entry`, its calls inlined, has a value of unknown size, or an operation that computes one.
bool hasUnknownSizes(mlir::func::FuncOp entry);

/// Shares equal operations, so that a size that is computed twice is one value. Before the two below.
void shareSizes(mlir::func::FuncOp entry);

/// Returns the arguments whose values decide about shapes: scalar integers that the shape operand of some
/// operation depends on.
llvm::SmallVector<unsigned> sizeArguments(mlir::func::FuncOp entry);

/// Rewrites `entry`, its calls inlined, for the arguments `known`, one for each. A size argument without a
/// value gets the one that makes the shapes agree, tried from the unknown sizes of the other arguments. Fails
/// with a diagnostic where arguments do not fit, shapes contradict each other or stay unknown.
mlir::LogicalResult specialise(mlir::func::FuncOp entry, llvm::ArrayRef<KnownArgument> known);

// The parts of `specialise`.

/// Integers known at compile time, by the value that has them: constants, and what is computed from them.
class KnownIntegers {
 public:
  /// The elements of `value`, in memory order, if they are known; at most 64.
  std::optional<llvm::SmallVector<int64_t>> elements(mlir::Value value);
  /// Learns the results of `op` if those of its operands are known. Elements of results that are unsigned are
  /// kept as they are written, all others sign-extended.
  void learn(mlir::Operation* op);

 private:
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t>> known;
};

/// Gives the results of `op`, whose operands have their final types, the sizes that follow from them. Regions
/// are not entered. Fails with a diagnostic where the operands do not fit together or contradict what is
/// written.
mlir::LogicalResult refineResults(mlir::Operation* op);

/// Gives `value` the type `type` where that knows more. Fails with a diagnostic at `op` where a size
/// contradicts the one that is known.
mlir::LogicalResult refineType(mlir::Operation* op, mlir::Value value, mlir::Type type);

/// Replaces `op`, which takes its shape as an operand, by the operation that has it in its type, and returns
/// that; removes it and returns null if it only asserts something about shapes. Returns any other operation
/// as it is. Fails with a diagnostic where the shape is not known, or the assertion does not hold.
mlir::FailureOr<mlir::Operation*> makeStatic(mlir::Operation* op, KnownIntegers& integers);

/// True if `op` is one that `makeStatic` replaces or removes.
bool takesShape(mlir::Operation* op);

/// The operands of `op` whose values `makeStatic` needs.
llvm::SmallVector<mlir::Value> shapeOperands(mlir::Operation* op);

}  // namespace wherry::compile
