// The bound on requests in flight: who waits, who is told `full`, who overflows, on every kind of device.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>
#include <wherry/coro/move_to.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class bounded : public on_every_device {
 protected:
  struct filling {
    ref<held> gate;
    std::vector<ref<request>> behind;
    void open() const { gate->end(); }
  };
  /// Takes every place of `u`.
  filling fill(unit& u) {
    filling f{hold(u, "gate"), {}};
    for (std::uint64_t k = 1; k < u.bound(); ++k) f.behind.push_back(pass(u, "behind the gate"));
    return f;
  }
};

class place_waiter : public slot_waiter {
 public:
  place_waiter() {
    granted = [](slot_waiter& w) noexcept {
      auto& self = static_cast<place_waiter&>(w);
      self.turn = ++self.order();
      self.has_place.store(true);
      self.has_place.notify_all();
    };
  }
  static std::atomic<int>& order() {
    static std::atomic<int> count{0};
    return count;
  }
  std::atomic<bool> has_place{false};
  int turn = 0;
};

TEST_P(bounded, trying_a_full_unit_changes_nothing) {
  unit& u = compute();
  const auto full = fill(u);
  const ticket newest = u.last_submitted();
  ref<request> r(new called("tried", [] { return failure(); }));
  EXPECT_FALSE(dispatcher::submit(u, *r, {.try_only = true}));
  EXPECT_EQ(u.last_submitted(), newest);
  full.open();
  dispatcher::drain(u);
  EXPECT_TRUE(dispatcher::submit(u, *r, {.try_only = true}));
  EXPECT_EQ(outcome_of(r), nullptr);
}

TEST_P(bounded, an_ordinary_thread_waits_for_a_place) {
  unit& u = compute();
  const auto full = fill(u);
  std::atomic<bool> submitted{false};
  ref<request> last;
  std::thread submitter([&] {
    last = pass(u, "one too many");
    submitted.store(true);
  });
  while (true) {  // until the submitter is known to be waiting: then nobody else gets a place
    ref<request> r(new called("tried", [] { return failure(); }));
    EXPECT_FALSE(dispatcher::submit(u, *r, {.try_only = true}));
    std::this_thread::yield();
    if (full.gate->has_started()) break;
  }
  EXPECT_FALSE(submitted.load());
  full.open();
  submitter.join();
  EXPECT_EQ(outcome_of(last), nullptr);
}

TEST_P(bounded, places_are_given_in_the_order_of_asking) {
  unit& u = compute();
  const auto full = fill(u);
  place_waiter::order() = 0;
  place_waiter waiters[3];
  for (auto& w : waiters) ASSERT_FALSE(dispatcher::enter(u, w));
  // Cancelled all at once, so that several places become free in one step.
  for (const auto& r : full.behind) {
    dispatcher::cancel(*r, make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled));
  }
  full.open();
  for (auto& w : waiters) w.has_place.wait(false);
  EXPECT_EQ(waiters[0].turn, 1);
  EXPECT_EQ(waiters[1].turn, 2);
  EXPECT_EQ(waiters[2].turn, 3);
  for ([[maybe_unused]] auto& w : waiters) dispatcher::leave(u, 1);
}

TEST_P(bounded, a_place_that_is_left_goes_to_the_next) {
  unit& u = another();
  place_waiter first[bound];
  for (auto& w : first) ASSERT_TRUE(dispatcher::enter(u, w));
  place_waiter next;
  ASSERT_FALSE(dispatcher::enter(u, next));
  dispatcher::leave(u, 1);
  next.has_place.wait(false);
  for (std::uint64_t k = 0; k < bound; ++k) dispatcher::leave(u, 1);
  EXPECT_EQ(outcome_of(pass(u, "usable")), nullptr);
}

TEST_P(bounded, who_stops_waiting_gets_no_place) {
  unit& u = compute();
  const auto full = fill(u);
  place_waiter leaves;
  place_waiter stays;
  ASSERT_FALSE(dispatcher::enter(u, leaves));
  ASSERT_FALSE(dispatcher::enter(u, stays));
  EXPECT_TRUE(dispatcher::withdraw(u, leaves));
  full.open();
  stays.has_place.wait(false);
  EXPECT_FALSE(leaves.has_place.load());
  EXPECT_FALSE(dispatcher::withdraw(u, stays));
  dispatcher::leave(u, 1);
}

TEST_P(bounded, a_refused_submission_gives_its_place_back) {
  unit& u = another();
  place_waiter w;
  ASSERT_TRUE(dispatcher::enter(u, w));
  dispatcher::refuse(u, make_failure(absl::StatusCode::kUnavailable, "gone", reason::device_lost), nullptr);
  ref<request> r(new called("refused", [] { return failure(); }));
  EXPECT_THROW(dispatcher::submit(u, *r, {.admitted = true}), error);
  dispatcher::accept(u);
  place_waiter all[bound];
  for (auto& place : all) EXPECT_TRUE(dispatcher::enter(u, place));
  for ([[maybe_unused]] auto& place : all) dispatcher::leave(u, 1);
}

TEST_P(bounded, a_loop_overflows_up_to_sixteen_times_the_bound_and_is_refused_then) {
  unit& u = compute();
  const auto full = fill(u);
  const auto overflow = [](unit& where) -> task<std::uint64_t> {
    std::uint64_t accepted = 0;
    try {
      for (;; ++accepted) pass(where, "overflow");
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::unit_full);
      EXPECT_EQ(e.code(), absl::StatusCode::kResourceExhausted);
    }
    co_return accepted;
  };
  EXPECT_EQ(sync_wait(home(), overflow(u)), 15 * u.bound());
  full.open();
  dispatcher::drain(u);
}

TEST_P(bounded, a_worker_overflows_instead_of_waiting) {
  unit& u = compute();
  const auto full = fill(u);
  const auto overflow = [](unit& where, scheduler& back) -> task<void> {
    co_await move_to(worker_pool::instance().as_scheduler());
    pass(where, "overflow");
    co_await move_to(back);
  };
  sync_wait(home(), overflow(u, home()));
  EXPECT_EQ(u.depth(), u.bound() + 1);
  full.open();
}

TEST_P(bounded, transfers_are_bounded_by_their_bytes_and_one_of_any_size_fits_alone) {
  unit& u = device().pick(unit_kind::tensor_write);
  const auto large = hold(u, "larger than the bound", {}, 3 * u.bound());
  ref<request> small(new called("small", [] { return failure(); }, {}, 1));
  EXPECT_FALSE(dispatcher::submit(u, *small, {.try_only = true}));
  large->end();
  EXPECT_TRUE(dispatcher::submit(u, *small, {.try_only = true}));
  EXPECT_EQ(outcome_of(small), nullptr);
}

TEST_P(bounded, many_threads_on_one_small_unit_all_get_through) {
  unit& u = compute();
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        call(u, "counted", [&] {
          ++ran;
          return failure();
        });
      }
    });
  }
  for (auto& t : threads) t.join();
  dispatcher::drain(u);
  EXPECT_EQ(ran.load(), 800);
}

INSTANTIATE_TEST_SUITE_P(devices, bounded, all_devices, device_name);

}  // namespace
}  // namespace wherry
