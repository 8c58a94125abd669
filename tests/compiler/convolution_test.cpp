// convolution_test.cpp: convolutions with every window option and layout, compared with plain loops.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using std::int64_t;
using wherry::testing::compile_text;
using wherry::testing::plan_runner;
using shape = std::vector<int64_t>;

struct window {
  int64_t input, size, stride = 1, low = 0, high = 0, dilation = 1, kernel_dilation = 1;
  bool reversed = false;
  int64_t positions() const {
    const int64_t padded = (input - 1) * dilation + 1 + low + high, span = (size - 1) * kernel_dilation + 1;
    return padded < span ? 0 : (padded - span) / stride + 1;
  }
};

struct convolution {
  int64_t batch, inputs, outputs;  // of a group: images and input features; outputs of all groups
  std::vector<window> spatial;
  int64_t batch_groups = 1, feature_groups = 1;
  // Where [batch, feature, spatial...] (for the kernel [input, output, spatial...]) are in each tensor.
  std::vector<std::size_t> lhs, rhs, result;
};

shape placed(const std::vector<std::size_t>& where, int64_t first, int64_t second, const shape& rest) {
  shape all(where.size());
  all[where[0]] = first;
  all[where[1]] = second;
  for (std::size_t i = 0; i < rest.size(); ++i) all[where[i + 2]] = rest[i];
  return all;
}

shape extents(const convolution& c, int64_t (*of)(const window&)) {
  shape all;
  for (const window& w : c.spatial) all.push_back(of(w));
  return all;
}
shape lhs_shape(const convolution& c) {
  return placed(c.lhs, c.batch * c.batch_groups, c.inputs * c.feature_groups,
                extents(c, [](const window& w) { return w.input; }));
}
shape rhs_shape(const convolution& c) {
  return placed(c.rhs, c.inputs, c.outputs, extents(c, [](const window& w) { return w.size; }));
}
shape result_shape(const convolution& c) {
  return placed(c.result, c.batch, c.outputs, extents(c, [](const window& w) { return w.positions(); }));
}

int64_t count_of(const shape& s) {
  return std::accumulate(s.begin(), s.end(), int64_t{1}, std::multiplies<>());
}

int64_t offset_of(const shape& s, const shape& at) {
  int64_t offset = 0;
  for (std::size_t i = 0; i < s.size(); ++i) offset = offset * s[i] + at[i];
  return offset;
}

/// Calls `body` with every position in `s`.
template <class Body>
void each(const shape& s, Body body) {
  if (count_of(s) == 0) return;
  shape at(s.size(), 0);
  for (;;) {
    body(at);
    std::size_t d = s.size();
    while (d > 0 && ++at[d - 1] == s[d - 1]) at[--d] = 0;
    if (d == 0) return;
  }
}

std::vector<double> expected(const convolution& c, const std::vector<double>& lhs,
                             const std::vector<double>& rhs) {
  const shape ls = lhs_shape(c), rs = rhs_shape(c), os = result_shape(c);
  std::vector<double> result(static_cast<std::size_t>(count_of(os)));
  const shape window_shape = extents(c, [](const window& w) { return w.size; });
  each(os, [&](const shape& at) {
    const int64_t n = at[c.result[0]], f = at[c.result[1]];
    const int64_t group = f / (c.outputs / (c.batch_groups * c.feature_groups));
    double sum = 0;
    each(window_shape, [&](const shape& k) {
      shape place;
      for (std::size_t i = 0; i < k.size(); ++i) {
        const window& w = c.spatial[i];
        const int64_t padded = at[c.result[i + 2]] * w.stride + k[i] * w.kernel_dilation - w.low;
        if (padded < 0 || padded % w.dilation != 0 || padded / w.dilation >= w.input) return;
        place.push_back(padded / w.dilation);
      }
      shape tap = k;
      for (std::size_t i = 0; i < k.size(); ++i)
        if (c.spatial[i].reversed) tap[i] = c.spatial[i].size - 1 - k[i];
      for (int64_t j = 0; j < c.inputs; ++j) {
        const int64_t image = c.batch_groups > 1 ? group * c.batch + n : n;
        const int64_t feature = c.feature_groups > 1 ? group * c.inputs + j : j;
        sum += lhs[static_cast<std::size_t>(offset_of(ls, placed(c.lhs, image, feature, place)))] *
               rhs[static_cast<std::size_t>(offset_of(rs, placed(c.rhs, j, f, tap)))];
      }
    });
    result[static_cast<std::size_t>(offset_of(os, at))] = sum;
  });
  return result;
}

