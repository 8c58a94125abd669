#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/when_all.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::yield;

task<int> after_yields(int yields, int value, std::vector<int>* order = nullptr) {
  for (int i = 0; i < yields; ++i) co_await yield();
  if (order != nullptr) order->push_back(value);
  co_return value;
}

task<void> throw_after(int yields, std::string text) {
  for (int i = 0; i < yields; ++i) co_await yield();
  throw std::runtime_error(text);
}

task<void> await(const completion& c) { co_await c; }

task<std::string> text(std::string s) { co_return s; }

TEST(when_all, yields_the_values_of_a_pack_in_order) {
  std::vector<int> order;
  const auto [a, b, c] =
      sync_wait(when_all(after_yields(3, 1, &order), text("x"), after_yields(1, 2, &order)));
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, "x");
  EXPECT_EQ(c, 2);
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

TEST(when_all, yields_the_values_of_a_vector_in_order) {
  std::vector<task<int>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(after_yields(10 - i, i));
  EXPECT_EQ(sync_wait(when_all(std::move(tasks))), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(when_all, void_tasks_yield_nothing_or_monostate) {
  std::vector<task<void>> tasks;
  completion c;
  c.complete();
  tasks.push_back(await(c));
  sync_wait(when_all(std::move(tasks)));
  const std::tuple<std::monostate, int> both = sync_wait(when_all(await(c), after_yields(0, 4)));
  EXPECT_EQ(std::get<1>(both), 4);
}

TEST(when_all, of_nothing_is_done) {
  EXPECT_TRUE(sync_wait(when_all(std::vector<task<int>>())).empty());
  EXPECT_EQ(sync_wait(when_all()), std::tuple<>());
}

TEST(when_all, starts_all_before_any_goes_on) {
  std::vector<int> order;
  struct local {
    static task<void> note(std::vector<int>& order, int id) {
      order.push_back(id);
      co_await yield();
      order.push_back(id);
    }
  };
  sync_wait(when_all(local::note(order, 1), local::note(order, 2), local::note(order, 3)));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 1, 2, 3}));
}

TEST(when_all, waits_for_the_rest_when_one_fails) {
  std::vector<int> order;
  EXPECT_THROW(sync_wait(when_all(throw_after(0, "x"), after_yields(5, 7, &order))), std::runtime_error);
  EXPECT_EQ(order, std::vector<int>{7});
}

TEST(when_all, throws_the_failure_of_the_first_argument_whatever_the_timing) {
  try {
    sync_wait(when_all(throw_after(4, "first"), throw_after(0, "second")));
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "first");
  }
  std::vector<task<void>> tasks;
  tasks.push_back(throw_after(2, "first"));
  tasks.push_back(throw_after(1, "second"));
  try {
    sync_wait(when_all(std::move(tasks)));
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "first");
  }
}

TEST(when_all, an_empty_task_is_refused_before_any_starts) {
  std::vector<int> order;
  EXPECT_THROW(sync_wait(when_all(after_yields(0, 1, &order), task<int>())), error);
  EXPECT_TRUE(order.empty());
}

task<bool> is_stopped() {
  const auto token = co_await current_stop_token();
  co_return token.stop_requested();
}

TEST(when_all, passes_the_stop_token_on) {
  std::stop_source source;
  source.request_stop();
  const auto [a, b] = sync_wait(with_stop_token(when_all(is_stopped(), is_stopped()), source.get_token()));
  EXPECT_TRUE(a);
  EXPECT_TRUE(b);
}

TEST(when_all, waits_for_completions_from_several_threads) {
  for (int round = 0; round < 50; ++round) {
    completion a;
    completion b;
    std::thread first([&a] { a.complete(); });
    std::thread second([&b] { b.complete(); });
    sync_wait(when_all(await(a), await(b), await(a)));
    EXPECT_TRUE(a.is_ready() && b.is_ready());
    first.join();
    second.join();
  }
}

TEST(when_all, nests_and_frees_every_frame) {
  const auto frames = frame_pool::live();
  const auto [inner, last] =
      sync_wait(when_all(when_all(after_yields(2, 1), after_yields(1, 2)), after_yields(0, 3)));
  EXPECT_EQ(inner, std::make_tuple(1, 2));
  EXPECT_EQ(last, 3);
  EXPECT_EQ(frame_pool::live(), frames);
}

task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }

TEST(when_all, values_may_be_move_only) {
  auto [a, b] = sync_wait(when_all(boxed(1), boxed(2)));
  EXPECT_EQ(*a + *b, 3);
}

task<long> many_rounds(int rounds) {
  long sum = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto pair = co_await when_all(after_yields(0, 1), after_yields(0, 2));
    sum += std::get<0>(pair) + std::get<1>(pair);
  }
  co_return sum;
}

TEST(when_all, rounds_that_complete_at_once_use_constant_stack) {
  EXPECT_EQ(sync_wait(many_rounds(100'000)), 300'000);
}

}  // namespace
}  // namespace wherry
