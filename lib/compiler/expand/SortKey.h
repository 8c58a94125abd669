// SortKey.h: comparators that compare one key of an element, and the keys of all elements.
//
// Most comparators are `key(x) < key(y)` where the key of an element is a number that no other element has a
// part in: JAX writes total orders of floats this way, with zeros and NaNs made equal. Keys of up to 32 bits
// are turned into unsigned integers in the same order.
#pragma once

#include <optional>

#include "compiler/expand/Build.h"

namespace wherry::compile {

struct SortKey {
  mlir::Value scalar;  // in the comparator, of the first element; its type has at most 32 bits
  bool descending = false;
};

/// Returns the key that the comparator of `op` compares, or nothing: it does something else, or wider keys.
std::optional<SortKey> keyOf(mlir::stablehlo::SortOp op);

/// Writes the keys of all elements: a tensor of ui32 that ascends in the order of the sort.
mlir::Value keysOf(Build& build, mlir::stablehlo::SortOp op, const SortKey& key);

/// Makes comparisons of floats in `comparator` that are false for NaN total, so that a sort of NaNs means
/// something: zeros stay equal, all NaNs are equal and greater than any number.
void orderFloats(mlir::Region& comparator);

}  // namespace wherry::compile