std::string type_of(const shape& s, const std::string& element) {
  std::string text = "tensor<";
  for (const int64_t extent : s) text += std::to_string(extent) + "x";
  return text + element + ">";
}

std::string labels(const std::vector<std::size_t>& where, const char* first, const char* second) {
  std::vector<std::string> names(where.size());
  names[where[0]] = first;
  names[where[1]] = second;
  for (std::size_t i = 2; i < where.size(); ++i) names[where[i]] = std::to_string(i - 2);
  std::string text = "[";
  for (std::size_t i = 0; i < names.size(); ++i) text += (i ? ", " : "") + names[i];
  return text + "]";
}

std::string text_of(const convolution& c, const std::string& from, const std::string& to) {
  const auto list = [&](auto entry) {
    std::string text = "[";
    for (std::size_t i = 0; i < c.spatial.size(); ++i) text += (i ? ", " : "") + entry(c.spatial[i]);
    return text + "]";
  };
  const std::string options =
      c.spatial.empty()
          ? ""
          : "stride = " + list([](const window& w) { return std::to_string(w.stride); }) +
                ", pad = " + list([](const window& w) {
                  return "[" + std::to_string(w.low) + ", " + std::to_string(w.high) + "]";
                }) +
                ", lhs_dilate = " + list([](const window& w) { return std::to_string(w.dilation); }) +
                ", rhs_dilate = " + list([](const window& w) { return std::to_string(w.kernel_dilation); }) +
                ", reverse = " +
                list([](const window& w) { return std::string(w.reversed ? "true" : "false"); });
  const std::string a = type_of(lhs_shape(c), from), b = type_of(rhs_shape(c), from),
                    r = type_of(result_shape(c), to);
  return "func.func @main(%a: " + a + ", %b: " + b + ") -> " + r +
         " {\n  %r = stablehlo.convolution(%a, %b) dim_numbers = " + labels(c.lhs, "b", "f") + "x" +
         labels(c.rhs, "i", "o") + "->" + labels(c.result, "b", "f") + ", window = {" + options +
         "} {batch_group_count = " + std::to_string(c.batch_groups) +
         " : i64, feature_group_count = " + std::to_string(c.feature_groups) + " : i64} : (" + a + ", " + b +
         ") -> " + r + "\n  return %r : " + r + "\n}";
}

template <class From, class To>
void expect_right(const convolution& c, const std::string& from, const std::string& to) {
  const std::string text = text_of(c, from, to);
  SCOPED_TRACE(text);
  std::mt19937 random(3);
  std::uniform_int_distribution<int> values(-4, 4);
  std::vector<std::vector<double>> numbers;
  std::vector<std::vector<std::byte>> inputs;
  for (const shape& s : {lhs_shape(c), rhs_shape(c)}) {
    std::vector<From> own(static_cast<std::size_t>(count_of(s)));
    for (From& x : own) x = static_cast<From>(values(random));
    numbers.emplace_back(own.begin(), own.end());
    inputs.emplace_back(own.size() * sizeof(From));
    std::memcpy(inputs.back().data(), own.data(), inputs.back().size());
  }
  const std::vector<double> wanted = expected(c, numbers[0], numbers[1]);
  const auto outputs = plan_runner(compile_text(text)).run(inputs);
  std::vector<To> got(wanted.size());
  ASSERT_EQ(outputs[0].size(), got.size() * sizeof(To));
  std::memcpy(got.data(), outputs[0].data(), outputs[0].size());
  for (std::size_t i = 0; i < got.size(); ++i)  // small integers: every sum is exact
    ASSERT_EQ(static_cast<double>(got[i]), wanted[i]) << "element " << i;
}

void expect_right(const convolution& c) { expect_right<float, float>(c, "f32", "f32"); }

const std::vector<std::size_t> first_features = {0, 1, 2, 3}, last_features = {0, 3, 1, 2},
                               last_outputs = {2, 3, 0, 1};

convolution plane(const window& height, const window& width, int64_t inputs = 3, int64_t outputs = 4) {
  return {2, inputs, outputs, {height, width}, 1, 1, last_features, last_outputs, last_features};
}

TEST(convolution, strides_padding_and_dilation_of_the_kernel) {
  expect_right(plane({9, 3, 2, 1, 1}, {8, 2}));
  expect_right(plane({9, 3, 1, 4, 0, 1, 2}, {8, 2, 3, -1, -2}));
  expect_right(plane({5, 3}, {5, 5, 1, 2, 2, 1, 1}));
}

TEST(convolution, a_reversed_window_is_read_backwards) {
  window height{9, 3, 2, 1, 1}, width{8, 2};
  height.reversed = true;
  expect_right(plane(height, width));
  width = {6, 4, 1, 2, 3, 2};
  width.reversed = true;
  expect_right(plane(height, width));
}

