// schedulers.hpp: schedulers and awaitables that only tests need.
#pragma once

#include <coroutine>
#include <deque>
#include <wherry/coro/scheduler.hpp>

namespace wherry::testing_support {

/// A queue that the test empties by hand, on one thread.
class manual_scheduler final : public scheduler {
 public:
  explicit manual_scheduler(kind k = kind::loop) : scheduler(k) {}
  void post(work& w) noexcept override { queue_.push_back(&w); }

  std::size_t size() const { return queue_.size(); }

  /// Runs work until none is left.
  void run_all() {
    const scheduler_scope running(*this);
    while (!queue_.empty()) {
      work* const w = queue_.front();
      queue_.pop_front();
      w->run(*w);
    }
  }

 private:
  std::deque<work*> queue_;
};

/// `co_await yield()` goes to the end of the current scheduler's queue.
class yield : work {
 public:
  yield() = default;
  yield(const yield&) = delete;
  yield& operator=(const yield&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept {
    handle_ = h;
    run = [](work& w) noexcept { resume(static_cast<yield&>(w).handle_); };
    scheduler::current()->post(*this);
  }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<> handle_;
};

}  // namespace wherry::testing_support
