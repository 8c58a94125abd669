// when.hpp: waiting for promises from coroutines: for several, for a while, until a token says stop.
//
// Whoever leaves early only unregisters: what it waited for goes on, and may be waited for again. (To stop
// the request itself, give the token to the request: request_options.)
//
// Threads: they resume on the scheduler of the suspending thread, as `co_await` on the promise does.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>
#include <wherry/coro/as_status.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/coro/when_any.hpp>
#include <wherry/device/promise.hpp>

namespace wherry {

/// Buffers, array promises, executions, barriers, ...
template <class P>
concept promise_like = std::copy_constructible<P> && requires(const P& p) {
  { p.outcome() } -> std::same_as<pending>;
  { p.place() } -> std::convertible_to<device_core&>;
};

namespace detail {

/// Waits for a completion, a token or a deadline, whichever comes first.
class early_awaiter : completion::waiter, work {
 public:
  early_awaiter(pending p, std::stop_token stop, std::optional<loop_clock::time_point> deadline,
                const unit_services& around)
      : held_(std::move(p)), stop_(std::move(stop)), deadline_(deadline), around_(&around) {}
  early_awaiter(const early_awaiter&) = delete;
  early_awaiter& operator=(const early_awaiter&) = delete;

  bool await_ready() noexcept { return !held_.cell() || held_.cell()->is_ready(); }

  bool await_suspend(std::coroutine_handle<> h) {
    handle_ = h;
    home_ = &require_scheduler("co_await");
    completion::waiter::notify = [](completion::waiter& w) noexcept {
      static_cast<early_awaiter&>(w).go_on();
    };
    work::run = [](work& w) noexcept { resume(static_cast<early_awaiter&>(w).handle_); };
    if (!held_.cell()->add(*this)) return false;
    try {
      watch_.arm(stop_, deadline_, *around_);
    } catch (...) {
      watch_.disarm();
      if (!held_.cell()->remove(*this)) {
        while (phase_.load() != phase::fired) std::this_thread::yield();  // it is in `notify`
      }
      throw;
    }
    phase expected = phase::arming;
    return phase_.compare_exchange_strong(expected, phase::armed);
  }

 protected:
  /// Returns why it left early, or none.
  reason settle() noexcept {
    watch_.disarm();
    return left_;
  }
  const pending& held() const noexcept { return held_; }

 private:
  // As until_awaiter's: arming -> armed -> fired, or arming -> fired and no suspension.
  enum class phase : std::uint8_t { arming, armed, fired };
  struct watch : interruption {
    explicit watch(early_awaiter& a)
        : interruption([](interruption& i, reason why) noexcept {
            early_awaiter& self = static_cast<watch&>(i).self;
            if (!self.held_.cell()->remove(self)) return;  // the completion came first
            self.left_ = why;
            self.go_on();
          }),
          self(a) {}
    early_awaiter& self;
  };

  void go_on() noexcept {
    scheduler* const home = home_;
    if (phase_.exchange(phase::fired) == phase::armed) home->post(*this);
  }

  pending held_;
  std::stop_token stop_;
  std::optional<loop_clock::time_point> deadline_;
  ref<const unit_services> around_;
  watch watch_{*this};
  std::atomic<phase> phase_{phase::arming};
  reason left_ = reason::none;
  scheduler* home_ = nullptr;
  std::coroutine_handle<> handle_;
};

class timed_awaiter : public early_awaiter {
 public:
  using early_awaiter::early_awaiter;
  bool await_resume() noexcept { return settle() == reason::none; }
};

template <class P>
class until_stop_awaiter : public early_awaiter {
 public:
  until_stop_awaiter(const P& p, std::stop_token stop)
      : early_awaiter(p.outcome(), std::move(stop), std::nullopt, p.place().around()), promise_(p) {}
  await_result_t<P> await_resume() {
    if (settle() != reason::none) {
      throw error(absl::StatusCode::kCancelled, "co_await until: stop was requested before it was ready",
                  reason::cancelled);
    }
    return promise_.operator co_await().await_resume();
  }

 private:
  P promise_;
};

template <class P>
task<await_result_t<P>> awaited(P p) {
  auto value = co_await p;
  co_return value;
}

inline task<std::size_t> first_of(std::vector<pending> held) {
  require_one(held.size());
  std::vector<first_completion::entry> entries(held.size());
  for (std::size_t i = 0; i < held.size(); ++i) {
    entries[i].of = held[i].cell();
    if (!entries[i].of) co_return i;
  }
  first_completion first(entries);
  const std::size_t index = co_await first;
  co_return index;
}

}  // namespace detail

/// `co_await wait_until(p, time)`: true when `p` is ready, done or failed, false when `time` (on the clock of
/// the client's loop) has come before. Throws no failure of `p`.
template <promise_like P>
[[nodiscard("co_await it")]] detail::timed_awaiter wait_until(const P& p, loop_clock::time_point time) {
  return {p.outcome(), std::stop_token(), time, p.place().around()};
}
/// As `wait_until`, counted from this call; where the client's loop is simulated, only on that loop.
template <promise_like P, class Rep, class Period>
[[nodiscard("co_await it")]] detail::timed_awaiter wait_for(const P& p,
                                                            std::chrono::duration<Rep, Period> time) {
  const loop& home = p.place().around().home();
  const auto now = home.is_here() ? home.now() : loop_clock::now();
  return wait_until(p, now + std::chrono::duration_cast<loop_clock::duration>(time));
}

/// `co_await until(p, token)`: what `co_await p` gives, but throws `cancelled` as soon as stop is requested.
template <promise_like P>
[[nodiscard("co_await it")]] detail::until_stop_awaiter<P> until(const P& p, std::stop_token stop) {
  return {p, std::move(stop)};
}

/// Yields the index of the first promise that is done or failed; throws none of their failures.
template <promise_like... Ps>
  requires(sizeof...(Ps) > 0)
task<std::size_t> when_any(const Ps&... ps) {
  std::vector<pending> held;
  (held.push_back(ps.outcome()), ...);
  return detail::first_of(std::move(held));
}
template <promise_like P>
task<std::size_t> when_any(const std::vector<P>& ps) {
  std::vector<pending> held;
  for (const P& p : ps) held.push_back(p.outcome());
  return detail::first_of(std::move(held));
}

/// Waits for all; yields what `co_await` on each gives, or throws the failure of the first in order that
/// failed.
template <promise_like... Ps>
  requires(sizeof...(Ps) > 0)
task<std::tuple<await_result_t<Ps>...>> when_all(const Ps&... ps) {
  return when_all(detail::awaited(ps)...);
}
template <promise_like P>
task<std::vector<await_result_t<P>>> when_all(const std::vector<P>& ps) {
  std::vector<task<await_result_t<P>>> all;
  for (const P& p : ps) all.push_back(detail::awaited(p));
  return when_all(std::move(all));
}

}  // namespace wherry
