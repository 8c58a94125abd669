#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::manual_scheduler;
using namespace std::chrono_literals;

failure some_failure() {
  return make_failure(absl::StatusCode::kAborted, "broke", reason::none, ticket(1, 2));
}

TEST(completion, begins_pending) {
  const completion c;
  EXPECT_FALSE(c.is_ready());
  EXPECT_FALSE(c.has_failed());
  EXPECT_EQ(c.why(), nullptr);
}

TEST(completion, is_done_for_ever) {
  completion c;
  c.complete();
  EXPECT_TRUE(c.is_ready());
  EXPECT_FALSE(c.has_failed());
  EXPECT_EQ(c.why(), nullptr);
  c.wait();
  c.wait();
}

TEST(completion, a_failure_is_ready_and_kept) {
  completion c;
  const failure f = some_failure();
  c.fail(f);
  EXPECT_TRUE(c.is_ready());
  EXPECT_TRUE(c.has_failed());
  EXPECT_EQ(c.why(), f);
  EXPECT_NO_THROW(c.wait());
}

TEST(completion_death, a_second_completion_is_a_broken_rule) {
  completion c;
  c.complete();
  EXPECT_DEATH(c.complete(), "broken rule: already_completed");
  EXPECT_DEATH(c.fail(some_failure()), "broken rule: already_completed");
  completion d;
  d.fail(some_failure());
  EXPECT_DEATH(d.complete(), "broken rule: already_completed");
  completion e;
  EXPECT_DEATH(e.fail(nullptr), "broken rule: fail");
}

TEST(completion_death, dying_with_a_waiter_is_a_broken_rule) {
  EXPECT_DEATH(
      {
        completion::waiter w;
        const completion c;
        c.add(w);
      },
      "broken rule: waiters_leave_first");
}

struct counted : completion::waiter {
  explicit counted(std::vector<int>& order, int id) : order(order), id(id) {
    notify = [](completion::waiter& w) noexcept {
      auto& self = static_cast<counted&>(w);
      self.order.push_back(self.id);
    };
  }
  std::vector<int>& order;
  int id;
};

TEST(completion, notifies_waiters_once_in_the_order_of_registration) {
  std::vector<int> order;
  counted a(order, 1), b(order, 2), d(order, 3);
  completion c;
  EXPECT_TRUE(c.add(a));
  EXPECT_TRUE(c.add(b));
  EXPECT_TRUE(c.add(d));
  c.complete();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(completion, a_waiter_that_comes_late_is_turned_away) {
  std::vector<int> order;
  counted a(order, 1);
  completion c;
  c.complete();
  EXPECT_FALSE(c.add(a));
  EXPECT_TRUE(order.empty());
}

TEST(completion, removed_waiters_are_not_notified_wherever_they_stood) {
  for (int removed = 0; removed < 4; ++removed) {
    std::vector<int> order;
    std::vector<std::unique_ptr<counted>> waiters;
    completion c;
    for (int i = 0; i < 4; ++i) {
      waiters.push_back(std::make_unique<counted>(order, i));
      EXPECT_TRUE(c.add(*waiters.back()));
    }
    EXPECT_TRUE(c.remove(*waiters[removed]));
    counted last(order, 9);
    EXPECT_TRUE(c.add(last));
    c.complete();
    std::vector<int> expected{0, 1, 2, 3, 9};
    expected.erase(expected.begin() + removed);
    EXPECT_EQ(order, expected);
    EXPECT_FALSE(c.remove(last));
  }
}

TEST(completion, a_waiter_may_be_added_and_removed_again) {
  std::vector<int> order;
  counted a(order, 1);
  completion c;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(c.add(a));
    EXPECT_TRUE(c.remove(a));
  }
  c.complete();
  EXPECT_TRUE(order.empty());
}

TEST(completion, a_notified_waiter_may_free_itself_and_the_completion) {
  struct owner : completion::waiter {
    completion c;
    bool* freed = nullptr;
    ~owner() { *freed = true; }
  };
  bool freed = false;
  auto* const o = new owner;
  o->freed = &freed;
  o->notify = [](completion::waiter& w) noexcept { delete static_cast<owner*>(&w); };
  ASSERT_TRUE(o->c.add(*o));
  o->c.complete();
  EXPECT_TRUE(freed);
}

TEST(completion, wait_blocks_until_another_thread_completes) {
  completion c;
  std::thread other([&c] {
    std::this_thread::sleep_for(20ms);
    c.complete();
  });
  c.wait();
  EXPECT_TRUE(c.is_ready());
  other.join();
}

TEST(completion, wait_until_says_whether_it_completed) {
  completion c;
  EXPECT_FALSE(c.wait_until(std::chrono::steady_clock::now() + 5ms));
  EXPECT_FALSE(c.wait_until(std::chrono::system_clock::now() + 5ms));
  EXPECT_FALSE(c.wait_until(std::chrono::steady_clock::now() - 1h));
  EXPECT_FALSE(c.wait_until(std::chrono::steady_clock::time_point()));
  std::thread other([&c] {
    std::this_thread::sleep_for(10ms);
    c.complete();
  });
  using hours = std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>;
  EXPECT_TRUE(c.wait_until(hours::max()));
  EXPECT_TRUE(c.wait_until(std::chrono::steady_clock::time_point::max()));
  EXPECT_TRUE(c.wait_until(std::chrono::steady_clock::time_point()));
  other.join();
}

