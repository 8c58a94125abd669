#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/when_any.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::yield;

task<int> after_yields(int yields, int value) {
  for (int i = 0; i < yields; ++i) co_await yield();
  co_return value;
}

task<std::string> text_after(int yields, std::string text) {
  for (int i = 0; i < yields; ++i) co_await yield();
  co_return text;
}

task<int> throw_after(int yields) {
  for (int i = 0; i < yields; ++i) co_await yield();
  throw std::runtime_error("thrown");
}

// Ends only when asked to stop, some time after that.
task<int> until_stopped(bool* ended = nullptr) {
  const auto token = co_await current_stop_token();
  while (!token.stop_requested()) co_await yield();
  for (int i = 0; i < 5; ++i) co_await yield();
  if (ended != nullptr) *ended = true;
  co_return -1;
}

TEST(when_any, yields_the_first_to_end) {
  const auto first = sync_wait(when_any(after_yields(5, 1), text_after(2, "x"), after_yields(9, 2)));
  ASSERT_EQ(first.index(), 1u);
  EXPECT_EQ(std::get<1>(first), "x");
}

TEST(when_any, yields_index_and_value_for_a_vector) {
  std::vector<task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(after_yields(i == 3 ? 1 : 10, i * i));
  const auto first = sync_wait(when_any(std::move(tasks)));
  EXPECT_EQ(first.index, 3u);
  EXPECT_EQ(first.value, 9);
}

TEST(when_any, of_equals_the_first_argument_wins) {
  EXPECT_EQ(sync_wait(when_any(after_yields(0, 1), after_yields(0, 2))).index(), 0u);
}

TEST(when_any, asks_the_losers_to_stop_and_waits_for_their_end) {
  bool ended = false;
  const auto frames = frame_pool::live();
  const auto first = sync_wait(when_any(until_stopped(&ended), after_yields(2, 8)));
  EXPECT_EQ(first.index(), 1u);
  EXPECT_TRUE(ended);
  EXPECT_EQ(frame_pool::live(), frames);
}

TEST(when_any, throws_when_the_first_to_end_failed) {
  bool ended = false;
  EXPECT_THROW(sync_wait(when_any(until_stopped(&ended), throw_after(1))), std::runtime_error);
  EXPECT_TRUE(ended);
}

TEST(when_any, drops_the_failure_of_a_loser) {
  EXPECT_EQ(sync_wait(when_any(after_yields(0, 3), throw_after(2))).index(), 0u);
}

TEST(when_any, follows_the_stop_token_of_the_awaiting_task) {
  std::stop_source source;
  source.request_stop();
  bool ended = false;
  std::vector<task<int>> tasks;
  tasks.push_back(until_stopped(&ended));
  const auto first = sync_wait(with_stop_token(when_any(std::move(tasks)), source.get_token()));
  EXPECT_EQ(first.value, -1);
  EXPECT_TRUE(ended);
}

TEST(when_any, does_not_stop_the_awaiting_task) {
  struct local {
    static task<bool> run() {
      const auto first = co_await when_any(after_yields(0, 1), after_yields(1, 2));
      (void)first;
      const auto token = co_await current_stop_token();
      co_return token.stop_requested();
    }
  };
  std::stop_source source;
  EXPECT_FALSE(sync_wait(with_stop_token(local::run(), source.get_token())));
}

TEST(when_any, of_nothing_is_refused) {
  EXPECT_THROW(sync_wait(when_any(std::vector<task<int>>())), error);
  EXPECT_THROW(sync_wait(when_any(std::vector<const completion*>())), error);
}

task<void> await_or_leave(const completion& c) {
  const auto token = co_await current_stop_token();
  co_await until(c, token);
}

TEST(when_any, over_tasks_that_wait_for_completions_leaves_the_losers_pending) {
  completion slow;
  completion fast;
  std::thread other([&fast] { fast.complete(); });
  EXPECT_EQ(sync_wait(when_any(await_or_leave(slow), await_or_leave(fast))).index(), 1u);
  other.join();
  EXPECT_FALSE(slow.is_ready());
}

TEST(when_any, over_completions_yields_the_index_of_the_first) {
  completion a;
  completion b;
  completion c;
  std::thread other([&b] { b.complete(); });
  EXPECT_EQ(sync_wait(when_any(a, b, c)), 1u);
  other.join();
  EXPECT_FALSE(a.is_ready());
  a.complete();
  EXPECT_EQ(sync_wait(when_any(std::vector<const completion*>{&c, &a})), 1u);
}

TEST(when_any, over_completions_throws_no_stored_failure) {
  completion a;
  completion b;
  b.fail(make_failure(absl::StatusCode::kAborted, "broke"));
  EXPECT_EQ(sync_wait(when_any(a, b)), 1u);
}

TEST(when_any, over_completions_leaves_no_waiter_behind) {
  completion kept;
  for (int i = 0; i < 100; ++i) {
    completion other;
    std::thread t([&other] { other.complete(); });
    EXPECT_EQ(sync_wait(when_any(kept, other)), 1u);
    t.join();
  }
  kept.complete();  // would call into ended frames
  EXPECT_TRUE(kept.is_ready());
}

TEST(when_any, over_completions_that_race_resumes_once) {
  for (int round = 0; round < 300; ++round) {
    completion a;
    completion b;
    std::thread first([&a] { a.complete(); });
    std::thread second([&b] { b.complete(); });
    const auto index = sync_wait(when_any(a, b));
    EXPECT_TRUE(index == 0 ? a.is_ready() : b.is_ready());
    first.join();
    second.join();
  }
}

TEST(when_any, over_one_completion_twice_is_a_plain_wait) {
  completion a;
  std::thread t([&a] { a.complete(); });
  EXPECT_LT(sync_wait(when_any(a, a)), 2u);
  t.join();
}

}  // namespace
}  // namespace wherry
