// as_status.hpp: outcomes as values, for code that does not throw.
//
// `const auto result = co_await as_status(x);` yields `absl::StatusOr<T>`, or `absl::Status` where `x` has
// no value, for everything that can be awaited. Code and message are the error's; `reason_of` and
// `ticket_of` read the rest.
//
// Threads: as awaiting `x`. No frame, no allocation: the awaiter of `x` lives inside this one.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <wherry/status/error.hpp>

namespace wherry {

namespace detail {

/// Returns what `co_await awaitable` would call its awaiter: a new object, or the awaitable itself.
template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
  if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
    return std::forward<A>(awaitable).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); }) {
    return operator co_await(std::forward<A>(awaitable));
  } else {
    return static_cast<A&&>(awaitable);
  }
}

}  // namespace detail

/// What `co_await` on an `A` yields.
template <class A>
using await_result_t = decltype(detail::awaiter_of(std::declval<A>()).await_resume());

namespace detail {

template <class A>
class [[nodiscard("co_await the status")]] status_awaiter {
  using value = std::remove_cvref_t<await_result_t<A>>;
  using result = typename std::conditional_t<std::is_void_v<value>, std::type_identity<absl::Status>,
                                             std::type_identity<absl::StatusOr<value>>>::type;

 public:
  explicit status_awaiter(A&& awaitable) : inner_(awaiter_of(std::forward<A>(awaitable))) {}
  status_awaiter(const status_awaiter&) = delete;
  status_awaiter& operator=(const status_awaiter&) = delete;

  bool await_ready() noexcept {
    try {
      return inner_.await_ready();
    } catch (...) {
      thrown_ = std::current_exception();
      return true;
    }
  }

  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> h) noexcept {
    using suspended = decltype(inner_.await_suspend(h));
    try {
      if constexpr (std::is_void_v<suspended>) {
        inner_.await_suspend(h);
        return true;
      } else if constexpr (std::is_same_v<suspended, bool>) {
        return inner_.await_suspend(h);
      } else {
        return std::coroutine_handle<>(inner_.await_suspend(h));
      }
    } catch (...) {
      thrown_ = std::current_exception();
    }
    if constexpr (std::is_void_v<suspended> || std::is_same_v<suspended, bool>) {
      return false;
    } else {
      return std::coroutine_handle<>(h);
    }
  }

  result await_resume() noexcept {
    if (!thrown_) {
      try {
        if constexpr (std::is_void_v<value>) {
          inner_.await_resume();
          return absl::OkStatus();
        } else {
          return result(inner_.await_resume());
        }
      } catch (...) {
        thrown_ = std::current_exception();
      }
    }
    return as_failure(thrown_)->to_status();
  }

 private:
  decltype(awaiter_of(std::declval<A>())) inner_;
  std::exception_ptr thrown_;
};

}  // namespace detail

/// Returns an awaitable that awaits `awaitable` and turns what it throws into a status. Await it in the
/// same full-expression. Throws at once what making the awaiter throws (moved_from for an empty task).
template <class A>
detail::status_awaiter<A> as_status(A&& awaitable) {
  return detail::status_awaiter<A>(std::forward<A>(awaitable));
}

}  // namespace wherry
