// latency_histogram.hpp: how long things took, in powers of two of nanoseconds.
//
// Bucket k counts durations of which the highest set bit is bit k-1: bucket 0 is 0 ns, bucket 1 is 1 ns,
// bucket 11 is 1024 to 2047 ns. Adding one is an increment; a percentile is right to within its bucket, that
// is to a factor of 2, and better where a bucket is evenly filled.
//
// Threads: as any value.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace wherry {

class latency_histogram {
 public:
  static constexpr std::size_t bucket_count = 48;  // the last holds everything from 19 hours on

  /// A duration below 0 counts as 0.
  void add(std::int64_t nanoseconds) noexcept {
    const auto ns = static_cast<std::uint64_t>(nanoseconds < 0 ? 0 : nanoseconds);
    ++buckets_[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(ns)), bucket_count - 1)];
    ++count_;
    total_ += ns;
    max_ = std::max(max_, ns);
  }
  /// Adds everything that was added to `other`.
  void add(const latency_histogram& other) noexcept {
    for (std::size_t k = 0; k < bucket_count; ++k) buckets_[k] += other.buckets_[k];
    count_ += other.count_;
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t total_ns() const noexcept { return total_; }
  std::uint64_t max_ns() const noexcept { return max_; }
  /// 0 while nothing was added.
  double mean_ns() const noexcept {
    return count_ == 0 ? 0 : static_cast<double>(total_) / static_cast<double>(count_);
  }
  const std::array<std::uint64_t, bucket_count>& buckets() const noexcept { return buckets_; }
  /// The shortest duration that bucket `k` counts.
  static constexpr std::uint64_t lower_bound_ns(std::size_t k) noexcept {
    return k == 0 ? 0 : std::uint64_t{1} << (k - 1);
  }

  /// Returns the duration that `share` (0 to 1) of all do not exceed: 0.5 is the median. Durations of one
  /// bucket are taken to be spread evenly over it, up to the longest that was added. 0 while nothing was.
  double percentile_ns(double share) const noexcept {
    if (count_ == 0) return 0;
    const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
    double before = 0;
    for (std::size_t k = 0; k < bucket_count; ++k) {
      const auto here = static_cast<double>(buckets_[k]);
      if (here == 0 || before + here < wanted) {
        before += here;
        continue;
      }
      const auto low = static_cast<double>(lower_bound_ns(k));
      const auto end = k + 1 < bucket_count ? lower_bound_ns(k + 1) : max_;
      const auto high = static_cast<double>(std::min(end, max_));
      return low + std::max(0.0, high - low) * (wanted - before) / here;
    }
    return static_cast<double>(max_);
  }

 private:
  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace wherry
