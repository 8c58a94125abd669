#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <wherry/coro/as_status.hpp>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/scope.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::yield;

task<int> number(int n) {
  co_await yield();
  co_return n;
}
task<int> fail_with(reason why) {
  co_await yield();
  throw error(absl::StatusCode::kUnavailable, "gone", why, ticket(2, 3));
}
task<void> throw_other() {
  co_await yield();
  throw std::runtime_error("odd");
}
task<std::unique_ptr<int>> boxed() { co_return std::make_unique<int>(6); }

task<absl::StatusOr<int>> status_of_value(int n) {
  const auto result = co_await as_status(number(n));
  static_assert(std::is_same_v<decltype(result), const absl::StatusOr<int>>);
  co_return result;
}

task<absl::StatusOr<int>> status_of_failure(reason why) {
  auto t = fail_with(why);
  const auto result = co_await as_status(std::move(t));
  co_return result;
}

task<absl::Status> status_of_void() {
  const auto result = co_await as_status(throw_other());
  static_assert(std::is_same_v<decltype(result), const absl::Status>);
  co_return result;
}

task<absl::Status> status_of_completion(const completion& c) {
  const auto result = co_await as_status(c);
  co_return result;
}

task<absl::Status> status_of_until(const completion& c, std::stop_token token) {
  const auto result = co_await as_status(until(c, token));
  co_return result;
}

task<absl::Status> status_of_join() {
  scope s;
  s.spawn(throw_other());
  const auto result = co_await as_status(s.join());
  co_return result;
}

TEST(as_status, a_value_is_ok) {
  const auto result = sync_wait(status_of_value(4));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, 4);
}

TEST(as_status, an_error_keeps_code_message_reason_and_ticket) {
  const auto result = sync_wait(status_of_failure(reason::device_lost));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::string(result.status().message()), "gone");
  EXPECT_EQ(reason_of(result.status()), reason::device_lost);
  EXPECT_EQ(ticket_of(result.status()), ticket(2, 3));
}

TEST(as_status, other_exceptions_are_internal) {
  const auto status = sync_wait(status_of_void());
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(std::string(status.message()), "odd");
}

task<int> take_boxed() {
  auto result = co_await as_status(boxed());
  co_return **result;
}

TEST(as_status, values_may_be_move_only) { EXPECT_EQ(sync_wait(take_boxed()), 6); }

TEST(as_status, awaits_completions_of_other_threads) {
  completion done;
  completion failed;
  std::thread other([&] {
    done.complete();
    failed.fail(make_failure(absl::StatusCode::kAborted, "broke"));
  });
  EXPECT_TRUE(sync_wait(status_of_completion(done)).ok());
  EXPECT_EQ(sync_wait(status_of_completion(failed)).code(), absl::StatusCode::kAborted);
  other.join();
}

TEST(as_status, awaits_what_cannot_be_moved) {
  completion c;
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(sync_wait(status_of_until(c, source.get_token())).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(sync_wait(status_of_join()).code(), absl::StatusCode::kInternal);
}

TEST(as_status, what_suspending_throws_is_a_status_too) {
  completion c;
  auto t = status_of_completion(c);
  detail::finish_hook hook;
  hook.call = [](detail::finish_hook&) noexcept {};
  detail::start(t, hook);  // on a thread without scheduler
  EXPECT_EQ(reason_of(detail::take_result(t)), reason::wrong_thread);
  c.complete();
}

}  // namespace
}  // namespace wherry
