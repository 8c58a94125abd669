// awaiter.hpp: what every awaitable of a loop has in common: one operation, and how it is cancelled.
//
// The awaiter lives in the frame of the coroutine that awaits it and owns its operation, so nothing is
// allocated. It resumes on the loop's thread, from the loop's queue, never inside `await_suspend`.
//
// Cancellation: a stop token given to the awaitable, or else the one that the awaiting task sees, ends the
// operation early. The request may come on any thread and at any moment, so it posts to the loop, and the
// coroutine resumes only when that post has run: afterwards nothing refers to the awaiter.
//
//   suspended --operation ends, no stop asked for--> resumed
//   suspended --stop asked for--> cancel posted --runs--> operation cancelled --ends--> resumed
//                                 cancel posted --operation ends first--> waits for the post --runs-->
//                                 resumed
//
// Threads: the loop's; a stop may be requested from any.
#pragma once

#include <absl/status/status.h>

#include <cerrno>
#include <coroutine>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/trampoline.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/operation.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

/// An awaiter that no stop request ends. `Operation` is `operation` or `timer`; derived awaiters fill in
/// `op_` and add `await_resume`.
template <class Operation>
class unstoppable_awaiter {
 public:
  unstoppable_awaiter(const unstoppable_awaiter&) = delete;
  unstoppable_awaiter& operator=(const unstoppable_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }

  /// Throws `failed_precondition`: wrong_thread unless the coroutine runs on the loop, forked.
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    op_.self = this;
    op_.run = [](work& w) noexcept { static_cast<owned_operation&>(w).self->finish(); };
    loop_.start(op_);
  }

 protected:
  explicit unstoppable_awaiter(loop& where) : loop_(where) {}
  ~unstoppable_awaiter() { give_up(); }

  /// Takes the operation back from the loop if it is still there: cancels it and waits for its end.
  void give_up() noexcept {
    if (op_.is == operation::state::idle) return;
    loop_.abandon(op_);
    op_.is = operation::state::idle;
  }

  void finish() noexcept {
    op_.is = operation::state::idle;
    resume(waiting_);
  }

  struct owned_operation : Operation {
    unstoppable_awaiter* self = nullptr;
  };

  loop& loop_;
  std::coroutine_handle<> waiting_;
  owned_operation op_;
};

/// An awaiter that a stop request ends, as told at the top of this file.
template <class Operation>
class loop_awaiter : public unstoppable_awaiter<Operation> {
  using base = unstoppable_awaiter<Operation>;

 public:
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) {
    const std::stop_token* const token =
        own_token_.stop_possible() ? &own_token_ : detail::stop_token_of(waiting);
    if (token == nullptr || !token->stop_possible()) return base::await_suspend(waiting);
    this->waiting_ = waiting;
    this->op_.self = this;
    this->op_.run = [](work& w) noexcept {
      static_cast<loop_awaiter*>(static_cast<typename base::owned_operation&>(w).self)->end();
    };
    this->loop_.start(this->op_);
    on_stop_.emplace(*token, stop_request{this});
  }

 protected:
  loop_awaiter(loop& where, std::stop_token token) : base(where), own_token_(std::move(token)) {}
  ~loop_awaiter() { give_up(); }

  void give_up() noexcept {
    on_stop_.reset();
    if (cancel_.is_posted && !cancel_.has_run) this->loop_.withdraw(cancel_);
    base::give_up();
  }

 private:
  struct cancel_work : work {
    loop_awaiter* self = nullptr;
    bool is_posted = false;  // written by who requests the stop, read after `on_stop_` is gone
    bool has_run = false;
    bool is_awaited = false;  // the operation has ended
  };

  struct stop_request {
    loop_awaiter* self;
    void operator()() const noexcept {
      cancel_work& cancel = self->cancel_;
      cancel.self = self;
      cancel.run = [](work& w) noexcept { static_cast<cancel_work&>(w).self->cancel(); };
      cancel.is_posted = true;
      self->loop_.post(cancel);
    }
  };

  void end() noexcept {
    on_stop_.reset();  // waits for a stop request that is being made right now
    if (!cancel_.is_posted || cancel_.has_run) return this->finish();
    cancel_.is_awaited = true;
  }

  void cancel() noexcept {
    cancel_.has_run = true;
    if (cancel_.is_awaited) return this->finish();
    this->loop_.cancel(this->op_);
  }

  std::stop_token own_token_;
  cancel_work cancel_;
  std::optional<std::stop_callback<stop_request>> on_stop_;
};

namespace detail {

/// Throws `error` for an operation that ended with minus `errno_value`: `VERB PATH: text`, or `VERB of file
/// descriptor N: text` where there is no path.
[[noreturn]] inline void throw_operation_error(const loop& where, std::string_view verb,
                                               std::string_view path, int fd, int errno_value) {
  std::string message(verb);
  if (!path.empty()) {
    message.append(" ").append(path);
  } else if (fd >= 0) {
    message.append(" of file descriptor ").append(std::to_string(fd));
  }
  if (errno_value == ECANCELED) {
    throw error(absl::StatusCode::kCancelled, message + ": cancelled", reason::cancelled);
  }
  if (where.broken() != nullptr && errno_value == EPERM) {
    throw error(where.broken()->code(), message + ": " + where.broken()->what(), where.broken()->reason());
  }
  throw error(absl::ErrnoToStatusCode(errno_value),
              message + ": " + std::generic_category().message(errno_value));
}

}  // namespace detail

}  // namespace wherry
