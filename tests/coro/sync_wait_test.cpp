#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/sync_wait.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::manual_scheduler;
using testing_support::yield;

task<int> answer() { co_return 42; }

task<std::thread::id> wait_for(const completion& c) {
  co_await c;
  co_return std::this_thread::get_id();
}

TEST(sync_wait, returns_the_value) { EXPECT_EQ(sync_wait(answer()), 42); }

TEST(sync_wait, sleeps_until_another_thread_completes_and_resumes_on_the_caller) {
  completion c;
  std::thread other([&c] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    c.complete();
  });
  EXPECT_EQ(sync_wait(wait_for(c)), std::this_thread::get_id());
  other.join();
}

TEST(sync_wait, makes_the_caller_a_waiter_while_it_lasts) {
  struct local {
    static task<scheduler::kind> kind() {
      co_await yield();
      co_return scheduler::current()->what();
    }
  };
  EXPECT_EQ(sync_wait(local::kind()), scheduler::kind::waiter);
  EXPECT_EQ(scheduler::current(), nullptr);
}

TEST(sync_wait, is_refused_on_a_loops_thread) {
  manual_scheduler loop;
  const scheduler_scope scope(loop);
  try {
    sync_wait(answer());
    FAIL() << "nothing was thrown";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
  }
}

TEST(sync_wait, is_refused_for_an_empty_task) { EXPECT_THROW(sync_wait(task<int>()), error); }

task<int> nested_sync_wait() {
  co_await yield();
  struct local {
    static task<int> inner() {
      co_await yield();
      const int n = co_await answer();
      co_await yield();
      co_return n;
    }
  };
  const int inner = sync_wait(local::inner());
  co_await yield();
  co_return inner + 1;
}

TEST(sync_wait, nests) { EXPECT_EQ(sync_wait(nested_sync_wait()), 43); }

TEST(sync_wait, works_on_many_threads_that_answer_each_other) {
  constexpr int rounds = 500;
  std::vector<std::unique_ptr<completion>> ping;
  std::vector<std::unique_ptr<completion>> pong;
  for (int i = 0; i < rounds; ++i) {
    ping.push_back(std::make_unique<completion>());
    pong.push_back(std::make_unique<completion>());
  }
  struct local {
    static task<int> play(std::vector<std::unique_ptr<completion>>& mine,
                          std::vector<std::unique_ptr<completion>>& theirs, bool begins) {
      int count = 0;
      for (std::size_t i = 0; i < mine.size(); ++i) {
        if (begins) mine[i]->complete();
        co_await *theirs[i];
        if (!begins) mine[i]->complete();
        ++count;
      }
      co_return count;
    }
  };
  int other_count = 0;
  std::thread other([&] { other_count = sync_wait(local::play(pong, ping, false)); });
  EXPECT_EQ(sync_wait(local::play(ping, pong, true)), rounds);
  other.join();
  EXPECT_EQ(other_count, rounds);
}

// An awaitable that goes on on a thread of its own, as foreign ones may.
struct new_thread {
  explicit new_thread(std::thread& t) : thread(t) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    std::thread& slot = thread;  // `this` may be gone once the thread runs
    slot = std::thread([h] { h.resume(); });
  }
  void await_resume() const noexcept {}
  std::thread& thread;
};

task<int> end_elsewhere(std::thread& t) {
  co_await new_thread(t);
  const int n = co_await answer();
  co_return n;
}

TEST(sync_wait, returns_when_the_task_ends_on_a_foreign_thread) {
  for (int i = 0; i < 50; ++i) {
    std::thread t;
    EXPECT_EQ(sync_wait(end_elsewhere(t)), 42);
    t.join();
  }
}

}  // namespace
}  // namespace wherry
