// Arithmetic, activations, reductions, products and movements against plain loops in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "named/run.hpp"

namespace wherry::testing_support {
namespace {

tensor mapped(const tensor& a, const std::function<double(double)>& f) {
  tensor r = a;
  for (double& v : r.values) v = f(v);
  return r;
}

double precision(dtype type) {
  return type == dtype::f64 ? 1e-14 : type == dtype::f32 ? 4e-7 : type == dtype::f16 ? 2e-3 : 1.6e-2;
}

TEST(NamedArithmetic, matches_in_every_element_type) {
  for (const dtype type : {dtype::f32, dtype::f64, dtype::f16, dtype::bf16}) {
    const tensor a = noise(type, {3, 7}, 1, -4, 4), b = noise(type, {3, 7}, 2, 1, 3);
    const std::pair<const char*, std::function<double(double, double)>> all[] = {
        {"elementwise_add", std::plus<>()},
        {"elementwise_sub", std::minus<>()},
        {"elementwise_mul", std::multiplies<>()},
        {"elementwise_div", std::divides<>()}};
    for (const auto& [name, f] : all) {
      tensor expected = a;
      for (std::size_t i = 0; i < a.values.size(); ++i) expected.values[i] = f(a.values[i], b.values[i]);
      expect_near(run(name, {a, b}), expected, precision(type), precision(type));
    }
  }
}

TEST(NamedArithmetic, of_integers_divides_towards_zero) {
  const tensor a{{dtype::i32, {4}}, {7, -7, 9, 5}}, b{{dtype::i32, {4}}, {2, 2, -4, 5}};
  expect_near(run("elementwise_div", {a, b}), {a.type, {3, -3, -2, 1}}, 0);
  const tensor u{{dtype::ui8, {2}}, {250, 3}}, v{{dtype::ui8, {2}}, {10, 5}};
  expect_near(run("elementwise_add", {u, v}), {u.type, {4, 8}}, 0);
}

TEST(NamedArithmetic, of_integers_divided_by_zero_sets_all_bits) {
  for (const dtype type : {dtype::i8, dtype::i32, dtype::i64})
    expect_near(run("elementwise_div", {{{type, {2}}, {7, -7}}, {{type, {2}}, {0, 0}}}),
                {{type, {2}}, {-1, -1}}, 0);
  const tensor u{{dtype::ui8, {1}}, {9}}, zero{{dtype::ui8, {1}}, {0}};
  expect_near(run("elementwise_div", {u, zero}), {u.type, {255}}, 0);
}

TEST(NamedArithmetic, takes_a_scalar_as_second_input) {
  const tensor a = noise(dtype::f32, {2, 3, 5}, 3), b{{dtype::f32, {}}, {2}};
  expect_near(run("elementwise_mul", {a, b}), mapped(a, [](double v) { return 2 * v; }), 0);
}

TEST(NamedArithmetic, of_nothing_is_nothing) {
  const tensor none{{dtype::f32, {0}}, {}};
  EXPECT_EQ(run("elementwise_add", {none, none}).values.size(), 0U);
  EXPECT_EQ(run("relu", {none}).values.size(), 0U);
}

TEST(NamedActivation, matches_in_every_element_type) {
  for (const dtype type : {dtype::f32, dtype::f64, dtype::f16, dtype::bf16}) {
    const tensor x = noise(type, {257}, 4, -8, 8);
    expect_near(run("relu", {x}), mapped(x, [](double v) { return std::max(v, 0.0); }), 0);
    expect_near(run("sigmoid", {x}), mapped(x, [](double v) { return 1 / (1 + std::exp(-v)); }), 0,
                precision(type));
    expect_near(run("tanh", {x}), mapped(x, [](double v) { return std::tanh(v); }), 0, precision(type));
  }
}

TEST(NamedActivation, relu_keeps_nan_and_takes_integers) {
  const tensor x{{dtype::f32, {3}}, {std::nan(""), -INFINITY, INFINITY}};
  expect_near(run("relu", {x}), {x.type, {std::nan(""), 0, INFINITY}}, 0);
  const tensor i{{dtype::i16, {2}}, {-3, 3}};
  expect_near(run("relu", {i}), {i.type, {0, 3}}, 0);
}

TEST(NamedReduction, sums_and_finds_extremes_over_any_axes) {
  const tensor x = noise(dtype::f32, {3, 4, 5}, 5);
  tensor sum{{dtype::f32, {3, 5}}, std::vector<double>(15)}, least{{dtype::f32, {}}, {9}},
      greatest{{dtype::f32, {1, 4, 1}}, std::vector<double>(4, -9)};
  for (std::size_t i = 0; i < 60; ++i) {
    sum.values[i / 20 * 5 + i % 5] += x.values[i];
    least.values[0] = std::min(least.values[0], x.values[i]);
    greatest.values[i / 5 % 4] = std::max(greatest.values[i / 5 % 4], x.values[i]);
  }
  expect_near(run("reduce_sum", {x}, {{"axes", {1}}}), sum, 1e-6);
  expect_near(run("reduce_sum", {x}, {{"axes", {-2}}}), sum, 1e-6);
  expect_near(run("reduce_min", {x}), least, 0);
  expect_near(run("reduce_max", {x}, {{"axes", {0, -1}}, {"keep_dims", true}}), greatest, 0);
}

TEST(NamedReduction, of_16_bit_floats_is_summed_in_f32) {
  const tensor x{{dtype::f16, {5000}}, std::vector<double>(5000, 0.5)};
  expect_near(run("reduce_sum", {x}), {{dtype::f16, {}}, {2500}}, 0);
}

TEST(NamedReduction, starts_from_the_ends_of_integer_types) {
  for (const dtype type : {dtype::i8, dtype::i32, dtype::i64}) {
    const tensor x{{type, {3}}, {-5, -7, -6}};
    expect_near(run("reduce_max", {x}), {{type, {}}, {-5}}, 0);
    const tensor y{{type, {3}}, {5, 7, 6}};
    expect_near(run("reduce_min", {y}), {{type, {}}, {5}}, 0);
  }
  const tensor u{{dtype::ui64, {2}}, {9, 8}};
  expect_near(run("reduce_min", {u}), {{dtype::ui64, {}}, {8}}, 0);
}

TEST(NamedReduction, of_an_empty_axis_is_zero_or_refused) {
  const tensor x{{dtype::f32, {2, 0}}, {}};
  expect_near(run("reduce_sum", {x}, {{"axes", {1}}}), {{dtype::f32, {2}}, {0, 0}}, 0);
  EXPECT_EQ(refusal("reduce_max", {x.type}, {{"axes", {1}}}),
            "reduce_max: input 0 'x': expected at least one element along axis 1, got tensor<2x0xf32>");
}

tensor softmax_reference(const tensor& x, std::size_t axis) {
  std::size_t n = static_cast<std::size_t>(x.type.dims[axis]), inner = 1;
  for (std::size_t i = axis + 1; i < x.type.dims.rank(); ++i)
    inner *= static_cast<std::size_t>(x.type.dims[i]);
  tensor r = x;
  for (std::size_t at = 0; at < x.values.size(); ++at) {
    const std::size_t first = at / (n * inner) * n * inner + at % inner;
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += std::exp(x.values[first + k * inner] - x.values[at]);
    r.values[at] = 1 / sum;
  }
  return r;
}

TEST(NamedSoftmax, matches_along_any_axis) {
  const tensor x = noise(dtype::f32, {3, 17, 5}, 6, -20, 20);
  expect_near(run("softmax", {x}), softmax_reference(x, 2), 0, 1e-5);
  expect_near(run("softmax", {x}, {{"axis", 1}}), softmax_reference(x, 1), 0, 1e-5);
  const tensor h = noise(dtype::f16, {4, 9}, 7, -3, 3);
  expect_near(run("softmax", {h}), softmax_reference(h, 1), 1e-3);
  const tensor large{{dtype::f32, {2}}, {1e30, 1e30}};
  expect_near(run("softmax", {large}), {large.type, {0.5, 0.5}}, 0);
}

TEST(NamedLayerNorm, matches_with_and_without_scale_and_shift) {
  const tensor x = noise(dtype::f32, {4, 3, 8}, 8, -2, 5), scale = noise(dtype::f32, {3, 8}, 9),
               shift = noise(dtype::f32, {3, 8}, 10);
  for (const double epsilon : {1e-5, 0.5}) {
    tensor plain = x, scaled = x, shifted = x;
    for (std::size_t row = 0; row < 4; ++row) {
      double mean = 0, variance = 0;
      for (std::size_t k = 0; k < 24; ++k) mean += x.values[row * 24 + k] / 24;
      for (std::size_t k = 0; k < 24; ++k) variance += std::pow(x.values[row * 24 + k] - mean, 2) / 24;
      for (std::size_t k = 0; k < 24; ++k) {
        const double y = (x.values[row * 24 + k] - mean) / std::sqrt(variance + epsilon);
        plain.values[row * 24 + k] = y;
        scaled.values[row * 24 + k] = y * scale.values[k];
        shifted.values[row * 24 + k] = y * scale.values[k] + shift.values[k];
      }
    }
    const kernel_parameters p = {{"axis", 1}, {"epsilon", epsilon}};
    expect_near(run("layer_norm", {x}, p), plain, 2e-6);
    expect_near(run("layer_norm", {x, scale}, p), scaled, 2e-6);
    expect_near(run("layer_norm", {x, scale, shift}, p), shifted, 2e-6);
  }
}

TEST(NamedMatmul, matches_for_batches_and_transposed_operands) {
  for (const dtype type : {dtype::f32, dtype::f64, dtype::bf16, dtype::i32}) {
    const bool whole = type == dtype::i32;
    for (const bool turn_a : {false, true}) {
      for (const bool turn_b : {false, true}) {
        const std::int64_t m = 5, k = 7, n = 3;
        const tensor a =
            noise(type, turn_a ? shape{2, k, m} : shape{2, m, k}, 11, whole ? -9 : -1, whole ? 9 : 1);
        const tensor b =
            noise(type, turn_b ? shape{2, n, k} : shape{2, k, n}, 12, whole ? -9 : -1, whole ? 9 : 1);
        tensor expected{{type, {2, m, n}}, {}};
        for (std::int64_t batch = 0; batch < 2; ++batch)
          for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
              double sum = 0;
              for (std::int64_t l = 0; l < k; ++l) {
                const std::int64_t at = turn_a ? l * m + i : i * k + l, bt = turn_b ? j * k + l : l * n + j;
                sum += a.values[static_cast<std::size_t>(batch * m * k + at)] *
                       b.values[static_cast<std::size_t>(batch * k * n + bt)];
              }
              expected.values.push_back(sum);
            }
        expect_near(run("matmul", {a, b}, {{"transpose_a", turn_a}, {"transpose_b", turn_b}}), expected,
                    whole ? 0 : precision(type), precision(type));
      }
    }
  }
}

struct conv_case {
  bool nchw;
  std::int64_t groups;
  std::array<std::int64_t, 2> stride, dilation;
  std::array<std::int64_t, 4> pad;  // top, bottom, left, right
};

tensor conv_reference(const tensor& x, const tensor& k, const tensor& bias, const conv_case& c) {
  const auto at = [&](const tensor& t, std::array<std::int64_t, 4> i) {
    return t.values[static_cast<std::size_t>(
        ((i[0] * t.extent(1) + i[1]) * t.extent(2) + i[2]) * t.extent(3) + i[3])];
  };
  const std::int64_t n = x.extent(0), in = x.extent(c.nchw ? 1 : 3), h = x.extent(c.nchw ? 2 : 1),
                     w = x.extent(c.nchw ? 3 : 2);
  const std::int64_t out = k.extent(c.nchw ? 0 : 3), kh = k.extent(c.nchw ? 2 : 0),
                     kw = k.extent(c.nchw ? 3 : 1);
  const std::int64_t oh = (h + c.pad[0] + c.pad[1] - ((kh - 1) * c.dilation[0] + 1)) / c.stride[0] + 1;
  const std::int64_t ow = (w + c.pad[2] + c.pad[3] - ((kw - 1) * c.dilation[1] + 1)) / c.stride[1] + 1;
  tensor r{{x.type.element, c.nchw ? shape{n, out, oh, ow} : shape{n, oh, ow, out}},
           std::vector<double>(static_cast<std::size_t>(n * out * oh * ow))};
  const std::int64_t per = in / c.groups;
  for (std::int64_t b = 0; b < n; ++b)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t i = 0; i < oh; ++i)
        for (std::int64_t j = 0; j < ow; ++j) {
          double sum = bias.values[static_cast<std::size_t>(o)];
          for (std::int64_t q = 0; q < per; ++q)
            for (std::int64_t u = 0; u < kh; ++u)
              for (std::int64_t v = 0; v < kw; ++v) {
                const std::int64_t y = i * c.stride[0] + u * c.dilation[0] - c.pad[0],
                                   z = j * c.stride[1] + v * c.dilation[1] - c.pad[2];
                if (y < 0 || y >= h || z < 0 || z >= w) continue;
                const std::int64_t channel = o / (out / c.groups) * per + q;
                sum += (c.nchw ? at(x, {b, channel, y, z}) * at(k, {o, q, u, v})
                               : at(x, {b, y, z, channel}) * at(k, {u, v, q, o}));
              }
          const std::int64_t index =
              c.nchw ? ((b * out + o) * oh + i) * ow + j : ((b * oh + i) * ow + j) * out + o;
          r.values[static_cast<std::size_t>(index)] = sum;
        }
  return r;
}

