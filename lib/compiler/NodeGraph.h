// NodeGraph.h: which node of a block must run before which, and the order in which they do.
//
// Edges are data dependences, the order of what has effects and, added by placement, "reads before it is
// overwritten". Values are named by their memory: a reshape is its operand.
#pragma once

#include <vector>

#include "compiler/Clustering.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace wherry::compile {

class NodeGraph {
 public:
  NodeGraph(mlir::Block& block, const std::vector<Node>& nodes);

  /// Returns the node that stores `memory`, or -1: an argument, a constant, or a value from outside.
  int producerOf(mlir::Value memory) const;

  /// Returns the nodes that read `memory`.
  llvm::ArrayRef<unsigned> readersOf(mlir::Value memory) const;

  /// Makes `before` run before `after`. Returns false, changing nothing, where that closes a cycle.
  bool order(unsigned before, unsigned after);

  /// True when `to` must run after `from`.
  bool reaches(unsigned from, unsigned to) const;

  /// Returns all nodes, dependences first, otherwise in the order of the program.
  std::vector<unsigned> schedule() const;

 private:
  std::vector<llvm::SmallVector<unsigned, 4>> successors;
  std::vector<unsigned> rank;  // by the position of the node's last operation
  llvm::DenseMap<mlir::Value, unsigned> producers;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<unsigned, 4>> readers;
};

}  // namespace wherry::compile
