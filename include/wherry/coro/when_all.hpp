// when_all.hpp: several tasks at once, on one thread.
//
// The tasks start in order, each running up to its first suspension, and the awaiting coroutine continues
// when all of them have ended. A failure cancels none of the others (failures spread along data edges
// only); of several, the one of the first argument is thrown, whatever the timing.
//
// Threads: as a task.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/task.hpp>

namespace wherry {

namespace detail {

/// A value of type T in a tuple or vector of results; `std::monostate` for void.
template <class T>
using stored_result = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
stored_result<T> take_stored_result(const task<T>& t) {
  if constexpr (std::is_void_v<T>) {
    take_result(t);
    return {};
  } else {
    return take_result(t);
  }
}

/// Starts tasks and resumes the awaiting coroutine when the last has ended: where that is on another
/// scheduler's thread, by posting. `Start` is called with the latch's hook and the stop token.
template <class Start>
class all_awaiter : finish_hook, work {
 public:
  all_awaiter(std::size_t count, Start start) : remaining_(count + 1), start_(std::move(start)) {
    call = [](finish_hook& hook) noexcept { static_cast<all_awaiter&>(hook).one_ended(); };
    run = [](work& w) noexcept { resume(static_cast<all_awaiter&>(w).parent_); };
  }
  all_awaiter(const all_awaiter&) = delete;
  all_awaiter& operator=(const all_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    parent_ = parent;
    home_ = scheduler::current();
    start_(static_cast<finish_hook&>(*this), stop_token_of(parent));
    return remaining_.fetch_sub(1) != 1;
  }

  void await_resume() const noexcept {}

 private:
  void one_ended() noexcept {
    if (remaining_.fetch_sub(1) != 1) return;
    if (home_ == nullptr || home_ == scheduler::current()) {
      hop_.target = parent_;
      continue_with(hop_);
    } else {
      home_->post(*this);
    }
  }

  std::atomic<std::size_t> remaining_;
  Start start_;
  std::coroutine_handle<> parent_;
  scheduler* home_ = nullptr;
  hop hop_;
};

}  // namespace detail

/// Runs all tasks; yields a tuple of their values, with `std::monostate` for void. Throws moved_from when
/// one is empty, before any has started.
template <class... Ts>
task<std::tuple<detail::stored_result<Ts>...>> when_all(task<Ts>... tasks) {
  (detail::task_access::require_coroutine(tasks, "when_all"), ...);
  auto start = [&]([[maybe_unused]] detail::finish_hook& hook,
                   [[maybe_unused]] const std::stop_token* token) noexcept {
    (detail::start(tasks, hook, token), ...);
  };
  detail::all_awaiter<decltype(start)> all(sizeof...(Ts), start);
  co_await all;
  // Braces evaluate in order, so the first argument's failure comes first.
  co_return std::tuple<detail::stored_result<Ts>...>{detail::take_stored_result(tasks)...};
}

/// Runs all tasks; yields their values in order, or nothing for `task<void>`. Throws as above.
template <class T>
task<std::conditional_t<std::is_void_v<T>, void, std::vector<detail::stored_result<T>>>> when_all(
    std::vector<task<T>> tasks) {
  for (const auto& t : tasks) detail::task_access::require_coroutine(t, "when_all");
  auto start = [&](detail::finish_hook& hook, const std::stop_token* token) noexcept {
    for (const auto& t : tasks) detail::start(t, hook, token);
  };
  detail::all_awaiter<decltype(start)> all(tasks.size(), start);
  co_await all;
  if constexpr (std::is_void_v<T>) {
    for (const auto& t : tasks) detail::take_result(t);
  } else {
    std::vector<detail::stored_result<T>> values;
    values.reserve(tasks.size());
    for (const auto& t : tasks) values.push_back(detail::take_result(t));
    co_return values;
  }
}

}  // namespace wherry
