// scheduler.hpp: where a coroutine continues.
//
// A scheduler is a queue of `work` with one thread that empties it: a loop, a worker, or a thread inside
// `sync_wait`. A coroutine that suspends remembers the scheduler of its thread and is resumed by posting
// to it, so it never runs on a driver's or completer's thread.
//
// `work` is intrusive and belongs to who posts it: posting allocates nothing.
//
// Threads: `post` any; the rest is about the calling thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <wherry/coro/trampoline.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

struct work {
  work* next = nullptr;                   // the scheduler's while posted
  void (*run)(work&) noexcept = nullptr;  // may free the work
};

class scheduler {
 public:
  enum class kind {
    loop,    // must not block: timers and I/O wait on it
    worker,  // must not block: other requests wait on it
    waiter,  // may block: a plain thread inside sync_wait
  };

  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// Queues `w`; it runs once, later, on this scheduler's thread, in the order of posting. Does not touch
  /// the scheduler after the moment from which `w` may run: `w` may be what ends its life.
  virtual void post(work& w) noexcept = 0;

  /// Returns the rule a blocking call on this scheduler's thread breaks, for messages.
  virtual std::string_view rule_name() const noexcept {
    switch (kind_) {
      case kind::loop:
        return "a loop's thread must not wait";
      case kind::worker:
        return "a worker's thread must not wait";
      case kind::waiter:
        break;
    }
    return "a thread in sync_wait may wait";
  }

  kind what() const noexcept { return kind_; }

  /// Returns the scheduler that runs work on the calling thread, or null.
  static scheduler* current() noexcept;

 protected:
  explicit scheduler(kind k) noexcept : kind_(k) {}
  virtual ~scheduler() = default;

 private:
  const kind kind_;
};

namespace detail {
inline constinit thread_local scheduler* current_scheduler = nullptr;
}  // namespace detail

inline scheduler* scheduler::current() noexcept { return detail::current_scheduler; }

/// Makes a scheduler the calling thread's current one, until the end of the block. Scopes nest. Coroutines
/// resumed inside belong to the inner scheduler: what they lead to runs before the block ends.
class scheduler_scope {
 public:
  explicit scheduler_scope(scheduler& s) noexcept
      : outer_(std::exchange(detail::current_scheduler, &s)),
        outer_trampoline_(std::exchange(detail::active_trampoline, nullptr)) {}
  ~scheduler_scope() {
    detail::current_scheduler = outer_;
    detail::active_trampoline = outer_trampoline_;
  }
  scheduler_scope(const scheduler_scope&) = delete;
  scheduler_scope& operator=(const scheduler_scope&) = delete;

 private:
  scheduler* const outer_;
  detail::trampoline* const outer_trampoline_;
};

/// Throws `failed_precondition` (deadlock_would_occur) on a loop's or worker's thread: waiting there would
/// stop the very work that is waited for. `operation` begins the message.
inline void require_may_block(std::string_view operation) {
  const scheduler* here = scheduler::current();
  if (here == nullptr || here->what() == scheduler::kind::waiter) return;
  throw error(absl::StatusCode::kFailedPrecondition,
              std::string(operation) + ": deadlock_would_occur: " + std::string(here->rule_name()) +
                  "; use co_await here",
              reason::deadlock_would_occur);
}

/// Returns the current scheduler. Throws `failed_precondition` (wrong_thread) on a thread that has none:
/// a coroutine that suspended there could not be resumed.
inline scheduler& require_scheduler(std::string_view operation) {
  if (scheduler* here = scheduler::current()) return *here;
  throw error(absl::StatusCode::kFailedPrecondition,
              std::string(operation) +
                  ": wrong_thread: a coroutine can suspend only on a loop, on a worker or in sync_wait",
              reason::wrong_thread);
}

}  // namespace wherry
