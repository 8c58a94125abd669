// resume_on.hpp: continuing on a loop.
//
// Threads: any that runs coroutines; the coroutine continues on the loop's thread.
#pragma once

#include <coroutine>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/trampoline.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

class [[nodiscard("co_await it")]] resume_on_awaiter : private work {
 public:
  explicit resume_on_awaiter(loop& where) : loop_(where) {}
  resume_on_awaiter(const resume_on_awaiter&) = delete;
  resume_on_awaiter& operator=(const resume_on_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    loop_.require_own_process("resume_on");
    waiting_ = waiting;
    run = [](work& w) noexcept { resume(static_cast<resume_on_awaiter&>(w).waiting_); };
    loop_.post(*this);  // may already have resumed elsewhere when this returns
  }
  void await_resume() const noexcept {}

 private:
  loop& loop_;
  std::coroutine_handle<> waiting_;
};

/// `co_await resume_on(loop)` continues on the loop's thread, behind the work that was posted before; on that
/// thread it lets everything else that is ready run first. Throws `failed_precondition` (forked).
inline resume_on_awaiter resume_on(loop& where) { return resume_on_awaiter(where); }

}  // namespace wherry
