// Latency histograms: buckets, percentiles, sums.
#include <gtest/gtest.h>

#include <limits>
#include <wherry/status/latency_histogram.hpp>

namespace wherry {
namespace {

TEST(latency_histogram, counts_each_duration_in_the_bucket_of_its_power_of_two) {
  latency_histogram h;
  for (const std::int64_t ns : {0, 1, 2, 3, 1023, 1024, 2047}) h.add(ns);
  EXPECT_EQ(h.buckets()[0], 1u);
  EXPECT_EQ(h.buckets()[1], 1u);
  EXPECT_EQ(h.buckets()[2], 2u);
  EXPECT_EQ(h.buckets()[10], 1u);
  EXPECT_EQ(h.buckets()[11], 2u);
  EXPECT_EQ(h.count(), 7u);
  EXPECT_EQ(h.max_ns(), 2047u);
  EXPECT_EQ(h.total_ns(), 0u + 1 + 2 + 3 + 1023 + 1024 + 2047);
  EXPECT_DOUBLE_EQ(h.mean_ns(), 4100.0 / 7);
  for (std::size_t k = 1; k < latency_histogram::bucket_count; ++k)
    EXPECT_EQ(latency_histogram::lower_bound_ns(k), std::uint64_t{1} << (k - 1));
}

TEST(latency_histogram, takes_every_duration) {
  latency_histogram h;
  h.add(-5);
  h.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(h.buckets().front(), 1u);
  EXPECT_EQ(h.buckets().back(), 1u);
  EXPECT_EQ(h.percentile_ns(0), 0);
}

TEST(latency_histogram, percentiles_are_right_to_a_factor_of_two_and_never_above_the_longest) {
  latency_histogram h;
  for (std::int64_t ns = 1; ns <= 100'000; ++ns) h.add(ns);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 1.0}) {
    EXPECT_GE(h.percentile_ns(share), share * 100'000 / 2) << share;
    EXPECT_LE(h.percentile_ns(share), share * 100'000 * 2) << share;
    EXPECT_LE(h.percentile_ns(share), 100'000) << share;
  }
  EXPECT_LE(h.percentile_ns(0.5), h.percentile_ns(0.9));
  EXPECT_EQ(h.percentile_ns(2), h.percentile_ns(1));
}

TEST(latency_histogram, is_zero_while_empty) {
  const latency_histogram h;
  EXPECT_EQ(h.percentile_ns(0.5), 0);
  EXPECT_EQ(h.mean_ns(), 0);
}

TEST(latency_histogram, sums_add_what_both_have_seen) {
  latency_histogram a;
  latency_histogram b;
  a.add(10);
  b.add(1000);
  a.add(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_EQ(a.max_ns(), 1000u);
  EXPECT_EQ(a.total_ns(), 1010u);
  EXPECT_EQ(a.buckets()[10], 1u);
}

}  // namespace
}  // namespace wherry
