#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>
#include <wherry/loop/loop_thread.hpp>

namespace wherry {
namespace {

TEST(loop_thread, it_starts_at_first_use_and_is_the_same_for_all) {
  loop_thread thread;
  EXPECT_FALSE(thread.has_started());
  std::vector<std::thread> users;
  std::vector<loop*> seen(4);
  for (int i = 0; i != 4; ++i) users.emplace_back([&, i] { seen[i] = &thread.get(); });
  for (std::thread& u : users) u.join();
  for (loop* l : seen) EXPECT_EQ(l, seen[0]);
  EXPECT_TRUE(thread.has_started());
}

TEST(loop_thread, it_runs_what_was_posted_before_it_ends) {
  struct counting : work {
    std::atomic<int>* count = nullptr;
  };
  std::atomic<int> count = 0;
  std::vector<counting> items(1000);
  {
    loop_thread thread;
    for (counting& c : items) {
      c.count = &count;
      c.run = [](work& w) noexcept { ++*static_cast<counting&>(w).count; };
      thread.get().post(c);
    }
  }
  EXPECT_EQ(count, 1000);
}

TEST(loop_thread, it_ends_without_having_started) {
  const loop_thread thread;
  EXPECT_FALSE(thread.has_started());
}

}  // namespace
}  // namespace wherry
