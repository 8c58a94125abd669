// ComplexLogarithm.cpp: logarithms and powers of complex numbers.
//
// log|z| = log(|z|^2) / 2, where |z|^2 - 1 is summed to its own last place for |z| near 1.
#include "Complex.h"

namespace wherry::compile::math {

namespace {

/// |z|^2 = square * 4^exponent; near 1 square = 1 + less_one and the exponent is 0.
template <class N>
struct modulus {
  N square, less_one;
  mask near;
  bits exponent;
};

modulus<real> modulus_of(real x, real y) {
  const real a = abs(x), b = abs(y);
  const mask steep = b > a;
  const real big = select(steep, b, a), small = select(steep, a, b);
  const real rest = small * small;
  return {fma(big, big, rest), fma(big, big, -1.0) + rest, {}, {}};
}

/// The sum of three numbers and small parts of them.
twofold sum_of(real a, real b, real c, real low) {
  const twofold first = two_sum(a, b);
  const twofold second = two_sum(first.high, c);
  return fast_sum(second.high, (first.low + second.low) + low);
}

struct scaled {
  real x, y;
  mask near;
  bits exponent;
};
scaled scaled_by_larger(real x, real y) {
  lanes& at = *x.at;
  const bits e = exponent_of(larger(abs(x), abs(y)));
  const mask near = (e > -2) & (e < 2);
  const bits exponent = select(near, at.integer(0), e);
  const real factor = power_of_two(0 - exponent);
  return {x * factor, y * factor, near, exponent};
}

modulus<twofold> modulus_of_twofold(real x, real y) {
  const scaled s = scaled_by_larger(x, y);
  const mask steep = abs(s.y) > abs(s.x);
  const real big = select(steep, s.y, s.x), small = select(steep, s.x, s.y);
  const twofold p = two_product(big, big), q = two_product(small, small);
  const real low = p.low + q.low;
  const twofold sum = fast_sum(p.high, q.high);
  return {fast_sum(sum.high, sum.low + low), sum_of(p.high - 1.0, q.high, x.at->number(0.0), low), s.near,
          s.exponent};
}

real twice(bits exponent) { return small_to_real(exponent + exponent); }

}  // namespace

template <>
complex log<real>(complex z) {
  const modulus<real> m = modulus_of(z.re, z.im);
  return {log_near(m.square, m.less_one) * 0.5, atan2(z.im, z.re)};
}

template <>
complex log<twofold>(complex z) {
  lanes& at = *z.re.at;
  const modulus<twofold> m = modulus_of_twofold(z.re, z.im);
  const real size = log_near(m.square, m.less_one, m.near, twice(m.exponent)) * 0.5;
  return {select(is_infinite(z), at.infinity(), size), atan2(z.im, z.re)};
}

// |1 + z|^2 - 1 = 2 x + x^2 + y^2
template <>
complex log1p<real>(complex z) {
  const real a = z.re + 1.0, rest = z.im * z.im;
  return {log_near(fma(a, a, rest), fma(z.re, z.re, z.re + z.re) + rest) * 0.5, atan2(z.im, a)};
}

template <>
complex log1p<twofold>(complex z) {
  lanes& at = *z.re.at;
  const twofold a = two_sum(z.re, at.number(1.0));
  const scaled s = scaled_by_larger(a.high, z.im);
  const twofold p = two_product(s.x, s.x), q = two_product(s.y, s.y);
  const real a_low = select(s.near, a.low, 0.0);  // beyond, it changes no digit of the logarithm
  const twofold square = p + q + (a_low + a_low) * s.x;
  const twofold x2 = two_product(z.re, z.re);
  const twofold less_one = sum_of(z.re + z.re, x2.high, q.high, x2.low + q.low);
  const real size = log_near(square, less_one, s.near, twice(s.exponent)) * 0.5;
  return {select(is_infinite(z), at.infinity(), size), atan2(z.im, a.high)};
}

namespace {

/// exp(re) (cos(im) + i sin(im)), finite parts only.
complex exp_of_parts(real re, real im) { return exp<real>({re, im}); }
complex exp_of_parts(twofold re, twofold im) {
  const twofold bounded = {clamp(re.high, -1100.0, 1460.0), re.low};
  const exponential<twofold> e = exp_reduced(bounded);
  const circular<twofold> t = sin_cos(im);
  const twofold m = e.less_one + 1.0;
  const bits first = e.exponent >> 2, rest = e.exponent - first, second = rest >> 1;
  const real a = power_of_two(first), b = power_of_two(second), c = power_of_two(rest - second);
  return {rounded(m * t.cos) * a * b * c, rounded(m * t.sin) * a * b * c};
}

struct twofold_logarithm {
  twofold re, im;
};

/// log(z) to about 2^-60; z is neither 0 nor infinite.
twofold_logarithm log_to_twofold(complex z) {
  lanes& at = *z.re.at;
  const modulus<twofold> m = modulus_of_twofold(z.re, z.im);
  twofold l = log_twofold(m.square.high) + m.square.low / m.square.high;
  // log(2) in parts whose products with an exponent are exact, but for the last.
  const real n = twice(m.exponent);
  l = fast_sum(n * 0x1.62e42fefa38p-1, n * 0x1.ef35793c7673p-45) + l;
  // The angle by one step of Newton: sin(angle - t) = (y cos(t) - x sin(t)) / |z|.
  const real t = atan2(z.im, z.re);
  const circular<twofold> c = sin_cos(twofold{t, at.number(0.0)});
  const scaled s = scaled_by_larger(z.re, z.im);
  const twofold cross = c.cos * s.y - c.sin * s.x, along = c.cos * s.x + c.sin * s.y;
  return {times(l, 0.5), fast_sum(t, cross.high / along.high)};
}

/// a * b where 0 times infinity is 0.
real product_of(real a, real b) { return select((a == 0.0) | (b == 0.0), 0.0, a * b); }

}  // namespace

template <>
complex pow<real>(complex z, complex w) {
  const complex l = log<real>(z);
  const real re = product_of(w.re, l.re) - product_of(w.im, l.im);
  const real im = product_of(w.re, l.im) + product_of(w.im, l.re);
  const complex p = exp_of_parts(re, im);
  const mask zero = (z.re == 0.0) & (z.im == 0.0), none = (w.re == 0.0) & (w.im == 0.0);
  const mask vanishes = zero & (w.re > 0.0);
  return {select(none, 1.0, select(vanishes, 0.0, p.re)), select(none | vanishes, 0.0, p.im)};
}

template <>
complex pow<twofold>(complex z, complex w) {
  lanes& at = *z.re.at;
  const twofold_logarithm l = log_to_twofold(z);
  const twofold re = l.re * w.re - l.im * w.im, im = l.im * w.re + l.re * w.im;
  complex p = exp_of_parts(re, im);
  // Where the logarithm is infinite only its sign matters.
  const mask zero = (z.re == 0.0) & (z.im == 0.0), infinite = is_infinite(z);
  const real size = select(infinite, at.infinity(), -at.infinity());
  const complex limit = exp<twofold>({product_of(w.re, size), product_of(w.im, size)});
  p = {select(zero | infinite, limit.re, p.re), select(zero | infinite, limit.im, p.im)};
  const mask none = (w.re == 0.0) & (w.im == 0.0), vanishes = zero & (w.re > 0.0);
  return {select(none, 1.0, select(vanishes, 0.0, p.re)), select(none | vanishes, 0.0, p.im)};
}

}  // namespace wherry::compile::math
