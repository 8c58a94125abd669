#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <wherry/coro/scheduler.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::manual_scheduler;

TEST(scheduler, a_plain_thread_has_none) { EXPECT_EQ(scheduler::current(), nullptr); }

TEST(scheduler, scopes_nest_and_restore) {
  manual_scheduler outer;
  manual_scheduler inner;
  {
    const scheduler_scope a(outer);
    EXPECT_EQ(scheduler::current(), &outer);
    {
      const scheduler_scope b(inner);
      EXPECT_EQ(scheduler::current(), &inner);
    }
    EXPECT_EQ(scheduler::current(), &outer);
    std::thread([] { EXPECT_EQ(scheduler::current(), nullptr); }).join();
  }
  EXPECT_EQ(scheduler::current(), nullptr);
}

TEST(scheduler, plain_threads_and_waiters_may_block) {
  EXPECT_NO_THROW(require_may_block("value"));
  manual_scheduler s(scheduler::kind::waiter);
  const scheduler_scope scope(s);
  EXPECT_NO_THROW(require_may_block("value"));
}

TEST(scheduler, blocking_on_a_loop_or_worker_names_operation_and_rule) {
  for (const auto kind : {scheduler::kind::loop, scheduler::kind::worker}) {
    manual_scheduler s(kind);
    const scheduler_scope scope(s);
    try {
      require_may_block("value");
      FAIL() << "nothing was thrown";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
      const std::string text = e.what();
      EXPECT_EQ(text.find("value: deadlock_would_occur: "), 0u) << text;
      EXPECT_NE(text.find(s.rule_name()), std::string::npos) << text;
    }
  }
}

TEST(scheduler, suspending_without_one_is_refused) {
  try {
    require_scheduler("co_await");
    FAIL() << "nothing was thrown";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::wrong_thread);
  }
  manual_scheduler s;
  const scheduler_scope scope(s);
  EXPECT_EQ(&require_scheduler("co_await"), &s);
}

}  // namespace
}  // namespace wherry
