// Trigonometric.cpp: sin, cos and tan by polynomials on [-pi/4, pi/4].
#include "Coefficients.h"
#include "Functions.h"

namespace wherry::compile::math {

namespace {

using namespace coefficients;

real sin_of_angle(twofold a) {
  lanes& at = *a.high.at;
  const real z = a.high * a.high;
  const real p =
      polynomial(z, at.single() ? llvm::ArrayRef<double>(sin_f32) : llvm::ArrayRef<double>(sin_f64));
  if (!a.low.at) return fma(a.high * z, p, a.high);
  return a.high + fma(a.high * z, p, a.low * fma(z, -0.5, 1.0));
}

real cos_of_angle(twofold a) {
  lanes& at = *a.high.at;
  const real z = a.high * a.high;
  const real p =
      polynomial(z, at.single() ? llvm::ArrayRef<double>(cos_f32) : llvm::ArrayRef<double>(cos_f64));
  if (!a.low.at) return fma(z * z, p, fma(z, -0.5, 1.0));
  const real half = z * 0.5;
  const real near = 1.0 - half;
  const real lost = (1.0 - near) - half;
  return near + (lost + fma(z * z, p, -(a.high * a.low)));
}

mask is_odd(bits a) { return (a & 1) != 0; }

/// `a` with its sign flipped where bit 1 of `quadrant` is set.
real flip_by(real a, bits quadrant) {
  lanes& at = *a.at;
  return as_real(as_bits(a) ^ ((quadrant << (at.single() ? 30 : 62)) & at.sign_bit()));
}

/// Multiplies by the sign of x, -0 included.
real times_sign(real a, real x) { return as_real(as_bits(a) ^ (as_bits(x) & x.at->sign_bit())); }

}  // namespace

// In f32 the angle's rounding costs half an ulp, which is left; tan would double it.
real sin(real x) {
  const reduced_angle a = reduce_angle(abs(x), !x.at->single());
  const real value = select(is_odd(a.quadrant), cos_of_angle(a.angle), sin_of_angle(a.angle));
  return times_sign(flip_by(value, a.quadrant), x);
}

real cos(real x) {
  const reduced_angle a = reduce_angle(abs(x), !x.at->single());
  const real value = select(is_odd(a.quadrant), sin_of_angle(a.angle), cos_of_angle(a.angle));
  return flip_by(value, a.quadrant + 1);
}

real tan(real x) {
  const reduced_angle a = reduce_angle(abs(x), true);
  const real s = sin_of_angle(a.angle), c = cos_of_angle(a.angle);
  const mask odd = is_odd(a.quadrant);
  const real value = select(odd, -c, s) / select(odd, s, c);
  return times_sign(value, x);
}

}  // namespace wherry::compile::math
