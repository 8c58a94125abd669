// special_math_test.cpp: the gamma, zeta and Bessel functions of chlo, and its integer and test operations.
//
// References have 113 significant bits: the C library's lgamma, and asymptotic series after as many steps of
// the recurrence as they need.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "compiler/kernel_module.hpp"
#include "compiler/plan_runner.hpp"

__extension__ typedef __float128 quad;
extern "C" {
quad expf128(quad) noexcept;
quad fabsf128(quad) noexcept;
quad lgammaf128(quad) noexcept;
quad logf128(quad) noexcept;
quad powf128(quad, quad) noexcept;
quad sqrtf128(quad) noexcept;
quad tanf128(quad) noexcept;
}

namespace wherry::testing {
namespace {

const quad bernoulli[] = {1.0Q / 6,       -1.0Q / 30,       1.0Q / 42,       -1.0Q / 30,
                          5.0Q / 66,      -691.0Q / 2730,   7.0Q / 6,        -3617.0Q / 510,
                          43867.0Q / 798, -174611.0Q / 330, 854513.0Q / 138, -236364091.0Q / 2730};
constexpr quad pi = 3.14159265358979323846264338327950288Q;

quad digamma_of(quad x) {
  if (x < 0) {
    const quad turn = x - static_cast<quad>(std::llround(static_cast<double>(x)));
    return digamma_of(1 - x) - pi / tanf128(pi * turn);
  }
  quad sum = 0;
  for (; x < 60; x += 1) sum -= 1 / x;
  sum += logf128(x) - 1 / (2 * x);
  quad power = 1;
  for (int k = 1; k <= 12; ++k) {
    power /= x * x;
    sum -= bernoulli[k - 1] / (2 * k) * power;
  }
  return sum;
}

/// n! times the sum of (q + k)^-(n + 1).
quad zeta_of(quad x, quad q) {
  quad sum = 0;
  for (; q < 60 || q < x; q += 1) sum += powf128(q, -x);
  quad term = powf128(q, -x) * x / q / 2;
  sum += powf128(q, -x) * (q / (x - 1) + 0.5Q);
  for (int k = 1; k <= 12; ++k) {
    sum += bernoulli[k - 1] * term;
    term *= (x + 2 * k - 1) * (x + 2 * k) / (q * q * (2 * k + 1) * (2 * k + 2));
  }
  return sum;
}

quad polygamma_of(quad n, quad x) {
  if (n == 0) return digamma_of(x);
  quad factorial = 1;
  for (int i = 2; i <= static_cast<int>(n); ++i) factorial *= i;
  return (static_cast<int>(n) % 2 ? 1 : -1) * factorial * zeta_of(n + 1, x);
}

quad bessel_of(quad x) {
  const quad a = fabsf128(x);
  quad sum = 0;
  if (a < 60) {
    quad term = a / 2;
    for (int k = 1; k < 300; ++k) {
      sum += term;
      term *= a * a / 4 / (static_cast<quad>(k) * (k + 1));
    }
    sum *= expf128(-a);
  } else {
    quad term = 1 / sqrtf128(2 * pi * a);
    for (int k = 1; k < 30; ++k) {
      sum += term;
      term *= -(4 - static_cast<quad>(2 * k - 1) * (2 * k - 1)) / (k * 8 * a);
    }
  }
  return x < 0 ? -sum : sum;
}

template <class T>
const char* element = sizeof(T) == 4 ? "f32" : "f64";

template <class T>
std::vector<T> run(const std::string& operation, const std::vector<T>& x, const std::vector<T>* y,
                   const std::string& of = element<T>) {
  const std::string type = "tensor<" + std::to_string(x.size()) + "x" + of + ">";
  const plan p =
      compile_text("func.func @main(%x: " + type + (y ? ", %y: " + type : "") + ") -> " + type +
                   " {\n  %r = \"" + operation + "\"(" + (y ? "%x, %y) : (" + type + ", " : "%x) : (") +
                   type + ") -> " + type + "\n  return %r : " + type + "\n}\n");
  std::vector<bytes> inputs = {bytes_of(x)};
  if (y) inputs.push_back(bytes_of(*y));
  return values_of<T>(plan_runner(p).run(inputs).at(0));
}

/// The largest error of `got`, in units of the last place of max(|exact|, least).
template <class T>
double worst_of(const std::vector<T>& got, const std::vector<quad>& exact, double least) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (fabsf128(exact[i]) > static_cast<quad>(std::numeric_limits<T>::max())) {
      if (!std::isinf(got[i])) worst = HUGE_VAL;
      continue;
    }
    const quad size = fabsf128(exact[i]) < least ? static_cast<quad>(least) : fabsf128(exact[i]);
    int exponent;
    std::frexp(static_cast<T>(size), &exponent);
    const quad unit = std::ldexp(
        1.0L, std::max(exponent, std::numeric_limits<T>::min_exponent) - std::numeric_limits<T>::digits);
    const double error = static_cast<double>(fabsf128(static_cast<quad>(got[i]) - exact[i]) / unit);
    worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
  }
  return worst;
}

