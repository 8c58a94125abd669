// Window.h: what slides over an array: the geometry of reduce_window and select_and_scatter.
//
// A *prefix scan* is a reduce_window whose windows all start at or before the first element of one
// dimension and end one element farther each, as a cumulative sum has them (or the mirror image). It is
// computed in one pass by a kernel of its own (emit/Scan.h); every other window is a loop inside any cluster.
#pragma once

#include <optional>

#include "llvm/ADT/SmallVector.h"
#include "stablehlo/Dialect.h"

namespace wherry::compile {

struct Window {
  /// Along one dimension result i is made of the positions i * stride - low + w * dilation, for w from 0 to
  /// size - 1, of the operand with baseDilation - 1 holes between its elements.
  struct Dim {
    int64_t size = 1, stride = 1, baseDilation = 1, dilation = 1, low = 0, high = 0;
    /// True if result i is made of element i alone.
    bool isPlain() const { return size == 1 && stride == 1 && baseDilation == 1 && low == 0 && high == 0; }
  };
  llvm::SmallVector<Dim, 6> dims;

  static Window of(mlir::stablehlo::ReduceWindowOp op);
  static Window of(mlir::stablehlo::SelectAndScatterOp op);

  bool isPlain(unsigned d) const { return dims[d].isPlain(); }
  /// Elements of one window.
  int64_t volume() const;
  /// The one dimension that is not plain; -1 if there is none or more than one.
  int only() const;
};

/// Returns the operation that defines a scalar constant, looking through broadcasts and reshapes of it; null
/// without one.
mlir::stablehlo::ConstantOp scalarConstant(mlir::Value value);

/// True if combining an initial value of `op` once more changes nothing: then padding may be left out.
bool padsFreely(mlir::stablehlo::ReduceWindowOp op);

/// How a kernel scans: result i of dimension `dim` combines elements 0 to i, or i to the last.
struct PrefixScan {
  unsigned dim = 0;
  bool isReversed = false;
};

/// The scan that `op` is; nothing for other windows.
std::optional<PrefixScan> prefixScanOf(mlir::stablehlo::ReduceWindowOp op);

}  // namespace wherry::compile
