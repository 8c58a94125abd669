// ComplexRoot.cpp: roots of complex numbers.
#include "Complex.h"

namespace wherry::compile::math {

namespace {

/// The principal root as t + i y / (2 t), or with the parts exchanged for x < 0: t^2 = (|z| + |x|) / 2.
template <class N>
struct halves {
  N t, size;  // sqrt and |z|, of the scaled number
  real x, y;  // scaled by 4^-half
  bits half;
};

template <class N>
halves<N> halves_of(complex z) {
  lanes& at = *z.re.at;
  real x = abs(z.re), y = abs(z.im);
  bits half = at.integer(0);
  if (is_twofold<N>) {
    half = exponent_of(larger(x, y)) >> 1;
    const real factor = power_of_two(0 - (half + half));
    x = x * factor;
    y = y * factor;
  }
  const N size = sqrt(product<N>(x, x) + product<N>(y, y));
  const N t = sqrt(times(size + x, 0.5));
  return {t, size, x, y, half};
}

}  // namespace

template <class N>
complex sqrt(complex z) {
  lanes& at = *z.re.at;
  const halves<N> h = halves_of<N>(z);
  const N t = is_twofold<N> ? times(h.t, power_of_two(h.half)) : h.t;
  const real other = rounded(abs(z.im) / nonzero(times(t, 2.0)));
  const mask negative = as_bits(z.re) < 0;
  real re = select(negative, other, rounded(t)), im = select(negative, rounded(t), other);
  // An infinite part decides, the imaginary one first.
  const mask tall = abs(z.im) == at.infinity(), wide = abs(z.re) == at.infinity();
  const real rest = select(is_nan(z.im), z.im, 0.0);
  re = select(tall, at.infinity(), select(wide, select(negative, rest, at.infinity()), re));
  im = select(tall, at.infinity(), select(wide, select(negative, at.infinity(), rest), im));
  return {re, copysign(im, z.im)};
}

// conj(sqrt(z)) / |z|
template <class N>
complex rsqrt(complex z) {
  lanes& at = *z.re.at;
  const halves<N> h = halves_of<N>(z);
  const N size = nonzero(h.size), t = nonzero(h.t);
  real along = rounded(t / size), across = rounded(h.y / (times(t, 2.0) * size));
  if (is_twofold<N>) {
    const real back = power_of_two(0 - h.half);
    along = along * back;
    across = across * back;
  }
  const mask negative = as_bits(z.re) < 0, zero = (z.re == 0.0) & (z.im == 0.0), infinite = is_infinite(z);
  const real re = select(zero, at.infinity(), select(infinite, 0.0, select(negative, across, along)));
  const real im = select(zero | infinite, 0.0, select(negative, along, across));
  return {re, -copysign(im, z.im)};
}

template <class N>
complex cbrt(complex z) {
  lanes& at = *z.re.at;
  real size;
  if constexpr (is_twofold<N>) {
    // Scaled by 2^(3 n), where 3 n is near the exponent.
    const bits e = exponent_of(larger(abs(z.re), abs(z.im)));
    const bits third = (e * at.integer(21846)) >> 16;
    const real factor = power_of_two(0 - (third + third + third));
    const real x = z.re * factor, y = z.im * factor;
    size = cbrt(sqrt(fma(x, x, y * y))) * power_of_two(third);
  } else {
    size = cbrt(sqrt(fma(z.re, z.re, z.im * z.im)));
  }
  size = select(is_infinite(z), at.infinity(), size);
  const real angle = atan2(z.im, z.re);
  const circular<real> t = sin_cos(angle / at.number(3.0), is_twofold<N>);
  real im = size * t.sin;
  // An angle next to 0 may vanish before its product with the size does: size^3 sin(angle) = y.
  if constexpr (is_twofold<N>)
    im = select(abs(angle) < 0x1p-500, z.im / nonzero(size) / nonzero(size) * at.number(1.0 / 3.0), im);
  return {size * t.cos, select(z.im == 0.0, select(as_bits(z.re) < 0, im, z.im), im)};
}

#define WHERRY_BOTH(name)                 \
  template complex name<real>(complex z); \
  template complex name<twofold>(complex z);
WHERRY_BOTH(sqrt)
WHERRY_BOTH(rsqrt)
WHERRY_BOTH(cbrt)
#undef WHERRY_BOTH

}  // namespace wherry::compile::math
