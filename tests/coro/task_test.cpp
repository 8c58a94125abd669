#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::manual_scheduler;
using testing_support::yield;

task<int> number(int n) { co_return n; }

task<void> nothing() { co_return; }

task<int> throwing(std::string text) {
  if (!text.empty()) throw std::runtime_error(text);
  co_return 0;
}

task<int> keep(std::shared_ptr<int> p) { co_return *p; }

task<void> set(bool& flag) {
  flag = true;
  co_return;
}

TEST(task, does_nothing_until_awaited) {
  bool ran = false;
  auto t = set(ran);
  EXPECT_FALSE(ran);
  sync_wait(std::move(t));
  EXPECT_TRUE(ran);
}

TEST(task, a_task_that_was_never_awaited_frees_its_arguments) {
  const auto frames = frame_pool::live();
  const auto p = std::make_shared<int>(1);
  {
    const auto t = keep(p);
    EXPECT_EQ(p.use_count(), 2);
    EXPECT_EQ(frame_pool::live(), frames + 1);
  }
  EXPECT_EQ(p.use_count(), 1);
  EXPECT_EQ(frame_pool::live(), frames);
}

task<long> frames_after_await() {
  const auto before = frame_pool::live();
  auto t = number(1);
  const int value = co_await std::move(t);
  co_return frame_pool::live() - before + value;
}

TEST(task, an_awaited_task_is_freed_at_once) { EXPECT_EQ(sync_wait(frames_after_await()), 1); }

TEST(task, is_move_only_and_awaited_as_an_rvalue) {
  static_assert(!std::is_copy_constructible_v<task<int>>);
  static_assert(std::is_nothrow_move_constructible_v<task<int>>);
  auto awaitable_as = []<class A>(std::type_identity<A>) {
    return requires(A a) { static_cast<A>(a).operator co_await(); };
  };
  EXPECT_TRUE(awaitable_as(std::type_identity<task<int>&&>()));
  EXPECT_FALSE(awaitable_as(std::type_identity<task<int>&>()));
}

TEST(task, moving_leaves_an_empty_task) {
  auto a = number(3);
  auto b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_TRUE(b);
  a = std::move(b);
  EXPECT_EQ(sync_wait(std::move(a)), 3);
}

task<reason> await_empty() {
  task<int> empty;
  auto why = reason::none;
  try {
    const int n = co_await std::move(empty);
    (void)n;
  } catch (const error& e) {
    why = e.reason();
  }
  co_return why;
}

TEST(task, awaiting_an_empty_task_throws) { EXPECT_EQ(sync_wait(await_empty()), reason::moved_from); }

struct opaque {
  explicit opaque(int v) : value(std::make_unique<int>(v)) {}
  std::unique_ptr<int> value;  // neither copyable nor default constructible
};
task<opaque> make_opaque(int n) { co_return opaque(n); }
task<int&> refer(int& n) { co_return n; }
task<std::vector<int>> implicit_conversion() { co_return std::vector<int>(3, 1); }
task<std::exception_ptr> exception_as_value() { co_return std::make_exception_ptr(1); }

TEST(task, carries_values_of_any_kind) {
  EXPECT_EQ(*sync_wait(make_opaque(5)).value, 5);
  int n = 1;
  int& same = sync_wait(refer(n));
  EXPECT_EQ(&same, &n);
  EXPECT_EQ(sync_wait(implicit_conversion()).size(), 3u);
  EXPECT_TRUE(sync_wait(exception_as_value()));
  sync_wait(nothing());
}

task<std::string> catch_from(std::string text) {
  std::string caught;
  try {
    const int n = co_await throwing(text);
    caught = std::to_string(n);
  } catch (const std::runtime_error& e) {
    caught = e.what();
  }
  co_return caught;
}

TEST(task, exceptions_reach_the_one_who_awaits) {
  EXPECT_EQ(sync_wait(catch_from("x")), "x");
  EXPECT_EQ(sync_wait(catch_from("")), "0");
  EXPECT_THROW(sync_wait(throwing("y")), std::runtime_error);
}

