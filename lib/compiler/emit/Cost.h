// Cost.h: what a cluster costs, roughly, before it is written.
#pragma once

#include "compiler/Kernels.h"
#include "compiler/emit/Index.h"

namespace wherry::compile {

struct Cost {
  double totalNs = 0;        // on one core, data in cache
  unsigned widestBits = 8;   // of the widest element type
  int64_t mostElements = 0;  // of the largest tensor
  bool hasDot = false;
};

/// The cost of all results of `cluster`.
Cost costOf(const Cluster& cluster);

}  // namespace wherry::compile
