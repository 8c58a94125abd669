// emit_test.cpp: the elemental emitter, run through the native exit and compared with plain C++.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "compiler/run_kernels.hpp"

namespace {

using namespace wherry;
using namespace wherry::test;

std::vector<float> numbers(std::size_t count, float scale = 1.0f) {
  std::vector<float> result(count);
  std::uint32_t state = 12345;
  for (float& x : result) {
    state = state * 1664525u + 1013904223u;
    x = (static_cast<float>(state >> 8) / 8388608.0f - 1.0f) * scale;
  }
  return result;
}

/// Options that reach every shape of loop: wide and narrow vectors, scalars, whole and split units.
std::vector<compile::EmitOptions> shapes_of_loops() {
  return {{16, false, 2000}, {8, false, 10}, {4, true, 2000}, {2, false, 1}, {1, false, 100}};
}

/// Runs @main in every way and returns the results, which must not depend on how.
std::vector<bytes> run(const std::string& text, const std::vector<bytes>& arguments) {
  std::vector<bytes> first;
  for (const compile::EmitOptions& options : shapes_of_loops())
    for (const grouping how : {grouping::one_cluster, grouping::each_operation}) {
      runner kernels(options, how);
      if (!kernels.parse(text)) {
        ADD_FAILURE() << kernels.problem();
        return {};
      }
      std::vector<bytes> results;
      if (!kernels.run(kernels.function("main"), arguments, results, 3)) {
        ADD_FAILURE() << kernels.problem() << kernels.kernels();
        return {};
      }
      if (first.empty()) first = results;
      EXPECT_EQ(first, results) << "lanes " << options.lanes << ", unit " << options.unitCostNs << "\n"
                                << kernels.kernels();
    }
  return first;
}

/// Sums differ with the number of lanes; everything else must not.
std::vector<bytes> run_once(const std::string& text, const std::vector<bytes>& arguments,
                            const compile::EmitOptions& options = {}, std::int64_t split = 1) {
  runner kernels(options, grouping::one_cluster);
  std::vector<bytes> results;
  if (!kernels.parse(text) || !kernels.run(kernels.function("main"), arguments, results, split))
    ADD_FAILURE() << kernels.problem() << kernels.kernels();
  return results;
}

TEST(emitter, an_elementwise_chain_of_any_rank_is_one_flat_loop) {
  const std::string text =
      R"(func.func @main(%a: tensor<3x5x7xf32>, %b: tensor<3x5x7xf32>) -> tensor<3x5x7xf32> {
    %0 = stablehlo.add %a, %b : tensor<3x5x7xf32>
    %1 = stablehlo.multiply %0, %a : tensor<3x5x7xf32>
    return %1 : tensor<3x5x7xf32>
  })";
  const auto a = numbers(105), b = numbers(105, 3.0f);
  const auto result = values_of<float>(run(text, {bytes_of(a), bytes_of(b)}).at(0));
  for (std::size_t i = 0; i < 105; ++i) EXPECT_EQ(result[i], (a[i] + b[i]) * a[i]) << i;
  runner kernels({}, grouping::one_cluster);
  std::vector<bytes> results;
  ASSERT_TRUE(kernels.parse(text) &&
              kernels.run(kernels.function("main"), {bytes_of(a), bytes_of(b)}, results));
  EXPECT_EQ(kernels.kernels().find("divui"), std::string::npos) << kernels.kernels();
}

TEST(emitter, index_maps_compose) {
  const std::string text =
      R"(func.func @main(%a: tensor<4x6xf32>, %bias: tensor<6xf32>) -> tensor<6x2x2xf32> {
    %0 = stablehlo.broadcast_in_dim %bias, dims = [1] : (tensor<6xf32>) -> tensor<4x6xf32>
    %1 = stablehlo.subtract %a, %0 : tensor<4x6xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0] : (tensor<4x6xf32>) -> tensor<6x4xf32>
    %3 = stablehlo.reverse %2, dims = [0] : tensor<6x4xf32>
    %4 = stablehlo.reshape %3 : (tensor<6x4xf32>) -> tensor<6x2x2xf32>
    return %4 : tensor<6x2x2xf32>
  })";
  const auto a = numbers(24), bias = numbers(6, 2.0f);
  const auto result = values_of<float>(run(text, {bytes_of(a), bytes_of(bias)}).at(0));
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 4; ++j) EXPECT_EQ(result[i * 4 + j], a[j * 6 + (5 - i)] - bias[5 - i]);
}

