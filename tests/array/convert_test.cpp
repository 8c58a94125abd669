// Every element type to every other, rounding, wrapping and saturating as promised, and the checks.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <wherry/array/convert.hpp>
#include <wherry/array/element.hpp>

namespace wherry {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

template <class T>
array of(std::vector<T> values) {
  return array::of(std::span<const T>(values), {static_cast<std::int64_t>(values.size())});
}
template <class T>
std::vector<T> list(const array& a) {
  const auto data = a.data<T>();
  return {data.begin(), data.end()};
}
std::vector<int> byte_list(const array& a) {
  std::vector<int> all;
  for (const std::byte b : a.bytes()) all.push_back(static_cast<int>(b));
  return all;
}

std::string refusal(const array& a, dtype type, value_check check) {
  try {
    (void)convert(a, type, check);
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kOutOfRange);
    return e.what();
  }
  return {};
}

TEST(convert, not_zero_is_true) {
  EXPECT_EQ(byte_list(convert(of<double>({0, -0.0, 2, -2, 0.5, nan, inf}), dtype::boolean)),
            (std::vector<int>{0, 0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(byte_list(convert(of<std::int64_t>({0, 256, -1}), dtype::boolean)), (std::vector<int>{0, 1, 1}));
  EXPECT_EQ(byte_list(convert(of<std::complex<float>>({{0, 0}, {0, 1}, {1, 0}}), dtype::boolean)),
            (std::vector<int>{0, 1, 1}));
}

TEST(convert, floats_to_integers_lose_their_fraction_and_stop_at_the_ends) {
  EXPECT_EQ(list<std::int32_t>(convert(of<double>({1.9, -1.9, 3e9, -3e9, inf, -inf, nan}), dtype::i32)),
            (std::vector<std::int32_t>{1, -1, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, 0}));
  EXPECT_EQ(list<std::uint8_t>(convert(of<float>({-1, 255.9F, 256, 0.5F}), dtype::ui8)),
            (std::vector<std::uint8_t>{0, 255, 255, 0}));
  EXPECT_EQ(list<std::int64_t>(convert(of<double>({9.3e18, -9.3e18, 4e18}), dtype::i64)),
            (std::vector<std::int64_t>{INT64_MAX, INT64_MIN, 4'000'000'000'000'000'000}));
  EXPECT_EQ(list<std::uint64_t>(convert(of<double>({1.9e19, 9.3e18}), dtype::ui64)),
            (std::vector<std::uint64_t>{UINT64_MAX, 9'300'000'000'000'000'000U}));
  EXPECT_EQ(byte_list(convert(of<double>({7.5, -8.5, 100, -100}), dtype::i4)),
            (std::vector<int>{7, 0xF8, 7, 0xF8}));
}

TEST(convert, integers_that_do_not_fit_keep_their_low_bits) {
  EXPECT_EQ(list<std::int8_t>(convert(of<std::int32_t>({127, 128, -129, 256}), dtype::i8)),
            (std::vector<std::int8_t>{127, -128, 127, 0}));
  EXPECT_EQ(list<std::uint32_t>(convert(of<std::int64_t>({-1, std::int64_t{1} << 32}), dtype::ui32)),
            (std::vector<std::uint32_t>{UINT32_MAX, 0}));
  EXPECT_EQ(byte_list(convert(of<std::int32_t>({7, 8, -8, 16}), dtype::i4)),
            (std::vector<int>{7, 0xF8, 0xF8, 0}));
  EXPECT_EQ(byte_list(convert(of<std::int32_t>({3, 4, -1}), dtype::ui2)), (std::vector<int>{3, 0, 3}));
  EXPECT_EQ(byte_list(convert(of<std::int32_t>({1, 2, 3}), dtype::i2)), (std::vector<int>{1, 0xFE, 0xFF}));
}

TEST(convert, floats_are_rounded_once_to_nearest_even) {
  EXPECT_EQ(list<float>(convert(of<double>({0.1, 1 + std::ldexp(1, -24), 1e300}), dtype::f32)),
            (std::vector<float>{0.1F, 1, std::numeric_limits<float>::infinity()}));
  const array halves = convert(of<double>({2049, 2051, 65519, 65520, 1e-8}), dtype::f16);
  EXPECT_EQ(list<float>(convert(halves, dtype::f32)),
            (std::vector<float>{2048, 2052, 65504, std::numeric_limits<float>::infinity(), 0}));
  EXPECT_EQ(byte_list(convert(of<float>({448, 1000, -0.0F}), dtype::f8e4m3fn)),
            (std::vector<int>{0x7E, 0x7F, 0x80}));
}

TEST(convert, large_integers_become_floats_without_rounding_twice) {
  // One more than halfway between two neighbours; a double would be halfway.
  const std::int64_t one = std::int64_t{1} << 62;
  const std::int64_t f32_half = one + (std::int64_t{1} << 38) + 1,
                     bf16_half = one + (std::int64_t{1} << 54) + 1;
  EXPECT_EQ(list<float>(convert(of<std::int64_t>({f32_half, -f32_half, 16'777'217}), dtype::f32)),
            (std::vector<float>{0x1.000002p62F, -0x1.000002p62F, 16'777'216}));
  EXPECT_EQ(list<float>(convert(convert(of<std::int64_t>({bf16_half, -bf16_half}), dtype::bf16), dtype::f32)),
            (std::vector<float>{0x1.02p62F, -0x1.02p62F}));
  EXPECT_EQ(list<double>(convert(of<std::uint64_t>({UINT64_MAX}), dtype::f64)),
            (std::vector<double>{18446744073709551616.0}));
}

TEST(convert, complex_numbers_give_their_real_part_and_real_ones_have_no_imaginary_part) {
  EXPECT_EQ(list<float>(convert(of<std::complex<double>>({{1.5, 2}}), dtype::f32)),
            (std::vector<float>{1.5F}));
  EXPECT_EQ(list<std::complex<double>>(convert(of<std::int32_t>({3}), dtype::c128)),
            (std::vector<std::complex<double>>{{3, 0}}));
  EXPECT_EQ(list<std::complex<float>>(convert(of<std::complex<double>>({{0.1, -2}}), dtype::c64)),
            (std::vector<std::complex<float>>{{0.1F, -2}}));
}

TEST(convert, the_same_type_shares_the_memory) {
  const array a = of<float>({1, 2});
  EXPECT_EQ(convert(a, dtype::f32).bytes().data(), a.bytes().data());
}

TEST(convert, every_type_holds_one_and_gives_it_to_every_other) {
  const array one = of<double>({1, 1, 1});
  for (std::size_t from = 0; from < dtype_count; ++from) {
    const array source = convert(one, static_cast<dtype>(from));
    if (static_cast<dtype>(from) == dtype::i2) continue;  // its one is the largest value; below too
    for (std::size_t to = 0; to < dtype_count; ++to) {
      const array there = convert(source, static_cast<dtype>(to));
      ASSERT_EQ(there.type(), (tensor_type{static_cast<dtype>(to), {3}}));
      EXPECT_EQ(element_double(there, 2), 1) << to_string(source.type()) << " to " << to_string(there.type());
    }
  }
}

TEST(convert, long_arrays_are_converted_to_the_last_element) {
  std::vector<std::int32_t> values(100'003);
  std::iota(values.begin(), values.end(), -50'000);
  const array there = convert(of(values), dtype::f64);
  for (std::size_t k = 0; k < values.size(); ++k) ASSERT_EQ(there.data<double>()[k], values[k]);
}

TEST(convert, a_check_names_the_first_value_that_the_type_cannot_hold) {
  EXPECT_EQ(refusal(of<std::int32_t>({1, 2, 300, 400}), dtype::ui8, value_check::representable),
            "convert: element 2 is 300, expected a value that ui8 can hold");
  EXPECT_EQ(refusal(of<double>({1, nan}), dtype::f32, value_check::finite),
            "convert: element 1 is nan, expected finite values");
  std::vector<float> late(1000, 1);
  late[777] = 0.5F;
  EXPECT_NE(refusal(of(late), dtype::i8, value_check::representable).find("element 777 is 0.5"),
            std::string::npos);
}

TEST(convert, representable_means_in_range_and_integral_for_integers) {
  constexpr auto check = value_check::representable;
  EXPECT_EQ(refusal(of<double>({2147483647, -2147483648.0, 0}), dtype::i32, check), "");
  for (const double x : {2147483648.0, -2147483649.0, 0.5, nan, inf})
    EXPECT_NE(refusal(of<double>({x}), dtype::i32, check), "") << x;
  EXPECT_EQ(refusal(of<std::int32_t>({-8, 7}), dtype::i4, check), "");
  EXPECT_NE(refusal(of<std::int32_t>({8}), dtype::i4, check), "");
  EXPECT_NE(refusal(of<std::int32_t>({-1}), dtype::ui64, check), "");
  EXPECT_NE(refusal(of<std::uint64_t>({std::uint64_t{1} << 63}), dtype::i64, check), "");
  EXPECT_EQ(refusal(of<std::uint64_t>({UINT64_MAX}), dtype::ui64, check), "");
  EXPECT_NE(refusal(of<double>({18446744073709551616.0}), dtype::ui64, check), "");
}

TEST(convert, representable_means_in_range_for_floats_which_may_round) {
  constexpr auto check = value_check::representable;
  EXPECT_EQ(refusal(of<double>({0.1, nan, inf, -inf}), dtype::f16, check), "");
  EXPECT_NE(refusal(of<double>({65520}), dtype::f16, check), "");
  EXPECT_NE(refusal(of<double>({inf}), dtype::f8e4m3fn, check), "");  // has NaN, but no infinity
  EXPECT_EQ(refusal(of<double>({nan}), dtype::f8e4m3fn, check), "");
  EXPECT_NE(refusal(of<double>({nan}), dtype::f4e2m1fn, check), "");
  EXPECT_EQ(refusal(of<double>({6, -6}), dtype::f4e2m1fn, check), "");
  EXPECT_NE(refusal(of<double>({7}), dtype::f4e2m1fn, check), "");
  EXPECT_NE(refusal(of<double>({0}), dtype::f8e8m0fnu, check), "");
  EXPECT_NE(refusal(of<double>({1e39}), dtype::c64, check), "");
  EXPECT_NE(refusal(of<std::complex<float>>({{1, 1}}), dtype::f32, check), "");
  EXPECT_EQ(refusal(of<std::complex<float>>({{1, 0}}), dtype::f32, check), "");
  EXPECT_NE(refusal(of<double>({nan}), dtype::boolean, check), "");
}

TEST(convert, finite_is_asked_of_a_type_that_stays_too) {
  EXPECT_NE(refusal(of<float>({1, static_cast<float>(inf)}), dtype::f32, value_check::finite), "");
  EXPECT_EQ(refusal(of<float>({1, static_cast<float>(inf)}), dtype::f32, value_check::representable), "");
}

}  // namespace
}  // namespace wherry
