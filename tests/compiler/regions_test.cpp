// Loops, branches and tensors inside the regions of reductions, maps, comparators and the like, and
// chlo.scan: their results, against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>
#include <wherry/status/error.hpp>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;
using bytes = std::vector<std::byte>;

template <class... Args>
std::vector<bytes> run(const std::string& text, const std::vector<Args>&... args) {
  const plan compiled = compile_text(text);
  plan_runner runner(compiled);
  return runner.run({bytes_from(args)...});
}

std::vector<float> counted(std::size_t count) {
  std::vector<float> result(count);
  std::iota(result.begin(), result.end(), 0.0F);
  return result;
}

/// %w#1 = %a + 3 %b, in a loop.
const std::string loop = R"(
    %c0 = stablehlo.constant dense<0> : tensor<i32>
    %c1 = stablehlo.constant dense<1> : tensor<i32>
    %c3 = stablehlo.constant dense<3> : tensor<i32>
    %w:2 = stablehlo.while(%i = %c0, %s = %a) : tensor<i32>, tensor<f32>
      cond {
        %p = stablehlo.compare LT, %i, %c3 : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %p : tensor<i1>
      } do {
        %n = stablehlo.add %i, %c1 : tensor<i32>
        %t = stablehlo.add %s, %b : tensor<f32>
        stablehlo.return %n, %t : tensor<i32>, tensor<f32>
      }
)";
const std::string combining =
    "({\n  ^bb0(%a: tensor<f32>, %b: tensor<f32>):" + loop + "    stablehlo.return %w#1 : tensor<f32>\n})";

TEST(regions, a_loop_may_be_part_of_every_operation_that_has_a_region) {
  auto out =
      run("func.func @main(%x: tensor<3x5xf32>) -> (tensor<3xf32>, tensor<5xf32>) {\n"
          "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
          "%r = \"stablehlo.reduce\"(%x, %z) " +
              combining +
              " {dimensions = array<i64: 1>} : (tensor<3x5xf32>, tensor<f32>) -> tensor<3xf32>\n"
              "%q = \"stablehlo.reduce\"(%x, %z) " +
              combining +
              " {dimensions = array<i64: 0>} : (tensor<3x5xf32>, tensor<f32>) -> tensor<5xf32>\n"
              "return %r, %q : tensor<3xf32>, tensor<5xf32>\n}",
          counted(15));
  EXPECT_EQ(values_from<float>(out.at(0)), (std::vector<float>{30, 105, 180}));
  EXPECT_EQ(values_from<float>(out.at(1)), (std::vector<float>{45, 54, 63, 72, 81}));

  out =
      run("func.func @main(%x: tensor<9xf32>) -> (tensor<9xf32>, tensor<7xf32>) {\n"
          "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
          "%m = \"stablehlo.map\"(%x, %x) " +
              combining +
              " {dimensions = array<i64: 0>} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>\n"
              "%r = \"stablehlo.reduce_window\"(%x, %z) " +
              combining +
              " {window_dimensions = array<i64: 3>} : (tensor<9xf32>, tensor<f32>) -> tensor<7xf32>\n"
              "return %m, %r : tensor<9xf32>, tensor<7xf32>\n}",
          counted(9));
  EXPECT_EQ(values_from<float>(out.at(0)), (std::vector<float>{0, 4, 8, 12, 16, 20, 24, 28, 32}));
  EXPECT_EQ(values_from<float>(out.at(1)), (std::vector<float>{9, 18, 27, 36, 45, 54, 63}));

  out =
      run("func.func @main(%x: tensor<5xf32>, %k: tensor<3x1xi32>, %u: tensor<3xf32>, %y: tensor<6xf32>, %v: "
          "tensor<3xf32>) -> (tensor<5xf32>, tensor<6xf32>) {\n"
          "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
          "%r = \"stablehlo.scatter\"(%x, %k, %u) " +
              combining +
              " {scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], "
              "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (tensor<5xf32>, tensor<3x1xi32>, "
              "tensor<3xf32>) -> tensor<5xf32>\n"
              "%s = \"stablehlo.select_and_scatter\"(%y, %v, %z) ({\n  ^bb0(%a: tensor<f32>, %b: "
              "tensor<f32>):" +
              loop +
              "    %g = stablehlo.compare GT, %w#1, %a : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
              "    stablehlo.return %g : tensor<i1>\n}, " +
              combining.substr(1) +
              " {window_dimensions = array<i64: 2>, window_strides = array<i64: 2>} : (tensor<6xf32>, "
              "tensor<3xf32>, tensor<f32>) -> tensor<6xf32>\n"
              "return %r, %s : tensor<5xf32>, tensor<6xf32>\n}",
          counted(5), std::vector<std::int32_t>{1, 4, 1}, std::vector<float>{10, 20, 30},
          std::vector<float>{1, 2, 3, -4, -5, -6}, std::vector<float>{1, 2, 3});
  EXPECT_EQ(values_from<float>(out.at(0)), (std::vector<float>{0, 121, 2, 3, 64}));
  EXPECT_EQ(values_from<float>(out.at(1)), (std::vector<float>{3, 0, 0, 6, 0, 9}));
}