TEST(emitter, pads_crop_and_spread_and_concatenations_meet_inside_a_row) {
  const std::string text =
      R"(func.func @main(%a: tensor<3x20xi32>, %b: tensor<3x5xi32>, %z: tensor<i32>) -> tensor<5x41xi32> {
    %0 = stablehlo.concatenate %a, %b, dim = 1 : (tensor<3x20xi32>, tensor<3x5xi32>) -> tensor<3x25xi32>
    %1 = stablehlo.slice %0 [0:3, 2:23] : (tensor<3x25xi32>) -> tensor<3x21xi32>
    %2 = stablehlo.pad %1, %z, low = [1, -1], high = [1, 2], interior = [0, 1] : (tensor<3x21xi32>, tensor<i32>) -> tensor<5x42xi32>
    %3 = stablehlo.slice %2 [0:5, 0:41] : (tensor<5x42xi32>) -> tensor<5x41xi32>
    return %3 : tensor<5x41xi32>
  })";
  std::vector<std::int32_t> a(60), b(15);
  std::iota(a.begin(), a.end(), 100);
  std::iota(b.begin(), b.end(), 900);
  const auto result =
      values_of<std::int32_t>(run(text, {bytes_of(a), bytes_of(b), bytes_of<std::int32_t>({-7})}).at(0));
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 41; ++j) {
      std::int32_t expected = -7;
      const int row = i - 1, place = j + 1;
      if (row >= 0 && row < 3 && place % 2 == 0 && place / 2 < 21) {
        const int column = place / 2 + 2;
        expected = column < 20 ? a[row * 20 + column] : b[row * 5 + column - 20];
      }
      EXPECT_EQ(result[i * 41 + j], expected) << i << ", " << j;
    }
}

TEST(emitter, an_iota_counts_along_its_dimension_in_every_type) {
  const std::string text = R"(func.func @main() -> (tensor<3x19xf32>, tensor<3x19xi64>, tensor<3x19xui8>) {
    %0 = stablehlo.iota dim = 0 : tensor<3x19xf32>
    %1 = stablehlo.iota dim = 1 : tensor<3x19xi64>
    %2 = stablehlo.iota dim = 1 : tensor<3x19xui8>
    return %0, %1, %2 : tensor<3x19xf32>, tensor<3x19xi64>, tensor<3x19xui8>
  })";
  const auto results = run(text, {});
  for (std::size_t i = 0; i < 57; ++i) {
    EXPECT_EQ(values_of<float>(results.at(0))[i], static_cast<float>(i / 19));
    EXPECT_EQ(values_of<std::int64_t>(results.at(1))[i], static_cast<std::int64_t>(i % 19));
    EXPECT_EQ(values_of<std::uint8_t>(results.at(2))[i], i % 19);
  }
}

TEST(emitter, integer_division_never_traps) {
  const std::string text =
      R"(func.func @main(%a: tensor<6xi32>, %b: tensor<6xi32>) -> (tensor<6xi32>, tensor<6xi32>) {
    %0 = stablehlo.divide %a, %b : tensor<6xi32>
    %1 = stablehlo.remainder %a, %b : tensor<6xi32>
    return %0, %1 : tensor<6xi32>, tensor<6xi32>
  })";
  constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
  const auto results = run(text, {bytes_of<std::int32_t>({7, least, 5, -7, 0, least}),
                                  bytes_of<std::int32_t>({-2, -1, 0, 2, 0, 1})});
  EXPECT_EQ(values_of<std::int32_t>(results.at(0)),
            (std::vector<std::int32_t>{-3, least, -1, -3, -1, least}));
  EXPECT_EQ(values_of<std::int32_t>(results.at(1)), (std::vector<std::int32_t>{1, 0, 5, -1, 0, 0}));
}

