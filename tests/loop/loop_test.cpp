#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/resume_on.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

using namespace std::chrono_literals;

struct noted_work : work {
  std::vector<int>* order = nullptr;
  int number = 0;
};

void note(work& w) noexcept {
  auto& self = static_cast<noted_work&>(w);
  self.order->push_back(self.number);
}

TEST_P(loop_suite, posted_work_runs_in_the_order_of_posting) {
  std::vector<int> order;
  std::vector<noted_work> items(100);
  for (int i = 0; i != 100; ++i) {
    items[i].order = &order;
    items[i].number = i;
    items[i].run = &note;
    here().post(items[i]);
  }
  EXPECT_TRUE(order.empty());  // later, not inside `post`
  here().run_until([&] { return order.size() == 100; });
  for (int i = 0; i != 100; ++i) EXPECT_EQ(order[i], i);
}

TEST_P(loop_suite, work_from_other_threads_wakes_a_sleeping_loop) {
  constexpr int threads = 3;
  constexpr int each = 2'000;
  std::vector<std::vector<noted_work>> items(threads, std::vector<noted_work>(each));
  std::vector<std::vector<int>> orders(threads);
  std::vector<std::thread> posters;
  for (int t = 0; t != threads; ++t) {
    orders[t].reserve(each);
    posters.emplace_back([&, t] {
      for (int i = 0; i != each; ++i) {
        items[t][i].order = &orders[t];
        items[t][i].number = i;
        items[t][i].run = &note;
        here().post(items[t][i]);
        if (i % 100 == 0) std::this_thread::sleep_for(100us);  // lets the loop fall asleep
      }
    });
  }
  here().run_until([&] {
    for (const auto& order : orders) {
      if (order.size() != each) return false;
    }
    return true;
  });
  for (std::thread& t : posters) t.join();
  for (const auto& order : orders) {
    for (int i = 0; i != each; ++i) ASSERT_EQ(order[i], i);
  }
}

// The poster may still be inside `post` when its work has run and the loop ends.
TEST_P(loop_suite, a_loop_may_end_as_soon_as_the_last_posted_work_has_run) {
  for (int round = 0; round != 50; ++round) {
    auto short_lived = std::make_unique<loop>(GetParam().options);
    std::vector<int> order;
    noted_work item;
    item.order = &order;
    item.run = &note;
    std::thread poster([&] { short_lived->post(item); });
    short_lived->run_until([&] { return !order.empty(); });
    short_lived.reset();
    poster.join();
  }
}

task<int> count_nops(loop& where, int n) {
  int done = 0;
  for (int i = 0; i != n; ++i) {
    co_await nop(where);
    ++done;
  }
  co_return done;
}

TEST_P(loop_suite, operations_complete_one_after_the_other) {
  EXPECT_EQ(sync_wait(here(), count_nops(here(), 1000)), 1000);
  EXPECT_EQ(here().in_flight(), 0u);
}

task<int> count_nops_together(loop& where, int tasks, int each) {
  std::vector<task<int>> all;
  for (int i = 0; i != tasks; ++i) all.push_back(count_nops(where, each));
  const std::vector<int> counts = co_await when_all(std::move(all));
  int sum = 0;
  for (const int c : counts) sum += c;
  co_return sum;
}

// 3000 at once are more than any queue of the ring holds.
TEST_P(loop_suite, more_operations_than_the_queues_hold_all_complete) {
  EXPECT_EQ(sync_wait(here(), count_nops_together(here(), 3000, 3)), 9000);
}

task<void> sleep_and_note(loop& where, std::chrono::nanoseconds duration, int number,
                          std::vector<int>& order) {
  co_await sleep_for(where, duration);
  order.push_back(number);
}

task<void> sleep_together(loop& where, std::vector<int>& order) {
  std::vector<task<void>> all;
  for (const int i : {5, 3, 1, 4, 2}) all.push_back(sleep_and_note(where, i * 10ms, i, order));
  co_await when_all(std::move(all));
}

