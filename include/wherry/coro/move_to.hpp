// move_to.hpp: continuing on another scheduler.
//
// Threads: any that runs coroutines; the coroutine continues on the scheduler's thread.
#pragma once

#include <coroutine>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/trampoline.hpp>

namespace wherry {

class [[nodiscard("co_await it")]] move_to_awaiter : private work {
 public:
  explicit move_to_awaiter(scheduler& where) noexcept : where_(where) {}
  move_to_awaiter(const move_to_awaiter&) = delete;
  move_to_awaiter& operator=(const move_to_awaiter&) = delete;

  bool await_ready() const noexcept { return scheduler::current() == &where_; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    run = [](work& w) noexcept { resume(static_cast<move_to_awaiter&>(w).waiting_); };
    where_.post(*this);  // may already have resumed elsewhere when this returns
  }
  void await_resume() const noexcept {}

 private:
  scheduler& where_;
  std::coroutine_handle<> waiting_;
};

/// `co_await move_to(s)` continues on the thread of `s`; goes on at once if it is there already.
inline move_to_awaiter move_to(scheduler& where) noexcept { return move_to_awaiter(where); }

}  // namespace wherry
