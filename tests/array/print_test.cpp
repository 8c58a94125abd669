#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <wherry/array/literal.hpp>
#include <wherry/array/print.hpp>

namespace wherry {
namespace {

template <class T>
array of(std::vector<T> values, shape dims) {
  return array::of(std::span<const T>(values), dims);
}

array of_bytes(dtype type, std::vector<std::uint8_t> values) {
  array a(tensor_type{type, {static_cast<std::int64_t>(values.size())}});
  std::memcpy(a.bytes().data(), values.data(), values.size());
  return a;
}

std::string printed(const array& a) {
  std::ostringstream out;
  out << a;
  return out.str();
}

TEST(print, a_scalar_prints_as_its_value) {
  EXPECT_EQ(printed(of<float>({0.1F}, {})), "0.1");
  EXPECT_EQ(printed(of<std::int64_t>({-7}, {})), "-7");
}

TEST(print, columns_are_aligned_and_every_row_has_a_line) {
  EXPECT_EQ(printed(of<std::int32_t>({1, 20, 300, 4, 5, 6}, {2, 3})), "[[  1,  20, 300],\n [  4,   5,   6]]");
}

TEST(print, matrices_of_a_cube_are_separated_by_a_blank_line) {
  EXPECT_EQ(printed(of<std::int32_t>({1, 2, 3, 4}, {2, 1, 2})), "[[[1, 2]],\n\n [[3, 4]]]");
}

TEST(print, special_values_are_words_and_complex_numbers_have_an_i) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(printed(of<float>({inf, -inf, std::nanf(""), -0.0F}, {4})), "[ inf, -inf,  nan,   -0]");
  EXPECT_EQ(printed(of<std::complex<float>>({{1, -2}, {0.5F, 3}}, {2})), "[  1-2i, 0.5+3i]");
}

TEST(print, a_large_array_shows_its_ends) {
  std::vector<std::int32_t> values(2000);
  for (int k = 0; k < 2000; ++k) values[static_cast<std::size_t>(k)] = k;
  EXPECT_EQ(printed(of(values, {2000})), "[   0,    1,    2, ..., 1997, 1998, 1999]");
  const std::string wide = printed(of(values, {100, 20}));
  EXPECT_EQ(wide.substr(0, 40), "[[   0,    1,    2, ...,   17,   18,   1");
  EXPECT_NE(wide.find("],\n ...,\n ["), std::string::npos);
}

TEST(print, an_array_without_elements_says_its_type) {
  EXPECT_EQ(printed(of<float>({}, {0, 3})), "[] tensor<0x3xf32>");
}

TEST(literal, nesting_follows_the_shape) {
  EXPECT_EQ(literal(of<float>({1, 2, 3, 4}, {2, 2})), "dense<[[1.0, 2.0], [3.0, 4.0]]>");
  EXPECT_EQ(literal(of<std::uint8_t>({200}, {})), "dense<200>");
  EXPECT_EQ(literal(of<float>({}, {0})), "dense<>");
}

TEST(literal, floats_have_a_point_and_as_few_digits_as_identify_them) {
  EXPECT_EQ(literal(of<float>({0.1F, 1e30F, -0.0F, 1.1754944e-38F}, {4})),
            "dense<[0.1, 1.0e+30, -0.0, 1.1754944e-38]>");
  EXPECT_EQ(literal(of<double>({0.1, 1.0 / 3}, {2})), "dense<[0.1, 0.3333333333333333]>");
  EXPECT_EQ(literal(of<bfloat16>({to_bfloat16(0.1), to_bfloat16(3.14159)}, {2})), "dense<[0.1, 3.14]>");
  EXPECT_EQ(literal(of<float16>({to_float16(0.1), to_float16(65504)}, {2})), "dense<[0.1, 6.55e+04]>");
}

TEST(literal, non_finite_floats_are_hexadecimal_bits) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(literal(of<float>({inf, -inf}, {2})), "dense<[0x7F800000, 0xFF800000]>");
  EXPECT_EQ(literal(of<double>({std::numeric_limits<double>::infinity()}, {})), "dense<0x7FF0000000000000>");
  EXPECT_EQ(literal(of<float16>({{0x7E00}}, {})), "dense<0x7E00>");
  EXPECT_EQ(literal(of_bytes(dtype::f8e4m3fn, {0x7F, 0x38})), "dense<[0x7F, 1.0]>");
}

TEST(literal, every_small_type_prints_its_value) {
  EXPECT_EQ(literal(of_bytes(dtype::boolean, {0, 1})), "dense<[false, true]>");
  EXPECT_EQ(literal(of_bytes(dtype::i4, {0xF8, 7})), "dense<[-8, 7]>");
  EXPECT_EQ(literal(of_bytes(dtype::ui4, {15})), "dense<[15]>");
  EXPECT_EQ(literal(of_bytes(dtype::i8, {0x80})), "dense<[-128]>");
  EXPECT_EQ(literal(of_bytes(dtype::f4e2m1fn, {0x7, 0x9})), "dense<[6.0, -0.5]>");
  EXPECT_EQ(literal(of<std::uint64_t>({~std::uint64_t{0}}, {1})), "dense<[18446744073709551615]>");
  EXPECT_EQ(literal(of<std::complex<double>>({{1, -0.5}}, {1})), "dense<[(1.0, -0.5)]>");
}

TEST(element, coordinates_count_in_row_major_order) {
  EXPECT_EQ(index_text({2, 3, 4}, 23), "[1, 2, 3]");
  EXPECT_EQ(index_text({}, 0), "[]");
}

}  // namespace
}  // namespace wherry
