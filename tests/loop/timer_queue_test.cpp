#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>
#include <wherry/loop/timer_queue.hpp>

namespace wherry {
namespace {

loop_clock::time_point at(int nanoseconds) {
  return loop_clock::time_point(loop_clock::duration(nanoseconds));
}

TEST(timer_queue, timers_leave_by_deadline_and_then_by_turn) {
  timer timers[4];
  const int deadlines[] = {30, 10, 30, 20};
  timer_queue queue;
  EXPECT_TRUE(queue.is_empty());
  for (int i = 0; i != 4; ++i) {
    timers[i].deadline = at(deadlines[i]);
    timers[i].turn = static_cast<std::uint64_t>(10 - i);
    queue.insert(timers[i]);
  }
  for (const int expected : {1, 3, 2, 0}) {
    ASSERT_EQ(queue.first(), &timers[expected]);
    queue.remove(*queue.first());
  }
  EXPECT_TRUE(queue.is_empty());
}

TEST(timer_queue, random_insertions_and_removals_keep_the_order) {
  std::mt19937 random(1);
  std::vector<timer> timers(500);
  std::vector<timer*> inside;
  timer_queue queue;
  std::uint64_t turn = 0;
  const auto before = [](const timer* a, const timer* b) {
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->turn < b->turn;
  };
  for (int step = 0; step != 20'000; ++step) {
    timer& t = timers[random() % timers.size()];
    const auto found = std::find(inside.begin(), inside.end(), &t);
    if (found == inside.end()) {
      t.deadline = at(static_cast<int>(random() % 100));
      t.turn = ++turn;
      queue.insert(t);
      inside.push_back(&t);
    } else {
      queue.remove(t);
      inside.erase(found);
    }
    const auto least = std::min_element(inside.begin(), inside.end(), before);
    ASSERT_EQ(queue.first(), least != inside.end() ? *least : nullptr) << "step " << step;
  }
  std::sort(inside.begin(), inside.end(), before);
  for (timer* t : inside) {
    ASSERT_EQ(queue.first(), t);
    queue.remove(*t);
  }
  EXPECT_TRUE(queue.is_empty());
}

}  // namespace
}  // namespace wherry
