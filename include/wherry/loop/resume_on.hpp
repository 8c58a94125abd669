// resume_on.hpp: continuing on a loop.
//
// Threads: any that runs coroutines; the coroutine continues on the loop's thread.
#pragma once

#include <coroutine>
#include <wherry/coro/move_to.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

class [[nodiscard("co_await it")]] resume_on_awaiter : private move_to_awaiter {
 public:
  explicit resume_on_awaiter(loop& where) noexcept : move_to_awaiter(where), loop_(where) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    loop_.require_own_process("resume_on");
    move_to_awaiter::await_suspend(waiting);
  }
  using move_to_awaiter::await_resume;

 private:
  loop& loop_;
};

/// `co_await resume_on(loop)` continues on the loop's thread, behind the work that was posted before; on that
/// thread it lets everything else that is ready run first. Throws `failed_precondition` (forked).
inline resume_on_awaiter resume_on(loop& where) { return resume_on_awaiter(where); }

}  // namespace wherry