TEST(NamedConv2d, matches_for_layouts_strides_dilations_padding_and_groups) {
  const conv_case cases[] = {{true, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}},
                             {true, 2, {2, 1}, {1, 2}, {1, 0, 2, 3}},
                             {false, 1, {1, 2}, {2, 1}, {0, 2, 1, 1}},
                             {false, 4, {1, 1}, {1, 1}, {1, 1, 1, 1}}};
  for (const conv_case& c : cases) {
    const std::int64_t in = 4, out = 8, h = 9, w = 11, kh = 3, kw = 2;
    const tensor x = noise(dtype::f32, c.nchw ? shape{2, in, h, w} : shape{2, h, w, in}, 13);
    const tensor k =
        noise(dtype::f32, c.nchw ? shape{out, in / c.groups, kh, kw} : shape{kh, kw, in / c.groups, out}, 14);
    const tensor bias = noise(dtype::f32, {out}, 15);
    const kernel_parameters p = {{"layout", c.nchw ? "nchw" : "nhwc"},
                                 {"groups", c.groups},
                                 {"stride", std::vector<double>(c.stride.begin(), c.stride.end())},
                                 {"dilation", std::vector<double>(c.dilation.begin(), c.dilation.end())},
                                 {"padding", std::vector<double>(c.pad.begin(), c.pad.end())}};
    expect_near(run("conv2d", {x, k, bias}, p), conv_reference(x, k, bias, c), 1e-5);
  }
}

