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

real lgamma(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const mask small = a < 1.0, middle = a < 2.5;
  const twofold log_a = log_twofold(a);
  // lgamma(t) = (t - 1) (t - 2) p(t), with t = a + 1 for a < 1
  const twofold p = polynomial_twofold(a - select(small, at.number(0.75), 1.75),
                                       at.single() ? llvm::ArrayRef<double>(log_gamma_f32) : log_gamma_f64);
  const real less_one = a - 1.0;
  const twofold near = p * two_product(less_one, select(small, a, a - 2.0));
  const twofold far = lgamma_far(a, log_a);
  const twofold positive = select(middle, select(small, near - log_a, near), far);
  real result = select((positive.high == positive.high) | is_nan(a), positive.high, at.infinity());
  result = select(a == 0.0, at.infinity(), result);
  // lgamma(-a) = log(pi / |sin(pi a)|) - log(a) - lgamma(a); the logarithm of a small `a` cancels.
  const mask negative = x < 0.0;
  const auto reflected = at.if_any(negative, {result.value}, [&] {
    const real s = abs(turned(a).sin);
    const twofold rest = select(small, near, log_a + positive);
    const real value = -log(s * at.number(0x1.45f306dc9c883p-2)) - rest.high - rest.low;
    const mask pole = s == 0.0;
    return llvm::SmallVector<mlir::Value>{select(negative, select(pole, at.infinity(), value), result).value};
  });
  return at.wrap(reflected[0]);
}

// digamma(-a) = digamma(a) + 1 / a + pi cot(pi a); the quotient of a small `a` cancels.
real digamma(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const mask small = a < 1.0, middle = a < 2.5, negative = x < 0.0;
  const real v = a - select(small, at.number(0.75), 1.75);
  const double root = at.pick<double>(-0x1.2749e8p-2, -0x1.2749e72a50702p-2);  // less 1.75
  const double root_low = at.pick<double>(0x1.ab5f2p-27, -0x1.1e563779a1f5bp-56);
  const real near = ((v - root) - root_low) *
                    polynomial(v, at.single() ? llvm::ArrayRef<double>(digamma_f32) : digamma_f64);
  const real inverse = 1.0 / a, z = inverse * inverse;
  const real series = z * polynomial(z, at.single() ? llvm::ArrayRef<double>(digamma_far_f32)
                                                    : llvm::ArrayRef<double>(digamma_far_f64));
  const real far = log(a) - fma(inverse, 0.5, series);
  const real result = select(middle, select(small, near - inverse, near), far);
  const auto reflected = at.if_any(negative, {result.value}, [&] {
    const circular<real> t = turned(a);
    const double pi = at.pick<double>(0x1.921fb6p1, 0x1.921fb54442d18p1);
    const real base = select(small, near, result + inverse);
    return llvm::SmallVector<mlir::Value>{select(negative, base + t.cos * pi / t.sin, result).value};
  });
  const mask pole = (x == 0.0) | (negative & (floor(x) == x));
  return select(pole, at.nan(), at.wrap(reflected[0]));
}

}  // namespace wherry::compile::math