template <class T>
std::vector<T> positives() {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  std::vector<T> x;
  for (int i = 0; i < 1500; ++i) {
    x.push_back(static_cast<T>(5 * unit(random)));
    x.push_back(static_cast<T>(60 * unit(random)));
    x.push_back(static_cast<T>(std::pow(10.0, (sizeof(T) == 4 ? 36 : 300) * (2 * unit(random) - 1))));
    x.push_back(static_cast<T>(1 + std::pow(10.0, -6 * unit(random))));
  }
  return x;
}

template <class T>
std::vector<quad> exact_of(quad (*f)(quad), const std::vector<T>& x) {
  std::vector<quad> result;
  for (const T v : x) result.push_back(f(v));
  return result;
}
template <class T>
std::vector<quad> exact_of(quad (*f)(quad, quad), const std::vector<T>& x, const std::vector<T>& y) {
  std::vector<quad> result;
  for (std::size_t i = 0; i < x.size(); ++i) result.push_back(f(x[i], y[i]));
  return result;
}

quad lgamma_of(quad x) { return lgammaf128(x); }

template <class T>
void check_functions() {
  const std::vector<T> x = positives<T>();
  EXPECT_LE(worst_of(run<T>("chlo.lgamma", x, nullptr), exact_of(lgamma_of, x), 0), 3.0) << element<T>;
  EXPECT_LE(worst_of(run<T>("chlo.digamma", x, nullptr), exact_of(digamma_of, x), 0), 4.0) << element<T>;
  EXPECT_LE(worst_of(run<T>("chlo.bessel_i1e", x, nullptr), exact_of(bessel_of, x), 0), 3.5) << element<T>;
  // Between the negative whole numbers there are zeros, where only the absolute error of f64 is bounded.
  std::vector<T> negative;
  for (const T v : x)
    if (v < 40 && v > T(1e-30)) negative.push_back(-v);
  for (const double zero : {-2.4570247382208, -2.7476826467274, -3.1435808883500, -0.5040830082645,
                            -1.5734984731624, -2.6107208684442, -9.7026725400019})
    for (int i = -20; i <= 20; ++i) negative.push_back(static_cast<T>(zero * (1 + i * 3e-7)));
  std::erase_if(negative, [](T v) { return std::floor(v) == v; });
  const bool isSingle = sizeof(T) == 4;
  EXPECT_LE(
      worst_of(run<T>("chlo.lgamma", negative, nullptr), exact_of(lgamma_of, negative), isSingle ? 0 : 1),
      isSingle ? 1.0 : 3.0)
      << element<T>;
  EXPECT_LE(
      worst_of(run<T>("chlo.digamma", negative, nullptr), exact_of(digamma_of, negative), isSingle ? 0 : 4),
      isSingle ? 1.0 : 6.0)
      << element<T>;
}

TEST(special_math, gamma_and_bessel_functions_are_accurate_in_f32) { check_functions<float>(); }
TEST(special_math, gamma_and_bessel_functions_are_accurate_in_f64) { check_functions<double>(); }

template <class T>
void check_zeta() {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  std::vector<T> x, q, n, y;
  for (int i = 0; i < 600; ++i) {
    x.push_back(static_cast<T>(1 + std::pow(10.0, 4 * unit(random) - 3)));
    q.push_back(static_cast<T>(std::pow(10.0, 4 * unit(random) - 2)));
    n.push_back(static_cast<T>(std::floor((sizeof(T) == 4 ? 20 : 100) * unit(random))));
    y.push_back(static_cast<T>(0.5 + 50 * unit(random)));
  }
  EXPECT_LE(worst_of(run<T>("chlo.zeta", x, &q), exact_of(zeta_of, x, q), 1e-30), 4.0) << element<T>;
  if (sizeof(T) == 4) {
    // Where terms of both signs cancel.
    std::vector<T> whole, left;
    for (int i = 0; i < 600; ++i) {
      whole.push_back(static_cast<T>(2 + i % 9));
      left.push_back(static_cast<T>(-30 * unit(random) - 1e-3));
    }
    EXPECT_LE(worst_of(run<T>("chlo.zeta", whole, &left), exact_of(zeta_of, whole, left), 1e-30), 1.0);
    EXPECT_LE(worst_of(run<T>("chlo.polygamma", whole, &left), exact_of(polygamma_of, whole, left), 1e-30),
              1.0);
  }
  EXPECT_LE(worst_of(run<T>("chlo.polygamma", n, &y), exact_of(polygamma_of, n, y), 0.1), 4.0) << element<T>;
}

TEST(special_math, zeta_and_polygamma_are_accurate) {
  check_zeta<float>();
  check_zeta<double>();
}

