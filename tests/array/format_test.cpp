// Elements as StableHLO literals with a fixed, sufficient number of digits.
#include <gtest/gtest.h>

#include <limits>
#include <wherry/array/format.hpp>

namespace wherry {
namespace {

template <class T>
std::vector<std::string> texts(std::vector<T> values) {
  return format(array::of(std::span<const T>(values), {static_cast<std::int64_t>(values.size())})).elements;
}
std::vector<std::string> texts_of_bits(dtype type, std::vector<std::uint8_t> values) {
  array a(tensor_type{type, {static_cast<std::int64_t>(values.size())}});
  std::memcpy(a.bytes().data(), values.data(), values.size());
  return format(a).elements;
}
using list = std::vector<std::string>;

TEST(format, floats_have_as_many_digits_as_tell_any_two_apart) {
  EXPECT_EQ(texts<float>({1.23F, -0.0F, 1e-30F}),
            (list{"1.23000002e+00", "-0.00000000e+00", "1.00000000e-30"}));
  EXPECT_EQ(texts<double>({0.1}), (list{"1.0000000000000001e-01"}));
  EXPECT_EQ(texts<float16>({to_float16(0.1)}), (list{"9.9976e-02"}));
  EXPECT_EQ(texts<bfloat16>({to_bfloat16(0.1)}), (list{"1.001e-01"}));
  EXPECT_EQ(texts_of_bits(dtype::f8e4m3fn, {0x7E, 0x39}), (list{"4.48e+02", "1.12e+00"}));
}

TEST(format, what_is_not_finite_is_written_in_hexadecimal_bits) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(texts<float>({std::nanf(""), inf, -inf}), (list{"0x7FC00000", "0x7F800000", "0xFF800000"}));
  EXPECT_EQ(texts<double>({std::nan(""), inf, -inf}),
            (list{"0x7FF8000000000000", "0x7FF0000000000000", "0xFFF0000000000000"}));
  EXPECT_EQ(texts<float16>({{0x7E00}}), (list{"0x7E00"}));
  EXPECT_EQ(texts_of_bits(dtype::f8e5m2, {0x7C}), (list{"0x7C"}));
}

TEST(format, integers_are_decimal_over_their_whole_range_and_booleans_are_words) {
  EXPECT_EQ(texts<std::int64_t>({INT64_MIN, INT64_MAX}),
            (list{"-9223372036854775808", "9223372036854775807"}));
  EXPECT_EQ(texts<std::uint64_t>({UINT64_MAX}), (list{"18446744073709551615"}));
  EXPECT_EQ(texts_of_bits(dtype::boolean, {1, 0}), (list{"true", "false"}));
  EXPECT_EQ(texts_of_bits(dtype::i4, {0xF8}), (list{"-8"}));
}

TEST(format, complex_numbers_are_pairs) {
  EXPECT_EQ(texts<std::complex<float>>({{1, -2}}), (list{"(1.00000000e+00, -2.00000000e+00)"}));
}

TEST(format, the_shape_is_kept) {
  const std::vector<std::int32_t> values{1, 2, 3, 4, 5, 6};
  const formatted_array f = format(array::of(std::span<const std::int32_t>(values), {2, 3}));
  EXPECT_EQ(f.dims, (shape{2, 3}));
  EXPECT_EQ(f.elements[4], "5");
  EXPECT_EQ(format(array::of(std::span<const std::int32_t>(&values[0], 1), {})).elements, (list{"1"}));
  EXPECT_TRUE(format(array(tensor_type{dtype::f32, {0, 2}})).elements.empty());
}

TEST(format, every_finite_pattern_of_a_small_type_has_a_text_of_its_own) {
  for (const dtype type : {dtype::f16, dtype::bf16, dtype::f8e4m3fn, dtype::f8e5m2, dtype::f8e3m4,
                           dtype::f8e8m0fnu, dtype::f6e2m3fn, dtype::f6e3m2fn, dtype::f4e2m1fn}) {
    const float_format f = format_of(type);
    for (std::uint64_t bits = 0; bits >> f.bits() == 0; ++bits) {
      if (is_nan_pattern(f, bits) || is_infinity_pattern(f, bits)) continue;
      array a(tensor_type{type, {}});
      std::memcpy(a.bytes().data(), &bits, a.bytes().size());
      ASSERT_EQ(encode_float(f, std::strtod(format_element(a, 0).c_str(), nullptr)), bits) << name_of(type);
    }
  }
}

}  // namespace
}  // namespace wherry
