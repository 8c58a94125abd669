#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <tuple>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/move_to.hpp>
#include <wherry/coro/scope.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>

#include "coro/schedulers.hpp"

namespace wherry {
namespace {

using testing_support::manual_scheduler;

// A second thread that runs work until told to end.
class other_thread {
 public:
  other_thread()
      : thread_([this] {
          struct local {
            static task<void> stay(other_thread& self) {
              self.where_ = scheduler::current();
              self.ready_.complete();
              co_await self.end_;
            }
          };
          sync_wait(local::stay(*this));
        }) {
    ready_.wait();
  }
  ~other_thread() {
    end_.complete();
    thread_.join();
  }
  scheduler& where() { return *where_; }
  std::thread::id id() const { return thread_.get_id(); }

 private:
  completion ready_;
  completion end_;
  scheduler* where_ = nullptr;
  std::thread thread_;
};

task<std::thread::id> id_on(scheduler& s) {
  co_await move_to(s);
  co_return std::this_thread::get_id();
}

task<std::thread::id> id_there_and_back(scheduler& s) {
  scheduler& home = *scheduler::current();
  co_await move_to(s);
  const auto id = std::this_thread::get_id();
  co_await move_to(home);
  EXPECT_EQ(scheduler::current(), &home);
  co_return id;
}

TEST(move_to, continues_on_the_schedulers_thread) {
  other_thread other;
  EXPECT_EQ(sync_wait(id_on(other.where())), other.id());
  EXPECT_EQ(sync_wait(id_there_and_back(other.where())), other.id());
}

TEST(move_to, does_not_suspend_when_already_there) {
  manual_scheduler s;
  const scheduler_scope scope(s);
  EXPECT_TRUE(move_to(s).await_ready());
  manual_scheduler t;
  EXPECT_FALSE(move_to(t).await_ready());
}

task<int> spread(scheduler& a, int count) {
  scheduler& home = *scheduler::current();
  int moved = 0;
  for (int i = 0; i < count; ++i) {
    const auto ids = co_await when_all(id_on(a), id_on(home), id_there_and_back(a));
    EXPECT_EQ(scheduler::current(), &home);
    if (std::get<0>(ids) != std::get<1>(ids)) ++moved;
  }
  co_return moved;
}

TEST(move_to, when_all_goes_on_where_it_was_awaited_wherever_its_tasks_end) {
  other_thread other;
  EXPECT_EQ(sync_wait(spread(other.where(), 200)), 200);
}

task<void> count_on(scheduler& s, std::atomic<int>& count) {
  co_await move_to(s);
  count.fetch_add(1);
}

task<int> scope_over(scheduler& a, int count) {
  scheduler* const home = scheduler::current();
  std::atomic<int> ended = 0;
  scope s;
  for (int i = 0; i < count; ++i) s.spawn(count_on(a, ended));
  co_await s.join();
  EXPECT_EQ(scheduler::current(), home);
  co_return ended.load();
}

TEST(move_to, a_scope_is_joined_where_it_was_awaited_wherever_its_tasks_end) {
  other_thread other;
  EXPECT_EQ(sync_wait(scope_over(other.where(), 200)), 200);
}

}  // namespace
}  // namespace wherry
