// Offsets of the arena: disjoint while both live, shared otherwise.
#include "compiler/Arena.h"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace wherry::compile;

TEST(arena, values_that_do_not_live_together_share_memory) {
  const ArenaLayout layout = planArena({{1000, 0, 1}, {1000, 2, 3}, {1000, 4, 5}});
  EXPECT_EQ(layout.bytes, 1024u);
}

TEST(arena, a_value_fills_the_smallest_gap_that_holds_it) {
  // Two gaps are left at step 1: one of 128 bytes, one of 64; the small value takes the small one.
  const ArenaLayout layout = planArena({{512, 0, 2}, {256, 0, 2}, {128, 0, 0}, {192, 0, 2}, {64, 1, 1}});
  EXPECT_LE(layout.bytes, 512u + 256 + 128 + 192);
}

TEST(arena, random_lifetimes_never_overlap_in_time_and_memory) {
  std::mt19937 engine(42);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> lifetimes;
    for (int i = 0; i < 60; ++i) {
      const auto first = static_cast<int64_t>(engine() % 40);
      lifetimes.push_back({engine() % 1000, first, first + static_cast<int64_t>(engine() % 10)});
    }
    const ArenaLayout layout = planArena(lifetimes);
    for (size_t i = 0; i < lifetimes.size(); ++i) {
      EXPECT_EQ(layout.offsets[i] % 64, 0u);
      EXPECT_LE(layout.offsets[i] + lifetimes[i].bytes, layout.bytes);
      for (size_t j = 0; j < i; ++j) {
        const bool together =
            lifetimes[i].first <= lifetimes[j].last && lifetimes[j].first <= lifetimes[i].last;
        const bool disjoint = layout.offsets[i] + lifetimes[i].bytes <= layout.offsets[j] ||
                              layout.offsets[j] + lifetimes[j].bytes <= layout.offsets[i];
        EXPECT_TRUE(!together || disjoint || lifetimes[i].bytes == 0 || lifetimes[j].bytes == 0);
      }
    }
  }
}

}  // namespace