TEST(convolution, a_dilated_input_has_zeros_between_its_elements) {
  for (const int64_t low : {-3, -1, 0, 1, 2, 5})
    for (const int64_t size : {1, 2, 3, 5}) expect_right(plane({4, size, 1, low, 4, 3}, {5, 3, 1, 1, 2, 2}));
  expect_right(plane({4, 3, 2, 1, 1, 3}, {5, 2, 1, 2, 2, 2, 2}));
}

TEST(convolution, groups_of_features_and_of_images) {
  for (const int64_t outputs : {3, 6, 15}) {
    convolution c = plane({7, 3, 1, 1, 1}, {6, 2, 2}, 2, outputs);
    c.feature_groups = 3;
    expect_right(c);
    std::swap(c.feature_groups, c.batch_groups);
    expect_right(c);
    c.spatial[0] = {7, 3, 1, 1, 1, 2};
    expect_right(c);
  }
  convolution depthwise = plane({7, 3, 1, 1, 1}, {6, 3, 1, 1, 1}, 1, 35);
  depthwise.feature_groups = 35;
  expect_right(depthwise);
}

TEST(convolution, dimensions_may_be_in_any_order) {
  convolution c = plane({9, 3, 2, 1, 1}, {8, 2});
  for (const auto& lhs : {first_features, last_outputs, {3, 1, 0, 2}})
    for (const auto& rhs : {first_features, last_features, {1, 2, 3, 0}})
      for (const auto& result : {first_features, last_outputs, {1, 2, 3, 0}}) {
        c.lhs = lhs;
        c.rhs = rhs;
        c.result = result;
        expect_right(c);
      }
}

TEST(convolution, any_number_of_spatial_dimensions) {
  expect_right({5, 6, 7, {}, 1, 1, {0, 1}, {0, 1}, {1, 0}});
  expect_right({3, 2, 5, {{20, 4, 1, 6, 0, 1, 2}}, 1, 1, {0, 2, 1}, {1, 2, 0}, {0, 2, 1}});
  expect_right({2,
                2,
                3,
                {{5, 2}, {4, 3, 1, 1, 1}, {6, 2, 2}},
                1,
                1,
                {0, 1, 2, 3, 4},
                {1, 0, 2, 3, 4},
                {0, 1, 2, 3, 4}});
  expect_right({1,
                2,
                3,
                {{3, 2}, {3, 2}, {4, 3}, {3, 1}},
                1,
                1,
                {0, 5, 1, 2, 3, 4},
                {4, 5, 0, 1, 2, 3},
                {0, 5, 1, 2, 3, 4}});
}

TEST(convolution, a_large_one_uses_the_prebuilt_kernels) {
  const convolution c = plane({20, 3, 1, 1, 1}, {21, 3, 2, 1, 1}, 17, 40);
  const plan compiled = compile_text(text_of(c, "f32", "f32"));
  bool found = false;
  for (const auto& kernel : compiled.kernels) found |= kernel.name == "contract_f32.compute";
  EXPECT_TRUE(found);
  expect_right(c);
  expect_right<double, double>(c, "f64", "f64");
}

TEST(convolution, without_a_window_it_is_a_dot) {
  expect_right(plane({9, 1, 2}, {8, 1}, 20, 33));
  expect_right(plane({5, 5}, {6, 3, 1, 0, 0, 1, 2}, 7, 9));
  expect_right(plane({5, 5}, {6, 1, 1}, 7, 9));
}

TEST(convolution, integers_may_be_summed_in_a_wider_type) {
  expect_right<std::int8_t, std::int32_t>(plane({9, 3, 1, 1, 1}, {8, 2}), "i8", "i32");
  expect_right<std::int8_t, std::int32_t>(plane({3, 2}, {3, 2}, 1, 1), "i8", "i32");
  expect_right<std::int32_t, std::int32_t>(plane({9, 3, 1, 1, 1}, {8, 2, 1, 2, 0, 2}), "i32", "i32");
}

TEST(convolution, without_elements_to_sum_every_result_is_zero) {
  expect_right(plane({9, 3, 1, 1, 1}, {8, 2}, 0, 4));
  expect_right(plane({2, 3}, {8, 2}));
}

TEST(convolution, padding_beyond_all_memory_is_refused) {
  convolution c = plane({9, 3, int64_t{1} << 40, 0, int64_t{1} << 41}, {8, 2});
  EXPECT_THROW(compile_text(text_of(c, "f32", "f32")), error);
}

}  // namespace
