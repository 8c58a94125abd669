// when_any.hpp: the first of several.
//
// Over tasks: the first to end, with a value or a failure, wins. The others are asked to stop and awaited:
// when `when_any` returns, all have ended and their outcomes are dropped. Over completions: the first to
// complete wins; the wait merely unregisters from the others, which nothing disturbs.
//
// Threads: as a task; completions may complete on any thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>

namespace wherry {

/// What `when_any` over a vector of tasks yields.
template <class T>
struct any_result {
  std::size_t index = 0;
  detail::stored_result<T> value;
};

namespace detail {

inline constexpr std::size_t no_winner = SIZE_MAX;

inline void require_one(std::size_t count) {
  if (count == 0) {
    throw error(absl::StatusCode::kInvalidArgument, "when_any: nothing to wait for: expected at least one");
  }
}

/// Who won among tasks, and the request to stop for the rest. Follows the stop token of the awaiting task.
class task_race {
 public:
  explicit task_race(std::stop_token outer) : follow_(std::move(outer), forward{source_}) {}

  std::stop_token token() const noexcept { return source_.get_token(); }
  std::size_t winner() const noexcept { return winner_.load(); }

  void ended(std::size_t index) noexcept {
    std::size_t expected = no_winner;
    if (winner_.compare_exchange_strong(expected, index)) source_.request_stop();
  }

 private:
  struct forward {
    std::stop_source& source;
    void operator()() const noexcept { source.request_stop(); }
  };
  std::atomic<std::size_t> winner_{no_winner};
  std::stop_source source_;
  std::stop_callback<forward> follow_;
};

/// The hook of one racing task: tells the race, then who waits for all of them.
struct runner : finish_hook {
  task_race* race = nullptr;
  std::size_t index = 0;
  finish_hook* all = nullptr;

  void join(task_race& r, std::size_t i, finish_hook& latch) noexcept {
    race = &r;
    index = i;
    all = &latch;
    call = [](finish_hook& hook) noexcept {
      auto& self = static_cast<runner&>(hook);
      finish_hook& latch = *self.all;
      self.race->ended(self.index);
      latch.call(latch);
    };
  }
};

/// Takes the value of task `I` of a tuple when that is the one at `index`.
template <class Variant, class Tasks, std::size_t... I>
Variant take_winner(Tasks& tasks, std::size_t index, std::index_sequence<I...>) {
  std::optional<Variant> value;
  ((I == index
        ? static_cast<void>(value.emplace(std::in_place_index<I>, take_stored_result(std::get<I>(tasks))))
        : static_cast<void>(0)),
   ...);
  return std::move(*value);
}

/// Waits for the first of some completions. A loser's `notify` may be running on another thread while the
/// winner already resumes, so `await_resume` waits for the few instructions that such a call takes.
class first_completion : work {
 public:
  struct entry : completion::waiter {
    first_completion* race = nullptr;
    const completion* of = nullptr;
    bool is_added = false;
    std::atomic<bool> was_notified = false;
  };

  explicit first_completion(std::span<entry> entries) noexcept : entries_(entries) {
    run = [](work& w) noexcept { resume(static_cast<first_completion&>(w).parent_); };
  }
  first_completion(const first_completion&) = delete;
  first_completion& operator=(const first_completion&) = delete;