TEST(NamedConv2d, pads_so_that_the_result_has_the_size_of_the_input) {
  const tensor x = noise(dtype::f32, {1, 2, 7, 8}, 16), k = noise(dtype::f32, {3, 2, 3, 2}, 17),
               none{{dtype::f32, {3}}, {0, 0, 0}};
  expect_near(run("conv2d", {x, k}, {{"edges", "same"}}),
              conv_reference(x, k, none, {true, 1, {1, 1}, {1, 1}, {1, 1, 0, 1}}), 1e-5);
  EXPECT_EQ(to_string(run("conv2d", {x, k}, {{"edges", "same"}, {"stride", {3}}}).type),
            "tensor<1x3x3x3xf32>");
  EXPECT_EQ(to_string(run("conv2d", {x, k}, {{"padding", {1}}}).type), "tensor<1x3x7x9xf32>");
  EXPECT_EQ(to_string(run("conv2d", {x, k}, {{"padding", {1, 2}}}).type), "tensor<1x3x7x11xf32>");
}

TEST(NamedMovement, transposes_and_reshapes) {
  const tensor x{{dtype::i32, {2, 3}}, {1, 2, 3, 4, 5, 6}};
  expect_near(run("transpose", {x}), {{dtype::i32, {3, 2}}, {1, 4, 2, 5, 3, 6}}, 0);
  expect_near(run("transpose", {x}, {{"permutation", {0, 1}}}), x, 0);
  expect_near(run("reshape", {x}, {{"shape", {3, -1}}}), {{dtype::i32, {3, 2}}, x.values}, 0);
  const tensor one{{dtype::i32, {1}}, {5}};
  expect_near(run("reshape", {one}, {{"shape", std::vector<double>{}}}), {{dtype::i32, {}}, {5}}, 0);
}

}  // namespace
}  // namespace wherry::testing_support