TEST_P(loop_suite, timers_end_in_the_order_of_their_deadlines_and_not_early) {
  std::vector<int> order;
  const auto begin = here().now();
  sync_wait(here(), sleep_together(here(), order));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_GE(here().now() - begin, 50ms);
}

TEST_P(loop_suite, a_timer_of_the_past_ends_at_once) {
  std::vector<int> order;
  sync_wait(here(), sleep_and_note(here(), -1h, 1, order));
  EXPECT_EQ(order.size(), 1u);
}

task<void> yield_until(loop& where, const bool& stop, int& turns) {
  while (!stop) {
    co_await resume_on(where);
    ++turns;
  }
}

task<void> sleep_then_set(loop& where, bool& stop) {
  co_await nop(where);
  co_await sleep_for(where, 2ms);
  stop = true;
}

task<void> yield_beside_a_timer(loop& where, int& turns) {
  bool stop = false;
  std::vector<task<void>> both;
  both.push_back(sleep_then_set(where, stop));
  both.push_back(yield_until(where, stop, turns));
  co_await when_all(std::move(both));
}

TEST_P(loop_suite, a_busy_task_does_not_starve_timers_and_operations) {
  int turns = 0;
  sync_wait(here(), yield_beside_a_timer(here(), turns));
  EXPECT_GT(turns, 1);
}

task<void> run_the_loop_inside(loop& where) {
  where.run_until([] { return true; });
  co_return;
}

TEST_P(loop_suite, running_a_loop_from_its_own_work_says_deadlock) {
  try {
    sync_wait(here(), run_the_loop_inside(here()));
    FAIL() << "no error";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
    EXPECT_NE(std::string(e.what()).find("run_until"), std::string::npos) << e.what();
  }
}

TEST_P(loop_suite, running_a_loop_from_a_foreign_thread_says_wrong_thread) {
  reason seen = reason::none;
  std::thread foreign([&] {
    try {
      here().run_until([] { return true; });
    } catch (const error& e) {
      seen = e.reason();
    }
  });
  foreign.join();
  EXPECT_EQ(seen, reason::wrong_thread);
}

task<void> await_nop(loop& where) { co_await nop(where); }

TEST_P(loop_suite, an_operation_awaited_off_its_loop_says_wrong_thread) {
  try {
    sync_wait(await_nop(here()));  // the plain sync_wait: nobody runs the loop
    FAIL() << "no error";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::wrong_thread);
  }
  EXPECT_EQ(here().in_flight(), 0u);
}

TEST_P(loop_suite, several_loops_of_one_thread_run_independently) {
  loop other(GetParam().options);
  EXPECT_EQ(sync_wait(other, count_nops(other, 10)), 10);
  EXPECT_EQ(sync_wait(here(), count_nops(here(), 10)), 10);
  EXPECT_EQ(sync_wait(other, count_nops(other, 10)), 10);
}

WHERRY_ON_EVERY_BACKEND(loop_suite);

TEST(loop, the_variable_wherry_loop_forces_a_backend) {
  ::setenv("WHERRY_LOOP", "poll", 1);
  EXPECT_EQ(loop().backend_name(), "poll");
  ::setenv("WHERRY_LOOP", "epoll", 1);
  try {
    loop refused;
    ADD_FAILURE() << "no error";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("'epoll'"), std::string::npos) << e.what();
  }
  ::unsetenv("WHERRY_LOOP");
}

TEST(loop, an_explicit_backend_wins_over_the_variable) {
  ::setenv("WHERRY_LOOP", "uring", 1);
  const loop_options options{.backend = loop_options::kind::poll};
  EXPECT_EQ(loop(options).backend_name(), "poll");
  ::unsetenv("WHERRY_LOOP");
}

}  // namespace
}  // namespace wherry