TEST(emitter, shifts_by_the_width_or_more_shift_everything_out) {
  const std::string text =
      R"(func.func @main(%a: tensor<4xi8>, %n: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>, tensor<4xi8>) {
    %0 = stablehlo.shift_left %a, %n : tensor<4xi8>
    %1 = stablehlo.shift_right_arithmetic %a, %n : tensor<4xi8>
    %2 = stablehlo.shift_right_logical %a, %n : tensor<4xi8>
    return %0, %1, %2 : tensor<4xi8>, tensor<4xi8>, tensor<4xi8>
  })";
  const auto results =
      run(text, {bytes_of<std::int8_t>({-128, 5, -3, 64}), bytes_of<std::int8_t>({1, 8, -1, 7})});
  EXPECT_EQ(values_of<std::int8_t>(results.at(0)), (std::vector<std::int8_t>{0, 0, 0, 0}));
  EXPECT_EQ(values_of<std::int8_t>(results.at(1)), (std::vector<std::int8_t>{-64, 0, -1, 0}));
  EXPECT_EQ(values_of<std::int8_t>(results.at(2)), (std::vector<std::int8_t>{64, 0, 0, 0}));
}

TEST(emitter, floats_convert_to_integers_by_truncating_and_saturating) {
  const std::string text =
      R"(func.func @main(%a: tensor<8xf32>) -> (tensor<8xi8>, tensor<8xui8>, tensor<8xi64>, tensor<8xi1>) {
    %0 = stablehlo.convert %a : (tensor<8xf32>) -> tensor<8xi8>
    %1 = stablehlo.convert %a : (tensor<8xf32>) -> tensor<8xui8>
    %2 = stablehlo.convert %a : (tensor<8xf32>) -> tensor<8xi64>
    %3 = stablehlo.convert %a : (tensor<8xf32>) -> tensor<8xi1>
    return %0, %1, %2, %3 : tensor<8xi8>, tensor<8xui8>, tensor<8xi64>, tensor<8xi1>
  })";
  const float infinity = std::numeric_limits<float>::infinity();
  const auto results =
      run(text, {bytes_of<float>({1.9f, -1.9f, 200.0f, -200.0f, infinity, -infinity, NAN, -0.0f})});
  EXPECT_EQ(values_of<std::int8_t>(results.at(0)),
            (std::vector<std::int8_t>{1, -1, 127, -128, 127, -128, 0, 0}));
  EXPECT_EQ(values_of<std::uint8_t>(results.at(1)), (std::vector<std::uint8_t>{1, 0, 200, 0, 255, 0, 0, 0}));
  constexpr auto most = std::numeric_limits<std::int64_t>::max(),
                 least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(values_of<std::int64_t>(results.at(2)),
            (std::vector<std::int64_t>{1, -1, 200, -200, most, least, 0, 0}));
  EXPECT_EQ(values_of<std::uint8_t>(results.at(3)), (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 1, 1, 0}));
}

TEST(emitter, every_half_float_survives_the_way_through_f32) {
  const std::string text =
      R"(func.func @main(%a: tensor<65536xf16>) -> (tensor<65536xf16>, tensor<65536xf32>) {
    %0 = stablehlo.negate %a : tensor<65536xf16>
    %1 = stablehlo.convert %a : (tensor<65536xf16>) -> tensor<65536xf32>
    return %0, %1 : tensor<65536xf16>, tensor<65536xf32>
  })";
  std::vector<std::uint16_t> all(65536);
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  const auto results = run_once(text, {bytes_of(all)});
  const auto negated = values_of<std::uint16_t>(results.at(0));
  const auto wide = values_of<float>(results.at(1));
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const std::uint32_t exponent = (i >> 10) & 31, mantissa = i & 1023;
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(wide[i])) << i;
      continue;
    }
    ASSERT_EQ(negated[i], i ^ 0x8000u) << i;
    const double size = exponent == 31 ? std::numeric_limits<double>::infinity()
                        : exponent     ? std::ldexp(1024.0 + mantissa, static_cast<int>(exponent) - 25)
                                       : std::ldexp(mantissa, -24);
    ASSERT_EQ(wide[i], i & 0x8000u ? -size : size) << i;
  }
}

