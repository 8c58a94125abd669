// Gamma.cpp: the logarithm of the gamma function and its derivative.
//
// For a = |x|: a polynomial on [1, 2.5] with the zeros of the function as factors, the recurrence below 1,
// Stirling's series (as a polynomial in 1 / a^2) above 2.5, and the reflection formulas for negative x.
#include "Coefficients.h"
#include "Complex.h"

namespace wherry::compile::math {

namespace {

using namespace coefficients;

/// sin and cos of pi a, up to a common sign. Precondition: a >= 0.
circular<real> turned(real a) {
  lanes& at = *a.at;
  const mask whole = a >= at.pick<double>(0x1p23, 0x1p52);
  return sin_cos_pi(select(whole, 0.0, a - floor(a + 0.5)));
}

/// c[0] + x * (c[1] + ...) in two parts.
twofold polynomial_twofold(real x, llvm::ArrayRef<double> c) {
  return fast_sum(x.at->number(c[0]), x * polynomial(x, c.drop_front()));
}

/// From a logarithm of `a` that is at hand.
twofold lgamma_far(real a, twofold log_a) {
  lanes& at = *a.at;
  const real inverse = 1.0 / a, z = inverse * inverse;
  const real rest = inverse * polynomial(z, at.single() ? llvm::ArrayRef<double>(stirling_f32)
                                                        : llvm::ArrayRef<double>(stirling_f64));
  const double half = at.pick<double>(0x1.acfe3ap-2, 0x1.acfe390c97d69p-2);  // (log(2 pi) - 1) / 2
  const double half_low = at.pick<double>(-0x1.e6d052p-27, 0x1.3494bc9001442p-56);
  return (log_a + -1.0) * (a - 0.5) + (rest + half_low) + at.number(half);
}

}  // namespace

twofold lgamma_far(real a) { return lgamma_far(a, log_twofold(a)); }

namespace {

/// log(a), lgamma(a) + log(a) for a < 1, and lgamma(a), for a >= 0.
struct positive_lgamma {
  twofold log_a, near, whole;
};

positive_lgamma lgamma_parts(real a) {
  lanes& at = *a.at;
  const mask small = a < 1.0, middle = a < 2.5;
  const twofold log_a = log_twofold(a);
  // lgamma(t) = (t - 1) (t - 2) p(t), with t = a + 1 for a < 1
  const twofold p = polynomial_twofold(a - select(small, at.number(0.75), 1.75),
                                       at.single() ? llvm::ArrayRef<double>(log_gamma_f32) : log_gamma_f64);
  const real less_one = a - 1.0;
  const twofold near = p * two_product(less_one, select(small, a, a - 2.0));
  const twofold far = lgamma_far(a, log_a);
  return {log_a, near, select(middle, select(small, near - log_a, near), far)};
}

/// lgamma(-a) = log(pi / |sin(pi a)|) - log(a) - lgamma(a); the logarithm of a small `a` cancels.
real lgamma_reflected(real a, const positive_lgamma& parts) {
  lanes& at = *a.at;
  const real s = abs(turned(a).sin);
  const twofold rest = select(a < 1.0, parts.near, parts.log_a + parts.whole);
  const real value = -log(s * at.number(0x1.45f306dc9c883p-2)) - rest.high - rest.low;
  return select(s == 0.0, at.infinity(), value);
}

/// digamma(a) for a >= 0, and digamma(a) + 1 / a, of which the quotient cancels where `a` is small.
struct positive_digamma {
  real whole, without_pole;
};

positive_digamma digamma_parts(real a) {
  lanes& at = *a.at;
  const mask small = a < 1.0, middle = a < 2.5;
  const real v = a - select(small, at.number(0.75), 1.75);
  const double root = at.pick<double>(-0x1.2749e8p-2, -0x1.2749e72a50702p-2);  // less 1.75
  const double root_low = at.pick<double>(0x1.ab5f2p-27, -0x1.1e563779a1f5bp-56);
  const real near = ((v - root) - root_low) *
                    polynomial(v, at.single() ? llvm::ArrayRef<double>(digamma_f32) : digamma_f64);
  const real inverse = 1.0 / a, z = inverse * inverse;
  const real series = z * polynomial(z, at.single() ? llvm::ArrayRef<double>(digamma_far_f32)
                                                    : llvm::ArrayRef<double>(digamma_far_f64));
  const real far = log(a) - fma(inverse, 0.5, series);
  const real whole = select(middle, select(small, near - inverse, near), far);
  return {whole, select(small, near, whole + inverse)};
}

/// digamma(-a) = digamma(a) + 1 / a + pi cot(pi a).
real digamma_reflected(real a, const positive_digamma& parts) {
  lanes& at = *a.at;
  const circular<real> t = turned(a);
  const double pi = at.pick<double>(0x1.921fb6p1, 0x1.921fb54442d18p1);
  return parts.without_pole + t.cos * pi / t.sin;
}

}  // namespace

// Left of 0 both have a zero between any two poles, where the terms of a reflection cancel: those of f32 are
// computed in f64.
real lgamma(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const positive_lgamma parts = lgamma_parts(a);
  const real high = parts.whole.high;
  real result = select((high == high) | is_nan(a), high, at.infinity());
  result = select(a == 0.0, at.infinity(), result);
  const mask negative = x < 0.0;
  const auto reflected = at.if_any(negative, {result.value}, [&] {
    const real left = at.single() ? in_double({a},
                                              [](llvm::ArrayRef<real> wide) {
                                                return lgamma_reflected(wide[0], lgamma_parts(wide[0]));
                                              })
                                  : lgamma_reflected(a, parts);
    return llvm::SmallVector<mlir::Value>{select(negative, left, result).value};
  });
  return at.wrap(reflected[0]);
}

real digamma(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const positive_digamma parts = digamma_parts(a);
  const mask negative = x < 0.0;
  const auto reflected = at.if_any(negative, {parts.whole.value}, [&] {
    const real left = at.single() ? in_double({a},
                                              [](llvm::ArrayRef<real> wide) {
                                                return digamma_reflected(wide[0], digamma_parts(wide[0]));
                                              })
                                  : digamma_reflected(a, parts);
    return llvm::SmallVector<mlir::Value>{select(negative, left, parts.whole).value};
  });
  const mask pole = (x == 0.0) | (negative & (floor(x) == x));
  return select(pole, at.nan(), at.wrap(reflected[0]));
}

}  // namespace wherry::compile::math
