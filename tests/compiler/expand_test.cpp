// Operations that are written as simpler ones: their results, against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <set>
#include <wherry/status/error.hpp>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;
using bytes = std::vector<std::byte>;
using complex = std::complex<float>;

template <class... Args>
std::vector<bytes> run(const std::string& text, const std::vector<Args>&... args) {
  const plan compiled = compile_text(text);
  plan_runner runner(compiled);
  return runner.run({bytes_from(args)...});
}

/// Numbers between -1 and 1 that are the same everywhere.
template <class T>
std::vector<T> numbers(std::size_t count, unsigned seed) {
  std::vector<T> result;
  std::uint32_t state = seed * 2654435761u + 1;
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 8) / 8388608.0F - 1.0F;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, complex>) {
      const float re = next();
      result.emplace_back(re, next());
    } else {
      result.push_back(static_cast<T>(next()));
    }
  }
  return result;
}

template <class T>
void expect_near(const std::vector<T>& got, const std::vector<T>& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_LE(std::abs(got[i] - want[i]), tolerance)
        << "element " << i << ": " << got[i] << ", want " << want[i];
}

// Batch norms of [2, 3, 2] with feature 1.

struct norm_case {
  std::vector<float> x = numbers<float>(12, 1), scale = numbers<float>(3, 2), offset = numbers<float>(3, 3),
                     mean = numbers<float>(3, 4), variance = {0.5F, 1.25F, 2.0F},
                     gradient = numbers<float>(12, 5);
  static std::size_t feature(std::size_t i) { return i / 2 % 3; }
  static constexpr double epsilon = 0.125;
};

TEST(expand, batch_norm_inference_scales_and_shifts_each_feature) {
  const norm_case c;
  const auto out = run(R"(
    func.func @main(%x: tensor<2x3x2xf32>, %s: tensor<3xf32>, %o: tensor<3xf32>, %m: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<2x3x2xf32> {
      %0 = "stablehlo.batch_norm_inference"(%x, %s, %o, %m, %v) {epsilon = 0.125 : f32, feature_index = 1 : i64} : (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x2xf32>
      return %0 : tensor<2x3x2xf32>
    })",
                       c.x, c.scale, c.offset, c.mean, c.variance);
  std::vector<float> want;
  for (std::size_t i = 0; i < 12; ++i) {
    const std::size_t f = norm_case::feature(i);
    want.push_back(static_cast<float>(
        (c.x[i] - c.mean[f]) / std::sqrt(c.variance[f] + norm_case::epsilon) * c.scale[f] + c.offset[f]));
  }
  expect_near(values_from<float>(out.at(0)), want, 1e-6);
}

TEST(expand, batch_norm_training_returns_mean_and_variance_of_each_feature) {
  const norm_case c;
  const auto out = run(R"(
    func.func @main(%x: tensor<2x3x2xf32>, %s: tensor<3xf32>, %o: tensor<3xf32>) -> (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>) {
      %0:3 = "stablehlo.batch_norm_training"(%x, %s, %o) {epsilon = 0.125 : f32, feature_index = 1 : i64} : (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>)
      return %0#0, %0#1, %0#2 : tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>
    })",
                       c.x, c.scale, c.offset);
  std::vector<float> mean(3), variance(3), want;
  for (std::size_t i = 0; i < 12; ++i) mean[norm_case::feature(i)] += c.x[i] / 4;
  for (std::size_t i = 0; i < 12; ++i) {
    const float d = c.x[i] - mean[norm_case::feature(i)];
    variance[norm_case::feature(i)] += d * d / 4;
  }
  for (std::size_t i = 0; i < 12; ++i) {
    const std::size_t f = norm_case::feature(i);
    want.push_back(static_cast<float>(
        (c.x[i] - mean[f]) / std::sqrt(variance[f] + norm_case::epsilon) * c.scale[f] + c.offset[f]));
  }
  expect_near(values_from<float>(out.at(0)), want, 2e-6);
  expect_near(values_from<float>(out.at(1)), mean, 1e-6);
  expect_near(values_from<float>(out.at(2)), variance, 1e-6);
}