TEST(emitter, wide_numbers_round_to_bf16_once) {
  // 1 + 2^-8 is half way between two bf16 numbers; 2^-40 more must round up, though f32 cannot hold it.
  const std::string text =
      R"(func.func @main(%a: tensor<2xf64>, %b: tensor<2xi64>) -> (tensor<2xbf16>, tensor<2xbf16>) {
    %0 = stablehlo.convert %a : (tensor<2xf64>) -> tensor<2xbf16>
    %1 = stablehlo.convert %b : (tensor<2xi64>) -> tensor<2xbf16>
    return %0, %1 : tensor<2xbf16>, tensor<2xbf16>
  })";
  const double half = 1.0 + std::ldexp(1.0, -8);
  const std::int64_t tie = (std::int64_t{1} << 60) + (std::int64_t{1} << 52);
  const auto results = run(
      text, {bytes_of<double>({half, half + std::ldexp(1.0, -40)}), bytes_of<std::int64_t>({tie, -tie - 1})});
  EXPECT_EQ(values_of<std::uint16_t>(results.at(0)), (std::vector<std::uint16_t>{0x3F80, 0x3F81}));
  EXPECT_EQ(values_of<std::uint16_t>(results.at(1)), (std::vector<std::uint16_t>{0x5D80, 0xDD81}));
}

TEST(emitter, comparisons_know_nan_and_the_total_order) {
  const std::string text =
      R"(func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xf32>) {
    %0 = stablehlo.compare LT, %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    %1 = stablehlo.compare LT, %a, %b, TOTALORDER : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    %2 = stablehlo.maximum %a, %b : tensor<4xf32>
    return %0, %1, %2 : tensor<4xi1>, tensor<4xi1>, tensor<4xf32>
  })";
  const auto results =
      run(text, {bytes_of<float>({-0.0f, 1.0f, NAN, 2.0f}), bytes_of<float>({0.0f, NAN, 1.0f, 3.0f})});
  EXPECT_EQ(values_of<std::uint8_t>(results.at(0)), (std::vector<std::uint8_t>{0, 0, 0, 1}));
  EXPECT_EQ(values_of<std::uint8_t>(results.at(1)), (std::vector<std::uint8_t>{1, 1, 0, 1}));
  const auto most = values_of<float>(results.at(2));
  EXPECT_FALSE(std::signbit(most[0]));
  EXPECT_TRUE(std::isnan(most[1]) && std::isnan(most[2]));
}

TEST(emitter, complex_numbers_multiply_and_move) {
  const std::string text =
      R"(func.func @main(%a: tensor<3x7xcomplex<f32>>, %b: tensor<3x7xcomplex<f32>>) -> (tensor<7x3xcomplex<f32>>, tensor<3x7xf32>) {
    %0 = stablehlo.multiply %a, %b : tensor<3x7xcomplex<f32>>
    %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<3x7xcomplex<f32>>) -> tensor<7x3xcomplex<f32>>
    %2 = stablehlo.imag %0 : (tensor<3x7xcomplex<f32>>) -> tensor<3x7xf32>
    return %1, %2 : tensor<7x3xcomplex<f32>>, tensor<3x7xf32>
  })";
  const auto a = numbers(42), b = numbers(42, 2.0f);
  const auto results = run(text, {bytes_of(a), bytes_of(b)});
  const auto moved = values_of<float>(results.at(0)), imaginary = values_of<float>(results.at(1));
  for (std::size_t i = 0; i < 21; ++i) {
    const volatile float ac = a[2 * i] * b[2 * i], bd = a[2 * i + 1] * b[2 * i + 1];
    const volatile float ad = a[2 * i] * b[2 * i + 1], bc = a[2 * i + 1] * b[2 * i];
    const std::size_t j = (i % 7) * 3 + i / 7;
    EXPECT_EQ(moved[2 * j], ac - bd);
    EXPECT_EQ(imaginary[i], ad + bc);
  }
}

