// Remainder.cpp: C's fmod, exact.
//
// Both numbers become a significand in [1, 2) and an exponent. The remainder of the dividend's significand is
// multiplied by up to 2^22 (f32) or 2^51 (f64) at a time and reduced again until the difference of the
// exponents is used up: a long division with one digit of 22 or 51 bits per turn, whose quotient digit is
// exact up to 1 and whose remainder is exact.
#include "Functions.h"

namespace wherry::compile::math {

namespace {

struct parts {
  real significand;
  bits exponent;  // biased; at most 0 for subnormals
};

parts split(real a) {
  lanes& at = *a.at;
  const int mantissa = at.mantissa_bits();
  const mask small = a < at.min_normal();
  const bits raw = as_bits(select(small, a * at.pick<double>(0x1p23, 0x1p52), a));
  const bits exponent = shift_logical(raw, mantissa) - select(small, at.integer(mantissa), at.integer(0));
  const bits fraction = raw & ((int64_t{1} << mantissa) - 1);
  return {as_real(fraction | as_bits(at.number(1.0))), exponent};
}

/// r mod d for 0 <= r < d * 2^(significant bits - 1), exactly.
real reduce(real r, real d) {
  const real quotient = trunc(r / d);
  const real rest = fma(-quotient, d, r);  // the quotient may have been rounded up to the next integer
  return select(rest < 0.0, rest + d, rest);
}

}  // namespace

real rem(real x, real y) {
  lanes& at = *x.at;
  const real a = abs(x), b = abs(y);
  const parts n = split(a), d = split(b);
  const int digit = at.pick(22, 51);
  const bits distance = n.exponent - d.exponent;
  const auto state = at.while_any(
      {reduce(n.significand, d.significand).value, distance.value},
      [&](llvm::ArrayRef<mlir::Value> s) { return bits{&at, s[1]} > 0; },
      [&](llvm::ArrayRef<mlir::Value> s) {
        const real r = at.wrap(s[0]);
        const bits left{&at, s[1]};
        const bits positive = select(left > 0, left, at.integer(0));
        const bits step = select(positive > digit, at.integer(digit), positive);
        return llvm::SmallVector<mlir::Value>{reduce(r * power_of_two(step), d.significand).value,
                                              (left - step).value};
      });
  // Back to the divisor's exponent in two steps, since it may be that of a subnormal.
  const bits exponent = d.exponent - at.bias();
  const bits half = exponent >> 1;
  const real result = at.wrap(state[0]) * power_of_two(half) * power_of_two(exponent - half);
  const real smaller = select(a < b, a, result);
  const mask invalid = !(a < at.infinity()) | !(b > 0.0);
  return select(invalid, at.nan(), copysign(smaller, x));
}

}  // namespace wherry::compile::math