TEST(expand, batch_norm_grad_is_the_derivative_of_batch_norm_training) {
  const norm_case c;
  // With the operand's own mean and variance; the derivatives are differences of the loss sum(result *
  // gradient).
  const auto loss = [&](const std::vector<double>& x, const std::vector<double>& scale) {
    std::vector<double> mean(3), variance(3);
    double sum = 0;
    for (std::size_t i = 0; i < 12; ++i) mean[norm_case::feature(i)] += x[i] / 4;
    for (std::size_t i = 0; i < 12; ++i) {
      const double d = x[i] - mean[norm_case::feature(i)];
      variance[norm_case::feature(i)] += d * d / 4;
    }
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t f = norm_case::feature(i);
      sum += (x[i] - mean[f]) / std::sqrt(variance[f] + norm_case::epsilon) * scale[f] * c.gradient[i];
    }
    return sum;
  };
  std::vector<double> x(c.x.begin(), c.x.end()), scale(c.scale.begin(), c.scale.end());
  std::vector<float> mean(3), variance(3), dx, dscale, doffset(3);
  for (std::size_t i = 0; i < 12; ++i) mean[norm_case::feature(i)] += c.x[i] / 4;
  for (std::size_t i = 0; i < 12; ++i) {
    const float d = c.x[i] - mean[norm_case::feature(i)];
    variance[norm_case::feature(i)] += d * d / 4;
    doffset[norm_case::feature(i)] += c.gradient[i];
  }
  const auto difference = [&](double& at) {
    const double before = at, step = 1e-5;
    at = before + step;
    const double above = loss(x, scale);
    at = before - step;
    const double below = loss(x, scale);
    at = before;
    return static_cast<float>((above - below) / (2 * step));
  };
  for (double& at : x) dx.push_back(difference(at));
  for (double& at : scale) dscale.push_back(difference(at));
  const auto out = run(R"(
    func.func @main(%x: tensor<2x3x2xf32>, %s: tensor<3xf32>, %m: tensor<3xf32>, %v: tensor<3xf32>, %g: tensor<2x3x2xf32>) -> (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>) {
      %0:3 = "stablehlo.batch_norm_grad"(%x, %s, %m, %v, %g) {epsilon = 0.125 : f32, feature_index = 1 : i64} : (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2x3x2xf32>) -> (tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>)
      return %0#0, %0#1, %0#2 : tensor<2x3x2xf32>, tensor<3xf32>, tensor<3xf32>
    })",
                       c.x, c.scale, mean, variance, c.gradient);
  expect_near(values_from<float>(out.at(0)), dx, 1e-5);
  expect_near(values_from<float>(out.at(1)), dscale, 1e-5);
  expect_near(values_from<float>(out.at(2)), doffset, 1e-6);
}

TEST(expand, cholesky_times_its_adjoint_is_the_matrix_of_whichever_half_is_read) {
  constexpr std::size_t n = 37;  // two blocks, the last one not full
  for (const bool lower : {true, false}) {
    const std::vector<complex> seeds = numbers<complex>(n * n, 7);
    std::vector<complex> matrix(n * n), read(n * n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < n; ++k)
          matrix[i * n + j] += seeds[i * n + k] * std::conj(seeds[j * n + k]);
        if (i == j) matrix[i * n + j] += static_cast<float>(n);
        // The other half is not to be looked at.
        read[i * n + j] = (lower ? j <= i : j >= i) ? matrix[i * n + j] : complex(NAN, NAN);
      }
    const auto out =
        run("func.func @main(%a: tensor<37x37xcomplex<f32>>) -> tensor<37x37xcomplex<f32>> {\n"
            "  %0 = stablehlo.cholesky %a, lower = " +
                std::string(lower ? "true" : "false") +
                " : tensor<37x37xcomplex<f32>>\n  return %0 : tensor<37x37xcomplex<f32>>\n}",
            read);
    const std::vector<complex> factor = values_from<complex>(out.at(0));
    std::vector<complex> product(n * n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < n; ++k)
          product[i * n + j] += lower ? factor[i * n + k] * std::conj(factor[j * n + k])
                                      : std::conj(factor[k * n + i]) * factor[k * n + j];
        if (lower ? j > i : j < i) {
          EXPECT_EQ(factor[i * n + j], complex(0)) << i << "," << j;
        }
      }
    expect_near(product, matrix, 2e-4);
  }
}

