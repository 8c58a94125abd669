// completion.hpp: a single-assignment cell: pending, then done or failed, for ever.
//
// The one thing to wait for in the library: every request, transfer and promise has one. Any number of
// waiters, of three kinds: threads (`wait`), coroutines (`co_await`) and intrusive `waiter`s that are
// called. None costs an allocation, and completing without waiters costs one atomic operation.
//
// Threads: any, for every member. Completing touches the completion no more once it reads as complete, so
// it may be destroyed by whoever saw that, as long as no waiter is left registered.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <wherry/coro/detail/futex.hpp>
#include <wherry/coro/scheduler.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

class completion {
 public:
  class awaiter;

  /// Belongs to who registers it and stays where it is until removed or notified.
  struct waiter {
    waiter* next = nullptr;
    waiter* prev = nullptr;
    void (*notify)(waiter&) noexcept = nullptr;  // on the completing thread, outside any lock; may free it
  };

  completion() = default;
  completion(const completion&) = delete;
  completion& operator=(const completion&) = delete;
  ~completion() {
    if (first_ != nullptr) broken_rule("waiters_leave_first", "a pending completion dies with waiters");
  }

  /// True for done and for failed.
  bool is_ready() const noexcept { return (state_.load(std::memory_order_acquire) & complete_bit) != 0; }
  bool has_failed() const noexcept { return (state_.load(std::memory_order_acquire) & failed_bit) != 0; }

  /// Returns the stored failure; null unless failed.
  const failure& why() const noexcept {
    static const failure none;
    return has_failed() ? why_ : none;
  }

  /// Becomes done, then notifies the waiters in the order of registration. A second completion is a broken
  /// rule. Sequentially consistent: what the caller loads next is not older than the completion.
  void complete() noexcept;

  /// Becomes failed with `why`, otherwise as `complete`. Precondition: `why` is not null.
  void fail(failure why) noexcept;

  /// Registers `w` and returns true; returns false when complete, and `w` will not be notified.
  bool add(waiter& w) const noexcept;

  /// Returns true when `w` is unregistered and will not be notified; false when it was or is being
  /// notified. Precondition: `add(w)` returned true.
  bool remove(waiter& w) const noexcept;

  /// Blocks until complete; the outcome is not looked at. Throws deadlock_would_occur when pending on a
  /// loop's or worker's thread.
  void wait() const { wait_with_deadline(nullptr); }

  /// Blocks until complete or until `deadline`, and returns whether complete. Throws as `wait`.
  template <class Clock, class Duration>
  bool wait_until(const std::chrono::time_point<Clock, Duration>& deadline) const;

  /// Resumes on the scheduler of the suspending thread; goes on at once if complete. Throws the stored
  /// failure. Throws wrong_thread when pending on a thread without scheduler.
  awaiter operator co_await() const noexcept;

 private:
  // pending -> pending with waiters -> ... -> done | failed. `locked_bit` guards the list and `why_`; a
  // complete state is never locked again, and it is published by the last access that completing makes.
  static constexpr std::uint32_t locked_bit = 1;
  static constexpr std::uint32_t waiters_bit = 2;
  static constexpr std::uint32_t complete_bit = 4;
  static constexpr std::uint32_t failed_bit = 8;

  /// Locks and returns true; returns false when complete.
  bool lock() const noexcept;
  /// Unlocks a pending completion.
  void unlock() const noexcept { state_.store(first_ ? waiters_bit : 0, std::memory_order_release); }
  void finish_locked(std::uint32_t state) noexcept;
  bool wait_with_deadline(const std::chrono::steady_clock::time_point* deadline) const;

  mutable std::atomic<std::uint32_t> state_{0};
  mutable waiter* first_ = nullptr;  // under the lock; its `prev` is the last
  failure why_;                      // written under the lock, constant once failed
};

inline bool completion::lock() const noexcept {
  for (int spins = 0;; ++spins) {
    std::uint32_t seen = state_.load(std::memory_order_acquire);
    if ((seen & complete_bit) != 0) return false;
    if ((seen & locked_bit) == 0 && state_.compare_exchange_weak(seen, seen | locked_bit)) return true;
    // The holder only links a node, but it may have lost its core.
    if (spins >= 64) std::this_thread::yield();
  }
}

inline void completion::complete() noexcept {
  std::uint32_t seen = 0;
  if (state_.compare_exchange_strong(seen, complete_bit)) return;
  if (!lock()) broken_rule("already_completed", "complete() on a completion that is complete");
  finish_locked(complete_bit);
}

inline void completion::fail(failure why) noexcept {
  if (!why) broken_rule("fail", "a completion fails with a failure, not with null");
  if (!lock()) broken_rule("already_completed", "fail() on a completion that is complete");
  why_ = std::move(why);
  finish_locked(complete_bit | failed_bit);
}

inline void completion::finish_locked(std::uint32_t state) noexcept {
  waiter* w = std::exchange(first_, nullptr);
  state_.store(state);
  while (w != nullptr) {
    waiter* const next = w->next;
    w->notify(*w);
    w = next;
  }
}

inline bool completion::add(waiter& w) const noexcept {
  if (!lock()) return false;
  w.next = nullptr;
  if (first_ == nullptr) {
    w.prev = &w;
    first_ = &w;
  } else {
    w.prev = first_->prev;
    w.prev->next = &w;
    first_->prev = &w;
  }
  unlock();
  return true;
}

