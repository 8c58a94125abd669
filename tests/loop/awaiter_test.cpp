#include <gtest/gtest.h>

#include <array>
#include <coroutine>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/loop/awaiter.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop_thread.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

using namespace std::chrono_literals;

class awaiter_suite : public loop_suite {};

task<void> sleep_long(loop& where, std::stop_token token) {
  co_await sleep_for(where, 1000h, std::move(token));
}
task<void> sleep_with_the_tasks_token(loop& where) { co_await sleep_for(where, 1000h); }
task<void> read_for_ever(loop& where, int fd, std::stop_token token) {
  std::array<std::byte, 8> some;
  const std::span<std::byte> into = some;
  co_await read(where, fd, into, operation::current_position, std::move(token));
}
task<void> poll_for_ever(loop& where, int fd, std::stop_token token) {
  co_await poll(where, fd, POLLIN, std::move(token));
}

task<void> stop_after_a_moment(loop& where, std::stop_source& stop) {
  co_await sleep_for(where, 1ms);
  stop.request_stop();
}

task<void> together(task<void> a, task<void> b) {
  std::vector<task<void>> both;
  both.push_back(std::move(a));
  both.push_back(std::move(b));
  co_await when_all(std::move(both));
}

template <class T>
void expect_cancelled(loop& where, task<T> t, std::string_view message) {
  try {
    sync_wait(where, std::move(t));
    ADD_FAILURE() << "no error";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(e.reason(), reason::cancelled);
    EXPECT_EQ(e.what(), message);
  }
  EXPECT_EQ(where.in_flight(), 0u);
}

TEST_P(awaiter_suite, a_stop_ends_a_timer) {
  std::stop_source stop;
  expect_cancelled(here(), together(sleep_long(here(), stop.get_token()), stop_after_a_moment(here(), stop)),
                   "sleep: cancelled");
}

TEST_P(awaiter_suite, a_stop_ends_a_read_and_a_poll) {
  const test_pipe p;
  const std::string of = " of file descriptor " + std::to_string(p.out()) + ": cancelled";
  std::stop_source stop;
  expect_cancelled(
      here(), together(read_for_ever(here(), p.out(), stop.get_token()), stop_after_a_moment(here(), stop)),
      "read" + of);
  stop = {};
  expect_cancelled(
      here(), together(poll_for_ever(here(), p.out(), stop.get_token()), stop_after_a_moment(here(), stop)),
      "poll" + of);
}

TEST_P(awaiter_suite, a_stop_that_was_requested_before_ends_the_operation_too) {
  const test_pipe p;
  std::stop_source stop;
  stop.request_stop();
  expect_cancelled(here(), sleep_long(here(), stop.get_token()), "sleep: cancelled");
  expect_cancelled(here(), read_for_ever(here(), p.out(), stop.get_token()),
                   "read of file descriptor " + std::to_string(p.out()) + ": cancelled");
}

TEST_P(awaiter_suite, an_operation_sees_the_token_of_the_awaiting_task) {
  std::stop_source stop;
  task<void> sleeping = with_stop_token(sleep_with_the_tasks_token(here()), stop.get_token());
  expect_cancelled(here(), together(std::move(sleeping), stop_after_a_moment(here(), stop)),
                   "sleep: cancelled");
}

TEST_P(awaiter_suite, a_stop_from_another_thread_ends_the_operation) {
  const test_pipe p;
  for (int round = 0; round != 20; ++round) {
    std::stop_source stop;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
      stop.request_stop();
    });
    expect_cancelled(here(), read_for_ever(here(), p.out(), stop.get_token()),
                     "read of file descriptor " + std::to_string(p.out()) + ": cancelled");
    stopper.join();
  }
}

task<int> race_short_sleeps(loop& where, std::stop_token token, int n) {
  int cancelled = 0;
  for (int i = 0; i != n; ++i) {
    bool ended = true;
    try {
      co_await sleep_for(where, 1us, token);
    } catch (const error& e) {
      ended = e.reason() != reason::cancelled;
    }
    cancelled += ended ? 0 : 1;
  }
  co_return cancelled;
}

