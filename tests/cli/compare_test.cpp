#include "cli/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>
#include <wherry/array/float_convert.hpp>

namespace wherry::cli {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::uint64_t incomparable = std::numeric_limits<std::uint64_t>::max();

template <class T>
array of(std::vector<T> values) {
  return array::of(std::span<const T>(values), {static_cast<std::int64_t>(values.size())});
}
using c64 = std::complex<float>;

TEST(compare_within, the_tolerance_is_absolute_plus_relative_to_the_expected_value) {
  EXPECT_TRUE(compare_within(of<double>({11}), of<double>({10}), 0, 1).passed());
  EXPECT_TRUE(compare_within(of<double>({11}), of<double>({10}), 0.1, 0).passed());
  EXPECT_FALSE(compare_within(of<double>({10}), of<double>({11}), 0.09, 0).passed());
  EXPECT_TRUE(compare_within(of<double>({10}), of<double>({11}), 0.05, 0.45).passed());
  EXPECT_FALSE(compare_within(of<double>({1}), of<double>({std::nextafter(1.0, 2.0)}), 0, 0).passed());
}

TEST(compare_within, nan_equals_nan_and_an_infinity_equals_itself_only) {
  EXPECT_TRUE(compare_within(of<double>({nan, inf, -inf}), of<double>({nan, inf, -inf}), 0, 0).passed());
  EXPECT_FALSE(compare_within(of<double>({nan}), of<double>({1}), 1, 1e300).passed());
  EXPECT_FALSE(compare_within(of<double>({1}), of<double>({nan}), 1, 1e300).passed());
  EXPECT_FALSE(compare_within(of<double>({1}), of<double>({inf}), 1, 1).passed());
  EXPECT_FALSE(compare_within(of<double>({inf}), of<double>({-inf}), 1, 1).passed());
}

TEST(compare_within, integers_are_exact_whatever_the_tolerance) {
  EXPECT_FALSE(compare_within(of<std::int32_t>({1}), of<std::int32_t>({2}), 1, 10).passed());
  EXPECT_FALSE(
      compare_within(of<std::int64_t>({INT64_MAX}), of<std::int64_t>({INT64_MAX - 1}), 0, 0).passed());
  EXPECT_EQ(compare_within(of<std::int64_t>({INT64_MIN}), of<std::int64_t>({INT64_MAX}), 0, 0).difference,
            std::ldexp(1.0, 64));
}

TEST(compare_within, complex_numbers_are_compared_by_the_modulus_of_their_difference) {
  EXPECT_TRUE(compare_within(of<c64>({{3, 4}}), of<c64>({{0, 0}}), 0, 5).passed());
  EXPECT_FALSE(compare_within(of<c64>({{3, 4}}), of<c64>({{0, 0}}), 0, 4.9).passed());
}

TEST(compare_within, the_worst_element_is_the_one_furthest_outside) {
  const comparison c = compare_within(of<double>({1, 2.5, 9}), of<double>({1, 2, 3}), 0, 0.1);
  EXPECT_EQ(c.failed, 2);
  EXPECT_EQ(c.worst, 2);
  EXPECT_EQ(c.difference, 6);
  EXPECT_EQ(explain(c, of<double>({1, 2.5, 9}), of<double>({1, 2, 3})),
            "element [2]: got 9.0, want 3.0; 2 of 3 elements differ");
  EXPECT_EQ(compare_within(of<double>({1, 1.5}), of<double>({1, nan}), 0, 1).worst, 1);
}

TEST(compare_within, arrays_without_elements_are_equal) {
  const comparison c = compare_within(of<float>({}), of<float>({}), 0, 0);
  EXPECT_TRUE(c.passed());
  EXPECT_EQ(explain(c, of<float>({}), of<float>({})), "no elements");
}

TEST(compare_equal, nan_differs_from_itself_and_zeros_of_both_signs_are_equal) {
  EXPECT_TRUE(compare_equal(of<float>({0.0F}), of<float>({-0.0F})).passed());
  EXPECT_FALSE(compare_equal(of<double>({nan}), of<double>({nan})).passed());
  EXPECT_FALSE(compare_equal(of<c64>({{1, 2}}), of<c64>({{1, 3}})).passed());
  EXPECT_TRUE(compare_equal(of<std::uint8_t>({255}), of<std::uint8_t>({255})).passed());
}

TEST(compare_near, each_part_may_differ_by_the_tolerance) {
  EXPECT_TRUE(compare_near(of<c64>({{3, 4}}), of<c64>({{0, 0}}), 4).passed());
  EXPECT_FALSE(compare_near(of<c64>({{3, 4}}), of<c64>({{0, 0}}), 3.9).passed());
  EXPECT_TRUE(compare_near(of<double>({nan, inf}), of<double>({nan, inf}), 0).passed());
  EXPECT_FALSE(compare_near(of<double>({nan}), of<double>({0}), 1e300).passed());
}

TEST(compare_ulps, distances_count_representable_values_across_zero) {
  const float one = 1.0F, next = std::nextafter(1.0F, 2.0F);
  EXPECT_EQ(ulp_distance(of<float>({next}), of<float>({one}), 0), 1U);
  EXPECT_EQ(ulp_distance(of<float>({0.0F}), of<float>({-0.0F}), 0), 0U);
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(ulp_distance(of<float>({tiny}), of<float>({-tiny}), 0), 2U);
  EXPECT_TRUE(compare_ulps(of<float>({next}), of<float>({one}), 1).passed());
  EXPECT_FALSE(compare_ulps(of<float>({next}), of<float>({one}), 0).passed());
}

TEST(compare_ulps, distances_are_counted_in_the_element_type_itself) {
  EXPECT_EQ(ulp_distance(of<float16>({to_float16(1)}), of<float16>({to_float16(1 + std::ldexp(1.0, -9))}), 0),
            2U);
  EXPECT_EQ(ulp_distance(of<bfloat16>({to_bfloat16(1)}), of<bfloat16>({to_bfloat16(1.0625)}), 0), 8U);
  EXPECT_EQ(ulp_distance(of<c64>({{1, 1}}), of<c64>({{1, std::nextafter(1.0F, 2.0F)}}), 0), 1U);
}

TEST(compare_ulps, values_that_are_not_finite_match_themselves_only) {
  EXPECT_EQ(ulp_distance(of<double>({nan}), of<double>({-nan}), 0), 0U);
  EXPECT_EQ(ulp_distance(of<double>({inf}), of<double>({inf}), 0), 0U);
  EXPECT_EQ(ulp_distance(of<double>({inf}), of<double>({std::numeric_limits<double>::max()}), 0),
            incomparable);
  EXPECT_EQ(ulp_distance(of<double>({nan}), of<double>({1}), 0), incomparable);
  EXPECT_EQ(worst_ulp_distance(of<double>({1, inf}), of<double>({1, -inf})), incomparable);
}

TEST(compare_bits, zeros_of_both_signs_differ_and_equal_nans_do_not) {
  EXPECT_FALSE(compare_bits(of<float>({0.0F}), of<float>({-0.0F})).passed());
  EXPECT_TRUE(compare_bits(of<double>({nan}), of<double>({nan})).passed());
}

}  // namespace
}  // namespace wherry::cli