constexpr const char* softmax = R"(func.func @main(%x: tensor<9x37xf32>) -> tensor<9x37xf32> {
    %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %0 = stablehlo.reduce(%x init: %least) applies stablehlo.maximum across dimensions = [1] : (tensor<9x37xf32>, tensor<f32>) -> tensor<9xf32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<9xf32>) -> tensor<9x37xf32>
    %2 = stablehlo.subtract %x, %1 : tensor<9x37xf32>
    %3 = stablehlo.exponential %2 : tensor<9x37xf32>
    %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<9x37xf32>, tensor<f32>) -> tensor<9xf32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<9xf32>) -> tensor<9x37xf32>
    %6 = stablehlo.divide %3, %5 : tensor<9x37xf32>
    return %6 : tensor<9x37xf32>
  })";

TEST(emitter, a_softmax_is_one_kernel_whose_rows_sum_to_one) {
  const auto x = numbers(9 * 37, 4.0f);
  const auto result = values_of<float>(run_once(softmax, {bytes_of(x)}).at(0));
  for (std::size_t i = 0; i < 9; ++i) {
    double total = 0.0;
    for (std::size_t j = 0; j < 37; ++j) total += std::exp(static_cast<double>(x[i * 37 + j]));
    for (std::size_t j = 0; j < 37; ++j)
      EXPECT_NEAR(result[i * 37 + j], std::exp(static_cast<double>(x[i * 37 + j])) / total, 1e-6);
  }
}

TEST(emitter, results_do_not_depend_on_the_split) {
  const auto x = numbers(9 * 37, 4.0f);
  const compile::EmitOptions small{16, false, 1};
  const auto whole = run_once(softmax, {bytes_of(x)}, small, 1);
  for (const std::int64_t split : {2, 5, 9}) EXPECT_EQ(run_once(softmax, {bytes_of(x)}, small, split), whole);
}

TEST(emitter, reductions_cover_every_dimension_and_length) {
  for (const int rows : {1, 3, 17})
    for (const int columns : {1, 2, 15, 16, 17, 70, 131}) {
      const std::string in = "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) + "xi32>";
      const std::string row = "tensor<" + std::to_string(rows) + "xi32>",
                        column = "tensor<" + std::to_string(columns) + "xi32>";
      const std::string text =
          "func.func @main(%a: " + in + ", %z: tensor<i32>) -> (" + row + ", " + column +
          ", tensor<i32>) {\n" +
          "%0 = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [1] : (" + in +
          ", tensor<i32>) -> " + row + "\n" +
          "%1 = stablehlo.reduce(%a init: %z) applies stablehlo.maximum across dimensions = [0] : (" + in +
          ", tensor<i32>) -> " + column + "\n" +
          "%2 = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [0, 1] : (" + in +
          ", tensor<i32>) -> tensor<i32>\n" + "return %0, %1, %2 : " + row + ", " + column +
          ", tensor<i32>\n}";
      std::vector<std::int32_t> a(static_cast<std::size_t>(rows * columns));
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::int32_t>((i * 7919) % 1000) - 500;
      const auto results = run(text, {bytes_of(a), bytes_of<std::int32_t>({3})});
      ASSERT_EQ(results.size(), 3u);
      std::int32_t total = 3;
      for (int i = 0; i < rows; ++i) {
        std::int32_t sum = 3;
        for (int j = 0; j < columns; ++j) sum += a[i * columns + j];
        total += sum - 3;
        EXPECT_EQ(values_of<std::int32_t>(results[0])[i], sum) << rows << "x" << columns;
      }
      for (int j = 0; j < columns; ++j) {
        std::int32_t most = 3;
        for (int i = 0; i < rows; ++i) most = std::max(most, a[i * columns + j]);
        EXPECT_EQ(values_of<std::int32_t>(results[1])[j], most) << rows << "x" << columns;
      }
      EXPECT_EQ(values_of<std::int32_t>(results[2])[0], total) << rows << "x" << columns;
    }
}

