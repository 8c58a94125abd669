// Index.h: where an element is: positions in dimensions, and places in tensors.
//
// An Index is the position of every lane in one dimension, or in a group of neighbouring dimensions taken
// as one: `base + step * lane`, or a vector of positions. It knows its bounds, so that a pad or a
// concatenation that it cannot leave costs nothing. A Place is a list of indices that covers the
// dimensions of a tensor in order; a group is only taken apart (by division) when an operation treats its
// dimensions differently, so reshaping is free.
//
// IndexMath without a builder computes bounds and origins only. Planning uses it to find out which
// dimensions of the iteration space can be one loop (Iteration.h), by the very rules that emit code.
#pragma once

#include "compiler/emit/KernelBuilder.h"

namespace wherry::compile {

struct Index {
  mlir::Value base;   // index: position of lane 0; null if `lanes` is set (or while planning)
  int64_t step = 0;   // from lane to lane
  mlir::Value lanes;  // vector of positions, for what is not affine
  int64_t min = 0;    // bounds over all lanes and iterations, inclusive
  int64_t max = 0;
  int64_t multiple = 1;  // `base` is a multiple of it
  // Origin: if `exact`, the position is `offset` + that in the group of dimensions first to last of the
  // iteration space; otherwise it depends on them in some way. first < 0: on none.
  int first = -1, last = -1;
  bool exact = false;
  int64_t offset = 0;
  int64_t span = 0;        // elements of that group
  bool scattered = false;  // while planning: not affine in the lanes

  bool isUniform() const { return !lanes && !scattered && step == 0; }
  bool isConstant() const { return min == max; }
};

struct Part {
  Index index;
  int64_t extent = 1;
  unsigned dims = 1;  // how many dimensions it covers
};
using Place = llvm::SmallVector<Part, 4>;
using Shape = llvm::ArrayRef<int64_t>;

class IndexMath {
 public:
  explicit IndexMath(KernelBuilder* builder) : b_(builder) {}

  Index constant(int64_t value);
  Index add(Index x, int64_t c);
  Index add(const Index& x, const Index& y);
  Index scale(Index x, int64_t c);
  /// Quotient and remainder of a position that is never negative.
  Index div(const Index& x, int64_t c);
  Index rem(const Index& x, int64_t c);
  Index clamp(Index x, int64_t low, int64_t high);
  /// One position per lane, as a vector of the builder's index lane type (a scalar without lanes).
  mlir::Value vector(const Index& x);
  /// low <= x < high, per lane where x differs between lanes; null if always true.
  mlir::Value inside(const Index& x, int64_t low, int64_t high);

  /// Splits groups so that none covers both dimension d and d + 1 where `cutAfter(d)`.
  Place refine(const Place& place, Shape shape, llvm::function_ref<bool(unsigned)> cutAfter);
  /// One index per dimension.
  llvm::SmallVector<Index, 4> split(const Place& place, Shape shape);
  Place join(llvm::ArrayRef<Index> indices, Shape shape);
  Place reshape(const Place& place, Shape to);
  /// The row-major position in a tensor.
  Index linear(const Place& place);

 private:
  KernelBuilder* b_;
};

/// True if every index is the same for all lanes.
bool isUniform(const Place& place);
/// The deepest region whose values `place` uses.
unsigned depthOf(const KernelBuilder& b, const Place& place);
/// True if the two name the same elements by the same values.
bool isSame(const Place& a, const Place& b);

}  // namespace wherry::compile