TEST(completion, waiting_on_a_loops_thread_throws_only_while_pending) {
  manual_scheduler loop;
  const scheduler_scope scope(loop);
  completion c;
  try {
    c.wait();
    FAIL() << "nothing was thrown";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
  }
  c.complete();
  EXPECT_NO_THROW(c.wait());
  EXPECT_TRUE(c.wait_until(std::chrono::steady_clock::now()));
}

task<void> await(const completion& c) { co_await c; }

struct run {  // a task that the test drives by hand
  explicit run(task<void> t) : t(std::move(t)) {
    hook.self = this;
    hook.call = [](detail::finish_hook& h) noexcept { static_cast<end&>(h).self->ended = true; };
  }
  void start() { detail::start(t, hook); }
  struct end : detail::finish_hook {
    run* self = nullptr;
  };
  task<void> t;
  end hook;
  bool ended = false;
};

TEST(completion, an_awaiting_coroutine_is_posted_to_its_scheduler) {
  manual_scheduler s;
  completion c;
  run r(await(c));
  {
    const scheduler_scope scope(s);
    r.start();
  }
  std::thread([&c] { c.complete(); }).join();
  EXPECT_FALSE(r.ended);
  EXPECT_EQ(s.size(), 1u);
  s.run_all();
  EXPECT_TRUE(r.ended);
}

TEST(completion, awaiting_a_complete_one_does_not_suspend) {
  completion c;
  c.complete();
  run r(await(c));
  r.start();
  EXPECT_TRUE(r.ended);
}

TEST(completion, awaiting_a_failed_one_throws_a_copy_each_time) {
  completion c;
  c.fail(some_failure());
  for (int i = 0; i < 2; ++i) {
    try {
      sync_wait(await(c));
      FAIL() << "nothing was thrown";
    } catch (const error& e) {
      EXPECT_STREQ(e.what(), "broke");
      EXPECT_EQ(e.id(), ticket(1, 2));
    }
  }
}

TEST(completion, suspending_on_a_thread_without_scheduler_throws) {
  completion c;
  run r(await(c));
  r.start();
  ASSERT_TRUE(r.ended);
  try {
    detail::take_result(r.t);
    FAIL() << "nothing was thrown";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::wrong_thread);
  }
  c.complete();
}

task<void> await_until(const completion& c, std::stop_token token) { co_await until(c, token); }

TEST(until, goes_on_when_complete) {
  completion c;
  std::stop_source source;
  std::thread other([&c] {
    std::this_thread::sleep_for(5ms);
    c.complete();
  });
  EXPECT_NO_THROW(sync_wait(await_until(c, source.get_token())));
  other.join();
}

TEST(until, throws_the_stored_failure) {
  completion c;
  c.fail(some_failure());
  std::stop_source source;
  EXPECT_THROW(sync_wait(await_until(c, source.get_token())), error);
}

TEST(until, leaves_with_cancelled_and_disturbs_nothing) {
  completion c;
  std::stop_source source;
  std::thread other([&source] {
    std::this_thread::sleep_for(5ms);
    source.request_stop();
  });
  try {
    sync_wait(await_until(c, source.get_token()));
    FAIL() << "nothing was thrown";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::cancelled);
    EXPECT_EQ(e.code(), absl::StatusCode::kCancelled);
  }
  other.join();
  EXPECT_FALSE(c.is_ready());
  c.complete();
}

TEST(until, a_token_that_is_stopped_already_leaves_at_once_unless_complete) {
  std::stop_source source;
  source.request_stop();
  completion c;
  EXPECT_THROW(sync_wait(await_until(c, source.get_token())), error);
  c.complete();
  EXPECT_NO_THROW(sync_wait(await_until(c, source.get_token())));
}

TEST(until, a_token_that_never_stops_is_a_plain_wait) {
  completion c;
  std::thread other([&c] { c.complete(); });
  EXPECT_NO_THROW(sync_wait(await_until(c, std::stop_token())));
  other.join();
}

TEST(until, stopping_and_completing_at_the_same_time_resumes_once) {
  for (int i = 0; i < 500; ++i) {
    completion c;
    std::stop_source source;
    std::thread completer([&c] { c.complete(); });
    std::thread stopper([&source] { source.request_stop(); });
    bool was_cancelled = false;
    try {
      sync_wait(await_until(c, source.get_token()));
    } catch (const error& e) {
      was_cancelled = e.reason() == reason::cancelled;
      EXPECT_TRUE(was_cancelled);
    }
    EXPECT_TRUE(was_cancelled || c.is_ready());
    completer.join();
    stopper.join();
  }
}

}  // namespace
}  // namespace wherry
