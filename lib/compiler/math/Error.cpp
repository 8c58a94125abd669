// Error.cpp: the error function, its complement and its inverse.
//
// Below 1 erf x is x plus x times a polynomial in x^2. From 1/2 on erfc x = exp(-x^2) q(t) / (1 + 2 x), where
// q is smooth and near 1 for all x, and t = (x - k) / (x + k) takes the half line to a short interval.
#include "Coefficients.h"
#include "Functions.h"

namespace wherry::compile::math {

namespace {

using namespace coefficients;

/// erf x / x - 1 for |x| <= 1.
real erf_ratio(real x) {
  const real z = x * x;
  return polynomial(z, x.at->single() ? llvm::ArrayRef<double>(erf_f32) : llvm::ArrayRef<double>(erf_f64));
}

/// erfc a for a >= 1/2; 0 from where it rounds to 0 on.
real erfc_tail(real x) {
  lanes& at = *x.at;
  const double last = at.pick(10.25, 27.25);
  const real a = select(x > last, last, x);
  const double k = at.pick(2.0, 3.0);
  const real t = (a - k) / (a + k);
  const real q =
      polynomial(t, at.single() ? llvm::ArrayRef<double>(erfcx_f32) : llvm::ArrayRef<double>(erfcx_f64));
  // q / (1 + 2 a) with what division and sum lost; 1 / q, near 0.9, need not be exact in the correction.
  const real twice = a + a;
  const real d = twice + 1.0;
  const real d_low = 1.0 - (d - twice);
  const real ratio = q / d;
  const real ratio_low = fma(-ratio, d_low, fma(-ratio, d, q)) * (ratio * 0.9);
  const real square = a * a;
  const scaled_real e = exp_parts({-square, -fma(a, a, -square)});
  const auto [high, low] = e.significand;
  return scale(fma(high, ratio, fma(low, ratio, high * ratio_low)), e.exponent);
}

}  // namespace

// From 1 on: 1 - exp(p), where p approximates log(erfc a), best where erfc is largest.
real erf(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const real near = fma(a, erf_ratio(a), a);
  const double last = at.pick(3.95, 5.95);  // 1 from here on
  const real v = select(a > last, last, a) - 1.0;
  const real p =
      polynomial(v, at.single() ? llvm::ArrayRef<double>(erf_far_f32) : llvm::ArrayRef<double>(erf_far_f64));
  return copysign(select(a < 1.0, near, 1.0 - exp_in_range(p)), x);
}

real erfc(real x) {
  const real a = abs(x);
  const real near = 1.0 - fma(x, erf_ratio(x), x);
  const real tail = erfc_tail(select(a < 0.5, 0.5, a));
  const real far = select(x < 0.0, 2.0 - tail, tail);
  return select((x > -1.0) & (x < 0.5), near, far);
}

// erf_inv x = x p(w) with w = -log(1 - x^2): up to 6, p(w) = sqrt(pi)/2 + w times a polynomial; beyond, p is
// one in sqrt(w).
real erf_inv(real x) {
  lanes& at = *x.at;
  const real w = -log(fma(-x, x, 1.0));
  const real root = sqrt(w);
  real slope, far;
  if (at.single()) {
    slope = polynomial(w - 3.0, erf_inv_near_f32);
    far = polynomial(root - 3.2, erf_inv_far_f32);
  } else {
    slope = polynomial(w - 3.0, erf_inv_near_f64);
    far = select(root < 3.7, polynomial(root - 3.1, erf_inv_middle_f64),
                 polynomial(root - 4.9, erf_inv_far_f64));
  }
  const double limit = at.pick<double>(0x1.c5bf8ap-1, 0x1.c5bf891b4ef6bp-1);  // sqrt(pi) / 2 in two parts
  const double limit_low = at.pick<double>(-0x1.c96212p-26, -0x1.618f13eb7ca89p-55);
  const real near = fma(x, limit, x * fma(w, slope, limit_low));
  const real result = select(abs(x) == 1.0, at.infinity(), select(w < 6.0, near, x * far));
  return copysign(result, x);
}

}  // namespace wherry::compile::math
