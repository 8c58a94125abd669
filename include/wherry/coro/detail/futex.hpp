// detail/futex.hpp: sleeping on a 32-bit word until another thread changes it.
//
// `std::atomic::wait` has no timeout in C++20. The word is only an address to the kernel: waking one that
// no longer exists is harmless, so a waker may come after the sleeper has gone.
//
// Threads: any. Linux futex(2), private to the process.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace wherry::detail {

/// Blocks while the word is `expected`, until woken or until `deadline` (null: for ever). May return early:
/// callers look at their condition again.
inline void futex_wait(const void* word, std::uint32_t expected,
                       const std::chrono::steady_clock::time_point* deadline = nullptr) noexcept {
  std::timespec at{};
  if (deadline != nullptr) {
    // FUTEX_WAIT_BITSET takes absolute CLOCK_MONOTONIC time, which is what libstdc++'s steady_clock reads.
    const auto since_boot = std::chrono::nanoseconds(deadline->time_since_epoch()).count();
    if (since_boot <= 0) return;
    at.tv_sec = static_cast<std::time_t>(since_boot / 1'000'000'000);
    at.tv_nsec = static_cast<long>(since_boot % 1'000'000'000);
  }
  ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline != nullptr ? &at : nullptr,
            nullptr, FUTEX_BITSET_MATCH_ANY);
}

/// Wakes `threads` of those that sleep on the word, all if not said. Does not read it.
inline void futex_wake(const void* word, int threads = INT32_MAX) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

/// Sleeps until another thread sets it, once. The sleeper may destroy it as soon as `wait` has returned.
class one_shot_flag {
 public:
  void set() noexcept {
    if (word_.exchange(is_set) == has_sleeper) futex_wake(&word_);
  }

  bool is_raised() const noexcept { return word_.load(std::memory_order_acquire) == is_set; }

  /// Returns true when set, false when `deadline` passed first.
  bool wait(const std::chrono::steady_clock::time_point* deadline = nullptr) noexcept {
    std::uint32_t seen = is_clear;
    if (!word_.compare_exchange_strong(seen, has_sleeper) && seen == is_set) return true;
    while (!is_raised()) {
      if (deadline != nullptr && std::chrono::steady_clock::now() >= *deadline) return false;
      futex_wait(&word_, has_sleeper, deadline);
    }
    return true;
  }

 private:
  static constexpr std::uint32_t is_clear = 0;
  static constexpr std::uint32_t has_sleeper = 1;
  static constexpr std::uint32_t is_set = 2;
  std::atomic<std::uint32_t> word_{is_clear};
};

}  // namespace wherry::detail