TEST(expand, triangular_solve_gives_the_matrix_that_multiplies_to_the_right_side) {
  constexpr std::size_t n = 37, m = 3, batch = 2;
  for (const bool left : {true, false})
    for (const bool lower : {true, false})
      for (const bool unit : {true, false})
        for (const std::string transpose : {"NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"}) {
          std::vector<complex> a = numbers<complex>(batch * n * n, 11), used(batch * n * n);
          const std::vector<complex> right = numbers<complex>(batch * n * m, 12);
          for (std::size_t b = 0; b < batch; ++b)
            for (std::size_t i = 0; i < n; ++i)
              for (std::size_t j = 0; j < n; ++j) {
                complex& x = a[(b * n + i) * n + j];
                const bool belongs = lower ? j < i : j > i;
                x *= 0.1F;
                if (i == j) x += 2.0F;
                if ((!belongs && i != j) || (i == j && unit)) x = complex(NAN, NAN);
                const complex value = belongs ? x : i != j ? complex(0) : unit ? complex(1) : x;
                const bool turned = transpose != "NO_TRANSPOSE";
                used[(b * n + (turned ? j : i)) * n + (turned ? i : j)] =
                    transpose == "ADJOINT" ? std::conj(value) : value;
              }
          const std::string type = left ? "tensor<2x37x3xcomplex<f32>>" : "tensor<2x3x37xcomplex<f32>>";
          const auto word = [](bool is) { return std::string(is ? "true" : "false"); };
          const auto out =
              run("func.func @main(%a: tensor<2x37x37xcomplex<f32>>, %b: " + type + ") -> " + type +
                      " {\n  %0 = \"stablehlo.triangular_solve\"(%a, %b) {left_side = " + word(left) +
                      ", lower = " + word(lower) + ", unit_diagonal = " + word(unit) +
                      ", transpose_a = #stablehlo<transpose " + transpose +
                      ">} : (tensor<2x37x37xcomplex<f32>>, " + type + ") -> " + type +
                      "\n  return %0 : " + type + "\n}",
                  a, right);
          const std::vector<complex> x = values_from<complex>(out.at(0));
          std::vector<complex> product(x.size());
          for (std::size_t b = 0; b < batch; ++b)
            for (std::size_t i = 0; i < n; ++i)
              for (std::size_t c = 0; c < m; ++c)
                for (std::size_t k = 0; k < n; ++k) {
                  const complex* matrix = &used[b * n * n];
                  if (left)
                    product[(b * n + i) * m + c] += matrix[i * n + k] * x[(b * n + k) * m + c];
                  else
                    product[(b * m + c) * n + i] += x[(b * m + c) * n + k] * matrix[k * n + i];
                }
          SCOPED_TRACE(transpose + (left ? " left" : " right") + (lower ? " lower" : " upper") +
                       (unit ? " unit" : ""));
          expect_near(product, right, 2e-5);
        }
}

