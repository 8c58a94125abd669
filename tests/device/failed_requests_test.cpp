// The record of failures: every number is found again, in little memory.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <wherry/device/failed_requests.hpp>

namespace wherry {
namespace {

using code = absl::StatusCode;

TEST(failed_requests, nothing_is_known_at_first) {
  const failed_requests none;
  EXPECT_FALSE(none.find(0).has_value());
  EXPECT_FALSE(none.find(1).has_value());
  EXPECT_EQ(none.size(), 0u);
}

TEST(failed_requests, every_number_is_found_again_and_no_other) {
  std::mt19937 random(7);
  for (const unsigned one_in : {1u, 2u, 3u, 50u, 2000u}) {
    failed_requests record;
    std::map<std::uint64_t, code> expected;
    for (std::uint64_t n = 1; n < 20'000; ++n) {
      if (random() % one_in != 0) continue;
      const code c = random() % 4 == 0 ? code::kCancelled : code::kInternal;
      record.add(n, c, n - 1);
      expected[n] = c;
    }
    EXPECT_EQ(record.size(), expected.size());
    for (std::uint64_t n = 0; n < 20'100; ++n) {
      const auto at = expected.find(n);
      ASSERT_EQ(record.find(n), at == expected.end() ? std::nullopt : std::optional(at->second)) << n;
    }
  }
}

TEST(failed_requests, what_fails_before_its_turn_is_found_at_once_and_later) {
  failed_requests record;
  // The later half of a long queue is cancelled, newest first; then the first half fails in its turn.
  for (std::uint64_t n = 1000; n > 500; --n) record.add(n, code::kCancelled, 0);
  EXPECT_EQ(record.find(700), code::kCancelled);
  EXPECT_FALSE(record.find(500).has_value());
  for (std::uint64_t n = 1; n <= 500; n += 2) record.add(n, code::kInternal, n - 1);
  for (std::uint64_t n = 1; n <= 500; ++n)
    ASSERT_EQ(record.find(n), n % 2 ? std::optional(code::kInternal) : std::nullopt) << n;
  for (std::uint64_t n = 501; n <= 1000; ++n) ASSERT_EQ(record.find(n), code::kCancelled) << n;
  for (std::uint64_t n = 1001; n <= 2000; ++n) record.add(n, code::kInternal, n - 1);
  for (std::uint64_t n = 501; n <= 1000; ++n) ASSERT_EQ(record.find(n), code::kCancelled) << n;
}

TEST(failed_requests, a_run_of_failures_costs_nothing_more_than_one) {
  failed_requests record;
  for (std::uint64_t n = 1; n <= 1'000'000; ++n) record.add(n, code::kUnavailable, n - 1);
  EXPECT_EQ(record.find(1), code::kUnavailable);
  EXPECT_EQ(record.find(999'937), code::kUnavailable);
  EXPECT_LT(record.bytes(), 10'000u);
}

TEST(failed_requests, a_failure_here_and_there_costs_about_a_byte) {
  failed_requests record;
  std::uint64_t count = 0;
  for (std::uint64_t n = 1; n <= 3'000'000; n += 3, ++count) record.add(n, code::kInternal, n - 1);
  EXPECT_EQ(record.size(), count);
  EXPECT_LT(record.bytes(), 3 * count);
  EXPECT_EQ(record.find(1'500'001), code::kInternal);
  EXPECT_FALSE(record.find(1'500'002).has_value());
}

}  // namespace
}  // namespace wherry
