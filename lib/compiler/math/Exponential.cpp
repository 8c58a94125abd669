// Exponential.cpp: exp and the functions that are made of it.
//
// x = n ln 2 + r with |r| <= ln 2 / 2 by two fused steps, exp(r) - 1 as a polynomial, and 2^n put back. n is
// found by adding a number whose neighbours are 1 apart: the sum's low bits are n, without a conversion
// (which would be undefined for NaN).
#include "Coefficients.h"
#include "Complex.h"

namespace wherry::compile::math {

namespace {

using namespace coefficients;

double minus_ln2_low(lanes& at) { return at.pick<double>(0x1.05c610p-29, -0x1.abc9e3b39803fp-56); }

struct reduced {
  real first, n;  // x = n * high part of ln 2 + first, exactly
  real r;         // x = n ln 2 + r, rounded
  bits whole;     // n
};

reduced reduce(real x) {
  const double shift = x.at->pick<double>(0x1.8p23, 0x1.8p52);
  const real shifted = fma(x, 0x1.71547652b82fep0, shift);
  const real n = shifted - shift;
  const real first = fma(n, x.at->pick<double>(-0x1.62e43p-1, -0x1.62e42fefa39efp-1), x);
  const real r = fma(n, minus_ln2_low(*x.at), first);
  return {first, n, r, as_bits(shifted) - as_bits(x.at->number(shift))};
}

/// exp(r) - 1 for |r| <= ln 2 / 2, to the last place of 1.
real exp_less_one(real r) {
  const real tail =
      polynomial(r, r.at->single() ? llvm::ArrayRef<double>(exp_f32) : llvm::ArrayRef<double>(exp_f64));
  return fma(r * r, tail, r);
}

/// The same to the last place of the result, with what was lost in rounding r.
real expm1_reduced(reduced a) {
  const real r = a.r;
  const real tail =
      polynomial(r, r.at->single() ? llvm::ArrayRef<double>(expm1_f32) : llvm::ArrayRef<double>(expm1_f64));
  const real lost = fma(a.n, minus_ln2_low(*r.at), a.first - r);
  return r + fma(r * r, tail, lost);
}

// Beyond these the result is infinite, or rounds to 0.
real clamp_for_exp(real x) { return clamp(x, x.at->pick(-104.0, -746.0), x.at->pick(89.0, 710.0)); }

}  // namespace

// In two steps, each by a normal number, so that subnormal results round once.
real scale(real m, bits exponent) {
  const bits half = exponent >> 1;
  return m * power_of_two(half) * power_of_two(exponent - half);
}

real exp(real x) {
  const reduced a = reduce(clamp_for_exp(x));
  return scale(exp_less_one(a.r) + 1.0, a.whole);
}

real exp_in_range(real x) {
  const reduced a = reduce(x);
  const real power = power_of_two(a.whole);
  return fma(power, exp_less_one(a.r), power);
}

scaled_real exp_parts(twofold x) {
  const double limit = x.high.at->pick(150.0, 1100.0);
  const reduced a = reduce(clamp_for_exp(x.high));
  const real low = select(abs(x.high) < limit, x.low, 0.0);
  const real more = exp_less_one(a.r + low);
  const real high = more + 1.0;
  return {{high, more - (high - 1.0)}, a.whole};
}

real exp(twofold x) {
  const scaled_real e = exp_parts(x);
  return scale(e.significand.high, e.exponent);
}

real expm1(real x) {
  const double tiny = x.at->pick(0x1p-26, 0x1p-55);
  const reduced a = reduce(clamp(x, x.at->pick(-20.0, -40.0), x.at->pick(89.0, 710.0)));
  const real half = power_of_two(a.whole - 1);  // 2^n itself would overflow before the result does
  const real result = fma(half, expm1_reduced(a), half - 0.5) * 2.0;
  return select(abs(x) < tiny, x, result);  // also keeps -0 and every bit of subnormals
}

real half_expm1(real x) {
  const reduced a = reduce(clamp(x, 0.0, x.at->pick(89.5, 710.6)));
  const real quarter = power_of_two(a.whole - 2);
  return fma(quarter, expm1_reduced(a), quarter - 0.25) * 2.0;
}

real half_exp(real x) {
  const reduced a = reduce(clamp(x, 0.0, x.at->pick(89.5, 710.6)));
  return scale(exp_less_one(a.r) + 1.0, a.whole - 1);
}

exponential<real> exp_reduced(real x) {
  const reduced a = reduce(x);
  return {expm1_reduced(a), a.whole};
}

// r in two parts, and the terms up to r^3 / 6 too: the rest of the series adds less than 2^-10 of the sum.
exponential<twofold> exp_reduced(twofold x) {
  lanes& at = *x.high.at;
  const reduced a = reduce(x.high);
  const twofold product = two_product(a.n, at.number(minus_ln2_low(at)));
  const twofold r = two_sum(a.first, product.high) + (product.low + x.low);
  const real rest = fma(r.high, polynomial(r.high, exp_wide_f64), 0x1.5555555555555p-57);
  const twofold third = fast_sum(at.number(0x1.5555555555555p-3), rest);
  return {r + r * (r * (r * third + 0.5)), a.whole};
}

// exp(-|x|) never overflows, and exp(x) / (1 + exp(x)) keeps the digits of results below the least normal
// number.
real logistic(real x) {
  const real e = exp(-abs(x));
  return select(x < 0.0, e, 1.0) / (e + 1.0);
}

// With e = exp(-2 |x|): tanh |x| = (1 - e) / (1 + e) near 0, where 1 - e = -expm1(-2 |x|), and 1 - 2 e / (1 +
// e) above 0.55, where the rounding errors of the quotient shrink with e.
real tanh(real x) {
  const real twice = abs(x) * -2.0;
  const double least = x.at->pick(-20.0, -40.0);
  const reduced a = reduce(select(twice < least, least, twice));
  const real power = power_of_two(a.whole);
  const real s = expm1_reduced(a);
  const real e = fma(power, s, power);
  const mask far = twice < -1.1;
  const real quotient = select(far, e + e, fma(-power, s, 1.0 - power)) / (e + 1.0);
  return copysign(select(far, 1.0 - quotient, quotient), x);
}

// With h = expm1(|x|) / 2: sinh |x| = h + h / (2 h + 1).
real sinh(real x) {
  const real a = abs(x);
  const real h = half_expm1(a);
  const real rest =
      select(h < 0x1p60, h / fma(h, 2.0, 1.0), 0.0);  // 1/2 there; infinity / infinity when h is
  return copysign(select(a < x.at->pick(0x1p-13, 0x1p-27), a, h + rest), x);
}

real cosh(real x) {
  const real h = half_exp(abs(x));
  return h + 0.25 / h;
}

}  // namespace wherry::compile::math
