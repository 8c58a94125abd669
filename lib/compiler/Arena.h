// Arena.h: offsets for values that share one arena.
//
// Steps of a plan are numbered in the order in which they are written down; a value occupies its range
// from the step that first writes it to the step that last reads it, both included. Values whose
// intervals overlap get disjoint ranges. Larger values are placed first, each in the smallest gap that
// holds it (best fit).
#pragma once

#include <cstdint>
#include <vector>

namespace wherry::compile {

struct Lifetime {
  uint64_t bytes = 0;
  int64_t first = 0;  // step that writes it first
  int64_t last = 0;   // step that uses it last
};

struct ArenaLayout {
  std::vector<uint64_t> offsets;  // one per lifetime, multiples of 64
  uint64_t bytes = 0;
};

ArenaLayout planArena(const std::vector<Lifetime>& lifetimes);

}  // namespace wherry::compile