TEST(expand, the_generators_return_the_published_words) {
  // The first known answer of Random123's Philox-4x32-10, and ThreeFry-2x32-20 of counter and key zero.
  const auto philox = run(R"(
    func.func @main(%s: tensor<3xui64>) -> (tensor<3xui64>, tensor<2x3xui32>) {
      %0:2 = stablehlo.rng_bit_generator %s, algorithm = PHILOX : (tensor<3xui64>) -> (tensor<3xui64>, tensor<2x3xui32>)
      return %0#0, %0#1 : tensor<3xui64>, tensor<2x3xui32>
    })",
                          std::vector<std::uint64_t>{0, 0, 0});
  const auto words = values_from<std::uint32_t>(philox.at(1));
  const std::vector<std::uint32_t> first{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ((std::vector<std::uint32_t>(words.begin(), words.begin() + 4)), first);
  EXPECT_EQ(values_from<std::uint64_t>(philox.at(0)), (std::vector<std::uint64_t>{0, 2, 0}));
  const auto threefry = run(R"(
    func.func @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<1xui64>) {
      %0:2 = stablehlo.rng_bit_generator %s, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<1xui64>)
      return %0#0, %0#1 : tensor<2xui64>, tensor<1xui64>
    })",
                            std::vector<std::uint64_t>{0, 0});
  EXPECT_EQ(values_from<std::uint64_t>(threefry.at(1)), (std::vector<std::uint64_t>{0x99ba4efe6b200159}));
  EXPECT_EQ(values_from<std::uint64_t>(threefry.at(0)), (std::vector<std::uint64_t>{0, 1}));
}

TEST(expand, the_counter_of_philox_carries_into_its_high_half) {
  const std::string text = R"(
    func.func @main(%s: tensor<3xui64>) -> (tensor<3xui64>, tensor<8xui32>) {
      %0:2 = stablehlo.rng_bit_generator %s, algorithm = PHILOX : (tensor<3xui64>) -> (tensor<3xui64>, tensor<8xui32>)
      return %0#0, %0#1 : tensor<3xui64>, tensor<8xui32>
    })";
  const auto across = run(text, std::vector<std::uint64_t>{9, ~std::uint64_t{0}, 4});
  const auto after = run(text, std::vector<std::uint64_t>{9, 0, 5});
  EXPECT_EQ(values_from<std::uint64_t>(across.at(0)), (std::vector<std::uint64_t>{9, 1, 5}));
  const auto second = values_from<std::uint32_t>(across.at(1)),
             first = values_from<std::uint32_t>(after.at(1));
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 4, second.begin() + 4));
}

TEST(expand, random_numbers_stay_in_their_interval_and_never_repeat_in_a_loop) {
  const auto out = run(R"(
    func.func @main() -> tensor<4x1000xf16> {
      %a = stablehlo.constant dense<2.0> : tensor<f16>
      %b = stablehlo.constant dense<2.5> : tensor<f16>
      %s = stablehlo.constant dense<[1, 1000]> : tensor<2xi64>
      %x = stablehlo.constant dense<0.0> : tensor<4x1000xf16>
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %n = stablehlo.constant dense<4> : tensor<i32>
      %w:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<4x1000xf16>
        cond {
          %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
          stablehlo.return %p : tensor<i1>
        } do {
          %r = stablehlo.rng %a, %b, %s, distribution = UNIFORM : (tensor<f16>, tensor<f16>, tensor<2xi64>) -> tensor<1x1000xf16>
          %u = stablehlo.dynamic_update_slice %y, %r, %i, %zero : (tensor<4x1000xf16>, tensor<1x1000xf16>, tensor<i32>, tensor<i32>) -> tensor<4x1000xf16>
          %j = stablehlo.add %i, %one : tensor<i32>
          stablehlo.return %j, %u : tensor<i32>, tensor<4x1000xf16>
        }
      return %w#1 : tensor<4x1000xf16>
    })");
  const auto bits = values_from<std::uint16_t>(out.at(0));
  std::set<std::vector<std::uint16_t>> rows;
  for (std::size_t row = 0; row < 4; ++row)
    rows.emplace(bits.begin() + static_cast<std::ptrdiff_t>(row * 1000),
                 bits.begin() + static_cast<std::ptrdiff_t>(row * 1000 + 1000));
  EXPECT_EQ(rows.size(), 4u);
  for (const std::uint16_t x : bits) {
    ASSERT_GE(x, 0x4000);  // 2.0
    ASSERT_LT(x, 0x4100);  // 2.5
  }
}