TEST(special_math, poles_and_limits_of_the_special_functions) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<double> x = {0, -1, inf, nan, 1, 2};
  const auto lgamma = run<double>("chlo.lgamma", x, nullptr),
             digamma = run<double>("chlo.digamma", x, nullptr),
             bessel = run<double>("chlo.bessel_i1e", x, nullptr);
  EXPECT_TRUE(lgamma[0] == inf && lgamma[1] == inf && lgamma[2] == inf && std::isnan(lgamma[3]));
  EXPECT_TRUE(lgamma[4] == 0 && lgamma[5] == 0);
  EXPECT_TRUE(std::isnan(digamma[0]) && std::isnan(digamma[1]) && digamma[2] == inf &&
              std::isnan(digamma[3]));
  EXPECT_TRUE(bessel[0] == 0 && bessel[2] == 0 && std::isnan(bessel[3]));
  const std::vector<double> s = {1, 0.5, 2, 2, 2.5, nan}, q = {3, 1, 0, -4, -0.5, 1};
  const auto zeta = run<double>("chlo.zeta", s, &q);
  EXPECT_TRUE(zeta[0] == inf && std::isnan(zeta[1]) && zeta[2] == inf && zeta[3] == inf &&
              std::isnan(zeta[4]) && std::isnan(zeta[5]));
  const std::vector<double> n = {1, 1.5, -1, 0, 0, 2}, y = {0, 2, 2, 1, -1, 1};
  const auto polygamma = run<double>("chlo.polygamma", n, &y);
  EXPECT_TRUE(polygamma[0] == inf && std::isnan(polygamma[1]) && std::isnan(polygamma[2]) &&
              std::isnan(polygamma[4]));
  EXPECT_NEAR(polygamma[3], -0.5772156649015329, 1e-15);
  EXPECT_NEAR(polygamma[5], -2.4041138063191886, 1e-15);
}

template <class T, class Wide>
void check_mulhi(const char* type) {
  std::mt19937_64 random(3);
  std::vector<T> x = {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(),
                      std::numeric_limits<T>::min(), 0},
                 y = {std::numeric_limits<T>::min(), std::numeric_limits<T>::min(), 1, 7};
  for (int i = 0; i < 100; ++i) {
    x.push_back(static_cast<T>(random()));
    y.push_back(static_cast<T>(random()));
  }
  const std::vector<T> got = run<T>("chlo.mulhi", x, &y, type);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(got[i], static_cast<T>((static_cast<Wide>(x[i]) * static_cast<Wide>(y[i])) >> (8 * sizeof(T))))
        << type << ": " << +x[i] << " by " << +y[i];
}

__extension__ typedef __int128 wide_signed;
__extension__ typedef unsigned __int128 wide_unsigned;

TEST(special_math, mulhi_is_the_upper_half_of_the_product) {
  check_mulhi<std::int8_t, std::int64_t>("i8");
  check_mulhi<std::uint16_t, std::uint64_t>("ui16");
  check_mulhi<std::int32_t, std::int64_t>("i32");
  check_mulhi<std::uint32_t, std::uint64_t>("ui32");
  check_mulhi<std::int64_t, wide_signed>("i64");
  check_mulhi<std::uint64_t, wide_unsigned>("ui64");
}

TEST(special_math, operands_of_chlo_broadcast_to_the_result) {
  const plan p = compile_text(R"(
func.func @main(%x: tensor<3xf32>, %y: tensor<2x1xf32>) -> (tensor<2x3xf32>, tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = chlo.broadcast_subtract %x, %y : (tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %1 = "chlo.broadcast_compare"(%x, %y) {comparison_direction = #chlo<comparison_direction LT>} : (tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xi1>
  %2 = "chlo.broadcast_select"(%1, %x, %y) : (tensor<2x3xi1>, tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %3 = "chlo.constant_like"(%2) {value = 1.5 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0, %1, %2, %3 : tensor<2x3xf32>, tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>
})");
  const auto results = plan_runner(p).run({bytes_of<float>({1, 5, 9}), bytes_of<float>({4, 6})});
  EXPECT_EQ(values_of<float>(results[0]), (std::vector<float>{-3, 1, 5, -5, -1, 3}));
  EXPECT_EQ(values_of<std::uint8_t>(results[1]), (std::vector<std::uint8_t>{1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(values_of<float>(results[2]), (std::vector<float>{1, 4, 4, 1, 5, 6}));
  EXPECT_EQ(values_of<float>(results[3]), std::vector<float>(6, 1.5f));
}

TEST(special_math, operands_that_do_not_broadcast_are_refused) {
  EXPECT_THROW(compile_text(R"(
func.func @main(%x: tensor<3xf32>, %y: tensor<2xf32>) -> tensor<3xf32> {
  %0 = chlo.broadcast_add %x, %y : (tensor<3xf32>, tensor<2xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
})"),
               error);
}

}  // namespace
}  // namespace wherry::testing
