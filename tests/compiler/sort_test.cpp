// sort_test.cpp: sorts and top_k of every shape, compared with std::sort of positions.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>
#include <wherry/status/error.hpp>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using wherry::testing::bytes_from;
using wherry::testing::plan_runner;
using wherry::testing::values_from;
using bytes = std::vector<std::byte>;

struct way {
  unsigned lanes = 16;
  bool gpu = false;        // small units of work
  std::int64_t split = 0;  // units at a time; 0: all
};

const std::vector<way> ways = {{16, false, 0}, {16, false, 1}, {8, true, 3}, {4, false, 2}, {1, true, 0}};

std::vector<bytes> run(const std::string& text, const std::vector<bytes>& inputs, const way& w = {}) {
  compile_request request;
  request.source = text;
  request.source_name = "test.mlir";
  request.target.lanes = w.lanes;
  request.target.gpu = w.gpu;
  const plan compiled = compiler::installed()->compile(request);
  return plan_runner(compiled, w.split).run(inputs);
}

std::string message_of(const std::string& text) {
  try {
    run(text, {});
  } catch (const error& failure) {
    return failure.what();
  }
  return "";
}

/// @main sorts tensors of `shape` and these element types along `dimension`.
std::string sort_text(const std::string& shape, const std::vector<std::string>& types, int dimension,
                      const std::string& comparator) {
  std::string arguments, operands, tensors, scalars;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::string n = std::to_string(i), comma = i > 0 ? ", " : "",
                      tensor = "tensor<" + shape + types[i] + ">";
    arguments += comma + "%a" + n + ": " + tensor;
    operands += comma + "%a" + n;
    tensors += comma + tensor;
    scalars += comma + "%x" + n + ": tensor<" + types[i] + ">, %y" + n + ": tensor<" + types[i] + ">";
  }
  std::string results;
  for (std::size_t i = 0; i < types.size(); ++i) results += (i > 0 ? ", %0#" : "%0#") + std::to_string(i);
  return "func.func @main(" + arguments + ") -> (" + tensors + ") {\n  %0:" + std::to_string(types.size()) +
         " = \"stablehlo.sort\"(" + operands + ") <{dimension = " + std::to_string(dimension) +
         " : i64, is_stable = true}> ({\n  ^bb0(" + scalars + "):\n" + comparator +
         "    stablehlo.return %c : tensor<i1>\n  }) : (" + tensors + ") -> (" + tensors + ")\n  return " +
         results + " : " + tensors + "\n}";
}

std::string compare(const std::string& direction, const std::string& type, const std::string& element,
                    const std::string& operand = "0", const std::string& result = "%c") {
  return "    " + result + " = stablehlo.compare " + direction + ", %x" + operand + ", %y" + operand + ", " +
         type + " : (tensor<" + element + ">, tensor<" + element + ">) -> tensor<i1>\n";
}

template <class T>
std::vector<T> numbers(std::int64_t count, std::uint64_t different, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<T> result(static_cast<std::size_t>(count));
  for (T& x : result) x = static_cast<T>(random() % different - different / 2);
  return result;
}

/// The order in which `less` sorts each row of `length` elements, as positions in all rows.
template <class Less>
std::vector<std::size_t> order_of(std::size_t count, std::size_t length, Less less) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto stably = [&](std::size_t a, std::size_t b) { return less(a, b) || (!less(b, a) && a < b); };
  for (std::size_t row = 0; row < count; row += length)
    std::sort(order.begin() + static_cast<std::ptrdiff_t>(row),
              order.begin() + static_cast<std::ptrdiff_t>(row + length), stably);
  return order;
}

template <class T>
std::vector<T> taken(const std::vector<T>& values, const std::vector<std::size_t>& order) {
  std::vector<T> result;
  for (const std::size_t from : order) result.push_back(values[from]);
  return result;
}

const std::vector<std::int64_t> lengths = {0,  1,  2,  3,  7,   8,   9,    15,   16,  17,
                                           24, 33, 64, 65, 100, 129, 1000, 4097, 8200};