TEST(regions, lanes_leave_a_loop_when_their_own_condition_ends) {
  // How many steps Collatz's sequence takes; a branch inside the loop, the loop inside a branch, which would
  // never end for what the branch keeps out.
  const auto out = run(R"(
    func.func @main(%x: tensor<40xi32>) -> tensor<40xi32> {
      %r = "stablehlo.map"(%x) ({
      ^bb0(%a: tensor<i32>):
        %c0 = stablehlo.constant dense<0> : tensor<i32>
        %c1 = stablehlo.constant dense<1> : tensor<i32>
        %c2 = stablehlo.constant dense<2> : tensor<i32>
        %c3 = stablehlo.constant dense<3> : tensor<i32>
        %positive = stablehlo.compare GT, %a, %c0 : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %steps = "stablehlo.if"(%positive) ({
          %w:2 = stablehlo.while(%v = %a, %n = %c0) : tensor<i32>, tensor<i32>
            cond {
              %p = stablehlo.compare NE, %v, %c1 : (tensor<i32>, tensor<i32>) -> tensor<i1>
              stablehlo.return %p : tensor<i1>
            } do {
              %m = stablehlo.remainder %v, %c2 : tensor<i32>
              %v2 = "stablehlo.case"(%m) ({
                %h = stablehlo.divide %v, %c2 : tensor<i32>
                stablehlo.return %h : tensor<i32>
              }, {
                %t = stablehlo.multiply %v, %c3 : tensor<i32>
                %u = stablehlo.add %t, %c1 : tensor<i32>
                stablehlo.return %u : tensor<i32>
              }) : (tensor<i32>) -> tensor<i32>
              %n2 = stablehlo.add %n, %c1 : tensor<i32>
              stablehlo.return %v2, %n2 : tensor<i32>, tensor<i32>
            }
          stablehlo.return %w#1 : tensor<i32>
        }, {
          stablehlo.return %a : tensor<i32>
        }) : (tensor<i1>) -> tensor<i32>
        stablehlo.return %steps : tensor<i32>
      }) {dimensions = array<i64: 0>} : (tensor<40xi32>) -> tensor<40xi32>
      return %r : tensor<40xi32>
    })",
                       [] {
                         std::vector<std::int32_t> x(40);
                         std::iota(x.begin(), x.end(), -5);
                         return x;
                       }());
  std::vector<std::int32_t> want;
  for (int x = -5; x < 35; ++x) {
    int steps = x > 0 ? 0 : x;
    for (int v = x; x > 0 && v != 1; ++steps) v = v % 2 ? 3 * v + 1 : v / 2;
    want.push_back(steps);
  }
  EXPECT_EQ(values_from<std::int32_t>(out.at(0)), want);
}

