// sync_wait.hpp: from plain code into a coroutine and back.
//
// The calling thread becomes a scheduler of kind `waiter` for the time of the call: it starts the task,
// sleeps while there is nothing to resume, and returns when the task has ended.
//
// Threads: any but a loop's or a worker's.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <utility>
#include <wherry/coro/detail/futex.hpp>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/task.hpp>

namespace wherry {

namespace detail {

/// A stack of posted work with one consumer. It lives on the consumer's stack and may be gone as soon as
/// the last work has been pushed, so `post` knows whether to wake from the push itself.
class waiter_scheduler final : public scheduler {
 public:
  waiter_scheduler() noexcept : scheduler(kind::waiter) {}

  void post(work& w) noexcept override {
    const void* const word = futex_word();
    std::uintptr_t seen = top_.load(std::memory_order_relaxed);
    do {
      w.next = seen == asleep ? nullptr : reinterpret_cast<work*>(seen);
    } while (!top_.compare_exchange_weak(seen, reinterpret_cast<std::uintptr_t>(&w)));
    if (seen == asleep) futex_wake(word);
  }

  /// Blocks until something was posted, then runs all of it in the order of posting.
  void run_some() noexcept {
    std::uintptr_t seen = top_.load(std::memory_order_relaxed);
    while (seen == 0 || seen == asleep) {
      if (seen == 0 && !top_.compare_exchange_strong(seen, asleep)) continue;
      futex_wait(futex_word(), static_cast<std::uint32_t>(asleep));
      seen = top_.load(std::memory_order_relaxed);
    }
    work* newest = reinterpret_cast<work*>(top_.exchange(0));
    work* oldest = nullptr;
    while (newest != nullptr) {
      work* const next = std::exchange(newest->next, oldest);
      oldest = std::exchange(newest, next);
    }
    while (oldest != nullptr) {
      work* const w = oldest;
      oldest = w->next;
      w->run(*w);
    }
  }

 private:
  // 0: empty, the consumer is awake; `asleep`: empty, it sleeps; else the newest work. No work lies at an
  // odd address, so the low half of the word, on which the consumer sleeps, tells `asleep` from the rest.
  static constexpr std::uintptr_t asleep = 1;
  static_assert(std::endian::native == std::endian::little, "the low half of the word is its first");
  const void* futex_word() const noexcept { return &top_; }

  std::atomic<std::uintptr_t> top_{0};
};

/// Notes the end of a task on the thread of its waiter, wherever the task has ended.
class sync_wait_end : public finish_hook, work {
 public:
  explicit sync_wait_end(scheduler& home) noexcept : home_(home) {
    call = [](finish_hook& hook) noexcept {
      auto& self = static_cast<sync_wait_end&>(hook);
      self.home_.post(self);
    };
    run = [](work& w) noexcept { static_cast<sync_wait_end&>(w).reached_ = true; };
  }
  bool is_reached() const noexcept { return reached_; }

 private:
  scheduler& home_;
  bool reached_ = false;
};

}  // namespace detail

/// Blocks until `t` has ended and returns its value, or throws what it threw. Throws deadlock_would_occur
/// on a loop's or worker's thread, and moved_from when `t` is empty.
template <class T>
T sync_wait(task<T> t) {
  require_may_block("sync_wait");
  detail::task_access::require_coroutine(t, "sync_wait");
  detail::waiter_scheduler here;
  {
    const scheduler_scope running(here);
    detail::sync_wait_end end(here);
    detail::start(t, end);
    while (!end.is_reached()) here.run_some();
  }
  return detail::take_result(t);
}

}  // namespace wherry