TEST(Sort, keeps_equal_keys_in_order_at_every_length) {
  for (const std::int64_t length : lengths)
    for (const way& w : ways) {
      const std::int64_t rows = length > 500 ? 2 : 5;
      const auto keys = numbers<std::int32_t>(rows * length, 9),
                 payload = numbers<std::int32_t>(rows * length, 1u << 30);
      const auto order = order_of(keys.size(), std::max<std::size_t>(1, static_cast<std::size_t>(length)),
                                  [&](std::size_t a, std::size_t b) { return keys[a] > keys[b]; });
      const std::string shape = std::to_string(rows) + "x" + std::to_string(length) + "x";
      const auto results = run(sort_text(shape, {"i32", "i32"}, 1, compare("GT", "SIGNED", "i32")),
                               {bytes_from(keys), bytes_from(payload)}, w);
      EXPECT_EQ(values_from<std::int32_t>(results[0]), taken(keys, order)) << length << " lanes " << w.lanes;
      EXPECT_EQ(values_from<std::int32_t>(results[1]), taken(payload, order))
          << length << " lanes " << w.lanes;
    }
}

TEST(Sort, takes_comparators_of_several_keys) {
  const std::string by_two =
      compare("LT", "SIGNED", "i32", "0", "%1") + compare("EQ", "SIGNED", "i32", "0", "%2") +
      compare("GT", "UNSIGNED", "ui64", "1", "%3") +
      "    %4 = stablehlo.and %2, %3 : tensor<i1>\n    %c = stablehlo.or %1, %4 : tensor<i1>\n";
  for (const std::int64_t length : lengths)
    for (const way& w : ways) {
      const auto first = numbers<std::int32_t>(length, 5, 2);
      const auto second = numbers<std::uint64_t>(length, 7, 3);
      const auto third = numbers<std::int8_t>(length, 200, 4);
      const auto order =
          order_of(first.size(), std::max<std::size_t>(1, first.size()), [&](std::size_t a, std::size_t b) {
            return first[a] < first[b] || (first[a] == first[b] && second[a] > second[b]);
          });
      const auto results = run(sort_text(std::to_string(length) + "x", {"i32", "ui64", "i8"}, 0, by_two),
                               {bytes_from(first), bytes_from(second), bytes_from(third)}, w);
      EXPECT_EQ(values_from<std::int32_t>(results[0]), taken(first, order)) << length << " lanes " << w.lanes;
      EXPECT_EQ(values_from<std::uint64_t>(results[1]), taken(second, order))
          << length << " lanes " << w.lanes;
      EXPECT_EQ(values_from<std::int8_t>(results[2]), taken(third, order)) << length << " lanes " << w.lanes;
    }
}

template <class T>
void expect_sorted(const std::string& type, const std::string& kind, std::uint64_t different) {
  for (const std::int64_t length : {3, 8, 15, 17, 100, 4097})
    for (const way& w : ways)
      for (const std::string direction : {"LT", "GT"}) {
        const auto values = numbers<T>(length, different);
        auto expected = values;
        std::sort(expected.begin(), expected.end());
        if (direction == "GT") std::reverse(expected.begin(), expected.end());
        const auto results =
            run(sort_text(std::to_string(length) + "x", {type}, 0, compare(direction, kind, type)),
                {bytes_from(values)}, w);
        EXPECT_EQ(values_from<T>(results[0]), expected) << type << " " << length << " lanes " << w.lanes;
      }
}

TEST(Sort, merges_plain_integers_by_vectors) {
  expect_sorted<std::int32_t>("i32", "SIGNED", 300);
  expect_sorted<std::uint64_t>("ui64", "UNSIGNED", ~std::uint64_t{0});
  expect_sorted<std::int8_t>("i8", "SIGNED", 256);
}

