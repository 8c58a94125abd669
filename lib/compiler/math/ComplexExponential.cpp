// ComplexExponential.cpp: exp and the hyperbolic and circular functions of complex numbers.
//
// All come down to exp of one part and sin and cos of the other. Powers of two are put back last, so that a
// product overflows or becomes subnormal only where the result does.
#include "Complex.h"

namespace wherry::compile::math {

namespace {

/// m * 2^exponent for |exponent| < 2150, rounded once.
template <class N>
real put_back(real m, bits exponent) {
  if constexpr (!is_twofold<N>) return m * power_of_two(exponent);
  const bits first = exponent >> 2, rest = exponent - first, second = rest >> 1;
  return m * power_of_two(first) * power_of_two(second) * power_of_two(rest - second);
}

/// Bounds beyond which exp(x) times anything that is not 0 is 0 or infinite.
template <class N>
real clamp_exponent(real x) {
  if constexpr (is_twofold<N>) return clamp(x, -1100.0, 1460.0);
  return clamp(x, -400.0, 400.0);
}

template <class N>
exponential<N> exp_of(real x) {
  if constexpr (is_twofold<N>)
    return exp_reduced(twofold{x, x.at->number(0.0)});
  else
    return exp_reduced(x);
}
template <class N>
circular<N> sin_cos_of(real x) {
  if constexpr (is_twofold<N>)
    return sin_cos(twofold{x, x.at->number(0.0)});
  else
    return sin_cos(x, false);
}

bits least(bits a, int64_t b) { return select(a > b, a.at->integer(b), a); }
bits most(bits a, int64_t b) { return select(a < b, a.at->integer(b), a); }

/// True where |x| is infinite and sin and cos of y are NaN, though the limit does not depend on them.
mask loses_angle(real x, real y) { return (abs(x) == x.at->infinity()) & !is_finite(y); }

/// sinh and cosh of |x|, less a factor 2^more.
template <class N>
struct hyperbolic {
  N sinh, cosh;
  bits more;
};

// With s = exp(|x|) - 1: sinh = (s + s / (s + 1)) / 2, cosh = 1 + (s - s / (s + 1)) / 2. From exp(|x|) =
// 2^100 on both are exp(|x|) / 2, and the rest of the power is left to the caller.
template <class N>
hyperbolic<N> hyperbolic_of(real x, double limit) {
  lanes& at = *x.at;
  const real a = abs(x);
  const exponential<N> e = exp_of<N>(select(a > limit, limit, a));
  const bits kept = is_twofold<N> ? least(e.exponent, 100) : e.exponent;
  const real power = power_of_two(kept);
  const N s = times(e.less_one, power) + (power - 1.0);
  const N q = s / (s + 1.0);
  return {times(s + q, 0.5), times(s - q, 0.5) + 1.0, is_twofold<N> ? e.exponent - kept : at.integer(0)};
}

/// sinh(x) a and cosh(x) b.
template <class N>
complex hyperbolic_products(real x, real a, real b) {
  const hyperbolic<N> h = hyperbolic_of<N>(x, is_twofold<N> ? 1460.0 : 400.0);
  const real u = copysign(rounded(h.sinh), x) * a, v = rounded(h.cosh) * b;
  if constexpr (!is_twofold<N>) return {u, v};
  return {put_back<N>(u, h.more), put_back<N>(v, h.more)};
}

}  // namespace

template <class N>
complex exp(complex z) {
  const exponential<real> e = exp_reduced(clamp_exponent<N>(z.re));
  const circular<real> t = sin_cos(z.im, is_twofold<N>);
  const mask lost = loses_angle(z.re, z.im);
  const real c = select(lost, select(z.re > 0.0, 1.0, 0.0), t.cos);
  const real s = select(lost & (z.re < 0.0), 0.0, t.sin);
  const real m = e.less_one + 1.0;
  return {put_back<N>(m * c, e.exponent), select(z.im == 0.0, z.im, put_back<N>(m * s, e.exponent))};
}

// exp(x) cos(y) - 1 = expm1(x) cos(y) + (cos(y) - 1), and for a large x, where that would overflow, the same
// times 2^-more.
template <class N>
complex expm1(complex z) {
  lanes& at = *z.re.at;
  const exponential<N> e = exp_of<N>(clamp_exponent<N>(z.re));
  circular_less_one<N> t;
  if constexpr (is_twofold<N>)
    t = sin_cos_less_one(twofold{z.im, at.number(0.0)});
  else
    t = sin_cos_less_one(z.im);
  const bits kept = is_twofold<N> ? most(least(e.exponent, 60), -1000) : e.exponent;
  const bits more = select(e.exponent > 0, e.exponent - kept, at.integer(0));
  const real one = is_twofold<N> ? power_of_two(most(0 - more, -1000)) : at.number(1.0);
  const real power = power_of_two(kept);
  const N real_part = (times(e.less_one, power) + (power - one)) * t.cos + times(t.cos_less_one, one);
  const real im = put_back<N>(rounded((e.less_one + 1.0) * t.sin), e.exponent);
  const mask lost = loses_angle(z.re, z.im);
  const real re = is_twofold<N> ? put_back<N>(rounded(real_part), more) : rounded(real_part);
  return {select(lost, select(z.re > 0.0, at.infinity(), at.number(-1.0)), re),
          select((z.im == 0.0) | (lost & (z.re < 0.0)), select(lost, 0.0, z.im), im)};
}

// With w = exp(-|x|) (cos(y) + i sin(y)): 1 / (1 + w) for x >= 0 and w / (1 + w) below have the same
// imaginary part and no difference of near numbers but in 1 + |w| cos(y).
template <class N>
complex logistic(complex z) {
  lanes& at = *z.re.at;
  const exponential<N> e = exp_of<N>(clamp_exponent<N>(-abs(z.re)));
  const circular<N> t = sin_cos_of<N>(z.im);
  const mask lost = loses_angle(z.re, z.im);
  const bits kept = is_twofold<N> ? most(e.exponent, -1000) : e.exponent;
  const N size = times(e.less_one + 1.0, power_of_two(kept));
  const N u = size * t.cos + 1.0, v = size * t.sin;
  const N d = u * u + v * v;
  const mask negative = z.re < 0.0;
  const real back = is_twofold<N> ? power_of_two(e.exponent - kept) : at.number(1.0);
  const real near_zero = rounded(size * (t.cos + size) / d) * back;
  const real re = select(negative, near_zero, rounded(u / d));
  const real im = rounded(v / d) * back;
  return {select(lost, select(negative, at.number(0.0), at.number(1.0)), re), select(lost, 0.0, im)};
}

// sinh(x) cos(y) + i cosh(x) sin(y)
template <class N>
complex sinh(complex z) {
  const circular<real> t = sin_cos(z.im, is_twofold<N>);
  const complex w = hyperbolic_products<N>(z.re, t.cos, t.sin);
  const mask lost = loses_angle(z.re, z.im);
  return {select(lost | (z.re == 0.0), z.re, w.re), select(z.im == 0.0, z.im, w.im)};
}

// cosh(x) cos(y) + i sinh(x) sin(y)
template <class N>
complex cosh(complex z) {
  const circular<real> t = sin_cos(z.im, is_twofold<N>);
  const complex w = hyperbolic_products<N>(z.re, t.sin, t.cos);
  const mask lost = loses_angle(z.re, z.im);
  // A part of +-0 makes the imaginary part +-0 whatever the other is.
  const real zero = copysign(z.re.at->number(0.0), z.im);
  const real signed_zero = select(as_bits(z.re) < 0, -zero, zero);
  return {select(lost, abs(z.re), w.im), select((z.re == 0.0) | (z.im == 0.0), signed_zero, w.re)};
}

// tanh(z) = (sinh(x) cosh(x) + i sin(y) cos(y)) / (sinh(x)^2 + cos(y)^2)
template <class N>
complex tanh(complex z) {
  lanes& at = *z.re.at;
  const hyperbolic<N> h = hyperbolic_of<N>(z.re, is_twofold<N> ? 400.0 : 150.0);
  const circular<N> t = sin_cos_of<N>(z.im);
  const N d = h.sinh * h.sinh + t.cos * t.cos;
  real im = rounded(t.sin * t.cos / d);
  if (is_twofold<N>) im = scale(im, at.integer(0) - (h.more + h.more));
  const real re = rounded(h.sinh * h.cosh / d);
  const mask lost = loses_angle(z.re, z.im);
  return {copysign(select(lost, 1.0, re), z.re), select(lost, 0.0, select(z.im == 0.0, z.im, im))};
}

// f(i z) for z = x + i y is f(-y + i x); and -i (u + i v) = v - i u.
template <class N>
complex sin(complex z) {
  const complex w = sinh<N>({-z.im, z.re});
  return {w.im, -w.re};
}
template <class N>
complex cos(complex z) {
  return cosh<N>({-z.im, z.re});
}
template <class N>
complex tan(complex z) {
  const complex w = tanh<N>({-z.im, z.re});
  return {w.im, -w.re};
}

#define WHERRY_BOTH(name)                 \
  template complex name<real>(complex z); \
  template complex name<twofold>(complex z);
WHERRY_BOTH(exp)
WHERRY_BOTH(expm1)
WHERRY_BOTH(logistic)
WHERRY_BOTH(sinh)
WHERRY_BOTH(cosh)
WHERRY_BOTH(tanh)
WHERRY_BOTH(sin)
WHERRY_BOTH(cos)
WHERRY_BOTH(tan)
#undef WHERRY_BOTH

}  // namespace wherry::compile::math
