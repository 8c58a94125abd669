// task.hpp: a lazy coroutine that yields one value.
//
// A task starts when it is awaited (or handed to `sync_wait`, `when_all`, `scope`, ...), on the thread of
// who awaits it, and that one continues when it has ended. It is move-only and can be awaited once. Its
// stack use is constant however many awaits complete at once and however deep tasks nest; see
// trampoline.hpp. `WHERRY_SYMMETRIC_TRANSFER=1` replaces the trampoline by symmetric transfer, for
// compilers that turn it into a jump in the build type at hand.
//
// Stop tokens pass from the awaiting task to the awaited one: `co_await current_stop_token()` reads the
// own, `with_stop_token` replaces it for one task and what that awaits.
//
// Lifetime: parameters live in the frame; reference parameters must outlive the task. A task that has
// started must end before it is destroyed; one that has not started may be destroyed at any time.
// Threads: one at a time; the frame may be freed on another thread than it was made on.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/coro/trampoline.hpp>
#include <wherry/status/error.hpp>

#ifndef WHERRY_SYMMETRIC_TRANSFER
#define WHERRY_SYMMETRIC_TRANSFER 0
#endif

namespace wherry {

template <class T>
class task;

namespace detail {

/// Called when a task that `start` started has ended, instead of resuming a coroutine; may destroy the
/// task.
struct finish_hook {
  void (*call)(finish_hook&) noexcept = nullptr;
};

/// What promises of all tasks share.
class task_promise_base : public pooled_frame {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  class final_awaiter {
   public:
    explicit final_awaiter(task_promise_base& ended) noexcept : ended_(ended) {}
    bool await_ready() const noexcept { return false; }
    void await_resume() const noexcept {}
#if WHERRY_SYMMETRIC_TRANSFER
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      if (ended_.hook_ == nullptr) return ended_.continuation_;
      ended_.hook_->call(*ended_.hook_);
      return std::noop_coroutine();
    }
#else
    void await_suspend(std::coroutine_handle<>) const noexcept {
      if (ended_.hook_ != nullptr) {
        ended_.hook_->call(*ended_.hook_);
      } else {
        ended_.hop_.target = ended_.continuation_;
        continue_with(ended_.hop_);
      }
    }
#endif

   private:
    task_promise_base& ended_;
  };
  final_awaiter final_suspend() noexcept { return final_awaiter(*this); }

  /// Returns the token that this task and what it awaits see.
  std::stop_token stop_token() const noexcept { return stop_ != nullptr ? *stop_ : std::stop_token(); }
  const std::stop_token* stop_token_address() const noexcept { return stop_; }

  void set_stop_token(std::stop_token token) noexcept {
    own_stop_ = std::move(token);
    stop_ = &own_stop_;
  }

  /// Takes the token of who awaits, unless one was set. It is not copied: who awaits outlives this.
  void inherit_stop_token(const std::stop_token* token) noexcept {
    if (stop_ == nullptr) stop_ = token;
  }

  bool has_started() const noexcept { return hop_.target != nullptr; }

  /// Prepares the start of `self`, to be followed by `parent`; the caller resumes `first_hop()`.
  void follow_by(std::coroutine_handle<> self, std::coroutine_handle<> parent) noexcept {
    hop_.target = self;
    continuation_ = parent;
  }
  hop& first_hop() noexcept { return hop_; }

  void start(std::coroutine_handle<> self, finish_hook& hook) noexcept {
    hop_.target = self;
    hook_ = &hook;
    resume(self);
  }

 private:
  hop hop_;
  std::coroutine_handle<> continuation_;
  finish_hook* hook_ = nullptr;
  const std::stop_token* stop_ = nullptr;
  std::stop_token own_stop_{};
};

template <class T>
class task_promise final : public task_promise_base {
 public:
  task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept { result_.template emplace<2>(std::current_exception()); }

  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    result_.template emplace<1>(std::forward<U>(value));
  }

  std::exception_ptr thrown() const noexcept {
    return result_.index() == 2 ? std::get<2>(result_) : std::exception_ptr();
  }

  T take() {
    if (result_.index() == 2) std::rethrow_exception(std::get<2>(std::move(result_)));
    return std::get<1>(std::move(result_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> result_;
};

template <class T>
class task_promise<T&> final : public task_promise_base {
 public:
  task<T&> get_return_object() noexcept;
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }
  void return_value(T& value) noexcept { value_ = std::addressof(value); }
  std::exception_ptr thrown() const noexcept { return thrown_; }

  T& take() {
    if (thrown_) std::rethrow_exception(std::move(thrown_));
    return *value_;
  }

 private:
  T* value_ = nullptr;
  std::exception_ptr thrown_;
};

template <>
class task_promise<void> final : public task_promise_base {
 public:
  task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }
  void return_void() const noexcept {}
  std::exception_ptr thrown() const noexcept { return thrown_; }

  void take() {
    if (thrown_) std::rethrow_exception(std::move(thrown_));
  }

 private:
  std::exception_ptr thrown_;
};

template <class T>
class task_awaiter;
struct task_access;

}  // namespace detail

