// Points in time that are told once each, however the timer behind them has to move.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/device/deadline_queue.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

namespace wherry {
namespace {

using namespace std::chrono_literals;

struct told : deadline_queue::entry {
  std::function<void()> then;
  int times = 0;

  explicit told(std::function<void()> what = {}) : then(std::move(what)) {
    passed = [](entry& e) noexcept {
      auto& self = static_cast<told&>(e);
      ++self.times;
      if (self.then) self.then();
    };
  }
};

/// A queue on a loop in virtual time, used by its thread alone.
class deadlines : public ::testing::Test {
 protected:
  static loop_options simulated() {
    loop_options options;
    options.backend = loop_options::kind::simulated;
    return options;
  }
  void add(told& e, std::chrono::nanoseconds after) {
    e.deadline = home_.now() + after;
    queue_->add(e, home_);
  }
  /// Runs `begin` on the loop, then the loop for as long as `span`.
  void run(std::chrono::nanoseconds span, std::function<void()> begin) {
    struct part {
      static task<void> of(loop& home, std::chrono::nanoseconds span, std::function<void()> begin) {
        begin();
        co_await sleep_for(home, span);
      }
    };
    sync_wait(home_, part::of(home_, span, std::move(begin)));
  }

  loop home_{simulated()};
  ref<deadline_queue> queue_ = make_ref<deadline_queue>();
};

TEST_F(deadlines, are_told_in_their_order_and_once) {
  std::vector<int> order;
  told first([&] { order.push_back(1); });
  told second([&] { order.push_back(2); });
  told third([&] { order.push_back(3); });
  run(1h, [&] {
    add(second, 2s);
    add(first, 1s);
    add(third, 3s);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(deadlines, an_earlier_one_moves_the_timer) {
  told late, early;
  run(1s, [&] { add(late, 1h); });
  run(10s, [&] { add(early, 5s); });
  EXPECT_EQ(early.times, 1);
  EXPECT_EQ(late.times, 0);
  run(2h, [] {});
  EXPECT_EQ(late.times, 1);
}

TEST_F(deadlines, one_added_while_another_is_told_is_not_lost) {
  told late, early;
  told now([&] { add(early, 5s); });
  run(1s, [&] { add(late, 1h); });
  run(10s, [&] { add(now, 0s); });
  EXPECT_EQ(now.times, 1);
  EXPECT_EQ(early.times, 1);
  run(2h, [] {});
  EXPECT_EQ(late.times, 1);
}

TEST_F(deadlines, one_taken_back_is_not_told) {
  told gone, kept;
  run(1s, [&] {
    add(gone, 10s);
    add(kept, 20s);
  });
  run(1min, [&] { queue_->remove(gone); });
  EXPECT_EQ(gone.times, 0);
  EXPECT_EQ(kept.times, 1);
}

}  // namespace
}  // namespace wherry