// The request comes before, during and after the end of an operation; each ends exactly once all the same.
TEST_P(awaiter_suite, a_stop_may_race_the_end_of_an_operation) {
  constexpr int sleeps = 50;
  for (int round = 0; round != 100; ++round) {
    std::stop_source stop;
    std::atomic<bool> begun = false;
    std::thread stopper([&] {
      while (!begun) std::this_thread::yield();
      for (int i = 0; i < round; ++i) std::this_thread::yield();
      stop.request_stop();
    });
    begun = true;
    const int cancelled = sync_wait(here(), race_short_sleeps(here(), stop.get_token(), sleeps));
    stopper.join();
    EXPECT_LE(cancelled, sleeps);
    EXPECT_EQ(here().in_flight(), 0u);
  }
}

/// A coroutine whose owner may destroy it while it is suspended, which a task's may not.
struct abandonable {
  struct promise_type {
    abandonable get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

abandonable read_into(loop& where, int fd, std::span<std::byte> into, bool& resumed) {
  co_await read(where, fd, into, operation::current_position);
  resumed = true;
}
abandonable sleep_then(loop& where, std::chrono::nanoseconds duration, bool& resumed) {
  co_await sleep_for(where, duration);
  resumed = true;
}
abandonable open_then(loop& where, std::string path, bool& resumed) {
  const file f = co_await open(where, std::move(path));
  resumed = true;
}

task<void> destroy_in_flight(loop& where, const test_pipe& p, bool& resumed) {
  auto memory = std::make_unique<std::array<std::byte, 64>>();
  abandonable reading = read_into(where, p.out(), *memory, resumed);
  abandonable sleeping = sleep_then(where, 1000h, resumed);
  abandonable opening = open_then(where, "/dev/null", resumed);
  co_await nop(where);  // they are with the kernel now
  reading.handle.destroy();
  memory.reset();  // nothing writes there any more
  sleeping.handle.destroy();
  opening.handle.destroy();  // in flight, ready or done: all are legal
  EXPECT_EQ(::write(p.in(), "late", 4), 4);
  co_await sleep_for(where, 1ms);
  resumed = false;
}

TEST_P(awaiter_suite, destroying_a_coroutine_takes_its_operation_back) {
  const test_pipe p;
  bool resumed = false;
  sync_wait(here(), destroy_in_flight(here(), p, resumed));
  EXPECT_EQ(here().in_flight(), 0u);
  char text[4];
  EXPECT_EQ(::read(p.out(), text, 4), 4);  // no read of ours took it
}

task<void> destroy_when_completed(loop& where, bool& resumed) {
  std::vector<abandonable> all;
  for (int i = 0; i != 3; ++i) all.push_back(sleep_then(where, 0ns, resumed));
  // All four timers end in one turn; the first to resume destroys the others, which are ready.
  co_await sleep_for(where, -1s);
  for (const abandonable& a : all) a.handle.destroy();
  co_await sleep_for(where, 1ms);
}

TEST_P(awaiter_suite, destroying_a_coroutine_that_is_ready_keeps_it_from_resuming) {
  bool resumed = false;
  sync_wait(here(), destroy_when_completed(here(), resumed));
  EXPECT_FALSE(resumed);
  EXPECT_EQ(here().in_flight(), 0u);
}

task<void> note_cancelled(loop& where, int fd, bool& cancelled) {
  std::array<std::byte, 8> some;
  const std::span<std::byte> into = some;
  try {
    co_await read(where, fd, into, operation::current_position);
  } catch (const error& e) {
    cancelled = e.reason() == reason::cancelled;
  }
}

TEST_P(awaiter_suite, the_end_of_a_loop_cancels_what_is_in_flight) {
  const test_pipe p;
  bool read_cancelled = false;
  task<void> reading = note_cancelled(here(), p.out(), read_cancelled);
  detail::finish_hook ended;
  ended.call = [](detail::finish_hook&) noexcept {};
  {
    const scheduler_scope scope(here());
    detail::start(reading, ended);
  }
  EXPECT_EQ(here().in_flight(), 1u);
  own_.reset();
  EXPECT_TRUE(read_cancelled);
}

WHERRY_ON_EVERY_BACKEND(awaiter_suite);

}  // namespace
}  // namespace wherry
