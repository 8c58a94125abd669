// The lock of short sections: one thread at a time is inside, and who sleeps is woken.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>
#include <wherry/device/brief_lock.hpp>
#include <wherry/device/ref.hpp>

namespace wherry {
namespace {

TEST(brief_mutex, lets_one_thread_in_at_a_time) {
  detail::brief_mutex mutex;
  std::int64_t sum = 0;  // not atomic: the lock orders the threads
  std::vector<std::thread> crew;
  for (int t = 0; t < 4; ++t) {
    crew.emplace_back([&] {
      for (int k = 0; k < 20'000; ++k) {
        detail::brief_lock lock(mutex);
        ++sum;
      }
    });
  }
  for (std::thread& t : crew) t.join();
  EXPECT_EQ(sum, 80'000);
}

TEST(brief_mutex, wakes_every_thread_that_sleeps) {
  detail::brief_mutex mutex;
  int inside = 0;
  std::vector<std::thread> crew;
  {
    detail::brief_lock held(mutex);
    for (int t = 0; t < 8; ++t) {
      crew.emplace_back([&] {
        detail::brief_lock lock(mutex);
        ++inside;
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // they have spun, and sleep by now
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_EQ(inside, 0);
  }
  for (std::thread& t : crew) t.join();
  EXPECT_EQ(inside, 8);
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

struct counted : ref_counted<counted> {
  explicit counted(std::atomic<int>& d) : deleted(d) {}
  ~counted() { ++deleted; }
  std::atomic<int>& deleted;
};

TEST(refs, deletes_its_object_with_the_last_reference) {
  std::atomic<int> deleted{0};
  ref<counted> first = make_ref<counted>(deleted);
  EXPECT_TRUE(first->is_unique());
  ref<counted> second = first;
  EXPECT_FALSE(first->is_unique());
  first = nullptr;
  EXPECT_TRUE(second->is_unique());
  EXPECT_EQ(deleted, 0);
  second = nullptr;
  EXPECT_EQ(deleted, 1);
}

TEST(refs, deletes_its_object_once_when_threads_give_it_up_together) {
  constexpr int rounds = 2'000;
  std::atomic<int> deleted{0};
  std::vector<ref<counted>> objects;
  for (int k = 0; k < rounds; ++k) objects.push_back(make_ref<counted>(deleted));
  std::vector<ref<counted>> copies = objects;
  std::thread other([&copies] {
    for (ref<counted>& r : copies) r = nullptr;
  });
  for (ref<counted>& r : objects) r = nullptr;
  other.join();
  EXPECT_EQ(deleted, rounds);
}

}  // namespace
}  // namespace wherry
