#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <wherry/array/float_convert.hpp>

namespace wherry {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class every_small_format : public testing::TestWithParam<dtype> {};

TEST_P(every_small_format, decoding_and_encoding_gives_every_pattern_back) {
  const float_format f = format_of(GetParam());
  for (std::uint64_t bits = 0; bits >> f.bits() == 0; ++bits) {
    const double value = decode_float(f, bits);
    const std::uint64_t back = encode_float(f, value);
    if (std::isnan(value)) {
      EXPECT_TRUE(is_nan_pattern(f, bits));
      EXPECT_TRUE(is_nan_pattern(f, back));
    } else {
      ASSERT_EQ(back, bits) << value;
    }
  }
}

TEST_P(every_small_format, a_value_between_two_neighbours_rounds_to_the_nearer_and_ties_go_to_even) {
  const float_format f = format_of(GetParam());
  for (std::uint64_t bits = 0; bits + 1 <= f.magnitude_mask(); ++bits) {
    const double low = decode_float(f, bits), high = decode_float(f, bits + 1);
    if (!std::isfinite(low) || !std::isfinite(high)) continue;
    const double middle = low / 2 + high / 2;
    EXPECT_EQ(encode_float(f, std::nextafter(middle, low)), bits) << low;
    EXPECT_EQ(encode_float(f, std::nextafter(middle, high)), bits + 1) << low;
    if (f.has_sign) {
      EXPECT_EQ(encode_float(f, middle), bits % 2 == 0 ? bits : bits + 1) << low;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(float_convert, every_small_format,
                         testing::Values(dtype::f16, dtype::bf16, dtype::f8e4m3fn, dtype::f8e5m2,
                                         dtype::f8e4m3fnuz, dtype::f8e5m2fnuz, dtype::f8e4m3b11fnuz,
                                         dtype::f8e4m3, dtype::f8e3m4, dtype::f8e8m0fnu, dtype::f6e2m3fn,
                                         dtype::f6e3m2fn, dtype::f4e2m1fn),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

TEST(float_convert, known_values_of_half_precision_decode_as_ieee_754_says) {
  EXPECT_EQ(to_float(float16{0x3C00}), 1.0F);
  EXPECT_EQ(to_float(float16{0x7BFF}), 65504.0F);
  EXPECT_EQ(to_float(float16{0x0001}), std::ldexp(1.0F, -24));
  EXPECT_EQ(to_float(float16{0xFC00}), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(to_float16(0.1).bits, 0x2E66);
  EXPECT_EQ(to_float16(65520).bits, 0x7C00);
  EXPECT_EQ(to_float16(65519.99).bits, 0x7BFF);
}

TEST(float_convert, bfloat16_is_the_upper_half_of_a_float) {
  EXPECT_EQ(to_bfloat16(1.0).bits, 0x3F80);
  EXPECT_EQ(to_bfloat16(0.1).bits, 0x3DCD);
  EXPECT_EQ(to_float(bfloat16{0x4049}), 3.140625F);
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::nan("")))));
}

TEST(float_convert, formats_without_infinity_overflow_to_nan_or_stop_at_the_largest) {
  EXPECT_EQ(decode_float(format_of(dtype::f8e4m3fn), 0x7E), 448.0);
  EXPECT_EQ(encode_float(format_of(dtype::f8e4m3fn), 1000), 0x7F);
  EXPECT_EQ(encode_float(format_of(dtype::f8e4m3fnuz), infinity), 0x80);
  EXPECT_EQ(encode_float(format_of(dtype::f8e4m3fnuz), -0.0), 0);
  EXPECT_EQ(encode_float(format_of(dtype::f4e2m1fn), 100), 0x7);
  EXPECT_EQ(decode_float(format_of(dtype::f4e2m1fn), 0x7), 6.0);
  EXPECT_EQ(encode_float(format_of(dtype::f8e5m2), -1e9), 0xFC);
}

}  // namespace
}  // namespace wherry
