// Arena.cpp: see Arena.h.
#include "compiler/Arena.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace wherry::compile {

static constexpr uint64_t alignment = 64;

static uint64_t aligned(uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

ArenaLayout planArena(const std::vector<Lifetime>& lifetimes) {
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return lifetimes[a].bytes != lifetimes[b].bytes ? lifetimes[a].bytes > lifetimes[b].bytes : a < b;
  });
  std::vector<size_t> placed;  // by offset
  for (const size_t index : order) {
    const Lifetime& life = lifetimes[index];
    const uint64_t bytes = aligned(std::max<uint64_t>(life.bytes, 1));
    uint64_t best = 0, bestGap = std::numeric_limits<uint64_t>::max(), end = 0;
    for (const size_t other : placed) {
      const Lifetime& that = lifetimes[other];
      if (that.last < life.first || life.last < that.first) continue;
      const uint64_t offset = layout.offsets[other];
      if (offset >= end && offset - end >= bytes && offset - end < bestGap) {
        best = end;
        bestGap = offset - end;
      }
      end = std::max(end, offset + aligned(std::max<uint64_t>(that.bytes, 1)));
    }
    if (bestGap == std::numeric_limits<uint64_t>::max()) best = end;
    layout.offsets[index] = best;
    layout.bytes = std::max(layout.bytes, best + bytes);
    const auto at = std::upper_bound(placed.begin(), placed.end(), best, [&](uint64_t offset, size_t other) {
      return offset < layout.offsets[other];
    });
    placed.insert(at, index);
  }
  return layout;
}

}  // namespace wherry::compile