  bool await_ready() noexcept {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].of->is_ready()) continue;
      winner_.store(i, std::memory_order_relaxed);
      return true;
    }
    return false;
  }

  bool await_suspend(std::coroutine_handle<> parent) {
    parent_ = parent;
    home_ = &require_scheduler("co_await when_any");
    for (entry& e : entries_) {
      e.race = this;
      e.notify = [](completion::waiter& w) noexcept { notified(static_cast<entry&>(w)); };
      e.is_added = e.of->add(e);
      if (e.is_added) continue;
      if (win(e)) return false;
      break;  // another has won meanwhile
    }
    phase expected = phase::arming;
    return phase_.compare_exchange_strong(expected, phase::armed);
  }

  std::size_t await_resume() noexcept {
    const std::size_t winner = winner_.load();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      entry& e = entries_[i];
      if (i == winner || !e.is_added || e.of->remove(e)) continue;
      while (!e.was_notified.load(std::memory_order_acquire)) std::this_thread::yield();
    }
    return winner;
  }

 private:
  // As until_awaiter's: arming -> armed -> fired, or arming -> fired and no suspension.
  enum class phase : std::uint8_t { arming, armed, fired };

  bool win(entry& e) noexcept {
    std::size_t expected = no_winner;
    return winner_.compare_exchange_strong(expected, static_cast<std::size_t>(&e - entries_.data()));
  }

  static void notified(entry& e) noexcept {
    first_completion& self = *e.race;
    if (!self.win(e)) {
      e.was_notified.store(true, std::memory_order_release);
      return;
    }
    scheduler* const home = self.home_;
    if (self.phase_.exchange(phase::fired) == phase::armed) home->post(self);
  }

  const std::span<entry> entries_;
  std::coroutine_handle<> parent_;
  scheduler* home_ = nullptr;
  std::atomic<std::size_t> winner_{no_winner};
  std::atomic<phase> phase_{phase::arming};
};

}  // namespace detail

/// Runs all tasks; yields a variant whose index names the first that ended, with its value (`monostate` for
/// void), or throws what that one threw.
template <class... Ts>
  requires(sizeof...(Ts) > 0)
task<std::variant<detail::stored_result<Ts>...>> when_any(task<Ts>... tasks) {
  (detail::task_access::require_coroutine(tasks, "when_any"), ...);
  const auto outer = co_await current_stop_token();
  detail::task_race race(outer);
  const std::stop_token token = race.token();
  std::array<detail::runner, sizeof...(Ts)> runners;
  auto start = [&](detail::finish_hook& latch, const std::stop_token*) noexcept {
    std::size_t i = 0;
    ((runners[i].join(race, i, latch), detail::start(tasks, runners[i], &token), ++i), ...);
  };
  detail::all_awaiter<decltype(start)> all(sizeof...(Ts), start);
  co_await all;
  auto ended = std::tie(tasks...);
  co_return detail::take_winner<std::variant<detail::stored_result<Ts>...>>(
      ended, race.winner(), std::make_index_sequence<sizeof...(Ts)>());
}

/// Runs all tasks; yields the index and the value of the first that ended, or throws what that one threw.
/// Throws `invalid_argument` when `tasks` is empty.
template <class T>
task<any_result<T>> when_any(std::vector<task<T>> tasks) {
  detail::require_one(tasks.size());
  for (const auto& t : tasks) detail::task_access::require_coroutine(t, "when_any");
  const auto outer = co_await current_stop_token();
  detail::task_race race(outer);
  const std::stop_token token = race.token();
  std::vector<detail::runner> runners(tasks.size());
  auto start = [&](detail::finish_hook& latch, const std::stop_token*) noexcept {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      runners[i].join(race, i, latch);
      detail::start(tasks[i], runners[i], &token);
    }
  };
  detail::all_awaiter<decltype(start)> all(tasks.size(), start);
  co_await all;
  const std::size_t winner = race.winner();
  any_result<T> result{winner, detail::take_stored_result(tasks[winner])};
  co_return result;
}

/// Yields the index of the first completion that is done or failed; throws none of their failures. Throws
/// `invalid_argument` when there is none. The completions must outlive the task.
inline task<std::size_t> when_any(std::vector<const completion*> completions) {
  detail::require_one(completions.size());
  std::vector<detail::first_completion::entry> entries(completions.size());
  for (std::size_t i = 0; i < completions.size(); ++i) entries[i].of = completions[i];
  detail::first_completion first(entries);
  const std::size_t index = co_await first;
  co_return index;
}

/// As above, over one or more completions.
template <class... Cs>
  requires(sizeof...(Cs) > 0 && (std::is_same_v<Cs, completion> && ...))
task<std::size_t> when_any(const Cs&... completions) {
  std::array<detail::first_completion::entry, sizeof...(Cs)> entries;
  std::size_t i = 0;
  ((entries[i++].of = &completions), ...);
  detail::first_completion first(entries);
  const std::size_t index = co_await first;
  co_return index;
}

}  // namespace wherry
