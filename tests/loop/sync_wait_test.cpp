#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/loop/loop_thread.hpp>
#include <wherry/loop/resume_on.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

using namespace std::chrono_literals;

class sync_wait_suite : public loop_suite {};

task<std::string> text_after(loop& where, std::chrono::nanoseconds duration) {
  co_await sleep_for(where, duration);
  co_return "done";
}

task<void> throw_after_a_nop(loop& where) {
  co_await nop(where);
  throw std::runtime_error("sunk");
}

task<std::thread::id> thread_of(loop& where) {
  co_await nop(where);
  co_return std::this_thread::get_id();
}

task<void> wait_inside(loop& where) {
  sync_wait(where, text_after(where, 0ns));
  co_return;
}

TEST_P(sync_wait_suite, the_owner_runs_the_loop_and_may_do_so_again) {
  for (int i = 0; i != 3; ++i) EXPECT_EQ(sync_wait(here(), text_after(here(), 1ms)), "done");
  EXPECT_EQ(sync_wait(here(), thread_of(here())), std::this_thread::get_id());
}

TEST_P(sync_wait_suite, what_the_task_throws_is_thrown) {
  EXPECT_THROW(sync_wait(here(), throw_after_a_nop(here())), std::runtime_error);
}

TEST_P(sync_wait_suite, waiting_inside_the_loop_says_deadlock) {
  try {
    sync_wait(here(), wait_inside(here()));
    FAIL() << "no error";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
    EXPECT_NE(std::string(e.what()).find("sync_wait"), std::string::npos) << e.what();
  }
}

TEST_P(sync_wait_suite, an_empty_task_is_refused) {
  task<void> empty;
  EXPECT_THROW(sync_wait(here(), std::move(empty)), error);
}

TEST_P(sync_wait_suite, another_thread_posts_and_blocks) {
  loop_thread thread(GetParam().options);
  EXPECT_EQ(sync_wait(thread.get(), text_after(thread.get(), 1ms)), "done");
  EXPECT_NE(sync_wait(thread.get(), thread_of(thread.get())), std::this_thread::get_id());
  EXPECT_THROW(sync_wait(thread.get(), throw_after_a_nop(thread.get())), std::runtime_error);
}

TEST_P(sync_wait_suite, many_threads_wait_on_one_loop) {
  loop_thread thread(GetParam().options);
  std::vector<std::thread> waiters;
  std::atomic<int> done = 0;
  for (int t = 0; t != 4; ++t) {
    waiters.emplace_back([&] {
      for (int i = 0; i != 200; ++i) {
        if (sync_wait(thread.get(), text_after(thread.get(), 0ns)) == "done") ++done;
      }
    });
  }
  for (std::thread& w : waiters) w.join();
  EXPECT_EQ(done, 800);
}

task<void> there_and_back(loop& away, loop& home, std::thread::id& seen) {
  co_await resume_on(away);
  co_await nop(away);  // only a coroutine that runs on a loop may
  seen = std::this_thread::get_id();
  co_await resume_on(home);
}

TEST_P(sync_wait_suite, a_task_goes_to_another_loop_and_back_with_resume_on) {
  loop_thread thread(GetParam().options);
  loop& away = thread.get();
  std::thread::id seen;
  sync_wait(here(), there_and_back(away, here(), seen));
  EXPECT_EQ(seen, sync_wait(away, thread_of(away)));
}

WHERRY_ON_EVERY_BACKEND(sync_wait_suite);

}  // namespace
}  // namespace wherry
