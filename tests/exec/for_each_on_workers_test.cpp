// Long pieces of work side by side: each is done once, before the call returns.
#include <gtest/gtest.h>

#include <thread>
#include <vector>
#include <wherry/coro/move_to.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/exec/for_each_on_workers.hpp>

namespace wherry {
namespace {

void expect_each_once(std::size_t count) {
  std::vector<std::atomic<int>> calls(count);
  for_each_on_workers(count, [&](std::size_t k) {
    std::this_thread::sleep_for(std::chrono::microseconds(k % 3 * 50));
    ++calls.at(k);
  });
  for (const auto& c : calls) EXPECT_EQ(c.load(), 1);
}

TEST(for_each_on_workers, does_each_once_before_it_returns) {
  for (const std::size_t count : {0u, 1u, 2u, 3u, 100u}) expect_each_once(count);
}

TEST(for_each_on_workers, is_called_by_many_threads_and_by_itself) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int round = 0; round < 20; ++round)
        for_each_on_workers(3, [](std::size_t) { expect_each_once(3); });
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(for_each_on_workers, returns_on_a_worker_that_no_other_helps) {
  const auto on_worker = []() -> task<int> {
    co_await move_to(worker_pool::instance().as_scheduler());
    std::atomic<int> calls{0};
    for_each_on_workers(20, [&](std::size_t) { ++calls; });
    co_return calls.load();
  };
  EXPECT_EQ(sync_wait(on_worker()), 20);
}

TEST(for_each_on_workers, workers_run_what_was_posted_between_two_calls) {
  if (worker_pool::instance().width() < 2) GTEST_SKIP() << "one compute thread";
  struct flag final : work {
    std::atomic<bool> set{false};
  } posted;
  posted.run = [](work& w) noexcept { static_cast<flag&>(w).set = true; };
  const std::thread::id here = std::this_thread::get_id();
  std::atomic<bool> waits{false};
  // The caller stays in its first call until a worker, which is busy with the others, has run the work.
  for_each_on_workers(1000, [&](std::size_t k) {
    if (std::this_thread::get_id() == here && !waits.exchange(true)) {
      worker_pool::instance().as_scheduler().post(posted);
      while (!posted.set) std::this_thread::yield();
    }
    if (std::this_thread::get_id() != here && k < 999 && !posted.set)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  EXPECT_TRUE(posted.set.load());
}

}  // namespace
}  // namespace wherry
