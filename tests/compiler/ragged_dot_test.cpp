// ragged_dot_test.cpp: the three kinds of ragged dots against sums written out.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/kernel_module.hpp"
#include "compiler/plan_runner.hpp"

namespace wherry::testing {
namespace {

std::vector<float> counted(std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>((i * 7 + 3) % 11) - 5);
  return values;
}

std::vector<float> run(const std::string& lhs, const std::string& rhs, const std::string& sizes,
                       const std::string& result, const std::string& numbers, const std::vector<float>& x,
                       const std::vector<float>& y, const std::vector<std::int32_t>& groups) {
  const plan p =
      compile_text("func.func @main(%x: " + lhs + ", %y: " + rhs + ", %g: " + sizes + ") -> " + result +
                   " {\n  %0 = \"chlo.ragged_dot\"(%x, %y, %g) {ragged_dot_dimension_numbers = "
                   "#chlo.ragged_dot<" +
                   numbers + ">} : (" + lhs + ", " + rhs + ", " + sizes + ") -> " + result +
                   "\n  return %0 : " + result + "\n}\n");
  return values_of<float>(plan_runner(p).run({bytes_of(x), bytes_of(y), bytes_of(groups)}).at(0));
}

TEST(ragged_dot, groups_of_rows_meet_their_own_matrices) {
  const std::vector<float> x = counted(2 * 5 * 3), y = counted(2 * 2 * 3 * 4);
  const std::vector<std::int32_t> groups = {2, 1, 0, 4};  // for each of two batches; a row may be in no group
  const auto got =
      run("tensor<2x5x3xf32>", "tensor<2x2x3x4xf32>", "tensor<2x2xi32>", "tensor<2x5x4xf32>",
          "lhs_batching_dimensions = [0], rhs_batching_dimensions = [1], lhs_contracting_dimensions = "
          "[2], rhs_contracting_dimensions = [2], lhs_ragged_dimensions = [1], rhs_group_dimensions = "
          "[0]",
          x, y, groups);
  for (int b = 0; b < 2; ++b)
    for (int m = 0; m < 5; ++m)
      for (int n = 0; n < 4; ++n) {
        const int first = groups[2 * b], second = first + groups[2 * b + 1];
        float expected = 0;
        for (int k = 0; m < second && k < 3; ++k)
          expected += x[(b * 5 + m) * 3 + k] * y[(((m < first ? 0 : 1) * 2 + b) * 3 + k) * 4 + n];
        EXPECT_EQ(got[(b * 5 + m) * 4 + n], expected) << b << ", " << m << ", " << n;
      }
}

TEST(ragged_dot, groups_of_products_are_summed_apart) {
  const std::vector<float> x = counted(2 * 5), y = counted(5 * 3);
  const std::vector<std::int32_t> groups = {1, 3};
  const auto got =
      run("tensor<2x5xf32>", "tensor<5x3xf32>", "tensor<2xi32>", "tensor<2x2x3xf32>",
          "lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_contracting_dimensions = "
          "[1], rhs_contracting_dimensions = [0], lhs_ragged_dimensions = [1], rhs_group_dimensions = "
          "[]",
          x, y, groups);
  for (int g = 0; g < 2; ++g)
    for (int m = 0; m < 2; ++m)
      for (int n = 0; n < 3; ++n) {
        float expected = 0;
        for (int k = g == 0 ? 0 : 1; k < (g == 0 ? 1 : 4); ++k) expected += x[m * 5 + k] * y[k * 3 + n];
        EXPECT_EQ(got[(g * 2 + m) * 3 + n], expected) << g << ", " << m << ", " << n;
      }
}

TEST(ragged_dot, groups_of_batches_change_nothing) {
  const std::vector<float> x = counted(3 * 2 * 2), y = counted(3 * 2 * 2);
  const auto got =
      run("tensor<3x2x2xf32>", "tensor<3x2x2xf32>", "tensor<2xi32>", "tensor<3x2x2xf32>",
          "lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = "
          "[2], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = "
          "[]",
          x, y, {1, 2});
  for (int b = 0; b < 3; ++b)
    for (int m = 0; m < 2; ++m)
      for (int n = 0; n < 2; ++n)
        EXPECT_EQ(got[(b * 2 + m) * 2 + n],
                  x[b * 4 + m * 2] * y[b * 4 + n] + x[b * 4 + m * 2 + 1] * y[b * 4 + 2 + n]);
}

}  // namespace
}  // namespace wherry::testing