template <class T = void>
class [[nodiscard("co_await or spawn the task: a task does nothing until then")]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using value_type = T;

  task() = default;  // empty
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    task(std::move(other)).swap(*this);
    return *this;
  }
  ~task() {
    if (!handle_) return;
    if (handle_.promise().has_started() && !handle_.done()) {
      broken_rule("task_ends_first", "a task that has started is destroyed before it has ended");
    }
    handle_.destroy();
  }

  /// True when there is a coroutine to await; false when empty, moved from or awaited.
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  void swap(task& other) noexcept { std::swap(handle_, other.handle_); }

  /// Starts the task; resumes when it has ended, with its value or what it threw. The frame is freed at the
  /// end of the full-expression. Throws `failed_precondition` (moved_from) when empty.
  detail::task_awaiter<T> operator co_await() &&;

 private:
  friend promise_type;
  friend detail::task_access;
  explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  void require_coroutine(const char* operation) const {
    if (handle_ && !handle_.promise().has_started()) return;
    throw error(absl::StatusCode::kFailedPrecondition,
                std::string(operation) + ": the task is empty: it was moved from or awaited before",
                reason::moved_from);
  }

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

/// For what runs tasks without being a coroutine: sync_wait, when_all, when_any, scope, loops.
struct task_access {
  template <class T>
  static auto& promise(const task<T>& t) noexcept {
    return t.handle_.promise();
  }
  template <class T>
  static std::coroutine_handle<> handle(const task<T>& t) noexcept {
    return t.handle_;
  }
  template <class T>
  static void require_coroutine(const task<T>& t, const char* operation) {
    t.require_coroutine(operation);
  }
};

/// Runs `t` up to its first suspension. `hook` is called on the thread where it ends, perhaps before this
/// returns. `inherited` is null or outlives the task. Precondition: `t` is not empty and not started.
template <class T>
void start(const task<T>& t, finish_hook& hook, const std::stop_token* inherited = nullptr) noexcept {
  auto& promise = task_access::promise(t);
  promise.inherit_stop_token(inherited);
  promise.start(task_access::handle(t), hook);
}

/// Returns the value of a task that has ended, or throws what it threw.
template <class T>
T take_result(const task<T>& t) {
  return task_access::promise(t).take();
}

/// Returns what a task that has ended threw, or null.
template <class T>
std::exception_ptr thrown_by(const task<T>& t) noexcept {
  return task_access::promise(t).thrown();
}

template <class Promise>
const std::stop_token* stop_token_of(std::coroutine_handle<Promise> h) noexcept {
  if constexpr (requires { h.promise().stop_token_address(); }) {
    return h.promise().stop_token_address();
  } else {
    return nullptr;
  }
}

template <class T>
class task_awaiter {
 public:
  explicit task_awaiter(task<T>&& t) noexcept : task_(std::move(t)) {}
  task_awaiter(const task_awaiter&) = delete;
  task_awaiter& operator=(const task_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }

  template <class Promise>
#if WHERRY_SYMMETRIC_TRANSFER
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    prepare(parent);
    return task_access::handle(task_);
  }
#else
  void await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    continue_with(prepare(parent));
  }
#endif

  T await_resume() { return take_result(task_); }

 private:
  template <class Promise>
  hop& prepare(std::coroutine_handle<Promise> parent) noexcept {
    auto& promise = task_access::promise(task_);
    promise.inherit_stop_token(stop_token_of(parent));
    promise.follow_by(task_access::handle(task_), parent);
    return promise.first_hop();
  }

  task<T> task_;
};

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
template <class T>
task<T&> task_promise<T&>::get_return_object() noexcept {
  return task<T&>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

class stop_token_awaiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    if (const std::stop_token* token = stop_token_of(h)) token_ = *token;
    return false;
  }
  std::stop_token await_resume() noexcept { return std::move(token_); }

 private:
  std::stop_token token_;
};

}  // namespace detail

template <class T>
detail::task_awaiter<T> task<T>::operator co_await() && {
  require_coroutine("co_await");
  return detail::task_awaiter<T>(std::move(*this));
}

/// `const auto token = co_await current_stop_token();` reads the calling task's token, without suspending.
inline detail::stop_token_awaiter current_stop_token() noexcept { return {}; }

/// Returns `t`, which will see `token` instead of the token of who awaits it.
template <class T>
task<T> with_stop_token(task<T> t, std::stop_token token) {
  detail::task_access::require_coroutine(t, "with_stop_token");
  detail::task_access::promise(t).set_stop_token(std::move(token));
  return t;
}

}  // namespace wherry