TEST(regions, a_loop_in_a_loop_runs_as_often_as_each_lane_wants) {
  // The sum over j < a of a * j, by additions.
  const auto out = run(R"(
    func.func @main(%x: tensor<19xi32>) -> tensor<19xi32> {
      %r = "stablehlo.map"(%x) ({
      ^bb0(%a: tensor<i32>):
        %c0 = stablehlo.constant dense<0> : tensor<i32>
        %c1 = stablehlo.constant dense<1> : tensor<i32>
        %w:2 = stablehlo.while(%j = %c0, %sum = %c0) : tensor<i32>, tensor<i32>
          cond {
            %p = stablehlo.compare LT, %j, %a : (tensor<i32>, tensor<i32>) -> tensor<i1>
            stablehlo.return %p : tensor<i1>
          } do {
            %v:2 = stablehlo.while(%k = %c0, %inner = %sum) : tensor<i32>, tensor<i32>
              cond {
                %p = stablehlo.compare LT, %k, %a : (tensor<i32>, tensor<i32>) -> tensor<i1>
                stablehlo.return %p : tensor<i1>
              } do {
                %k2 = stablehlo.add %k, %c1 : tensor<i32>
                %s2 = stablehlo.add %inner, %j : tensor<i32>
                stablehlo.return %k2, %s2 : tensor<i32>, tensor<i32>
              }
            %j2 = stablehlo.add %j, %c1 : tensor<i32>
            stablehlo.return %j2, %v#1 : tensor<i32>, tensor<i32>
          }
        stablehlo.return %w#1 : tensor<i32>
      }) {dimensions = array<i64: 0>} : (tensor<19xi32>) -> tensor<19xi32>
      return %r : tensor<19xi32>
    })",
                       [] {
                         std::vector<std::int32_t> x(19);
                         std::iota(x.begin(), x.end(), 0);
                         return x;
                       }());
  std::vector<std::int32_t> want;
  for (int a = 0; a < 19; ++a) want.push_back(a * a * (a - 1) / 2);
  EXPECT_EQ(values_from<std::int32_t>(out.at(0)), want);
}

TEST(regions, a_reduction_inside_a_map_is_each_elements_own) {
  const auto out = run(R"(
    func.func @main(%x: tensor<21xf32>) -> tensor<21xf32> {
      %r = "stablehlo.map"(%x) ({
      ^bb0(%a: tensor<f32>):
        %z = stablehlo.constant dense<0.0> : tensor<f32>
        %b = stablehlo.broadcast_in_dim %a, dims = [] : (tensor<f32>) -> tensor<40xf32>
        %i = stablehlo.iota dim = 0 : tensor<40xf32>
        %p = stablehlo.multiply %b, %i : tensor<40xf32>
        %s = stablehlo.reduce(%p init: %z) applies stablehlo.add across dimensions = [0] : (tensor<40xf32>, tensor<f32>) -> tensor<f32>
        stablehlo.return %s : tensor<f32>
      }) {dimensions = array<i64: 0>} : (tensor<21xf32>) -> tensor<21xf32>
      return %r : tensor<21xf32>
    })",
                       counted(21));
  std::vector<float> want;
  for (int a = 0; a < 21; ++a) want.push_back(780.0F * static_cast<float>(a));
  EXPECT_EQ(values_from<float>(out.at(0)), want);
}

