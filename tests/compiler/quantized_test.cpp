// Programs on quantized tensors, whose arguments and results are the integers.
#include <gtest/gtest.h>

#include <cstdint>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;

template <class Result, class... Args>
std::vector<Result> run(const std::string& text, const std::vector<Args>&... args) {
  const plan compiled = compile_text(text);
  plan_runner runner(compiled);
  return values_from<Result>(runner.run({bytes_from(args)...}).at(0));
}

using bytes = std::vector<std::int8_t>;
using words = std::vector<std::int32_t>;
using reals = std::vector<float>;

TEST(quantized, quantizing_rounds_to_even_and_clamps_to_the_bounds_of_the_type) {
  const std::string text = R"(
    func.func @main(%x: tensor<8xf32>) -> tensor<8x!quant.uniform<i8<-100:100>:f32, 0.5:3>> {
      %0 = stablehlo.uniform_quantize %x : (tensor<8xf32>) -> tensor<8x!quant.uniform<i8<-100:100>:f32, 0.5:3>>
      return %0 : tensor<8x!quant.uniform<i8<-100:100>:f32, 0.5:3>>
    })";
  const reals x = {0.0F, 0.25F, 0.75F, -0.25F, 1000.0F, -1000.0F, INFINITY, 1.0F};
  // 3, 3.5, 4.5, 2.5, ... : the ties go to 4, 4 and 2.
  EXPECT_EQ((run<std::int8_t>(text, x)), (bytes{3, 4, 4, 2, 100, -100, 100, 5}));
}

TEST(quantized, sums_are_computed_on_the_numbers_and_quantized_again) {
  const std::string text = R"(
    !a = !quant.uniform<i8:f32, 0.5:3>
    !b = !quant.uniform<u8:f32, 0.25:100>
    !c = !quant.uniform<i8:f32, 1.0:-1>
    func.func @main(%x: tensor<4x!a>, %y: tensor<4x!b>) -> tensor<4x!c> {
      %0 = stablehlo.add %x, %y : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!c>
      return %0 : tensor<4x!c>
    })";
  const bytes x = {3, 5, 4, -127};
  const std::vector<std::uint8_t> y = {100, 104, 102, 0};
  // 0 + 0, 1 + 1, 0.5 + 0.5, -65 - 25; each minus 1.
  EXPECT_EQ((run<std::int8_t>(text, x, y)), (bytes{-1, 1, 0, -91}));
}

TEST(quantized, products_of_integers_are_summed_exactly) {
  // The sum of 70,001 products is odd and above 2^24, which f32 cannot hold.
  const std::string text = R"(
    !a = !quant.uniform<i8:f32, 1.0>
    !c = !quant.uniform<i32:f32, 1.0>
    func.func @main(%x: tensor<70001x!a>, %y: tensor<70001x!a>) -> tensor<2x!c> {
      %0 = stablehlo.dot_general %x, %y, contracting_dims = [0] x [0] : (tensor<70001x!a>, tensor<70001x!a>) -> tensor<!c>
      %1 = stablehlo.slice %x [0:1000] : (tensor<70001x!a>) -> tensor<1000x!a>
      %2 = stablehlo.slice %y [0:1000] : (tensor<70001x!a>) -> tensor<1000x!a>
      %3 = stablehlo.dot_general %1, %2, contracting_dims = [0] x [0] : (tensor<1000x!a>, tensor<1000x!a>) -> tensor<!c>
      %4 = stablehlo.reshape %0 : (tensor<!c>) -> tensor<1x!c>
      %5 = stablehlo.reshape %3 : (tensor<!c>) -> tensor<1x!c>
      %6 = stablehlo.concatenate %4, %5, dim = 0 : (tensor<1x!c>, tensor<1x!c>) -> tensor<2x!c>
      return %6 : tensor<2x!c>
    })";
  bytes x(70001, -128), y(70001, -128);
  x[0] = 127;
  y[0] = 127;
  const std::int64_t all = 127 * 127 + std::int64_t{70000} * 16384;
  ASSERT_LT(all, INT32_MAX);
  EXPECT_EQ((run<std::int32_t>(text, x, y)),
            (words{static_cast<std::int32_t>(all), 127 * 127 + 999 * 16384}));
}

TEST(quantized, each_column_has_its_own_scale_and_zero_point) {
  const std::string text = R"(
    !a = !quant.uniform<i8:f32, 0.5:3>
    !w = !quant.uniform<i8:f32:1, {0.5:0, 0.25:-2}>
    !c = !quant.uniform<i32:f32, 0.0625>
    func.func @main(%x: tensor<2x2x!a>, %y: tensor<2x2x!w>) -> tensor<2x2x!c> {
      %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0] : (tensor<2x2x!a>, tensor<2x2x!w>) -> tensor<2x2x!c>
      return %0 : tensor<2x2x!c>
    })";
  const bytes x = {1, 5, -4, 20}, y = {3, -7, 11, 6};
  // x - 3 = [[-2, 2], [-7, 17]], y - z = [[3, -5], [11, 8]]; one unit is 4 and 2 results.
  EXPECT_EQ((run<std::int32_t>(text, x, y)), (words{4 * 16, 2 * 26, 4 * 166, 2 * 171}));
}

TEST(quantized, a_region_computes_on_quantized_scalars) {
  const std::string text = R"(
    !a = !quant.uniform<i8:f32, 0.5:3>
    func.func @main(%x: tensor<2x3x!a>) -> tensor<2x!a> {
      %z = stablehlo.constant() <{value = dense<3> : tensor<i8>}> : () -> tensor<!a>
      %0 = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [1] : (tensor<2x3x!a>, tensor<!a>) -> tensor<2x!a>
      return %0 : tensor<2x!a>
    })";
  EXPECT_EQ((run<std::int8_t>(text, bytes{3, 4, 5, 120, 120, 0})), (bytes{6, 124}));
}

}  // namespace
