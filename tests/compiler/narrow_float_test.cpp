// Floats of 4, 6 and 8 bits without infinities, and bits between narrow types.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;

struct format {
  const char* name;
  unsigned exponent_bits, mantissa_bits;
  int bias;
};

/// What a code of the format stands for, by its definition.
double meaning(const format& f, unsigned code) {
  const unsigned mantissa = code & ((1u << f.mantissa_bits) - 1);
  const unsigned exponent = code >> f.mantissa_bits & ((1u << f.exponent_bits) - 1);
  const double size =
      exponent == 0 ? std::ldexp(mantissa, 1 - f.bias - static_cast<int>(f.mantissa_bits))
                    : std::ldexp((1u << f.mantissa_bits) + mantissa,
                                 static_cast<int>(exponent) - f.bias - static_cast<int>(f.mantissa_bits));
  return code >> (f.mantissa_bits + f.exponent_bits) & 1 ? -size : size;
}

/// The code of the nearest number; of two, the even one.
unsigned nearest(const format& f, double x) {
  const double size = std::min(std::abs(x), 1e6);  // beyond all of them, but near enough to tell them apart
  unsigned best = 0;
  for (unsigned code = 0; code < 1u << (f.exponent_bits + f.mantissa_bits); ++code) {
    const double distance = std::abs(meaning(f, code) - size), least = std::abs(meaning(f, best) - size);
    if (distance < least || (distance == least && code % 2 == 0)) best = code;
  }
  return best | (std::signbit(x) ? 1u << (f.exponent_bits + f.mantissa_bits) : 0);
}

void PrintTo(const format& f, std::ostream* out) { *out << f.name; }

class finite_floats : public ::testing::TestWithParam<format> {};

TEST_P(finite_floats, round_to_the_nearest_code_and_saturate) {
  const format& f = GetParam();
  const std::string type = std::string("tensor<512x") + f.name + ">";
  const plan compiled =
      compile_text("func.func @main(%x: tensor<512xf32>) -> (" + type + ", tensor<512xf32>) {\n" +
                   "  %0 = stablehlo.convert %x : (tensor<512xf32>) -> " + type + "\n" +
                   "  %1 = stablehlo.convert %0 : (" + type + ") -> tensor<512xf32>\n" +
                   "  return %0, %1 : " + type + ", tensor<512xf32>\n}");
  std::vector<float> x;
  for (int i = 0; i < 512; ++i) x.push_back(static_cast<float>(std::ldexp(i - 256, i % 8 - 8)));
  x[0] = INFINITY;
  x[1] = -1e30F;
  x[2] = std::numeric_limits<float>::denorm_min();
  plan_runner runner(compiled);
  const auto out = runner.run({bytes_from(x)});
  const auto codes = values_from<std::uint8_t>(out.at(0));
  const auto back = values_from<float>(out.at(1));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const unsigned want = nearest(f, x[i]);
    ASSERT_EQ(codes[i], want) << x[i];
    ASSERT_EQ(static_cast<double>(back[i]), meaning(f, want)) << x[i];
  }
}

INSTANTIATE_TEST_SUITE_P(all, finite_floats,
                         ::testing::Values(format{"f6E2M3FN", 2, 3, 1}, format{"f6E3M2FN", 3, 2, 3},
                                           format{"f4E2M1FN", 2, 1, 1}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(narrow_float, an_exponent_alone_holds_powers_of_two_and_nothing_else) {
  const plan compiled = compile_text(R"(
    func.func @main(%x: tensor<10xf32>) -> (tensor<10xf8E8M0FNU>, tensor<10xf32>) {
      %0 = stablehlo.convert %x : (tensor<10xf32>) -> tensor<10xf8E8M0FNU>
      %1 = stablehlo.convert %0 : (tensor<10xf8E8M0FNU>) -> tensor<10xf32>
      return %0, %1 : tensor<10xf8E8M0FNU>, tensor<10xf32>
    })");
  const std::vector<float> x{1, 1.4375F, 1.5F, 6, 0x1p-127F, 0x1p-140F, 0x1p127F, 0, -1, INFINITY};
  plan_runner runner(compiled);
  const auto out = runner.run({bytes_from(x)});
  EXPECT_EQ(values_from<std::uint8_t>(out.at(0)),
            (std::vector<std::uint8_t>{127, 127, 128, 130, 0, 0, 254, 255, 255, 255}));
  const auto back = values_from<float>(out.at(1));
  EXPECT_EQ((std::vector<float>(back.begin(), back.begin() + 7)),
            (std::vector<float>{1, 1, 2, 8, 0x1p-127F, 0x1p-127F, 0x1p127F}));
  EXPECT_TRUE(std::isnan(back[7]) && std::isnan(back[8]) && std::isnan(back[9]));
}

TEST(narrow_float, bits_pass_between_widths_unchanged) {
  const plan compiled = compile_text(R"(
    func.func @main(%x: tensor<2xui32>, %y: tensor<2x2xi8>) -> (tensor<2x2xui16>, tensor<2xi8>) {
      %0 = stablehlo.bitcast_convert %x : (tensor<2xui32>) -> tensor<2x2xbf16>
      %1 = stablehlo.reverse %0, dims = [1] : tensor<2x2xbf16>
      %2 = stablehlo.bitcast_convert %1 : (tensor<2x2xbf16>) -> tensor<2x2xui16>
      %3 = stablehlo.convert %y : (tensor<2x2xi8>) -> tensor<2x2xi2>
      %4 = stablehlo.bitcast_convert %3 : (tensor<2x2xi2>) -> tensor<2xi4>
      %5 = stablehlo.convert %4 : (tensor<2xi4>) -> tensor<2xi8>
      return %2, %5 : tensor<2x2xui16>, tensor<2xi8>
    })");
  plan_runner runner(compiled);
  // A NaN that signals stays one: its bits are data.
  const auto out = runner.run({bytes_from(std::vector<std::uint32_t>{0x7F813F80, 0x00018000}),
                               bytes_from(std::vector<std::int8_t>{1, -2, -1, 0})});
  EXPECT_EQ(values_from<std::uint16_t>(out.at(0)),
            (std::vector<std::uint16_t>{0x7F81, 0x3F80, 0x0001, 0x8000}));
  EXPECT_EQ(values_from<std::int8_t>(out.at(1)), (std::vector<std::int8_t>{-7, 3}));
}

}  // namespace
