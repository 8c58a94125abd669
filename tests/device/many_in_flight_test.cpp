// Twenty thousand requests over four units of two devices, from eight threads and a thousand coroutines: none
// is lost, none comes twice, each unit keeps its order, and nothing is left behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>
#include <wherry/coro/as_status.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/device/when.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

constexpr std::uint64_t threads_count = 8, per_thread = 1250;
constexpr std::uint64_t coroutines_count = 1000, per_coroutine = 10;
constexpr std::uint64_t all_requests = threads_count * per_thread + coroutines_count * per_coroutine;

/// Records its number when it runs.
class numbered final : public request {
 public:
  numbered(std::vector<std::uint64_t>& ran, std::vector<storage_use> uses) : ran_(ran) {
    for (storage_use& use : uses) add_use(std::move(use.memory), use.writes);
  }
  std::string describe() const override { return "numbered"; }

 protected:
  started start(failure&) noexcept override {
    ran_.push_back(id().number());  // whoever leads the unit, one at a time
    return started::finished;
  }

 private:
  std::vector<std::uint64_t>& ran_;
};

class many_in_flight : public ::testing::TestWithParam<device_kind> {
 protected:
  void open(std::uint64_t bound) {
    for (unsigned k = 0; k < 2; ++k) {
      devices_[k] = open_device(GetParam(), k, bound);
      if (!devices_[k].core) return;
      units_[2 * k] = &devices_[k].core->pick(unit_kind::compute);
      units_[2 * k + 1] = &devices_[k].core->add_unit(unit_kind::compute);
    }
  }
  bool is_missing() const { return !devices_[0].core || !devices_[1].core; }

  /// Chain `c` goes round the units, each of its requests waiting for the one before.
  ref<request> next(std::uint64_t c, std::uint64_t k, const ref<storage>& chain, unit*& where) {
    const std::size_t u = (c + k) % 4;
    where = units_[u];
    return ref<request>(new numbered(ran_[u], {writes(chain)}));
  }

  task<void> submit_and_wait(std::uint64_t c, ref<storage> chain) {
    std::vector<ref<request>> mine;
    for (std::uint64_t k = 0; k < per_coroutine; ++k) {
      unit* u = nullptr;
      ref<request> r = next(c, k, chain, u);
      place p = co_await place_in(*u);
      request_options options;
      options.place = &p;
      submit_options how;
      dispatcher::submit(*u, *r, how.with(options));
      deepest_ = std::max(deepest_, u->depth());
      mine.push_back(std::move(r));
    }
    for (const auto& r : mine) co_await r->done();
  }
  task<void> all_coroutines() {
    std::vector<task<void>> tasks;
    for (std::uint64_t c = 0; c < coroutines_count; ++c)
      tasks.push_back(submit_and_wait(c, devices_[c % 2].core->allocate(64)));
    co_await when_all(std::move(tasks));
  }

  /// Submits everything; `while_open` runs meanwhile on this thread.
  template <class F>
  void run(F&& meanwhile) {
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < threads_count; ++t) {
      threads.emplace_back([this, t] {
        const ref<storage> chain = devices_[t % 2].core->allocate(64);
        for (std::uint64_t k = 0; k < per_thread; ++k) {
          unit* u = nullptr;
          const ref<request> r = next(t, k, chain, u);
          dispatcher::submit(*u, *r, {.cheap = true});
        }
      });
    }
    threads.emplace_back([this] {
      loop own;
      sync_wait(own, all_coroutines());
    });
    meanwhile();
    for (auto& t : threads) t.join();
    for (unit* u : units_) dispatcher::drain(*u);
  }

  /// Every ticket from `first` on, in order, once.
  void expect_all_in_order(std::uint64_t first) const {
    std::uint64_t sum = 0;
    for (std::size_t u = 0; u < 4; ++u) {
      const auto& ran = ran_[u];
      sum += ran.size();
      for (std::size_t k = 0; k < ran.size(); ++k) ASSERT_EQ(ran[k], first + k) << "unit " << u;
      EXPECT_EQ(units_[u]->depth(), 0u);
      EXPECT_EQ(units_[u]->last_completed().number(), first - 1 + ran.size());
    }
    EXPECT_EQ(sum, all_requests);
  }

  device_under_test devices_[2];
  unit* units_[4] = {};
  std::vector<std::uint64_t> ran_[4];
  std::uint64_t deepest_ = 0;  // as the coroutines saw it
};

TEST_P(many_in_flight, all_at_once_complete_in_order_and_leave_nothing_behind) {
  open(all_requests);
  if (is_missing()) GTEST_SKIP() << missing(GetParam());
  std::vector<ref<held>> gates;
  for (unit* u : units_) gates.push_back(hold(*u, "gate"));
  const std::size_t storages_before = devices_[0].core->statistics().in_use;
  run([&] {
    const auto in_flight = [&] {
      std::uint64_t sum = 0;
      for (unit* u : units_) sum += u->depth();
      return sum;
    };
    while (in_flight() < all_requests + 4) std::this_thread::yield();
    for (const auto& g : gates) g->end();
  });
  expect_all_in_order(2);
  EXPECT_EQ(devices_[0].core->statistics().in_use, storages_before);
}

TEST_P(many_in_flight, with_the_usual_bound_submitters_wait_or_suspend) {
  constexpr std::uint64_t usual = 32;
  open(usual);
  if (is_missing()) GTEST_SKIP() << missing(GetParam());
  run([] {});
  expect_all_in_order(1);
  EXPECT_LE(deepest_, usual);
}

INSTANTIATE_TEST_SUITE_P(devices, many_in_flight, all_devices, device_name);

}  // namespace
}  // namespace wherry
