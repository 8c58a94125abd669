// Trigonometric.cpp: sin, cos and tan by polynomials on [-pi/4, pi/4].
#include "Coefficients.h"
#include "Complex.h"

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

/// sin(a) and cos(a) - 1 for |a| <= pi/4: the first terms in two parts.
twofold sin_of_twofold(twofold a, twofold z) {
  lanes& at = *a.high.at;
  const real rest = fma(z.high, polynomial(z.high, sin_wide_f64), -0x1.5555555555555p-57);
  const twofold tail = fast_sum(at.number(-0x1.5555555555555p-3), rest);
  return a + a * (z * tail);
}
twofold cos_less_one_of_twofold(twofold z) {
  lanes& at = *z.high.at;
  const real rest = fma(z.high, polynomial(z.high, cos_wide_f64), 0x1.5555555555555p-59);
  const twofold tail = fast_sum(at.number(0x1.5555555555555p-5), rest);
  return z * (z * tail + -0.5);
}

real flip(real a, bits sign) { return as_real(as_bits(a) ^ sign); }
twofold flip(twofold a, bits sign) { return {flip(a.high, sign), flip(a.low, sign)}; }

/// sin and cos of x from those of the angle.
template <class N>
circular<N> unreduce(real x, bits quadrant, N sine, N cosine) {
  lanes& at = *x.at;
  const mask odd = is_odd(quadrant);
  const int top = at.single() ? 30 : 62;
  const bits sin_sign = ((quadrant << top) ^ as_bits(x)) & at.integer(at.sign_bit());
  const bits cos_sign = ((quadrant + 1) << top) & at.integer(at.sign_bit());
  return {flip(select(odd, cosine, sine), sin_sign), flip(select(odd, sine, cosine), cos_sign)};
}

twofold angle_with(reduced_angle reduced, twofold x) {
  const real low = as_real(as_bits(x.low) ^ (as_bits(x.high) & x.high.at->sign_bit()));  // that of |x|
  return fast_sum(reduced.angle.high, reduced.angle.low + low);
}

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

circular<real> sin_cos(real x, bool with_low) {
  const reduced_angle a = reduce_angle(abs(x), with_low);
  return unreduce(x, a.quadrant, sin_of_angle(a.angle), cos_of_angle(a.angle));
}

circular<twofold> sin_cos(twofold x) {
  const reduced_angle reduced = reduce_angle(abs(x.high), true);
  const twofold a = angle_with(reduced, x), z = a * a;
  return unreduce(x.high, reduced.quadrant, sin_of_twofold(a, z), cos_less_one_of_twofold(z) + 1.0);
}

circular_less_one<real> sin_cos_less_one(real x) {
  const reduced_angle a = reduce_angle(abs(x), false);
  const real z = a.angle.high * a.angle.high;
  const real less_one = fma(z * z, polynomial(z, cos_f64), z * -0.5);
  const circular<real> t = unreduce(x, a.quadrant, sin_of_angle(a.angle), less_one + 1.0);
  return {t.sin, t.cos, select((a.quadrant & 3) != 0, t.cos - 1.0, less_one)};
}

circular_less_one<twofold> sin_cos_less_one(twofold x) {
  const reduced_angle reduced = reduce_angle(abs(x.high), true);
  const twofold a = angle_with(reduced, x), z = a * a;
  const twofold less_one = cos_less_one_of_twofold(z);
  const circular<twofold> t = unreduce(x.high, reduced.quadrant, sin_of_twofold(a, z), less_one + 1.0);
  return {t.sin, t.cos, select((reduced.quadrant & 3) != 0, t.cos + -1.0, less_one)};
}

// The nearer one of 0 and 1/2 decides which of the two polynomials gives which function.
circular<real> sin_cos_pi(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const mask odd = a > 0.25;
  const real t = select(odd, 0.5 - a, a);
  const double pi = at.pick<double>(0x1.921fb6p1, 0x1.921fb54442d18p1);
  const real high = t * pi;
  const real low = fma(t, at.pick<double>(-0x1.777a5cp-24, 0x1.1a62633145c07p-53), fma(t, pi, -high));
  const real s = sin_of_angle({high, low}), c = cos_of_angle({high, low});
  return {copysign(select(odd, c, s), x), select(odd, s, c)};
}

}  // namespace wherry::compile::math