struct throws_when_copied {
  throws_when_copied() = default;
  throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copied"); }
};
task<void> take_copy(throws_when_copied) { co_return; }

TEST(task, a_parameter_that_cannot_be_copied_throws_from_the_call) {
  const auto frames = frame_pool::live();
  const throws_when_copied original;
  EXPECT_THROW((void)take_copy(original), std::runtime_error);
  EXPECT_EQ(frame_pool::live(), frames);
}

// Constant stack. 8 MiB of stack hold a million awaits only if each leaves nothing behind.
task<long> sum_of_ready(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    const int n = co_await number(1);
    sum += n;
  }
  co_return sum;
}

TEST(task, a_million_awaits_that_complete_at_once_use_constant_stack) {
  EXPECT_EQ(sync_wait(sum_of_ready(1'000'000)), 1'000'000);
}

#if !WHERRY_SYMMETRIC_TRANSFER
task<long> nested(int depth) {
  if (depth == 0) {
    co_await yield();
    co_return 0;
  }
  const long below = co_await nested(depth - 1);
  co_return below + 1;
}

TEST(task, deep_chains_start_and_unwind_in_constant_stack) { EXPECT_EQ(sync_wait(nested(100'000)), 100'000); }

task<long> nested_throw(int depth) {
  if (depth == 0) throw std::runtime_error("bottom");
  const long below = co_await nested_throw(depth - 1);
  co_return below + 1;
}

TEST(task, an_exception_passes_through_a_deep_chain) {
  EXPECT_THROW(sync_wait(nested_throw(10'000)), std::runtime_error);
}
#endif

task<int> yield_then(int n) {
  co_await yield();
  co_return n;
}

task<int> two_yields() {
  const int a = co_await yield_then(1);
  const int b = co_await yield_then(2);
  co_return a * 10 + b;
}

TEST(task, goes_on_on_the_scheduler_it_suspended_on) {
  manual_scheduler s;
  auto t = two_yields();
  struct end : detail::finish_hook {
    bool reached = false;
  } hook;
  hook.call = [](detail::finish_hook& h) noexcept { static_cast<end&>(h).reached = true; };
  {
    const scheduler_scope scope(s);
    detail::start(t, hook);
  }
  EXPECT_FALSE(hook.reached);
  EXPECT_EQ(s.size(), 1u);
  s.run_all();
  EXPECT_TRUE(hook.reached);
  EXPECT_EQ(detail::take_result(t), 12);
}

task<bool> stop_requested() {
  const auto token = co_await current_stop_token();
  co_return token.stop_requested();
}

task<bool> stop_possible() {
  const auto token = co_await current_stop_token();
  co_return token.stop_possible();
}

task<bool> stop_requested_below() {
  const bool below = co_await stop_requested();
  co_return below;
}

task<bool> replaced_below(std::stop_token token) {
  const bool below = co_await with_stop_token(stop_requested(), token);
  co_return below;
}

TEST(task, without_a_token_stop_is_not_possible) { EXPECT_FALSE(sync_wait(stop_possible())); }

TEST(task, a_child_sees_the_token_of_its_parent) {
  std::stop_source source;
  EXPECT_FALSE(sync_wait(with_stop_token(stop_requested_below(), source.get_token())));
  source.request_stop();
  EXPECT_TRUE(sync_wait(with_stop_token(stop_requested_below(), source.get_token())));
}

TEST(task, a_token_of_its_own_hides_the_parents) {
  std::stop_source outer;
  std::stop_source inner;
  outer.request_stop();
  EXPECT_FALSE(sync_wait(with_stop_token(replaced_below(inner.get_token()), outer.get_token())));
  inner.request_stop();
  EXPECT_TRUE(sync_wait(replaced_below(inner.get_token())));
}

TEST(task_death, destroying_a_task_that_runs_is_a_broken_rule) {
  EXPECT_DEATH(
      {
        manual_scheduler s;
        const scheduler_scope scope(s);
        detail::finish_hook hook;
        auto t = yield_then(1);
        detail::start(t, hook);
      },
      "broken rule: task_ends_first");
}

}  // namespace
}  // namespace wherry
