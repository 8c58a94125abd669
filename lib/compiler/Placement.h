// Placement.h: which values of a block are written straight into the memory they must end up in.
//
// The operands of a block's terminator have destinations: an output of the program, a value carried by a
// loop, a result of a branch. A destination may hold an older value until it is written: the loop's
// carried value of this iteration, or the input that an output shares its memory with. A value is computed
// in place where every reader of the older value can run before its producer, or is its producer and reads
// only the element that it writes. Everything else is copied at the end of the block.
#pragma once

#include <functional>

#include "compiler/Clustering.h"
#include "compiler/NodeGraph.h"
#include "llvm/ADT/DenseMap.h"

namespace wherry::compile {

struct Destination {
  unsigned slot = 0;
  mlir::Value content;  // what the slot's memory holds while the block runs; null: nothing of interest
};

/// Values (by memory) and the slot that their producer writes.
using Placement = llvm::DenseMap<mlir::Value, unsigned>;

/// Decides for all values of `block`, adding the orders it relies on to `graph`. `newSlot` makes an arena
/// slot of some bytes, for values that a loop carries from its start.
Placement placeValues(mlir::Block& block, const std::vector<Node>& nodes, NodeGraph& graph,
                      llvm::ArrayRef<Destination> destinations,
                      llvm::function_ref<unsigned(uint64_t)> newSlot);

}  // namespace wherry::compile