TEST(expand, an_einsum_takes_diagonals_and_sums_what_the_result_does_not_name) {
  const std::vector<float> a = numbers<float>(9, 21), b = numbers<float>(12, 22);
  const auto out = run(R"(
    func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x4xf32>) -> (tensor<4xf32>, tensor<4x3xf32>) {
      %0 = stablehlo.einsum %a, %b, config = "ii,ij->j" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<4xf32>
      %1 = stablehlo.einsum %a, %b, config = "ki,ij->jk" : (tensor<3x3xf32>, tensor<3x4xf32>) -> tensor<4x3xf32>
      return %0, %1 : tensor<4xf32>, tensor<4x3xf32>
    })",
                       a, b);
  std::vector<float> diagonal(4), product(12);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      diagonal[j] += a[i * 3 + i] * b[i * 4 + j];
      for (std::size_t k = 0; k < 3; ++k) product[j * 3 + k] += a[k * 3 + i] * b[i * 4 + j];
    }
  expect_near(values_from<float>(out.at(0)), diagonal, 1e-6);
  expect_near(values_from<float>(out.at(1)), product, 1e-6);
}

TEST(expand, tuples_are_flattened_and_tokens_vanish_among_arguments_and_results) {
  const auto out = run(R"(
    func.func @main(%t: tuple<tensor<2xf32>, tuple<tensor<i32>, tensor<2xf32>>>, %k: !stablehlo.token) -> (!stablehlo.token, tuple<tensor<2xf32>, tensor<i32>>) {
      %a = stablehlo.get_tuple_element %t[0] : (tuple<tensor<2xf32>, tuple<tensor<i32>, tensor<2xf32>>>) -> tensor<2xf32>
      %b = stablehlo.get_tuple_element %t[1] : (tuple<tensor<2xf32>, tuple<tensor<i32>, tensor<2xf32>>>) -> tuple<tensor<i32>, tensor<2xf32>>
      %n = stablehlo.get_tuple_element %b[0] : (tuple<tensor<i32>, tensor<2xf32>>) -> tensor<i32>
      %c = stablehlo.get_tuple_element %b[1] : (tuple<tensor<i32>, tensor<2xf32>>) -> tensor<2xf32>
      %z = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %w:3 = stablehlo.while(%i = %z, %tok = %k, %acc = %a) : tensor<i32>, !stablehlo.token, tensor<2xf32>
        cond {
          %p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
          stablehlo.return %p : tensor<i1>
        } do {
          %j = stablehlo.add %i, %one : tensor<i32>
          %next = stablehlo.after_all %tok : !stablehlo.token
          %sum = stablehlo.add %acc, %c : tensor<2xf32>
          stablehlo.return %j, %next, %sum : tensor<i32>, !stablehlo.token, tensor<2xf32>
        }
      %r = stablehlo.tuple %w#2, %n : tuple<tensor<2xf32>, tensor<i32>>
      return %w#1, %r : !stablehlo.token, tuple<tensor<2xf32>, tensor<i32>>
    })",
                       std::vector<float>{1, 2}, std::vector<std::int32_t>{3}, std::vector<float>{10, 20});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(values_from<float>(out[0]), (std::vector<float>{31, 62}));
  EXPECT_EQ(values_from<std::int32_t>(out[1]), (std::vector<std::int32_t>{3}));
}