TEST(Sort, merges_long_rows_of_floats_and_leaves_zeros_in_order) {
  auto values = numbers<float>(150001, 100000);
  for (std::size_t i = 0; i < values.size(); i += 5) values[i] = i % 2 ? -0.0f : 0.0f;
  const auto order = order_of(values.size(), values.size(),
                              [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  for (const way& w : {ways[0], ways[1], ways[2]})
    EXPECT_EQ(
        run(sort_text("150001x", {"f32"}, 0, compare("LT", "FLOAT", "f32")), {bytes_from(values)}, w)[0],
        bytes_from(taken(values, order)));
}

TEST(Sort, goes_along_any_dimension) {
  const auto values = numbers<std::int16_t>(3 * 40 * 5, 1000);
  const auto results =
      run(sort_text("3x40x5x", {"i16"}, -2, compare("LT", "SIGNED", "i16")), {bytes_from(values)});
  auto expected = values;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 5; ++k) {
      std::vector<std::int16_t> column;
      for (int j = 0; j < 40; ++j) column.push_back(values[static_cast<std::size_t>((i * 40 + j) * 5 + k)]);
      std::sort(column.begin(), column.end());
      for (int j = 0; j < 40; ++j)
        expected[static_cast<std::size_t>((i * 40 + j) * 5 + k)] = column[static_cast<std::size_t>(j)];
    }
  EXPECT_EQ(values_from<std::int16_t>(results[0]), expected);
}

TEST(Sort, puts_nans_last_where_the_comparator_does_not_say_and_leaves_zeros_in_order) {
  for (const std::int64_t length : {13, 14, 40, 5000}) {
    auto values = numbers<float>(length, 6);
    const float special[] = {0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY, -0.0f, 0.0f};
    for (std::size_t i = 0; i < values.size(); i += 3) values[i] = special[i / 3 % 8];
    const auto order = order_of(values.size(), values.size(), [&](std::size_t a, std::size_t b) {
      if (std::isnan(values[a]) || std::isnan(values[b]))
        return !std::isnan(values[a]) && std::isnan(values[b]);
      return values[a] < values[b];
    });
    const auto results =
        run(sort_text(std::to_string(length) + "x", {"f32"}, 0, compare("LT", "FLOAT", "f32")),
            {bytes_from(values)});
    EXPECT_EQ(results[0], bytes_from(taken(values, order))) << length;
  }
}

TEST(Sort, may_use_scalars_from_outside) {
  // By the distance from %k; equal distances in order.
  const std::string body =
      "    %d = stablehlo.subtract %x, %k : tensor<i64>\n    %e = stablehlo.subtract %y, %k : tensor<i64>\n"
      "    %f = stablehlo.abs %d : tensor<i64>\n    %g = stablehlo.abs %e : tensor<i64>\n"
      "    %c = stablehlo.compare LT, %f, %g : (tensor<i64>, tensor<i64>) -> tensor<i1>\n";
  for (const std::string type : {"i64", "i32"}) {
    std::string text =
        "func.func @main(%a: tensor<90xi64>, %k: tensor<i64>) -> tensor<90xi64> {\n"
        "  %0 = \"stablehlo.sort\"(%a) <{dimension = 0 : i64}> ({\n"
        "  ^bb0(%x: tensor<i64>, %y: tensor<i64>):\n" +
        body +
        "    stablehlo.return %c : tensor<i1>\n  }) : (tensor<90xi64>) -> tensor<90xi64>\n"
        "  return %0 : tensor<90xi64>\n}";
    for (std::size_t at = 0; (at = text.find("i64>", at)) != std::string::npos; ++at)
      text.replace(at, 3, type);
    const auto values = numbers<std::int64_t>(90, 60);
    const auto order = order_of(values.size(), values.size(), [&](std::size_t a, std::size_t b) {
      return std::abs(values[a] - 7) < std::abs(values[b] - 7);
    });
    const auto expected = taken(values, order);
    if (type == "i64") {
      const auto results = run(text, {bytes_from(values), bytes_from(std::vector<std::int64_t>{7})});
      EXPECT_EQ(values_from<std::int64_t>(results[0]), expected);
    } else {
      const auto results = run(text, {bytes_from(std::vector<std::int32_t>(values.begin(), values.end())),
                                      bytes_from(std::vector<std::int32_t>{7})});
      EXPECT_EQ(values_from<std::int32_t>(results[0]),
                std::vector<std::int32_t>(expected.begin(), expected.end()));
    }
  }
}

TEST(Sort, happens_in_every_step_of_a_loop) {
  const std::string text = R"(func.func @main(%a: tensor<300xf32>) -> tensor<300xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %r:2 = stablehlo.while(%i = %zero, %x = %a) : tensor<i32>, tensor<300xf32>
  cond {
    %three = stablehlo.constant dense<3> : tensor<i32>
    %c = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %s = "stablehlo.sort"(%x) <{dimension = 0 : i64}> ({
    ^bb0(%p: tensor<f32>, %q: tensor<f32>):
      %c = stablehlo.compare LT, %p, %q, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }) : (tensor<300xf32>) -> tensor<300xf32>
    %n = stablehlo.negate %s : tensor<300xf32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j, %n : tensor<i32>, tensor<300xf32>
  }
  return %r#1 : tensor<300xf32>
})";
  const auto values = numbers<float>(300, 1000);
  auto expected = values;
  for (int step = 0; step < 3; ++step) {
    std::sort(expected.begin(), expected.end());
    for (float& x : expected) x = -x;
  }
  EXPECT_EQ(values_from<float>(run(text, {bytes_from(values)})[0]), expected);
}

