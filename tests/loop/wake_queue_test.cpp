#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>
#include <wherry/loop/event_fd.hpp>
#include <wherry/loop/wake_queue.hpp>

namespace wherry {
namespace {

TEST(wake_queue, a_push_to_a_consumer_that_is_awake_does_not_wake_it) {
  wake_queue queue;
  work a, b;
  int wakes = 0;
  queue.push(a, [&] { ++wakes; });
  queue.push(b, [&] { ++wakes; });
  EXPECT_EQ(wakes, 0);
  EXPECT_TRUE(queue.has_news());
  work_list taken;
  queue.take_all(taken);
  EXPECT_EQ(taken.pop_front(), &a);
  EXPECT_EQ(taken.pop_front(), &b);
  EXPECT_FALSE(queue.has_news());
}

TEST(wake_queue, only_the_first_push_wakes_a_sleeping_consumer) {
  wake_queue queue;
  work a, b;
  int wakes = 0;
  EXPECT_TRUE(queue.try_sleep());
  queue.push(a, [&] { ++wakes; });
  queue.push(b, [&] { ++wakes; });
  EXPECT_EQ(wakes, 1);
  work_list taken;
  queue.take_all(taken);
  EXPECT_EQ(taken.pop_front(), &a);
  EXPECT_EQ(taken.pop_front(), &b);
}

TEST(wake_queue, a_consumer_with_news_cannot_sleep) {
  wake_queue queue;
  work a;
  queue.push(a, [] {});
  EXPECT_FALSE(queue.try_sleep());
  work_list taken;
  queue.take_all(taken);
  EXPECT_EQ(taken.pop_front(), &a);
  EXPECT_TRUE(queue.try_sleep());
  queue.take_all(taken);  // awake again, and nothing came
  EXPECT_TRUE(taken.is_empty());
  EXPECT_FALSE(queue.has_news());
}

// The consumer really sleeps on an eventfd: a lost wake-up would hang the test.
TEST(wake_queue, every_item_of_many_producers_arrives_once_and_in_its_producers_order) {
  constexpr int producers = 3;
  constexpr int items = 20'000;
  struct numbered : work {
    int producer = 0;
    int number = 0;
  };
  auto queue = std::make_unique<wake_queue>();
  event_fd wake;
  std::vector<std::vector<numbered>> all(producers, std::vector<numbered>(items));
  std::vector<std::thread> threads;
  for (int p = 0; p != producers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i != items; ++i) {
        all[p][i].producer = p;
        all[p][i].number = i;
        queue->push(all[p][i], [&] { wake.signal(); });
        if (i % 64 == 0) std::this_thread::yield();
      }
    });
  }
  std::vector<int> next(producers, 0);
  int sleeps = 0;
  for (int taken = 0; taken != producers * items;) {
    if (queue->try_sleep()) {
      ++sleeps;
      pollfd entry{wake.fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&entry, 1, 60'000), 1);
      wake.drain();
    }
    work_list batch;
    queue->take_all(batch);
    while (work* const w = batch.pop_front()) {
      const auto& item = static_cast<numbered&>(*w);
      ASSERT_EQ(item.number, next[item.producer]++);
      ++taken;
    }
  }
  EXPECT_GT(sleeps, 0);
  queue->wait_for_wakers();
  queue.reset();  // the producers touch the queue no more, though they may not have ended
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace wherry
