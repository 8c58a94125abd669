// complex_math_test.cpp: functions of complex numbers against references of 113 significant bits.
//
// Each function is compiled as a program of its own operation and run on points of all magnitudes, near the
// unit circle, near the branch points and next to the ends of the range. The references are the C library's
// quad precision functions, put together where it has none.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "compiler/kernel_module.hpp"
#include "compiler/plan_runner.hpp"

__extension__ typedef __float128 quad;
__extension__ typedef _Complex __float128 quad_complex;

extern "C" {
quad expm1f128(quad) noexcept;
quad expf128(quad) noexcept;
quad logf128(quad) noexcept;
quad log1pf128(quad) noexcept;
quad sinf128(quad) noexcept;
quad cosf128(quad) noexcept;
quad atan2f128(quad, quad) noexcept;
quad fabsf128(quad) noexcept;
quad hypotf128(quad, quad) noexcept;
quad_complex cexpf128(quad_complex) noexcept;
quad_complex clogf128(quad_complex) noexcept;
quad_complex csqrtf128(quad_complex) noexcept;
quad_complex csinf128(quad_complex) noexcept;
quad_complex ccosf128(quad_complex) noexcept;
quad_complex ctanf128(quad_complex) noexcept;
quad_complex csinhf128(quad_complex) noexcept;
quad_complex ccoshf128(quad_complex) noexcept;
quad_complex ctanhf128(quad_complex) noexcept;
quad_complex casinf128(quad_complex) noexcept;
quad_complex cacosf128(quad_complex) noexcept;
quad_complex catanf128(quad_complex) noexcept;
quad_complex casinhf128(quad_complex) noexcept;
quad_complex cacoshf128(quad_complex) noexcept;
quad_complex catanhf128(quad_complex) noexcept;
}

