#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <thread>
#include <vector>
#include <wherry/status/error_tracker.hpp>

namespace wherry {
namespace {

TEST(error_tracker, take_returns_entries_in_order_and_forgets_them) {
  error_tracker tracker;
  tracker.add(ticket(1, 4), absl::StatusCode::kInternal);
  tracker.add(ticket(2, 1), absl::StatusCode::kCancelled);
  EXPECT_EQ(tracker.size(), 2u);
  const std::vector<error_tracker::entry> expected = {{ticket(1, 4), absl::StatusCode::kInternal},
                                                      {ticket(2, 1), absl::StatusCode::kCancelled}};
  EXPECT_EQ(tracker.take(), expected);
  EXPECT_EQ(tracker.size(), 0u);
  EXPECT_TRUE(tracker.take().empty());
}

TEST(error_tracker, success_is_not_an_entry) {
  error_tracker tracker;
  tracker.add(ticket(1, 1), absl::StatusCode::kOk);
  EXPECT_EQ(tracker.size(), 0u);
}

TEST(error_tracker, threads_that_add_while_one_takes_lose_nothing) {
  constexpr std::uint64_t each = 2000;
  error_tracker tracker;
  std::vector<std::thread> threads;
  for (std::uint16_t unit = 1; unit <= 3; ++unit) {
    threads.emplace_back([&tracker, unit] {
      for (std::uint64_t n = 1; n <= each; ++n) tracker.add(ticket(unit, n), absl::StatusCode::kInternal);
    });
  }
  std::map<std::uint16_t, std::uint64_t> last;
  std::size_t total = 0;
  while (total < 3 * each) {
    for (const auto& entry : tracker.take()) {
      EXPECT_EQ(entry.id.number(), last[entry.id.unit()] + 1);
      last[entry.id.unit()] = entry.id.number();
      ++total;
    }
    std::this_thread::yield();
  }
  for (auto& t : threads) t.join();
  EXPECT_TRUE(tracker.take().empty());
}

}  // namespace
}  // namespace wherry
