// sleep.hpp: timers and turns of a loop as awaitables.
//
// Threads: the loop's.
#pragma once

#include <chrono>
#include <stop_token>
#include <utility>
#include <wherry/loop/awaiter.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

class [[nodiscard("co_await it")]] sleep_awaiter : public loop_awaiter<timer> {
 public:
  sleep_awaiter(loop& where, loop_clock::time_point deadline, std::stop_token token)
      : loop_awaiter(where, std::move(token)) {
    op_.deadline = deadline;
  }
  void await_resume() const {
    if (op_.result < 0) detail::throw_operation_error(loop_, "sleep", "", -1, -op_.result);
  }
};

/// Resumes when `deadline`, on the scale of `where.now()`, has come; throws `cancelled` when stopped before.
/// Allocates nothing.
inline sleep_awaiter sleep_until(loop& where, loop_clock::time_point deadline, std::stop_token token = {}) {
  return {where, deadline, std::move(token)};
}

/// As `sleep_until`, counted from this call. A duration that is not positive ends in the next turn.
inline sleep_awaiter sleep_for(loop& where, std::chrono::nanoseconds duration, std::stop_token token = {}) {
  return {where, where.now() + duration, std::move(token)};
}

class [[nodiscard("co_await it")]] nop_awaiter : public unstoppable_awaiter<operation> {
 public:
  explicit nop_awaiter(loop& where) : unstoppable_awaiter(where) {}
  void await_resume() const {
    if (op_.result < 0) detail::throw_operation_error(loop_, "nop", "", -1, -op_.result);
  }
};

/// Goes to the loop's kernel and back: what an operation costs when it does nothing.
inline nop_awaiter nop(loop& where) { return nop_awaiter(where); }

}  // namespace wherry