TEST(regions, a_comparator_may_look_its_keys_up_in_a_table) {
  std::vector<std::int32_t> x;
  for (int i = 0; i < 200; ++i) x.push_back(i * 37 % 50 * 4 + i % 4);
  std::vector<float> table;
  for (int i = 0; i < 200; ++i) table.push_back(static_cast<float>(i * 71 % 29));
  const auto out = run(R"(
    func.func @main(%x: tensor<2x100xi32>, %t: tensor<200xf32>) -> (tensor<2x100xi32>, tensor<2x100xi32>) {
      %i = stablehlo.iota dim = 1 : tensor<2x100xi32>
      %r:2 = "stablehlo.sort"(%x, %i) ({
      ^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<i32>, %d: tensor<i32>):
        %u = stablehlo.dynamic_slice %t, %a, sizes = [1] : (tensor<200xf32>, tensor<i32>) -> tensor<1xf32>
        %v = stablehlo.dynamic_slice %t, %b, sizes = [1] : (tensor<200xf32>, tensor<i32>) -> tensor<1xf32>
        %l = stablehlo.compare LT, %u, %v : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %m = stablehlo.reshape %l : (tensor<1xi1>) -> tensor<i1>
        stablehlo.return %m : tensor<i1>
      }) {dimension = 1 : i64, is_stable = true} : (tensor<2x100xi32>, tensor<2x100xi32>) -> (tensor<2x100xi32>, tensor<2x100xi32>)
      return %r#0, %r#1 : tensor<2x100xi32>, tensor<2x100xi32>
    })",
                       x, table);
  std::vector<std::int32_t> want, places;
  for (std::size_t row = 0; row < 2; ++row) {
    std::vector<std::int32_t> order(100);
    std::iota(order.begin(), order.end(), 0);
    const auto at = [&](std::int32_t k) { return x[row * 100 + static_cast<std::size_t>(k)]; };
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      const float x_key = table[static_cast<std::size_t>(at(a))],
                  y_key = table[static_cast<std::size_t>(at(b))];
      return x_key != y_key ? x_key < y_key : a < b;
    });
    for (const std::int32_t k : order) want.push_back(at(k));
    places.insert(places.end(), order.begin(), order.end());
  }
  EXPECT_EQ(values_from<std::int32_t>(out.at(0)), want);
  EXPECT_EQ(values_from<std::int32_t>(out.at(1)), places);
}

TEST(scan, gives_every_step_and_the_last_carry_both_ways) {
  for (const bool reverse : {false, true}) {
    const auto out = run(std::string(R"(
    func.func @main(%x: tensor<2x3xi32>, %c: tensor<2xi32>) -> (tensor<2x3xi32>, tensor<2xi32>) {
      %0:2 = chlo.scan(%x) inits (%c) dimension=1 attributes {is_reverse = )") +
                             (reverse ? "true" : "false") + R"(} {
        ^bb0(%input: tensor<2xi32>, %carry: tensor<2xi32>):
          %1 = stablehlo.add %input, %carry : tensor<2xi32>
          %2 = stablehlo.multiply %1, %carry : tensor<2xi32>
          stablehlo.return %2, %1 : tensor<2xi32>, tensor<2xi32>
      } : (tensor<2x3xi32>, tensor<2xi32>) -> (tensor<2x3xi32>, tensor<2xi32>)
      return %0#0, %0#1 : tensor<2x3xi32>, tensor<2xi32>
    })",
                         std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}, std::vector<std::int32_t>{10, 20});
    EXPECT_EQ(values_from<std::int32_t>(out.at(0)),
              (reverse ? std::vector<std::int32_t>{240, 195, 130, 1085, 806, 520}
                       : std::vector<std::int32_t>{110, 143, 208, 480, 696, 1015}));
    EXPECT_EQ(values_from<std::int32_t>(out.at(1)), (std::vector<std::int32_t>{16, 35}));
  }
}

