#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/coro/scope.hpp>
#include <wherry/coro/sync_wait.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::manual_scheduler;
using testing_support::yield;

task<void> add_after(int yields, int& sum, int value) {
  for (int i = 0; i < yields; ++i) co_await yield();
  sum += value;
}

task<void> throw_after(int yields, std::string text) {
  for (int i = 0; i < yields; ++i) co_await yield();
  throw std::runtime_error(text);
}

task<void> until_stopped(bool& stopped) {
  const auto token = co_await current_stop_token();
  while (!token.stop_requested()) co_await yield();
  stopped = true;
}

task<int> spawn_many(int count) {
  scope s;
  int sum = 0;
  for (int i = 0; i < count; ++i) s.spawn(add_after(i % 5, sum, 1));
  co_await s.join();
  co_return sum;
}

TEST(scope, join_waits_for_every_task_and_frees_it) {
  const auto frames = frame_pool::live();
  EXPECT_EQ(sync_wait(spawn_many(100)), 100);
  EXPECT_EQ(sync_wait(spawn_many(0)), 0);
  EXPECT_EQ(frame_pool::live(), frames);
}

task<void> start_and_look(std::vector<std::size_t>& sizes) {
  scope s;
  int sum = 0;
  s.spawn(add_after(0, sum, 1));
  sizes.push_back(static_cast<std::size_t>(sum));
  sizes.push_back(s.size());
  s.spawn(add_after(1, sum, 1));
  sizes.push_back(s.size());
  co_await s.join();
  sizes.push_back(s.size());
}

TEST(scope, spawn_starts_the_task_at_once) {
  std::vector<std::size_t> sizes;
  sync_wait(start_and_look(sizes));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 0, 1, 0}));
}

task<void> fail_twice(int& sum) {
  scope s;
  s.spawn(throw_after(3, "late"));
  s.spawn(throw_after(1, "early"));
  s.spawn(add_after(6, sum, 1));
  co_await s.join();
}

TEST(scope, join_throws_the_first_failure_after_all_have_ended) {
  int sum = 0;
  try {
    sync_wait(fail_twice(sum));
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "early");
  }
  EXPECT_EQ(sum, 1);
}

task<int> use_twice() {
  scope s;
  int sum = 0;
  s.spawn(throw_after(0, "once"));
  bool thrown = false;
  try {
    co_await s.join();
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  s.spawn(add_after(2, sum, thrown ? 5 : 0));
  co_await s.join();
  co_return sum;
}

TEST(scope, may_be_used_again_after_join) { EXPECT_EQ(sync_wait(use_twice()), 5); }

task<void> spawn_from_inside(scope& s, int depth, int& count) {
  ++count;
  co_await yield();
  if (depth > 0) {
    s.spawn(spawn_from_inside(s, depth - 1, count));
    s.spawn(spawn_from_inside(s, depth - 1, count));
  }
}

task<int> tree(int depth) {
  scope s;
  int count = 0;
  s.spawn(spawn_from_inside(s, depth, count));
  co_await s.join();
  co_return count;
}

TEST(scope, tasks_may_spawn_into_their_scope) { EXPECT_EQ(sync_wait(tree(6)), 127); }

task<bool> stop_and_join() {
  scope s;
  bool stopped = false;
  s.spawn(until_stopped(stopped));
  s.request_stop();
  co_await s.join();
  co_return stopped;
}

TEST(scope, request_stop_reaches_its_tasks) { EXPECT_TRUE(sync_wait(stop_and_join())); }

task<bool> stop_from_outside(std::stop_token token) {
  scope s(token);
  bool stopped = false;
  s.spawn(until_stopped(stopped));
  co_await s.join();
  co_return stopped;
}

TEST(scope, follows_an_outer_token) {
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(sync_wait(stop_from_outside(source.get_token())));
}

task<void> await(const completion& c) { co_await c; }

task<void> spawn_waiters(const completion& a, const completion& b) {
  scope s;
  s.spawn(await(a));
  s.spawn(await(b));
  co_await s.join();
}

TEST(scope, waits_for_completions_of_other_threads) {
  for (int round = 0; round < 50; ++round) {
    completion a;
    completion b;
    std::thread first([&a] { a.complete(); });
    std::thread second([&b] { b.complete(); });
    sync_wait(spawn_waiters(a, b));
    EXPECT_TRUE(a.is_ready() && b.is_ready());
    first.join();
    second.join();
  }
}

TEST(scope, refuses_an_empty_task) {
  scope s;
  EXPECT_THROW(s.spawn(task<void>()), error);
  EXPECT_EQ(s.size(), 0u);
}

TEST(scope, a_failure_that_nobody_joins_is_logged) {
  std::vector<std::string> lines;
  set_log_sink([&lines](log_level, std::string_view text) { lines.emplace_back(text); });
  {
    scope s;
    s.spawn(throw_after(0, "lost"));
  }
  set_log_sink({});
  EXPECT_EQ(lines.size(), 1u);
}

TEST(scope_death, destroying_it_while_tasks_run_is_a_broken_rule) {
  EXPECT_DEATH(
      {
        manual_scheduler loop;
        const scheduler_scope running(loop);
        int sum = 0;
        scope s;
        s.spawn(add_after(1, sum, 1));
      },
      "broken rule: scope_joins_first");
}

task<void> fill(scope& s, int& sum) {
  s.spawn(add_after(2, sum, 1));
  s.spawn(add_after(4, sum, 2));
  co_return;
}

task<void> spawn_and_throw(scope& s, bool& stopped) {
  s.spawn(until_stopped(stopped));
  co_await yield();
  throw std::runtime_error("body");
}

TEST(with_scope, joins_what_the_body_spawned) {
  int sum = 0;
  sync_wait(with_scope(fill, std::ref(sum)));
  EXPECT_EQ(sum, 3);
}

TEST(with_scope, stops_and_joins_when_the_body_throws) {
  bool stopped = false;
  try {
    sync_wait(with_scope(spawn_and_throw, std::ref(stopped)));
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "body");
  }
  EXPECT_TRUE(stopped);
}

TEST(with_scope, arguments_live_until_the_tasks_have_ended) {
  struct local {
    static task<void> body(scope& s, std::shared_ptr<int>& p) {
      s.spawn(add_after(3, *p, 5));
      co_return;
    }
  };
  auto p = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = p;
  int* const raw = p.get();
  auto t = with_scope(local::body, std::move(p));
  EXPECT_EQ(*raw, 1);
  sync_wait(std::move(t));
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace wherry