TEST(emitter, a_region_with_two_operands_finds_the_place_of_the_greatest) {
  const std::string text = R"(func.func @main(%x: tensor<5x23xf32>) -> tensor<5xi32> {
    %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %places = stablehlo.iota dim = 1 : tensor<5x23xi32>
    %0:2 = stablehlo.reduce(%x init: %least), (%places init: %zero) across dimensions = [1] : (tensor<5x23xf32>, tensor<5x23xi32>, tensor<f32>, tensor<i32>) -> (tensor<5xf32>, tensor<5xi32>)
     reducer(%a: tensor<f32>, %b: tensor<f32>) (%i: tensor<i32>, %j: tensor<i32>) {
      %1 = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %2 = stablehlo.select %1, %a, %b : tensor<i1>, tensor<f32>
      %3 = stablehlo.select %1, %i, %j : tensor<i1>, tensor<i32>
      stablehlo.return %2, %3 : tensor<f32>, tensor<i32>
    }
    return %0#1 : tensor<5xi32>
  })";
  const auto x = numbers(5 * 23);
  const auto result = values_of<std::int32_t>(run_once(text, {bytes_of(x)}).at(0));
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(result[i],
              std::max_element(x.begin() + i * 23, x.begin() + (i + 1) * 23) - (x.begin() + i * 23));
}

TEST(emitter, dots_contract_any_dimensions) {
  // [b, k, m] . [b, n, k]: nothing is where a plain matrix product has it.
  const std::string text =
      R"(func.func @main(%a: tensor<2x19x6xf32>, %b: tensor<2x21x19xf32>) -> tensor<2x6x21xf32> {
    %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [1] x [2] : (tensor<2x19x6xf32>, tensor<2x21x19xf32>) -> tensor<2x6x21xf32>
    return %0 : tensor<2x6x21xf32>
  })";
  const auto a = numbers(2 * 19 * 6), b = numbers(2 * 21 * 19);
  for (const compile::EmitOptions& options : shapes_of_loops()) {
    const auto result = values_of<float>(run_once(text, {bytes_of(a), bytes_of(b)}, options, 2).at(0));
    for (std::size_t g = 0; g < 2; ++g)
      for (std::size_t m = 0; m < 6; ++m)
        for (std::size_t n = 0; n < 21; ++n) {
          double sum = 0.0;
          for (std::size_t k = 0; k < 19; ++k)
            sum += static_cast<double>(a[(g * 19 + k) * 6 + m]) * b[(g * 21 + n) * 19 + k];
          EXPECT_NEAR(result[(g * 6 + m) * 21 + n], sum, 1e-5);
        }
  }
}

TEST(emitter, a_dot_has_an_epilogue_and_narrow_operands_sum_in_f32) {
  const std::string text =
      R"(func.func @main(%a: tensor<8x300xbf16>, %b: tensor<300x24xbf16>, %bias: tensor<24xf32>) -> tensor<8x24xf32> {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x300xbf16>, tensor<300x24xbf16>) -> tensor<8x24xf32>
    %1 = stablehlo.broadcast_in_dim %bias, dims = [1] : (tensor<24xf32>) -> tensor<8x24xf32>
    %2 = stablehlo.add %0, %1 : tensor<8x24xf32>
    return %2 : tensor<8x24xf32>
  })";
  const auto narrow = [](std::vector<float> wide) {
    std::vector<std::uint16_t> bits;
    for (const float x : wide)
      bits.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16));
    return bits;
  };
  const auto widened = [](std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  };
  const auto a = narrow(numbers(8 * 300)), b = narrow(numbers(300 * 24));
  const auto bias = numbers(24);
  const auto result = values_of<float>(run_once(text, {bytes_of(a), bytes_of(b), bytes_of(bias)}).at(0));
  for (std::size_t m = 0; m < 8; ++m)
    for (std::size_t n = 0; n < 24; ++n) {
      double sum = bias[n];
      for (std::size_t k = 0; k < 300; ++k)
        sum += static_cast<double>(widened(a[m * 300 + k])) * widened(b[k * 24 + n]);
      EXPECT_NEAR(result[m * 24 + n], sum, 1e-4);
    }
}