TEST(expand, regions_may_read_scalars_and_tables_from_outside) {
  const auto out = run(R"(
    func.func @main(%x: tensor<2x3xf32>, %s: tensor<f32>, %i: tensor<3xi32>, %t: tensor<2x1xi32>) -> (tensor<2xf32>, tensor<3xf32>, tensor<2x3xf32>) {
      %z = stablehlo.constant dense<0.0> : tensor<f32>
      %table = stablehlo.constant dense<[10.0, 20.0, 30.0]> : tensor<3xf32>
      %0 = stablehlo.reduce(%x init: %z) across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
        reducer(%a: tensor<f32>, %b: tensor<f32>) {
          %m = stablehlo.multiply %b, %s : tensor<f32>
          %r = stablehlo.add %a, %m : tensor<f32>
          stablehlo.return %r : tensor<f32>
        }
      %1 = "stablehlo.map"(%i) ({
        ^bb0(%k: tensor<i32>):
          %d = stablehlo.dynamic_slice %table, %k, sizes = [1] : (tensor<3xf32>, tensor<i32>) -> tensor<1xf32>
          %e = stablehlo.reshape %d : (tensor<1xf32>) -> tensor<f32>
          stablehlo.return %e : tensor<f32>
      }) {dimensions = array<i64: 0>} : (tensor<3xi32>) -> tensor<3xf32>
      %u = stablehlo.slice %x [0:2, 0:3] : (tensor<2x3xf32>) -> tensor<2x3xf32>
      %2 = "stablehlo.scatter"(%x, %t, %u) ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %m = stablehlo.multiply %b, %s : tensor<f32>
          %r = stablehlo.add %a, %m : tensor<f32>
          stablehlo.return %r : tensor<f32>
      }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (tensor<2x3xf32>, tensor<2x1xi32>, tensor<2x3xf32>) -> tensor<2x3xf32>
      return %0, %1, %2 : tensor<2xf32>, tensor<3xf32>, tensor<2x3xf32>
    })",
                       std::vector<float>{1, 2, 3, 4, 5, 6}, std::vector<float>{2},
                       std::vector<std::int32_t>{2, 0, 1}, std::vector<std::int32_t>{0, 0});
  EXPECT_EQ(values_from<float>(out.at(0)), (std::vector<float>{12, 30}));
  EXPECT_EQ(values_from<float>(out.at(1)), (std::vector<float>{30, 10, 20}));
  EXPECT_EQ(values_from<float>(out.at(2)), (std::vector<float>{11, 16, 21, 4, 5, 6}));
}

TEST(expand, branches_inside_a_region_choose_for_each_element) {
  const auto out = run(R"(
    func.func @main(%x: tensor<4xf32>, %k: tensor<i32>) -> tensor<4xf32> {
      %z = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = "stablehlo.map"(%x) ({
        ^bb0(%a: tensor<f32>):
          %p = stablehlo.compare GT, %a, %z : (tensor<f32>, tensor<f32>) -> tensor<i1>
          %1 = "stablehlo.if"(%p) ({
            %2 = "stablehlo.case"(%k) ({
              stablehlo.return %a : tensor<f32>
            }, {
              %3 = stablehlo.multiply %a, %a : tensor<f32>
              stablehlo.return %3 : tensor<f32>
            }) : (tensor<i32>) -> tensor<f32>
            stablehlo.return %2 : tensor<f32>
          }, {
            %4 = stablehlo.negate %a : tensor<f32>
            stablehlo.return %4 : tensor<f32>
          }) : (tensor<i1>) -> tensor<f32>
          stablehlo.return %1 : tensor<f32>
      }) {dimensions = array<i64: 0>} : (tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    })",
                       std::vector<float>{1, -2, 3, -4}, std::vector<std::int32_t>{-1});
  EXPECT_EQ(values_from<float>(out.at(0)), (std::vector<float>{1, 2, 9, 4}));
}

TEST(expand, a_state_that_no_generator_has_is_refused_with_its_place) {
  try {
    compile_text(
        "func.func @main(%s: tensor<3xui32>) -> tensor<4xui32> {\n"
        "  %0:2 = stablehlo.rng_bit_generator %s, algorithm = DEFAULT : (tensor<3xui32>) -> (tensor<3xui32>, "
        "tensor<4xui32>)\n  return %0#1 : tensor<4xui32>\n}");
    ADD_FAILURE() << "accepted";
  } catch (const error& e) {
    EXPECT_EQ(std::string(e.what()).substr(0, 12), "test.mlir:2:") << e.what();
  }
}

}  // namespace
