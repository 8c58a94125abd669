// sync_wait.hpp: from plain code into a coroutine on a loop, and back.
//
// On the thread that owns the loop the call runs the loop until the task has ended, and leaves the loop
// ready for the next call. On any other thread it posts the task to the loop and blocks; then the owner
// must be running the loop, as a `loop_thread` does. Other tasks of the loop go on meanwhile.
//
// Threads: any but a loop's or a worker's while it runs work.
#pragma once

#include <utility>
#include <wherry/coro/detail/futex.hpp>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

namespace detail {

/// Starts a task on a loop's thread and notes its end there.
template <class T>
class loop_start : public work, finish_hook {
 public:
  explicit loop_start(const task<T>& started) : task_(started) {
    run = [](work& w) noexcept {
      auto& self = static_cast<loop_start&>(w);
      detail::start(self.task_, self);
    };
    call = [](finish_hook& hook) noexcept { static_cast<loop_start&>(hook).ended_.set(); };
  }

  /// True when the task has ended; it may be destroyed then.
  bool has_ended() const noexcept { return ended_.is_raised(); }
  /// Blocks until then.
  void wait() noexcept { ended_.wait(); }

 private:
  const task<T>& task_;
  one_shot_flag ended_;
};

}  // namespace detail

/// Waits until `t` has run on `where` and returns its value, or throws what it threw. Throws
/// `failed_precondition`: deadlock_would_occur on a loop's or worker's thread, forked in a forked child,
/// moved_from when `t` is empty.
template <class T>
T sync_wait(loop& where, task<T> t) {
  where.require_own_process("sync_wait");
  require_may_block("sync_wait");
  detail::task_access::require_coroutine(t, "sync_wait");
  detail::loop_start<T> start(t);
  where.post(start);
  if (where.is_here()) {
    where.run_until([&] { return start.has_ended(); });
  } else {
    start.wait();
  }
  return detail::take_result(t);
}

}  // namespace wherry