std::string top_k_text(std::int64_t length, std::int64_t k, bool as_call) {
  const std::string n = std::to_string(length), m = std::to_string(k);
  const std::string types =
      ": (tensor<4x" + n + "xf32>) -> (tensor<4x" + m + "xf32>, tensor<4x" + m + "xi32>)";
  return "func.func @main(%a: tensor<4x" + n + "xf32>) -> (tensor<4x" + m + "xf32>, tensor<4x" + m +
         "xi32>) {\n" +
         (as_call ? "  %0:2 = stablehlo.custom_call @mhlo.topk(%a) {mhlo.attributes = {k = " + m +
                        " : i64, largest = true}, mhlo.version = 1 : i64} " + types
                  : "  %0:2 = \"chlo.top_k\"(%a) <{k = " + m + " : i64}> " + types) +
         "\n  return %0#0, %0#1 : tensor<4x" + m + "xf32>, tensor<4x" + m + "xi32>\n}";
}

TEST(TopK, gives_the_largest_in_total_order_and_ties_by_position) {
  const auto key = [](float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    return bits < 0 ? bits ^ 0x7fffffff : bits;
  };
  for (const std::int64_t length : {1, 5, 40, 5000})
    for (const std::int64_t k : {0, 1, 5, 17})
      for (const way& w : ways) {
        if (k > length) continue;
        auto values = numbers<float>(4 * length, 50);
        for (std::size_t i = 0; i < values.size(); i += 7) values[i] = i % 2 ? NAN : -NAN;
        const auto order =
            order_of(values.size(), static_cast<std::size_t>(length),
                     [&](std::size_t a, std::size_t b) { return key(values[a]) > key(values[b]); });
        std::vector<float> largest;
        std::vector<std::int32_t> positions;
        for (std::size_t row = 0; row < 4; ++row)
          for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
            const std::size_t from = order[row * static_cast<std::size_t>(length) + i];
            largest.push_back(values[from]);
            positions.push_back(static_cast<std::int32_t>(from % static_cast<std::size_t>(length)));
          }
        const auto results = run(top_k_text(length, k, w.gpu), {bytes_from(values)}, w);
        EXPECT_EQ(results[0], bytes_from(largest)) << length << " " << k;
        EXPECT_EQ(values_from<std::int32_t>(results[1]), positions) << length << " " << k;
      }
}

TEST(TopK, refuses_calls_that_do_not_fit) {
  EXPECT_NE(message_of(top_k_text(5, 6, true))
                .find("test.mlir:2:10: error: 'mhlo.topk': k must be in [0, 5], got 6"),
            std::string::npos)
      << message_of(top_k_text(5, 6, true));
  std::string text = top_k_text(5, 3, true);
  text.replace(text.find("k = 3 : i64, "), 13, "");
  EXPECT_NE(message_of(text).find("needs mhlo.attributes with an integer k"), std::string::npos)
      << message_of(text);
}

}  // namespace
