// native_walker.hpp: runs a plan's steps on host memory, on the thread that leads, large kernels shared.
//
// A kernel whose estimated cost is above `share_above_ns` is cut into pieces of at least `piece_ns` and
// offered to the workers; the pieces are units of work, so results do not depend on who does them.
//
// A custom call that fails ends the walk.
//
// Threads: one execution is walked by one thread; shares run on several.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <wherry/device/worker_pool.hpp>
#include <wherry/exec/host_call.hpp>
#include <wherry/exec/plan.hpp>
#include <wherry/status/trace_recorder.hpp>

namespace wherry {

/// Where a walk records its kernels: for the request, in the trace. Nowhere if `recorder` is null.
struct kernel_trace {
  trace_recorder* recorder = nullptr;
  ticket request;
};

class native_walker {
 public:
  static constexpr double share_above_ns = 20'000;
  static constexpr double piece_ns = 8'000;

  /// `kernels[k]` is the code of plan.kernels[k], `calls[k]` of plan.calls[k]; `slots[s]` the memory of
  /// plan.slots[s].
  native_walker(const plan& p, const native_kernel* kernels, const host_call* calls, void* const* slots,
                const kernel_trace& traced) noexcept
      : plan_(p),
        kernels_(kernels),
        calls_(calls),
        slots_(slots),
        traced_(traced),
        pool_(worker_pool::instance()) {}

  /// Returns null, or why a call failed.
  failure run() noexcept {
    (void)run(plan_.blocks[0]);
    return std::move(failed_);
  }

 private:
  static constexpr std::size_t inline_slots = 64;

  /// Returns false if a call failed.
  bool run(const std::vector<step>& block) noexcept {
    for (const step& s : block) {
      switch (s.what) {
        case step::kind::launch:
          if (traced_.recorder) [[unlikely]] {
            traced(plan_.kernels[s.kernel].name, s, &native_walker::launch);
          } else {
            launch(s);
          }
          break;
        case step::kind::copy:
          if (traced_.recorder) [[unlikely]] {
            traced("copy", s, &native_walker::copy);
          } else {
            copy(s);
          }
          break;
        case step::kind::loop:
          if (!loop(s)) return false;
          break;
        case step::kind::branch:
          if (!branch(s)) return false;
          break;
        case step::kind::call:
          if (traced_.recorder) [[unlikely]] {
            if (!traced(plan_.calls[s.kernel].target, s, &native_walker::call)) return false;
          } else if (!call(s)) {
            return false;
          }
          break;
      }
    }
    return true;
  }

  /// Does `run(s)`, and records it.
  template <class Result>
  [[gnu::cold, gnu::noinline]] Result traced(std::string_view name, const step& s,
                                             Result (native_walker::*run)(const step&) noexcept) noexcept {
    const std::int64_t begin = trace_recorder::now();
    const auto record = [&] {
      traced_.recorder->add_kernel(
          {traced_.request, 0, detail::thread_number(), begin, trace_recorder::now()}, name);
    };
    if constexpr (std::is_void_v<Result>) {
      (this->*run)(s);
      record();
    } else {
      const Result result = (this->*run)(s);
      record();
      return result;
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

  bool loop(const step& s) noexcept {
    if (s.trips >= 0) {
      for (std::int64_t trip = 0; trip < s.trips; ++trip) {
        if (!run(plan_.blocks[s.blocks[1]])) return false;
      }
      return true;
    }
    const auto* predicate = static_cast<const std::uint8_t*>(slots_[s.slots[0]]);
    for (;;) {
      if (!run(plan_.blocks[s.blocks[0]])) return false;
      if (*predicate == 0) return true;
      if (!run(plan_.blocks[s.blocks[1]])) return false;
    }
  }

  bool branch(const step& s) noexcept {
    std::int32_t index;
    std::memcpy(&index, slots_[s.slots[0]], sizeof index);
    const auto last = static_cast<std::int32_t>(s.blocks.size()) - 1;
    if (index < 0 || index > last) index = last;
    return run(plan_.blocks[s.blocks[static_cast<std::size_t>(index)]]);
  }

  bool call(const step& s) noexcept {
    absl::InlinedVector<std::byte*, 16> memory;
    for (const std::uint32_t index : s.slots) memory.push_back(static_cast<std::byte*>(slots_[index]));
    failed_ = calls_[s.kernel].run(memory.data());
    return !failed_;
  }

  const plan& plan_;
  const native_kernel* kernels_;
  const host_call* calls_;
  void* const* slots_;
  kernel_trace traced_;
  worker_pool& pool_;
  failure failed_;
};

}  // namespace wherry
