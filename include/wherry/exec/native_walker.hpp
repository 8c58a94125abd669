// native_walker.hpp: runs a plan's steps on host memory, on the thread that leads, large kernels shared.
//
// A kernel whose estimated cost is above `share_above_ns` is cut into pieces of at least `piece_ns` and
// offered to the workers; the pieces are units of work, so results do not depend on who does them.
//
// Threads: one execution is walked by one thread; shares run on several.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <wherry/device/worker_pool.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry {

class native_walker {
 public:
  static constexpr double share_above_ns = 20'000;
  static constexpr double piece_ns = 8'000;

  /// `kernels[k]` is the code of plan.kernels[k]; `slots[s]` the memory of plan.slots[s].
  native_walker(const plan& p, const native_kernel* kernels, void* const* slots) noexcept
      : plan_(p), kernels_(kernels), slots_(slots), pool_(worker_pool::instance()) {}

  void run() noexcept { run(plan_.blocks[0]); }

 private:
  static constexpr std::size_t inline_slots = 64;

  void run(const std::vector<step>& block) noexcept {
    for (const step& s : block) {
      switch (s.what) {
        case step::kind::launch:
          launch(s);
          break;
        case step::kind::copy:
          copy(s);
          break;
        case step::kind::loop:
          loop(s);
          break;
        case step::kind::branch:
          branch(s);
          break;
      }
    }
  }

  void launch(const step& s) noexcept {
    void* few[inline_slots];
    std::unique_ptr<void*[]> many;
    void** pointers = few;
    if (s.slots.size() > inline_slots) {
      many = std::make_unique<void*[]>(s.slots.size());
      pointers = many.get();
    }
    for (std::size_t k = 0; k < s.slots.size(); ++k) pointers[k] = slots_[s.slots[k]];
    const native_kernel fn = kernels_[s.kernel];
    const double total = s.cost_ns * static_cast<double>(s.extent);
    if (s.extent < 2 || total < share_above_ns || pool_.width() == 1) {
      fn(pointers, 0, s.extent);
      return;
    }
    const double pieces = std::min(total / piece_ns, 4.0 * pool_.width());
    const auto grain =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(s.extent) / pieces));
    pool_.share(fn, pointers, s.extent, grain, total > 60'000);
  }

  void copy(const step& s) noexcept {
    void* const from = slots_[s.slots[0]];
    void* const to = slots_[s.slots[1]];
    const std::uint64_t bytes = plan_.slots[s.slots[1]].bytes;
    if (from != to && bytes != 0) std::memmove(to, from, bytes);
  }

  void loop(const step& s) noexcept {
    if (s.trips >= 0) {
      for (std::int64_t trip = 0; trip < s.trips; ++trip) run(plan_.blocks[s.blocks[1]]);
      return;
    }
    const auto* predicate = static_cast<const std::uint8_t*>(slots_[s.slots[0]]);
    for (;;) {
      run(plan_.blocks[s.blocks[0]]);
      if (*predicate == 0) return;
      run(plan_.blocks[s.blocks[1]]);
    }
  }

  void branch(const step& s) noexcept {
    std::int32_t index;
    std::memcpy(&index, slots_[s.slots[0]], sizeof index);
    const auto last = static_cast<std::int32_t>(s.blocks.size()) - 1;
    if (index < 0 || index > last) index = last;
    run(plan_.blocks[s.blocks[static_cast<std::size_t>(index)]]);
  }

  const plan& plan_;
  const native_kernel* kernels_;
  void* const* slots_;
  worker_pool& pool_;
};

}  // namespace wherry
