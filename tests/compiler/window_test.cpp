// window_test.cpp: reduce_window and select_and_scatter, compared with the sections of the specification
// written as plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "compiler/plan_runner.hpp"
#include "compiler/run_kernels.hpp"

namespace {

using namespace wherry;
using namespace wherry::test;
using wherry::testing::compile_text;
using wherry::testing::plan_runner;
using numbers = std::vector<std::int32_t>;
using shape = std::vector<std::int64_t>;

/// Options that give one unit and many, wide and narrow vectors.
std::vector<compile::EmitOptions> ways_to_emit() {
  return {{16, false, 2000}, {8, false, 1}, {4, true, 2000}, {1, false, 10}};
}

struct along {
  std::int64_t size = 1, stride = 1, base = 1, dilation = 1, low = 0, high = 0;
};
struct window_case {
  shape operand;
  std::vector<along> window;
  std::int32_t init = 0;
  // add, minimum, or fold: 3 * a + b, which shows the order and how often the initial value takes part.
  std::string region = "add";
};

std::int64_t count_of(const shape& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

shape position_of(std::int64_t linear, const shape& extents) {
  shape at(extents.size());
  for (std::size_t d = extents.size(); d-- > 0; linear /= extents[d]) at[d] = linear % extents[d];
  return at;
}

std::size_t linear_of(const shape& at, const shape& extents) {
  std::int64_t linear = 0;
  for (std::size_t d = 0; d < at.size(); ++d) linear = linear * extents[d] + at[d];
  return static_cast<std::size_t>(linear);
}

shape result_of(const shape& operand, const std::vector<along>& window) {
  shape result;
  for (std::size_t d = 0; d < operand.size(); ++d) {
    const along& w = window[d];
    const std::int64_t padded = w.low + (operand[d] == 0 ? 0 : (operand[d] - 1) * w.base + 1) + w.high;
    const std::int64_t span = (w.size - 1) * w.dilation + 1;
    result.push_back(padded < span ? 0 : (padded - span) / w.stride + 1);
  }
  return result;
}

std::int32_t applied(const std::string& region, std::int32_t a, std::int32_t b) {
  if (region == "minimum") return std::min(a, b);
  const auto left = static_cast<std::uint32_t>(a);
  return static_cast<std::int32_t>((region == "fold" ? 3 * left : left) + static_cast<std::uint32_t>(b));
}

/// Calls `visit` with the position in the operand of each element of one window, or null for padding.
template <class Visit>
void each_of(const shape& at, const shape& operand, const std::vector<along>& window, Visit visit) {
  shape sizes;
  for (const along& w : window) sizes.push_back(w.size);
  for (std::int64_t i = 0; i < count_of(sizes); ++i) {
    shape from = position_of(i, sizes);
    bool is_inside = true;
    for (std::size_t d = 0; d < from.size(); ++d) {
      const std::int64_t place = at[d] * window[d].stride + from[d] * window[d].dilation - window[d].low;
      is_inside &= place >= 0 && place % window[d].base == 0 && place / window[d].base < operand[d];
      from[d] = place / window[d].base;
    }
    visit(is_inside ? &from : nullptr);
  }
}

numbers expected(const window_case& c, const numbers& operand) {
  const shape result = result_of(c.operand, c.window);
  numbers values;
  for (std::int64_t i = 0; i < count_of(result); ++i) {
    std::int32_t value = c.init;
    each_of(position_of(i, result), c.operand, c.window, [&](const shape* from) {
      value = applied(c.region, value, from ? operand[linear_of(*from, c.operand)] : c.init);
    });
    values.push_back(value);
  }
  return values;
}

std::string tensor_of(const shape& extents, const std::string& type = "i32") {
  std::string text = "tensor<";
  for (const std::int64_t extent : extents) text += std::to_string(extent) + "x";
  return text + type + ">";
}

std::string list_of(const std::vector<along>& window, std::int64_t along::* member) {
  std::string text = "array<i64";
  for (std::size_t i = 0; i < window.size(); ++i)
    text += (i ? ", " : ": ") + std::to_string(window[i].*member);
  return text + ">";
}

std::string padding_of(const std::vector<along>& window) {
  std::string text = "dense<[";
  for (std::size_t i = 0; i < window.size(); ++i)
    text += (i ? ", [" : "[") + std::to_string(window[i].low) + ", " + std::to_string(window[i].high) + "]";
  return (window.empty() ? "dense<" : text + "]") + "> : tensor<" + std::to_string(window.size()) + "x2xi64>";
}

std::string attributes_of(const std::vector<along>& window) {
  return "<{window_dimensions = " + list_of(window, &along::size) +
         ", window_strides = " + list_of(window, &along::stride) +
         ", base_dilations = " + list_of(window, &along::base) +
         ", window_dilations = " + list_of(window, &along::dilation) + ", padding = " + padding_of(window) +
         "}>";
}

std::string text_of(const window_case& c) {
  const std::string scalar = "tensor<i32>", result = tensor_of(result_of(c.operand, c.window));
  std::string region = "    %1 = stablehlo." + c.region + " %a, %b : tensor<i32>\n";
  if (c.region == "fold")
    region =
        "    %three = stablehlo.constant dense<3> : tensor<i32>\n"
        "    %0 = stablehlo.multiply %a, %three : tensor<i32>\n"
        "    %1 = stablehlo.add %0, %b : tensor<i32>\n";
  return "func.func @main(%x: " + tensor_of(c.operand) + ") -> " + result +
         " {\n  %i = stablehlo.constant dense<" + std::to_string(c.init) +
         "> : tensor<i32>\n  %r = \"stablehlo.reduce_window\"(%x, %i) " + attributes_of(c.window) +
         " ({\n  ^bb0(%a: tensor<i32>, %b: tensor<i32>):\n" + region +
         "    stablehlo.return %1 : tensor<i32>\n  }) : (" + tensor_of(c.operand) + ", " + scalar + ") -> " +
         result + "\n  return %r : " + result + "\n}";
}

numbers scrambled(std::int64_t count) {
  numbers result(static_cast<std::size_t>(count));
  std::uint32_t state = 5;
  for (std::int32_t& x : result) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<std::int32_t>((state >> 12) % 2001u) - 1000;
  }
  return result;
}

numbers run_plan(const std::string& text, const std::vector<numbers>& arguments, std::int64_t split = 3) {
  std::vector<std::vector<std::byte>> inputs;
  for (const numbers& argument : arguments) inputs.push_back(bytes_of(argument));
  const plan p = compile_text(text);
  return values_of<std::int32_t>(plan_runner(p, split).run(inputs).at(0));
}

void expect_matches(const window_case& c) {
  const numbers operand = scrambled(count_of(c.operand)), want = expected(c, operand);
  const std::string text = text_of(c);
  for (const compile::EmitOptions& options : ways_to_emit()) {
    runner kernels(options);
    std::vector<bytes> results;
    ASSERT_TRUE(kernels.parse(text)) << kernels.problem();
    ASSERT_TRUE(kernels.run(kernels.function("main"), {bytes_of(operand)}, results, 3)) << kernels.problem();
    numbers got = values_of<std::int32_t>(results.at(0));
    if (want.empty()) got.clear();  // memory has at least one element
    EXPECT_EQ(got, want) << text << kernels.kernels();
  }
  EXPECT_EQ(run_plan(text, {operand}), want) << text;
}

TEST(reduce_window, pools_over_images_of_either_layout) {
  const along half{2, 2}, same{3, 2, 1, 1, 0, 1};
  expect_matches({{2, 6, 8, 20}, {{}, half, half, {}}, 0, "add"});
  expect_matches({{2, 7, 9, 20}, {{}, same, same, {}}, INT32_MAX, "minimum"});
  expect_matches({{2, 3, 8, 40}, {{}, {}, half, half}, 0, "add"});
  expect_matches({{2, 3, 9, 41}, {{}, {}, same, same}, INT32_MAX, "minimum"});
}

TEST(reduce_window, padding_and_holes_are_initial_values) {
  expect_matches({{37}, {{5, 1, 1, 1, 2, 2}}, 7, "add"});
  expect_matches({{37}, {{4, 3, 1, 2, 3, 5}}, 7, "fold"});
  expect_matches({{5, 21}, {{3, 1, 2, 1, 1, 0}, {3, 2, 3, 2, 4, 1}}, 1, "fold"});
  expect_matches({{5, 21}, {{3, 1, 2, 1, 1, 0}, {3, 2, 3, 2, 4, 1}}, 0, "add"});
  expect_matches({{4, 6, 5}, {{2, 1, 2, 2, 0, 1}, {2, 3, 2, 1, -2, 0}, {}}, 0, "add"});
}

TEST(reduce_window, negative_padding_leaves_elements_out) {
  expect_matches({{40}, {{3, 1, 1, 1, -4, -5}}, 0, "add"});
  expect_matches({{6, 19}, {{2, 2, 1, 1, -1, 1}, {3, 1, 2, 1, -3, 2}}, 2, "fold"});
}

TEST(reduce_window, windows_are_as_long_as_what_they_cover) {
  const std::int64_t size = std::int64_t{1} << 60;
  const along everything{size, 1, 1, 1, size - 1, 0};
  const numbers operand{7, 2, 9, 5, 8, 1};
  const std::string text = text_of({{2, 3}, {everything, everything}, INT32_MAX, "minimum"});
  EXPECT_EQ(run_plan(text, {operand}), (numbers{7, 2, 2, 5, 2, 1}));
  EXPECT_ANY_THROW(compile_text(text_of({{2, 3}, {everything, everything}, 1, "add"})));
}

TEST(reduce_window, of_scalars_of_nothing_and_without_results) {
  expect_matches({{}, {}, 5, "add"});
  expect_matches({{0, 4}, {{2, 1, 1, 1, 1, 2}, {2}}, 3, "add"});
  expect_matches({{3, 4}, {{5}, {2}}, 3, "add"});
}

TEST(reduce_window, windows_side_by_side_are_reductions) {
  expect_matches({{4, 64}, {{}, {16, 16}}, 1, "add"});
  expect_matches({{3, 70}, {{3}, {10, 10}}, 1, "fold"});
  expect_matches({{3, 7, 7}, {{}, {7}, {7}}, 0, "add"});
  expect_matches({{9, 7}, {{4, 1, 1, 2, -1, -1}, {3, 1, 1, 2, -1, -1}}, 2, "fold"});
}

TEST(prefix_scan, runs_along_every_dimension_and_both_ways) {
  for (const std::string region : {"add", "fold"}) {
    expect_matches({{37}, {{37, 1, 1, 1, 36, 0}}, 0, region});
    expect_matches({{5, 37}, {{}, {37, 1, 1, 1, 36, 0}}, 0, region});
    expect_matches({{37, 21}, {{37, 1, 1, 1, 36, 0}, {}}, 0, region});
    expect_matches({{3, 9, 64}, {{}, {9, 1, 1, 1, 8, 0}, {}}, 0, region});
  }
  expect_matches({{37}, {{37, 1, 1, 1, 0, 36}}, 0, "add"});
  expect_matches({{5, 37}, {{}, {37, 1, 1, 1, 0, 36}}, INT32_MAX, "minimum"});
  expect_matches({{37, 21}, {{37, 1, 1, 1, 0, 36}, {}}, 0, "add"});
}

TEST(prefix_scan, sums_that_count_padding_are_no_scans) {
  expect_matches({{37}, {{37, 1, 1, 1, 36, 0}}, 1, "add"});
}

TEST(prefix_scan, pieces_of_a_scan_are_cut_out_of_it) {
  expect_matches({{20}, {{20, 1, 1, 1, 20, -1}}, 0, "add"});  // without the element itself
  expect_matches({{20}, {{20, 1, 1, 1, -1, 20}}, 0, "add"});
  expect_matches({{20}, {{25, 1, 1, 1, 24, 0}}, 0, "add"});
  expect_matches({{20}, {{25, 1, 1, 1, 30, 7}}, 0, "add"});
  expect_matches({{20}, {{25, 1, 1, 1, 3, 29}}, 0, "add"});
  expect_matches({{4, 20}, {{}, {12, 1, 1, 1, 11, -8}}, INT32_MAX, "minimum"});
  expect_matches({{20}, {{3, 1, 1, 1, 5, -20}}, 0, "add"});
}

TEST(prefix_scan, of_a_long_row_is_cut_into_blocks) {
  for (const std::int64_t extent : {20480, 16411}) {
    const numbers operand = scrambled(3 * extent);
    numbers forward = operand, backward = operand;
    for (std::int64_t row = 0; row < 3; ++row) {
      const auto begin = row * extent, end = begin + extent;
      std::partial_sum(forward.begin() + begin, forward.begin() + end, forward.begin() + begin);
      std::partial_sum(std::make_reverse_iterator(backward.begin() + end),
                       std::make_reverse_iterator(backward.begin() + begin),
                       std::make_reverse_iterator(backward.begin() + end));
    }
    const std::int64_t rest = extent - 1;
    EXPECT_EQ(run_plan(text_of({{3, extent}, {{}, {extent, 1, 1, 1, rest, 0}}}), {operand}), forward);
    EXPECT_EQ(run_plan(text_of({{3, extent}, {{}, {extent, 1, 1, 1, 0, rest}}}), {operand}), backward);
  }
}

std::string float_sums(const std::string& type, std::int64_t extent, bool isScan) {
  const std::string tensor = "tensor<" + std::to_string(extent) + "x" + type + ">";
  const std::string result = isScan ? tensor : "tensor<1x" + type + ">", scalar = "tensor<" + type + ">";
  return "func.func @main(%x: " + tensor + ") -> " + result +
         " {\n  %i = stablehlo.constant dense<0.0> : " + scalar +
         "\n  %r = \"stablehlo.reduce_window\"(%x, %i) <{window_dimensions = array<i64: " +
         std::to_string(extent) + ">, padding = dense<[[" + std::to_string(isScan ? extent - 1 : 0) +
         ", 0]]> : tensor<1x2xi64>}> ({\n  ^bb0(%a: " + scalar + ", %b: " + scalar +
         "):\n    %1 = stablehlo.add %a, %b : " + scalar + "\n    stablehlo.return %1 : " + scalar +
         "\n  }) : (" + tensor + ", " + scalar + ") -> " + result + "\n  return %r : " + result + "\n}";
}

TEST(prefix_scan, does_not_depend_on_how_units_are_shared_out) {
  std::vector<float> x(40000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0f / static_cast<float>(i % 97 + 1);
  const plan p = compile_text(float_sums("f32", 40000, true));
  const auto whole = plan_runner(p).run({bytes_of(x)});
  for (const std::int64_t split : {1, 2, 7}) EXPECT_EQ(plan_runner(p, split).run({bytes_of(x)}), whole);
}

TEST(prefix_scan, sums_of_half_precision_keep_their_digits) {
  // 1 + ... + 1 stops at 256 when every sum is rounded to bf16.
  const std::vector<std::uint16_t> ones(20000, 0x3F80);
  for (const std::int64_t extent : {1024, 20000}) {
    const std::vector<std::uint16_t> some(ones.begin(), ones.begin() + extent);
    const auto sums = values_of<std::uint16_t>(
        plan_runner(compile_text(float_sums("bf16", extent, true))).run({bytes_of(some)}).at(0));
    EXPECT_EQ(sums[0], 0x3F80);
    EXPECT_EQ(sums[511], 0x4400);
    EXPECT_EQ(sums[1023], 0x4480);
    const auto total = values_of<std::uint16_t>(
        plan_runner(compile_text(float_sums("bf16", extent, false))).run({bytes_of(some)}).at(0));
    EXPECT_EQ(total[0], sums.back());
  }
}

TEST(prefix_scan, computes_its_operand_where_it_needs_it) {
  std::string text = text_of({{6, 50}, {{}, {50, 1, 1, 1, 49, 0}}});
  const std::string call = "\"stablehlo.reduce_window\"(%x, ";
  text.replace(text.find(call), call.size(), "\"stablehlo.reduce_window\"(%y, ");
  text.insert(text.find("  %i ="), "  %y = stablehlo.multiply %x, %x : tensor<6x50xi32>\n");
  const plan p = compile_text(text);
  EXPECT_EQ(p.kernels.size(), 1u);
  numbers operand = scrambled(300), squares = operand;
  for (std::int32_t& x : squares) x *= x;
  for (auto row = squares.begin(); row != squares.end(); row += 50) std::partial_sum(row, row + 50, row);
  EXPECT_EQ(run_plan(text, {operand}), squares);
}

TEST(reduce_window, of_several_operands_finds_where_the_greatest_is) {
  const std::string text =
      "func.func @main(%x: tensor<9x20xi32>, %n: tensor<9x20xi32>) -> tensor<4x20xi32> {\n"
      "  %i = stablehlo.constant dense<-2147483648> : tensor<i32>\n"
      "  %j = stablehlo.constant dense<-1> : tensor<i32>\n"
      "  %r:2 = \"stablehlo.reduce_window\"(%x, %n, %i, %j) <{window_dimensions = array<i64: 3, 1>, "
      "window_strides = array<i64: 2, 1>}> ({\n"
      "  ^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<i32>, %d: tensor<i32>):\n"
      "    %p = stablehlo.compare GE, %a, %c : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "    %0 = stablehlo.select %p, %a, %c : tensor<i1>, tensor<i32>\n"
      "    %1 = stablehlo.select %p, %b, %d : tensor<i1>, tensor<i32>\n"
      "    stablehlo.return %0, %1 : tensor<i32>, tensor<i32>\n"
      "  }) : (tensor<9x20xi32>, tensor<9x20xi32>, tensor<i32>, tensor<i32>) -> (tensor<4x20xi32>, "
      "tensor<4x20xi32>)\n"
      "  return %r#1 : tensor<4x20xi32>\n}";
  const numbers x = scrambled(180);
  numbers at(180), want;
  std::iota(at.begin(), at.end(), 0);
  for (std::int32_t row = 0; row < 4; ++row)
    for (std::int32_t column = 0; column < 20; ++column) {
      std::int32_t best = 2 * row * 20 + column;
      for (std::int32_t next = best, i = 0; i < 3; ++i, next += 20)
        if (x[static_cast<std::size_t>(next)] > x[static_cast<std::size_t>(best)]) best = next;
      want.push_back(best);
    }
  EXPECT_EQ(run_plan(text, {x, at}), want);
}

/// The section "select_and_scatter" of the specification; windows of padding only select nothing.
numbers scattered(const shape& operand, const std::vector<along>& window, const numbers& values,
                  const numbers& source, bool takesFirst) {
  const shape windows = result_of(operand, window);
  numbers result(values.size(), 4);
  for (std::int64_t i = 0; i < count_of(windows); ++i) {
    std::ptrdiff_t best = -1;
    each_of(position_of(i, windows), operand, window, [&](const shape* from) {
      if (!from) return;
      const std::size_t next = linear_of(*from, operand);
      const auto old = static_cast<std::size_t>(best);
      const bool keeps = best >= 0 && (takesFirst ? values[old] >= values[next] : values[old] > values[next]);
      if (!keeps) best = static_cast<std::ptrdiff_t>(next);
    });
    if (best < 0) continue;
    std::int32_t& to = result[static_cast<std::size_t>(best)];
    to = applied("fold", to, source[static_cast<std::size_t>(i)]);
  }
  return result;
}

void expect_scatters(const shape& operand, const std::vector<along>& window) {
  const shape windows = result_of(operand, window);
  numbers values = scrambled(count_of(operand));
  for (std::int32_t& x : values) x /= 400;  // many are equal
  const numbers source = scrambled(count_of(windows));
  for (const bool takesFirst : {true, false}) {
    const std::string text =
        "func.func @main(%x: " + tensor_of(operand) + ", %s: " + tensor_of(windows) + ") -> " +
        tensor_of(operand) +
        " {\n  %i = stablehlo.constant dense<4> : tensor<i32>\n"
        "  %r = \"stablehlo.select_and_scatter\"(%x, %s, %i) <{window_dimensions = " +
        list_of(window, &along::size) + ", window_strides = " + list_of(window, &along::stride) +
        ", padding = " + padding_of(window) +
        "}> ({\n  ^bb0(%a: tensor<i32>, %b: tensor<i32>):\n    %p = stablehlo.compare " +
        (takesFirst ? "GE" : "GT") +
        ", %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>\n    stablehlo.return %p : tensor<i1>\n  }, {\n"
        "  ^bb0(%a: tensor<i32>, %b: tensor<i32>):\n"
        "    %three = stablehlo.constant dense<3> : tensor<i32>\n"
        "    %0 = stablehlo.multiply %a, %three : tensor<i32>\n"
        "    %1 = stablehlo.add %0, %b : tensor<i32>\n    stablehlo.return %1 : tensor<i32>\n  }) : (" +
        tensor_of(operand) + ", " + tensor_of(windows) + ", tensor<i32>) -> " + tensor_of(operand) +
        "\n  return %r : " + tensor_of(operand) + "\n}";
    EXPECT_EQ(run_plan(text, {values, source}), scattered(operand, window, values, source, takesFirst))
        << text;
  }
}

TEST(select_and_scatter, adds_to_the_element_that_each_window_selects) {
  const along half{2, 2}, over{3, 2, 1, 1, 1, 1};
  expect_scatters({2, 6, 8, 5}, {{}, half, half, {}});
  expect_scatters({2, 7, 9, 5}, {{}, over, over, {}});
  expect_scatters({2, 3, 9, 21}, {{}, {}, over, {4, 1, 1, 1, 3, 0}});
  expect_scatters({30}, {{5, 3, 1, 1, 2, 2}});
  expect_scatters({6, 4}, {{}, {}});
}

TEST(select_and_scatter, windows_of_padding_select_nothing) {
  expect_scatters({9}, {{2, 1, 1, 1, 3, 3}});
  expect_scatters({2, 3}, {{2, 2, 1, 1, 2, 2}, {1, 2, 1, 1, 0, 0}});
}

TEST(select_and_scatter, of_scalars_and_of_nothing) {
  expect_scatters({}, {});
  expect_scatters({3, 0}, {{2}, {}});
  expect_scatters({3, 4}, {{5}, {}});
}

}  // namespace
