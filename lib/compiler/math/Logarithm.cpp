// Logarithm.cpp: log, log1p and the functions that are made of them.
//
// x = 2^k (1 + f) with 1 + f near 1, then log x = k ln 2 + log(1 + f). In f32 log(1 + f) is a polynomial; in
// f64 it is 2 atanh(f / (2 + f)), whose series needs a third of the terms.
#include "Coefficients.h"
#include "Complex.h"

namespace wherry::compile::math {

namespace {

using namespace coefficients;

// ln 2 in two parts; the first has enough trailing zeros for k * high to be exact.
double ln2_high(lanes& at) { return at.pick<double>(0x1.62e4p-1, 0x1.62e42fefa38p-1); }
double ln2_low(lanes& at) { return at.pick<double>(0x1.7f7d1cp-20, 0x1.ef35793c7673p-45); }

struct split {
  bits k;
  real m;  // in [2/3, 4/3) in f32, in [sqrt(1/2), sqrt(2)) in f64
};

/// Precondition: x is positive and normal; anything else gives something without meaning.
split split_exponent(real x) {
  lanes& at = *x.at;
  const bits least = at.integer(at.pick<int64_t>(0x3f2aaaab, 0x3fe6a09e667f3bcd));
  const bits raw = as_bits(x);
  const bits k = (raw - least) >> at.mantissa_bits();
  return {k, as_real(raw - (k << at.mantissa_bits()))};
}

/// k ln 2 + log(1 + f).
real combine(real k, real f) {
  lanes& at = *f.at;
  const double high = ln2_high(at), low = ln2_low(at);
  if (at.single()) {
    const real tail = fma(f * f, polynomial(f, log_f32), k * low);
    return fma(k, high, f + tail);
  }
  const real s = f / (f + 2.0);
  const real z = s * s;
  const real half_square = f * f * 0.5;
  const real ratio = z * polynomial(z, log_ratio_f64);
  const real tail = fma(s, half_square + ratio, k * low);
  return fma(k, high, f - (half_square - tail));
}

/// What the logarithm of `u` is when `u` is not positive and finite: of 0, negatives, infinity and NaN.
real finish(real u, real result) {
  lanes& at = *u.at;
  const real odd = select(u == 0.0, -at.infinity(), select(u < 0.0, at.nan(), u));
  return select((u > 0.0) & (u < at.infinity()), result, odd);
}

struct scaled {
  real x;
  mask was_subnormal;
};

scaled lift_subnormal(real x) {
  lanes& at = *x.at;
  const mask small = x < at.min_normal();
  return {select(small, x * at.pick<double>(0x1p23, 0x1p52), x), small};
}

}  // namespace

real log(real x) {
  lanes& at = *x.at;
  const scaled lifted = lift_subnormal(x);
  const split a = split_exponent(lifted.x);
  const real k = small_to_real(a.k) - select(lifted.was_subnormal, at.mantissa_bits(), 0.0);
  return finish(x, combine(k, a.m - 1.0));
}

real log1p(real x) { return log1p_plus(x, {}); }

// 1 + f = (1 + x) / 2^k as one fused step: f = x / 2^k + (2^-k - 1). The first factor is 2^(2-k), since 2^-k
// may be subnormal.
real log1p_plus(real x, real n) {
  lanes& at = *x.at;
  const real u = x + 1.0;
  const split a = split_exponent(u);
  const real factor = power_of_two(2 - a.k);
  const real f = fma(x * 0.25, factor, fma(factor, 0.25, -1.0));
  real k = small_to_real(a.k);
  if (n.at) k = k + n;
  const real result = finish(u, combine(k, f));
  return select(abs(x) < at.pick(0x1p-25, 0x1p-54), x, result);  // also keeps -0 and every bit of subnormals
}

real log_near(real u, real less_one) {
  const split a = split_exponent(u);
  const mask is_near = !(a.k != 0);
  return finish(u, combine(small_to_real(a.k), select(is_near, less_one, a.m - 1.0)));
}

// The low part of u adds low / high to the logarithm.
real log_near(twofold u, twofold less_one, mask near, real n) {
  const split a = split_exponent(u.high);
  const mask is_near = near & !(a.k != 0);
  const real f = select(is_near, less_one.high, a.m - 1.0);
  const real low = select(is_near, less_one.low, u.low * power_of_two(0 - a.k));
  return finish(u.high, combine(small_to_real(a.k) + n, f) + low / a.m);
}

// The terms 2 s and 2/3 s^3 are carried in two parts, the rest of the series adds less than 2^-12 of the
// result.
twofold log_twofold(real x) {
  lanes& at = *x.at;
  const scaled lifted = lift_subnormal(x);
  const split a = split_exponent(lifted.x);
  const real k = small_to_real(a.k) - select(lifted.was_subnormal, at.mantissa_bits(), 0.0);
  const real f = a.m - 1.0;
  // s = f / (2 + f), high and low.
  const real d = f + 2.0;
  const real d_low = f - (d - 2.0);
  const real inverse = 1.0 / d;
  const real s = f * inverse;
  const real s_low = fma(-s, d_low, fma(-s, d, f)) * inverse;
  // z = s^2, high and low.
  const real z = s * s;
  const real z_low = fma(s * 2.0, s_low, fma(s, s, -z));
  // q = 2/3 + z * rest, high and low.
  const real rest = z * polynomial(z, at.single() ? llvm::ArrayRef<double>(log_tail_f32)
                                                  : llvm::ArrayRef<double>(log_tail_f64));
  const double third = at.pick<double>(0x1.555556p-1, 0x1.5555555555555p-1);
  const real q = rest + third;
  const real q_low = (rest - (q - third)) + at.pick<double>(-0x1.555556p-26, 0x1.5555555555555p-55);
  // c = s^3 q = (s z) q, high and low.
  const real s3 = s * z;
  const real s3_low = fma(s, z, -s3) + fma(s, z_low, s_low * z);
  const real c = s3 * q;
  const real c_low = fma(s3, q, -c) + fma(s3, q_low, s3_low * q);
  // k ln 2 + 2 s + c, largest first.
  const real kl = k * ln2_high(at);
  const real twice = s * 2.0;
  const real a1 = kl + twice;
  const real a1_low = twice - (a1 - kl);
  const real a2 = a1 + c;
  const real a2_low = c - (a2 - a1);
  const real low = ((fma(s_low, 2.0, c_low) + k * ln2_low(at)) + a1_low) + a2_low;
  const real high = a2 + low;
  return {high, low - (high - a2)};
}

// asinh a = log1p(a + a^2 / (1 + sqrt(1 + a^2))); from 2^60 on log(2 a), which needs no square.
real asinh(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const mask large = a > 0x1p60;
  const real square = a * a;
  const real t = a + square / (sqrt(square + 1.0) + 1.0);
  return copysign(log1p_plus(select(large, a, t), select(large, at.number(1.0), 0.0)), x);
}

// acosh x = log1p(t + sqrt(t^2 + 2 t)) with t = x - 1.
real acosh(real x) {
  lanes& at = *x.at;
  const mask large = x > 0x1p60;
  const real t = x - 1.0;
  const real sum = t + sqrt(fma(t, t, t + t));
  const real result = log1p_plus(select(large, x, sum), select(large, at.number(1.0), 0.0));
  return select(x < 1.0, at.nan(), result);
}

real atanh(real x) {
  const real a = abs(x);
  return copysign(log1p((a + a) / (1.0 - a)) * 0.5, x);
}

}  // namespace wherry::compile::math