inline bool completion::remove(waiter& w) const noexcept {
  if (!lock()) return false;
  if (first_ == &w) {
    first_ = w.next;
    if (first_ != nullptr) first_->prev = w.prev;
  } else {
    w.prev->next = w.next;
    (w.next != nullptr ? w.next : first_)->prev = w.prev;
  }
  unlock();
  return true;
}

inline bool completion::wait_with_deadline(const std::chrono::steady_clock::time_point* deadline) const {
  if (is_ready()) return true;
  require_may_block("wait");
  struct sleeper : waiter {
    detail::one_shot_flag flag;
  } self;
  self.notify = [](waiter& w) noexcept { static_cast<sleeper&>(w).flag.set(); };
  if (!add(self)) return true;
  if (self.flag.wait(deadline)) return true;
  if (remove(self)) return false;
  self.flag.wait();  // the completing thread is in `notify`
  return true;
}

template <class Clock, class Duration>
bool completion::wait_until(const std::chrono::time_point<Clock, Duration>& deadline) const {
  using seconds = std::chrono::duration<double>;
  for (;;) {
    // Far deadlines overflow as integers, and other clocks may be set: sleep an hour, then look again.
    const seconds left = seconds(deadline.time_since_epoch()) - seconds(Clock::now().time_since_epoch());
    const bool last = left < std::chrono::hours(1);
    const auto step = std::chrono::duration_cast<std::chrono::nanoseconds>(last ? left : seconds(3600));
    const auto until = std::chrono::steady_clock::now() + (step.count() > 0 ? step : step.zero());
    if (wait_with_deadline(&until)) return true;
    if (last && Clock::now() >= deadline) return false;
  }
}

/// What `co_await` on a completion makes; lives in the awaiting coroutine's frame.
class completion::awaiter : waiter, work {
 public:
  explicit awaiter(const completion& c) noexcept : completion_(c) {}
  awaiter(const awaiter&) = delete;
  awaiter& operator=(const awaiter&) = delete;

  bool await_ready() const noexcept { return completion_.is_ready(); }

  bool await_suspend(std::coroutine_handle<> h) {
    handle_ = h;
    scheduler_ = &require_scheduler("co_await");
    waiter::notify = [](waiter& w) noexcept {
      auto& self = static_cast<awaiter&>(w);
      self.scheduler_->post(self);
    };
    work::run = [](work& w) noexcept { resume(static_cast<awaiter&>(w).handle_); };
    return completion_.add(*this);
  }

  void await_resume() const {
    if (completion_.has_failed()) raise(completion_.why());
  }

 private:
  const completion& completion_;
  scheduler* scheduler_ = nullptr;
  std::coroutine_handle<> handle_;
};

inline completion::awaiter completion::operator co_await() const noexcept { return awaiter(*this); }

/// What `co_await until(...)` awaits. The completing thread and the one that requests stop may come at the
/// same time, and either may come before `await_suspend` has returned.
class until_awaiter : completion::waiter, work {
 public:
  until_awaiter(const completion& c, std::stop_token token) noexcept
      : completion_(c), token_(std::move(token)) {}
  until_awaiter(const until_awaiter&) = delete;
  until_awaiter& operator=(const until_awaiter&) = delete;

  bool await_ready() noexcept {
    if (completion_.is_ready()) return true;
    left_ = token_.stop_requested();
    return left_;
  }

  bool await_suspend(std::coroutine_handle<> h) {
    handle_ = h;
    scheduler_ = &require_scheduler("co_await until");
    completion::waiter::notify = [](completion::waiter& w) noexcept {
      static_cast<until_awaiter&>(w).go_on();
    };
    work::run = [](work& w) noexcept { resume(static_cast<until_awaiter&>(w).handle_); };
    if (!completion_.add(*this)) return false;
    leave_.emplace(token_, leave{*this});
    phase expected = phase::arming;
    return phase_.compare_exchange_strong(expected, phase::armed);
  }

  void await_resume() {
    leave_.reset();  // waits for a callback that runs on another thread
    if (left_) {
      throw error(absl::StatusCode::kCancelled, "co_await until: stop was requested before the completion",
                  reason::cancelled);
    }
    if (completion_.has_failed()) raise(completion_.why());
  }

 private:
  // arming -> armed:  await_suspend is over, whoever fires posts the coroutine
  // arming -> fired:  await_suspend goes on without suspending
  // armed  -> fired:  posted
  enum class phase : std::uint8_t { arming, armed, fired };

  struct leave {
    until_awaiter& self;
    void operator()() const noexcept {
      if (!self.completion_.remove(self)) return;  // the completion came first and goes on by itself
      self.left_ = true;
      self.go_on();
    }
  };

  void go_on() noexcept {
    scheduler* const home = scheduler_;
    if (phase_.exchange(phase::fired) == phase::armed) home->post(*this);
  }

  const completion& completion_;
  std::stop_token token_;
  std::optional<std::stop_callback<leave>> leave_;
  std::atomic<phase> phase_{phase::arming};
  bool left_ = false;
  scheduler* scheduler_ = nullptr;
  std::coroutine_handle<> handle_;
};

/// Returns an awaitable that waits as `co_await c` does, but throws `cancelled` as soon as stop is requested
/// through `token`. Only the waiter leaves; what completes `c` is not disturbed.
inline until_awaiter until(const completion& c, std::stop_token token) noexcept {
  return until_awaiter(c, std::move(token));
}

}  // namespace wherry