namespace wherry::testing {
namespace {

struct point {
  quad re, im;
};

quad_complex join(point z) {
  quad_complex w;
  __real__ w = z.re;
  __imag__ w = z.im;
  return w;
}
point split(quad_complex w) { return {__real__ w, __imag__ w}; }

template <quad_complex (*F)(quad_complex) noexcept>
point library(point z) {
  return split(F(join(z)));
}

point expm1_of(point z) {
  const quad half = sinf128(z.im / 2);
  return {expm1f128(z.re) * cosf128(z.im) - 2 * half * half, expf128(z.re) * sinf128(z.im)};
}
point log_of(point z) {
  const quad size = hypotf128(z.re, z.im), x = fabsf128(z.re), y = fabsf128(z.im);
  const quad big = x > y ? x : y, small = x > y ? y : x;
  const bool near = size > 0.5Q && size < 2;
  return {near ? log1pf128((big - 1) * (big + 1) + small * small) / 2 : logf128(size), atan2f128(z.im, z.re)};
}
point log1p_of(point z) {
  const quad size = hypotf128(1 + z.re, z.im);
  const bool near = size > 0.5Q && size < 2;
  return {near ? log1pf128(z.re * (2 + z.re) + z.im * z.im) / 2 : logf128(size), atan2f128(z.im, 1 + z.re)};
}
point quotient_of(point x, point y) {
  const quad size = hypotf128(y.re, y.im), c = y.re / size, d = y.im / size;
  return {(x.re * c + x.im * d) / size, (x.im * c - x.re * d) / size};
}
point logistic_of(point z) {
  const point e = split(cexpf128(join({-z.re, -z.im})));
  return quotient_of({1, 0}, {1 + e.re, e.im});
}
point rsqrt_of(point z) { return quotient_of({1, 0}, library<csqrtf128>(z)); }
point cbrt_of(point z) {
  const point l = log_of(z);
  return split(cexpf128(join({l.re / 3, l.im / 3})));
}

struct function {
  const char* name;
  const char* operation;
  point (*exact)(point);
};

const function functions[] = {
    {"exp", "stablehlo.exponential", library<cexpf128>},
    {"expm1", "stablehlo.exponential_minus_one", expm1_of},
    {"log", "stablehlo.log", log_of},
    {"log1p", "stablehlo.log_plus_one", log1p_of},
    {"logistic", "stablehlo.logistic", logistic_of},
    {"sqrt", "stablehlo.sqrt", library<csqrtf128>},
    {"rsqrt", "stablehlo.rsqrt", rsqrt_of},
    {"cbrt", "stablehlo.cbrt", cbrt_of},
    {"sin", "stablehlo.sine", library<csinf128>},
    {"cos", "stablehlo.cosine", library<ccosf128>},
    {"tan", "stablehlo.tan", library<ctanf128>},
    {"tanh", "stablehlo.tanh", library<ctanhf128>},
    {"sinh", "chlo.sinh", library<csinhf128>},
    {"cosh", "chlo.cosh", library<ccoshf128>},
    {"asin", "chlo.asin", library<casinf128>},
    {"acos", "chlo.acos", library<cacosf128>},
    {"atan", "chlo.atan", library<catanf128>},
    {"asinh", "chlo.asinh", library<casinhf128>},
    {"acosh", "chlo.acosh", library<cacoshf128>},
    {"atanh", "chlo.atanh", library<catanhf128>},
};

template <class T>
const char* element = sizeof(T) == 4 ? "complex<f32>" : "complex<f64>";

template <class T>
using points = std::vector<std::complex<T>>;

/// The points in every quadrant and magnitude, and those where something cancels.
template <class T>
points<T> samples(std::size_t each) {
  std::mt19937_64 random(20240501);
  std::uniform_real_distribution<double> unit(-1.0, 1.0);
  const double range = sizeof(T) == 4 ? 37.0 : 300.0;
  const auto any = [&](double r) { return std::pow(10.0, r * unit(random)) * (unit(random) < 0 ? -1 : 1); };
  points<T> result;
  const auto add = [&](double re, double im) { result.emplace_back(static_cast<T>(re), static_cast<T>(im)); };
  for (std::size_t i = 0; i < each; ++i) {
    add(4 * unit(random), 4 * unit(random));
    add(any(6), any(6));
    add(any(range), any(range));
    const double angle = 3.2 * unit(random), size = 1 + any(4) * 1e-5;
    add(size * std::cos(angle), size * std::sin(angle));              // the unit circle
    add(size * std::cos(angle) - 1, size * std::sin(angle));          // the same around -1
    add((unit(random) < 0 ? -1 : 1) + any(4) * 1e-5, any(4) * 1e-5);  // 1 and -1
  }
  for (const double re : {0.5, 1.0, -1.0, 2.0, 1e-30, 1e30, -3e38})
    for (const double im : {1.0, -1.0, 1e-30, 0.25, -1e30, 3e38}) add(re, im);
  return result;
}

template <class T>
points<T> run(const std::string& operation, const points<T>& x, const points<T>* y = nullptr) {
  const std::string type = "tensor<" + std::to_string(x.size()) + "x" + element<T> + ">";
  const std::string second = y ? ", %y: " + type : "", operands = y ? "%x, %y" : "%x",
                    types = y ? type + ", " + type : type;
  const plan p =
      compile_text("func.func @main(%x: " + type + second + ") -> " + type + " {\n  %r = \"" + operation +
                   "\"(" + operands + ") : (" + types + ") -> " + type + "\n  return %r : " + type + "\n}\n");
  std::vector<bytes> inputs = {bytes_of(x)};
  if (y) inputs.push_back(bytes_of(*y));
  return values_of<std::complex<T>>(plan_runner(p).run(inputs).at(0));
}

/// |got - exact| in units of the last place that `size` has in T.
template <class T>
double error_in_ulp(T got, quad exact, quad size) {
  const quad largest = std::numeric_limits<T>::max();
  if (fabsf128(exact) > largest) {
    const quad next = largest * (1 + static_cast<quad>(std::numeric_limits<T>::epsilon()));
    const bool fits = std::isinf(got) ? (got > 0) == (exact > 0) : fabsf128(exact) < next;
    return fits ? 0.0 : HUGE_VAL;
  }
  if (!std::isfinite(got))
    return fabsf128(exact) * (1 + 3 * static_cast<quad>(std::numeric_limits<T>::epsilon())) > largest
               ? 1.0
               : HUGE_VAL;
  T near = static_cast<T>(size > largest ? largest : size);
  int exponent;
  std::frexp(near, &exponent);
  exponent = std::max(exponent - std::numeric_limits<T>::digits,
                      std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits);
  const quad unit = std::ldexp(1.0L, exponent);
  return static_cast<double>(fabsf128(static_cast<quad>(got) - exact) / unit);
}

template <class T>
void every_function_is_within_3_ulp() {
  const points<T> x = samples<T>(400);
  for (const function& f : functions) {
    const points<T> got = run<T>(f.operation, x);
    double worst = 0;
    std::complex<T> at;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const point exact = f.exact({x[i].real(), x[i].imag()});
      if (exact.re != exact.re || exact.im != exact.im) continue;  // infinity minus infinity in the reference
      const double error = std::max(error_in_ulp(got[i].real(), exact.re, fabsf128(exact.re)),
                                    error_in_ulp(got[i].imag(), exact.im, fabsf128(exact.im)));
      if (error > worst) at = x[i];
      worst = std::max(worst, error);
    }
    EXPECT_LE(worst, 3.0) << f.name << " of " << at;
    if (std::getenv("WHERRY_MATH_REPORT")) std::printf("%-9s %s worst %.3f ulp\n", f.name, element<T>, worst);
  }
}

TEST(complex_math, every_complex64_function_is_within_3_ulp_per_component) {
  every_function_is_within_3_ulp<float>();
}

TEST(complex_math, every_complex128_function_is_within_3_ulp_per_component) {
  every_function_is_within_3_ulp<double>();
}

/// Pairs of moderate numbers, or of any.
template <class T>
double worst_of_pairs(const std::string& operation, double range, bool per_component,
                      point (*exact_of)(point, point)) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> unit(-1.0, 1.0);
  const auto any = [&] {
    return static_cast<T>(std::pow(10.0, range * unit(random)) * (unit(random) < 0 ? -1 : 1));
  };
  points<T> x, y;
  for (int i = 0; i < 2000; ++i) {
    x.emplace_back(any(), any());
    y.emplace_back(any(), any());
  }
  const points<T> got = run<T>(operation, x, &y);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const point exact = exact_of({x[i].real(), x[i].imag()}, {y[i].real(), y[i].imag()});
    const quad size = hypotf128(exact.re, exact.im);
    worst = std::max({worst, error_in_ulp(got[i].real(), exact.re, per_component ? fabsf128(exact.re) : size),
                      error_in_ulp(got[i].imag(), exact.im, per_component ? fabsf128(exact.im) : size)});
  }
  return worst;
}