TEST(scan, of_an_associative_sum_is_a_cumulative_one_from_its_start) {
  for (const bool reverse : {false, true}) {
    const auto out =
        run(std::string(R"(
    func.func @main(%x: tensor<4x2xf32>, %c: tensor<2xf32>) -> (tensor<4x2xf32>, tensor<2xf32>) {
      %0:2 = "chlo.scan"(%x, %c) <{dimension = 0 : i64, is_associative = true, is_reverse = )") +
                (reverse ? "true" : "false") +
                R"(, operandSegmentSizes = array<i32: 1, 1>, resultSegmentSizes = array<i32: 1, 1>}> ({
        ^bb0(%input: tensor<2xf32>, %carry: tensor<2xf32>):
          %1 = stablehlo.add %input, %carry : tensor<2xf32>
          stablehlo.return %1, %1 : tensor<2xf32>, tensor<2xf32>
      }) : (tensor<4x2xf32>, tensor<2xf32>) -> (tensor<4x2xf32>, tensor<2xf32>)
      return %0#0, %0#1 : tensor<4x2xf32>, tensor<2xf32>
    })",
            counted(8), std::vector<float>{100, 200});
    EXPECT_EQ(values_from<float>(out.at(0)),
              (reverse ? std::vector<float>{112, 216, 112, 215, 110, 212, 106, 207}
                       : std::vector<float>{100, 201, 102, 204, 106, 209, 112, 216}));
    EXPECT_EQ(values_from<float>(out.at(1)), (std::vector<float>{112, 216}));
  }
}

TEST(scan, checks_what_its_body_takes_and_returns) {
  const auto refusal = [](const std::string& results, const std::string& dimension) {
    try {
      compile_text(
          "func.func @main(%x: tensor<2x3xi32>, %c: tensor<2xi32>) {\n"
          "  %0:2 = chlo.scan(%x) inits (%c) dimension=" +
          dimension +
          " {\n  ^bb0(%a: tensor<2xi32>, %b: tensor<2xi32>):\n    stablehlo.return %a, %b : tensor<2xi32>, "
          "tensor<2xi32>\n  } : (tensor<2x3xi32>, tensor<2xi32>) -> (" +
          results + ")\n  return\n}");
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal("tensor<2x3xi32>, tensor<2xi32>", "1"), "accepted");
  EXPECT_NE(refusal("tensor<2x3xi32>, tensor<2xi32>", "2").find("dimension must be one of input 0"),
            std::string::npos);
  EXPECT_NE(refusal("tensor<2x3xi32>, tensor<2xi32>", "0").find("body must take 'tensor<3xi32>'"),
            std::string::npos);
  EXPECT_NE(refusal("tensor<2x4xi32>, tensor<2xi32>", "1").find("output 0 must have size 3 in dimension 1"),
            std::string::npos);
  EXPECT_NE(refusal("tensor<2x3xi32>, tensor<3xi32>", "1").find("carried results must have the types"),
            std::string::npos);
  EXPECT_NE(refusal("tensor<3x3xi32>, tensor<2xi32>", "1").find("body must return"), std::string::npos);
}

TEST(quantized, blocks_of_a_tensor_have_scales_and_zero_points_of_their_own) {
  const auto out = run(R"(
    !q = !quant.uniform<i8:f32:{0:1, 1:2}, {{0.5, 2.0:1}, {4.0:-1, 0.25}}>
    func.func @main(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
      %0 = stablehlo.uniform_quantize %x : (tensor<2x4xf32>) -> tensor<2x4x!q>
      %1 = stablehlo.uniform_dequantize %0 : (tensor<2x4x!q>) -> tensor<2x4xf32>
      %2 = stablehlo.add %0, %0 : tensor<2x4x!q>
      %3 = stablehlo.uniform_dequantize %2 : (tensor<2x4x!q>) -> tensor<2x4xf32>
      return %1, %3 : tensor<2x4xf32>, tensor<2x4xf32>
    })",
                       std::vector<float>{0.6F, 1000, 3, 4.9F, 7, -9, 0.3F, -0.9F});
  EXPECT_EQ(values_from<float>(out.at(0)), (std::vector<float>{0.5F, 63.5F, 2, 4, 8, -8, 0.25F, -1}));
  EXPECT_EQ(values_from<float>(out.at(1)), (std::vector<float>{1, 63.5F, 4, 8, 16, -16, 0.5F, -2}));
}

}  // namespace
