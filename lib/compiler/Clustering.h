// Clustering.h: which operations of a block become one kernel.
//
// Operations are visited from the last to the first, so that all consumers of a value are decided when
// its producer is. A producer is *fused* into the clusters that need it where that evaluates no
// expensive element twice; otherwise its value is *stored*: as one more output of a cluster over the same
// iteration space when no cycle arises (momentum updates, chains of scalars, several sums over one
// array), else as the output of a new cluster. Heavy operations, loops and branches are nodes of their own.
// Values that cross a region's border are always stored: nothing is fused across regions.
//
// Within a cluster every operation is known by the *maps* under which its elements are asked for. Map 0
// is the identity of the cluster's iteration space; broadcasts, slices and the like derive others. The maps
// say how often an element is computed, and which inputs are read only at the element being written
// (`Node::pointwise`): those may share memory with an output.
#pragma once

#include <vector>

#include "compiler/Kernels.h"
#include "llvm/ADT/DenseSet.h"
#include "mlir/IR/Block.h"

namespace wherry::compile {

struct Node {
  enum class Kind {
    Cluster,  // ops fused over one iteration space, or one heavy operation: a kernel
    Dot,      // a dot_general for the prebuilt matrix product
    Sort,     // a sort: several launches
    Loop,     // a while
    Branch,   // a case
    Call,     // a call out of the program
  };
  Kind kind = Kind::Cluster;
  Cluster cluster;  // Loop, Branch, Call, Dot, Sort: the one operation, what it reads, its results
  llvm::DenseSet<mlir::Value> pointwise;  // of cluster.inputs: read only where an output is written
  // A scatter or a dynamic_update_slice: the one of cluster.inputs whose elements it changes, which may share
  // memory with the output. Null for any other node.
  mlir::Value updated;
  bool hasEffect = false;  // a call that does more than compute, or a loop or branch around one

  mlir::Operation* op() const { return cluster.ops.front(); }
};

struct ClusterOptions {
  bool prebuiltDot = true;  // large dots use the prebuilt kernel
};

/// Returns the nodes of `block`, each value of which is stored by at most one node. The order is not
/// an execution order.
std::vector<Node> clusterBlock(mlir::Block& block, const ClusterOptions& options);

}  // namespace wherry::compile
