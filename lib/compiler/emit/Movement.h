// Movement.h: which place of an operand an element of the result comes from.
//
// These maps compute nothing but positions, so planning (IndexMath without a builder) and emitting share
// them.
#pragma once

#include <optional>

#include "compiler/Convolution.h"
#include "compiler/emit/Index.h"
#include "mlir/IR/Operation.h"

namespace wherry::compile {

/// The static shape of a tensor value.
Shape shapeOf(mlir::Value tensor);

/// The place in a tensor of shape `to`, whose dimension `target(d)` is dimension d of `place` (-1: in none).
/// `others(d)` is the index in dimension d of `to` where nothing maps to it.
Place rearranged(IndexMath& math, const Place& place, Shape from, Shape to, llvm::ArrayRef<int64_t> target,
                 llvm::function_ref<Part(unsigned)> others);

/// For broadcast, broadcast_in_dim, reshape, transpose, slice and reverse: the place in operand 0.
std::optional<Place> movedPlace(IndexMath& math, mlir::Operation* op, const Place& place);

/// The dimensions of a dot_general (or dot), or of a plain convolution.
struct DotDims {
  llvm::SmallVector<int64_t, 4> lhsBatch, rhsBatch, lhsContracting, rhsContracting;
  Shape lhsShape, rhsShape, resultShape;
  std::optional<Convolution> window;  // its loops: the spatial dimensions of the window, the input features
  /// Contracting dimensions that are one loop: first position in the lists, count, extent.
  struct Group {
    unsigned first, count;
    int64_t extent;
  };
  llvm::SmallVector<Group, 2> groups;

  static std::optional<DotDims> of(mlir::Operation* op);
  /// The place in the left (or right) operand for an element of the result and a step of each loop.
  Place operandPlace(IndexMath& math, bool left, const Place& result, llvm::ArrayRef<Index> loops) const;
  /// True if the last loop runs along the rows of both operands.
  bool contractsRows() const;

 private:
  explicit DotDims(const Convolution& convolution);
  DotDims() = default;
  Place windowPlace(IndexMath& math, bool left, const Place& result, llvm::ArrayRef<Index> loops) const;
};

/// The loops of a reduce: runs of neighbouring reduced dimensions.
struct ReduceDims {
  Shape operandShape;
  llvm::SmallVector<int64_t, 4> resultShape, kept;  // kept[i]: operand dimension of result dimension i
  llvm::SmallVector<bool, 8> reduced;
  struct Group {
    unsigned first, count;
    int64_t extent;
  };
  llvm::SmallVector<Group, 4> groups;

  /// `cutAfter[d]`: dimensions d and d + 1 of the operand must not be one loop.
  ReduceDims(Shape operand, llvm::ArrayRef<int64_t> dimensions, llvm::ArrayRef<bool> cutAfter);
  Place operandPlace(IndexMath& math, const Place& result, llvm::ArrayRef<Index> loops) const;
  bool reducesRows() const { return !reduced.empty() && reduced.back(); }
};

}  // namespace wherry::compile
