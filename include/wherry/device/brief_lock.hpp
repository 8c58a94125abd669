// brief_lock.hpp: a lock for sections of tens of nanoseconds.
//
// Who does not get it spins a little before it sleeps: the holder is nearly always through at once, and a
// futex wait costs two context switches (13 to 30 us on a virtual machine). Taking a free lock and giving it
// back is one atomic operation each and no call: a small execution does that five times.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <wherry/coro/detail/futex.hpp>

namespace wherry::detail {

inline void cpu_relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Constant-initialised and trivially destructible.
class brief_mutex {
 public:
  constexpr brief_mutex() = default;
  brief_mutex(const brief_mutex&) = delete;
  brief_mutex& operator=(const brief_mutex&) = delete;

  void lock() noexcept {
    if (!try_lock()) lock_slowly();
  }
  bool try_lock() noexcept {
    std::uint32_t seen = is_free;
    return word_.compare_exchange_strong(seen, is_held, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (word_.exchange(is_free, std::memory_order_release) == has_sleepers) [[unlikely]]
      futex_wake(&word_, 1);
  }

 private:
  static constexpr std::uint32_t is_free = 0;
  static constexpr std::uint32_t is_held = 1;
  static constexpr std::uint32_t has_sleepers = 2;  // held, and others may sleep

  [[gnu::cold, gnu::noinline]] void lock_slowly() noexcept {
    for (int spin = 0; spin < 64; ++spin) {
      if (word_.load(std::memory_order_relaxed) == is_free && try_lock()) return;
      cpu_relax();
    }
    // Who has slept cannot know whether others still do.
    while (word_.exchange(has_sleepers, std::memory_order_acquire) != is_free)
      futex_wait(&word_, has_sleepers);
  }

  std::atomic<std::uint32_t> word_{is_free};
};

class brief_lock {
 public:
  explicit brief_lock(brief_mutex& mutex) noexcept : mutex_(mutex) { lock(); }
  ~brief_lock() { unlock(); }
  brief_lock(const brief_lock&) = delete;
  brief_lock& operator=(const brief_lock&) = delete;

  void unlock() noexcept { mutex_.unlock(); }
  void lock() noexcept { mutex_.lock(); }

 private:
  brief_mutex& mutex_;
};

}  // namespace wherry::detail