TEST(emitter, dynamic_slices_clamp_their_starts_and_updates_land) {
  const std::string text =
      R"(func.func @main(%a: tensor<4x18xi32>, %u: tensor<2x18xi32>, %i: tensor<i32>, %j: tensor<i32>) -> (tensor<2x16xi32>, tensor<4x18xi32>) {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %a, %i, %j, sizes = [2, 16] : (tensor<4x18xi32>, tensor<i32>, tensor<i32>) -> tensor<2x16xi32>
    %1 = stablehlo.dynamic_update_slice %a, %u, %i, %zero : (tensor<4x18xi32>, tensor<2x18xi32>, tensor<i32>, tensor<i32>) -> tensor<4x18xi32>
    return %0, %1 : tensor<2x16xi32>, tensor<4x18xi32>
  })";
  std::vector<std::int32_t> a(72), u(36, -1);
  std::iota(a.begin(), a.end(), 0);
  for (const std::int32_t start : {-5, 1, 9}) {
    const int row = std::clamp(start, 0, 2);
    const auto results =
        run(text, {bytes_of(a), bytes_of(u), bytes_of<std::int32_t>({start}), bytes_of<std::int32_t>({1})});
    for (int i = 0; i < 32; ++i)
      EXPECT_EQ(values_of<std::int32_t>(results.at(0))[i], (row + i / 16) * 18 + 1 + i % 16);
    for (int i = 0; i < 72; ++i) {
      const bool isUpdated = i / 18 >= row && i / 18 < row + 2;
      EXPECT_EQ(values_of<std::int32_t>(results.at(1))[i], isUpdated ? -1 : a[i]);
    }
  }
}

TEST(emitter, results_may_live_in_the_memory_of_their_inputs) {
  const std::string text =
      R"(func.func @main(%p: tensor<50xf32>, %v: tensor<50xf32>, %g: tensor<50xf32>) -> (tensor<50xf32>, tensor<50xf32>) {
    %half = stablehlo.constant dense<0.5> : tensor<50xf32>
    %0 = stablehlo.multiply %v, %half : tensor<50xf32>
    %1 = stablehlo.add %0, %g : tensor<50xf32>
    %2 = stablehlo.subtract %p, %1 : tensor<50xf32>
    return %2, %1 : tensor<50xf32>, tensor<50xf32>
  })";
  const auto p = numbers(50), v = numbers(50, 2.0f), g = numbers(50, 0.1f);
  const auto apart = run_once(text, {bytes_of(p), bytes_of(v), bytes_of(g)});
  runner kernels({}, grouping::one_cluster);
  std::vector<bytes> results;
  ASSERT_TRUE(kernels.parse(text));
  ASSERT_TRUE(kernels.run(kernels.function("main"), {bytes_of(p), bytes_of(v), bytes_of(g)}, results));
  // Inputs are p, v, g in the order of their first use; outputs follow in the order of the operations.
  std::vector<bytes> memory{bytes_of(p), bytes_of(v), bytes_of(g)};
  std::vector<void*> slots;
  for (const mlir::Value value : kernels.launched().inputs)
    slots.push_back(memory[mlir::cast<mlir::BlockArgument>(value).getArgNumber()].data());
  auto end = kernels.function("main").getBody().front().getTerminator();
  for (const mlir::Value value : kernels.launched().outputs)
    slots.push_back(memory[value == end->getOperand(0) ? 0 : 1].data());
  kernels.entry()(slots.data(), 0, kernels.emitted().front().extent);
  EXPECT_EQ(memory[0], apart.at(0));
  EXPECT_EQ(memory[1], apart.at(1));
}

TEST(emitter, an_operation_without_a_rule_is_refused_with_its_location) {
  const std::string text =
      "func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {\n"
      "  %0 = stablehlo.cholesky %x, lower = true : tensor<4x4xf32>\n"
      "  return %0 : tensor<4x4xf32>\n}";
  runner kernels;
  ASSERT_TRUE(kernels.parse(text)) << kernels.problem();
  mlir::Operation& op = kernels.function("main").getBody().front().front();
  EXPECT_FALSE(compile::canEmit(&op));
  compile::Cluster cluster;
  cluster.ops.push_back(&op);
  cluster.inputs.push_back(op.getOperand(0));
  cluster.outputs.push_back(op.getResult(0));
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(op.getLoc());
  EXPECT_TRUE(mlir::failed(compile::emitCluster(cluster, *module, "k", {})));
  EXPECT_NE(kernels.problem().find("stablehlo.cholesky"), std::string::npos) << kernels.problem();
}

}  // namespace
