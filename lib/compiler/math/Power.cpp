// Power.cpp: roots and powers.
#include "Coefficients.h"
#include "Functions.h"

namespace wherry::compile::math {

real rsqrt(real x) { return 1.0 / sqrt(x); }

// A third of the bits, as a number, is the cube root to 5 bits; a polynomial in t^3 / a makes 14 (f32) or 22
// (f64) of them and Halley's step, whose error is the cube of that, all.
real cbrt(real x) {
  using namespace coefficients;
  lanes& at = *x.at;
  const real a = abs(x);
  const mask small = a<at.min_normal(), large = a> at.pick<double>(0x1p120, 0x1p1000);
  const double up = at.pick<double>(0x1p24, 0x1p54), up_root = at.pick<double>(0x1p8, 0x1p18);
  const real m = a * select(small, up, select(large, at.number(1 / up), 1.0));
  const real back = select(small, 1 / up_root, select(large, at.number(up_root), 1.0));
  // The leading bits, few enough for numbers with a spacing of 1.
  const int dropped = at.pick(9, 32);
  const double spacing = at.pick<double>(0x1.8p23, 0x1.8p52);
  const real leading = fma(small_to_real(as_bits(m) >> dropped), 1.0 / 3.0, spacing);
  const bits third = (as_bits(leading) - as_bits(at.number(spacing))) << dropped;
  real t = as_real(third + at.pick<int64_t>(709958130, int64_t{715094163} << 32));
  const real ratio = t * t * (t / m);
  t = t *
      polynomial(ratio, at.single() ? llvm::ArrayRef<double>(cbrt_f32) : llvm::ArrayRef<double>(cbrt_f64));
  const real square = t * t;
  const real square_low = fma(t, t, -square);
  const real residue = fma(-square, t, m) - square_low * t;
  const real root = fma(t, residue / fma(square * 2.0, t, m), t);
  return select((a > 0.0) & (a < at.infinity()), copysign(root * back, x), x);
}

// exp(y log|x|) with the logarithm and the product in two parts; then the cases of IEEE 754-2019
// section 9.2.1.
real pow(real x, real y) {
  lanes& at = *x.at;
  const real a = abs(x);
  const real bounded = clamp(y, -0x1p70, 0x1p70);  // |y log|x|| is beyond every result there, unless |x| = 1
  const twofold l = log_twofold(a);
  const real high = bounded * l.high;
  const real low = fma(bounded, l.low, fma(bounded, l.high, -high));
  real result = exp(twofold{high, low});
  const mask zero = a == 0.0, infinite = a == at.infinity();
  result = select(zero | infinite, select(zero ^ (y < 0.0), at.number(0.0), at.infinity()), result);
  // Signs: a negative base needs an integer exponent, an odd one makes the result negative.
  const real half = y * 0.5;
  const mask integer = floor(y) == y, odd = integer & (floor(half) != half);
  const mask negative = as_bits(x) < 0;
  result = select(negative & odd, -result, result);
  const mask invalid = (x < 0.0) & !(integer | infinite);
  result = select(invalid | is_nan(x) | is_nan(y), at.nan(), result);
  const mask one = (x == 1.0) | (y == 0.0) | ((x == -1.0) & (abs(y) == at.infinity()));
  return select(one, 1.0, result);
}

}  // namespace wherry::compile::math
