// Workers: shares of a kernel from several leaders, posted work, more runnable threads than cores.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>
#include <wherry/device/worker_pool.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

/// slots[0][i] += 1
void increment(void* const* slots, std::int64_t lo, std::int64_t hi) {
  auto* const values = static_cast<int*>(slots[0]);
  for (std::int64_t i = lo; i < hi; ++i) ++values[i];
}

bool each_is(const std::vector<int>& values, int expected) {
  return std::all_of(values.begin(), values.end(), [expected](int v) { return v == expected; });
}

TEST(worker_pool, does_every_unit_of_work_exactly_once_for_any_grain) {
  worker_pool& pool = worker_pool::instance();
  for (const std::int64_t extent : {1, 2, 63, 1000}) {
    for (const std::int64_t grain : {1, 3, 64, 999, 1000, 5000}) {
      std::vector<int> values(static_cast<std::size_t>(extent));
      void* const slots[] = {values.data()};
      pool.share(increment, slots, extent, grain, true);
      EXPECT_TRUE(each_is(values, 1)) << extent << " by " << grain;
    }
  }
}

TEST(worker_pool, many_leaders_share_at_once) {
  constexpr int leaders = 6;
  constexpr int rounds = 300;
  std::vector<std::vector<int>> values(leaders, std::vector<int>(256));
  std::vector<std::thread> threads;
  for (auto& mine : values) {
    threads.emplace_back([&mine] {
      void* const slots[] = {mine.data()};
      for (int k = 0; k < rounds; ++k) worker_pool::instance().share(increment, slots, 256, 16, k % 2 == 0);
    });
  }
  for (auto& t : threads) t.join();
  for (const auto& mine : values) EXPECT_TRUE(each_is(mine, rounds));
}

TEST(worker_pool, shares_of_a_request_that_a_worker_leads_are_helped_by_who_waits) {
  const auto d = open_device(device_kind::direct);
  unit& u = d.core->pick(unit_kind::compute);
  std::vector<int> values(512);
  ref<request> last;
  for (int k = 0; k < 20; ++k) {
    ref<request> r(new called("sharing", [&values] {
      void* const slots[] = {values.data()};
      worker_pool::instance().share(increment, slots, 512, 8, true);
      return failure();
    }));
    dispatcher::submit(u, *r, {});
    last = r;
  }
  EXPECT_EQ(outcome_of(last), nullptr);
  EXPECT_TRUE(each_is(values, 20));
}

TEST(worker_pool, posted_work_runs_once_on_a_worker) {
  struct item : work {
    std::atomic<int>* ran;
    scheduler::kind where = scheduler::kind::waiter;
  };
  std::atomic<int> ran{0};
  std::vector<item> items(50);
  for (item& i : items) {
    i.ran = &ran;
    i.run = [](work& w) noexcept {
      auto& self = static_cast<item&>(w);
      self.where = scheduler::current()->what();
      std::atomic<int>* const count = self.ran;
      count->fetch_add(1);
      count->notify_all();
    };
    worker_pool::instance().as_scheduler().post(i);
  }
  for (int seen = ran.load(); seen != 50; seen = ran.load()) ran.wait(seen);
  for (const item& i : items) EXPECT_EQ(i.where, scheduler::kind::worker);
}

TEST(worker_pool, three_runnable_threads_on_two_cores_get_everything_done) {
  const auto d = open_device(device_kind::direct);
  std::atomic<bool> stop{false};
  std::thread spinner([&] {
    while (!stop.load(std::memory_order_relaxed)) detail::cpu_relax();
  });
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      std::vector<int> values(4096);
      for (int k = 0; k < 100; ++k) {
        ref<request> r(new called("sharing", [&values] {
          void* const slots[] = {values.data()};
          worker_pool::instance().share(increment, slots, 4096, 256, true);
          return failure();
        }));
        dispatcher::submit(d.core->pick(unit_kind::compute), *r, {});
        EXPECT_EQ(outcome_of(r), nullptr);
      }
      if (each_is(values, 100)) ++done;
    });
  }
  for (auto& t : threads) t.join();
  stop = true;
  spinner.join();
  EXPECT_EQ(done.load(), 2);
}

TEST(worker_pool, units_that_become_ready_at_once_are_all_led) {
  const auto d = open_device(device_kind::direct);
  for (int round = 0; round < 50; ++round) {
    const ref<storage> s = d.core->allocate(64);
    const auto gate = hold(d.core->pick(unit_kind::tensor_op), "gate", {writes(s)});
    std::atomic<int> ran{0};
    for (int k = 0; k < 4; ++k) {
      unit& u = d.core->add_unit(unit_kind::compute);
      call(u, "ready together",
           [&] {
             ran.fetch_add(1);
             ran.notify_all();
             return failure();
           },
           {reads(s)});
    }
    gate->end();
    for (int seen = ran.load(); seen != 4; seen = ran.load()) ran.wait(seen);
    wherry::device(d.core).drain();
  }
}

TEST(worker_pool, the_number_of_cores_follows_the_variable) {
  const char* const before = std::getenv("WHERRY_CPU_WORKERS");
  const std::string kept = before ? before : "";
  setenv("WHERRY_CPU_WORKERS", "3", 1);
  EXPECT_EQ(allowed_cores(), 3u);
  for (const char* text : {"none", "0", "-1", "257", "2.5"}) {
    setenv("WHERRY_CPU_WORKERS", text, 1);
    try {
      (void)allowed_cores();
      ADD_FAILURE() << text;
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(std::string(e.what()),
                "WHERRY_CPU_WORKERS: expected a number from 1 to 256, got '" + std::string(text) + "'");
    }
  }
  setenv("WHERRY_CPU_WORKERS", "", 1);
  EXPECT_GE(allowed_cores(), 1u);
  before ? setenv("WHERRY_CPU_WORKERS", kept.c_str(), 1) : unsetenv("WHERRY_CPU_WORKERS");
}

}  // namespace
}  // namespace wherry