point power_of(point x, point y) {
  const point l = log_of(x);
  return split(cexpf128(join({l.re * y.re - l.im * y.im, l.re * y.im + l.im * y.re})));
}

TEST(complex_math, powers_are_within_3_ulp_of_their_magnitude) {
  EXPECT_LE(worst_of_pairs<float>("stablehlo.power", 0.8, false, power_of), 3.0);
  EXPECT_LE(worst_of_pairs<double>("stablehlo.power", 0.8, false, power_of), 3.0);
}

TEST(complex_math, quotients_are_within_3_ulp_at_both_ends_of_the_range) {
  for (const double range : {1.0, 18.0}) {
    EXPECT_LE(worst_of_pairs<float>("stablehlo.divide", range, true, quotient_of), 3.0);
    EXPECT_LE(worst_of_pairs<double>("stablehlo.divide", range * 8, true, quotient_of), 3.0);
  }
  EXPECT_LE(worst_of_pairs<double>("stablehlo.divide", 300, false, quotient_of), 3.0);
}

TEST(complex_math, infinities_decide_as_annex_g_says) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan(""), pi = 3.141592653589793;
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  struct row {
    const char* operation;
    std::complex<double> x, y;
  };
  for (const row& r :
       {row{"stablehlo.exponential", {-inf, inf}, {0, 0}}, row{"stablehlo.exponential", {inf, 0}, {inf, 0}},
        row{"stablehlo.exponential", {inf, nan}, {inf, nan}}, row{"stablehlo.sqrt", {nan, inf}, {inf, inf}},
        row{"stablehlo.sqrt", {-inf, 1}, {0, inf}}, row{"stablehlo.log", {0, 0}, {-inf, 0}},
        row{"stablehlo.log", {-inf, inf}, {inf, 3 * pi / 4}}, row{"stablehlo.tanh", {inf, inf}, {1, 0}},
        row{"stablehlo.rsqrt", {0, 0}, {inf, 0}}, row{"stablehlo.logistic", {-inf, inf}, {0, 0}},
        row{"chlo.acos", {-1, 0}, {pi, 0}}, row{"chlo.acos", {-inf, 1}, {pi, -inf}},
        row{"chlo.asin", {1, inf}, {0, inf}}, row{"chlo.acosh", {-inf, inf}, {inf, 3 * pi / 4}},
        row{"chlo.atanh", {1, 0}, {inf, 0}}, row{"chlo.atanh", {1, inf}, {0, pi / 2}}}) {
    const std::complex<double> got = run<double>(r.operation, {r.x}).at(0);
    EXPECT_TRUE(same(got.real(), r.y.real()) && same(got.imag(), r.y.imag()))
        << r.operation << " of " << r.x << " is " << got << ", not " << r.y;
  }
}

TEST(complex_math, division_by_zero_and_infinity_has_a_limit) {
  const float inf = std::numeric_limits<float>::infinity();
  const points<float> x = {{1, 2}, {1, 2}, {inf, 1}}, y = {{0, 0}, {inf, 1}, {1, 1}};
  const points<float> got = run<float>("stablehlo.divide", x, &y);
  EXPECT_EQ(got[0], std::complex<float>(inf, inf));
  EXPECT_EQ(got[1], std::complex<float>(0, 0));
  EXPECT_TRUE(std::isinf(got[2].real()) && std::isinf(got[2].imag()));
}

TEST(complex_math, the_greater_complex_number_has_the_greater_real_part_or_imaginary_part) {
  const points<double> x = {{1, 5}, {1, 5}, {2, 0}, {0, 1}}, y = {{2, 0}, {1, 6}, {1, 9}, {-0.0, 2}};
  EXPECT_EQ(run<double>("stablehlo.maximum", x, &y), (points<double>{{2, 0}, {1, 6}, {2, 0}, {0, 2}}));
  EXPECT_EQ(run<double>("stablehlo.minimum", x, &y), (points<double>{{1, 5}, {1, 5}, {1, 9}, {0, 1}}));
}

TEST(complex_math, the_angle_of_complex_coordinates_continues_the_real_one) {
  const points<double> y = {{1, 0}, {-1, 0}, {0.5, 0}}, x = {{0, 0}, {0, 0}, {2, 0}};
  const points<double> got = run<double>("stablehlo.atan2", y, &x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    EXPECT_NEAR(got[i].real(), std::atan2(y[i].real(), x[i].real()), 1e-15);
    EXPECT_NEAR(got[i].imag(), 0.0, 1e-15);
  }
}

}  // namespace
}  // namespace wherry::testing
