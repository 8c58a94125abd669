// ComplexInverse.cpp: inverse circular and hyperbolic functions of complex numbers.
//
// For asin and acos the method of T. E. Hull, T. F. Fairgrieve and P. T. P. Tang (ACM TOMS 23, 1997): with
// x = |Re z|, y = |Im z|, r = |z + 1|, s = |z - 1| and a = (r + s) / 2, asin z = atan(x / sqrt(a^2 - x^2)) +
// i log(a + sqrt(a^2 - 1)), where a - x and a - 1 are written as sums of positive terms:
//   y (y / (r + x + 1) + y / (s + |x - 1|)) / 2   and   (y^2 / (r + x + 1) + (s + |x - 1|)) / 2,
// in this order for x >= 1, exchanged for x < 1.
#include "Complex.h"

namespace wherry::compile::math {

namespace {

/// Divides a number that is too large to notice a 1 by a power of two, so that its squares stay finite.
struct shrunk {
  real x, y;
  bits exponent;  // what was divided out; at least 0
};
template <class N>
shrunk shrink(complex z) {
  lanes& at = *z.re.at;
  const real x = abs(z.re), y = abs(z.im);
  if (!is_twofold<N>) return {x, y, at.integer(0)};
  const bits over = exponent_of(larger(x, y)) - 100;
  const bits exponent = select(over > 0, over, at.integer(0));
  const real factor = power_of_two(0 - exponent);
  return {x * factor, y * factor, exponent};
}

/// asin(z) = atan2(x, height) + i width with the signs of z's parts; acos(z) = atan2(height, Re z) - i width.
struct arc {
  real x, height, width;
};

template <class N>
arc arc_of(complex z) {
  lanes& at = *z.re.at;
  const auto [x, y, exponent] = shrink<N>(z);
  const N above = sum<N>(x, 1.0), difference = sum<N>(x, -1.0);
  const mask inside = x < 1.0;
  const N below = select(inside, -difference, difference);
  const N y2 = product<N>(y, y);
  const N r = sqrt(above * above + y2);
  N s = sqrt(below * below + y2);
  s = select(rounded(below) == 0.0, number<N>(y), s);  // y^2 alone could vanish
  const N near = s + below, q1 = y / (r + above);
  const N q = q1 + y / nonzero(near);
  const N across = times(q * y, 0.5), along = times(q1 * y + near, 0.5);
  const N a = times(r + s, 0.5);
  const N with_x = a + x, with_one = a + 1.0;
  const N first = sqrt(select(inside, with_x, with_one) * along);
  const N second = sqrt(times(select(inside, with_one, with_x) * q, 0.5)) * root<N>(y);
  const N height = select(inside, first, second);
  const N excess = select(inside, across, along) + select(inside, second, first);
  const mask infinite = is_infinite(z);
  const real n = is_twofold<N> ? small_to_real(exponent) : real{};
  return {select(infinite, z.re, copysign(x, z.re)), select(infinite, abs(z.im), rounded(height)),
          select(infinite, at.infinity(), log1p_plus(rounded(excess), n))};
}

}  // namespace

template <class N>
complex asin(complex z) {
  const arc a = arc_of<N>(z);
  return {atan2(a.x, a.height), copysign(a.width, z.im)};
}

template <class N>
complex acos(complex z) {
  const arc a = arc_of<N>(z);
  return {atan2(a.height, a.x), -copysign(a.width, z.im)};
}

// acosh z = +-i acos z with a real part that is not negative.
template <class N>
complex acosh(complex z) {
  const arc a = arc_of<N>(z);
  return {a.width, copysign(atan2(a.height, a.x), z.im)};
}

// f(i z) for z = x + i y is f(-y + i x); and -i (u + i v) = v - i u.
template <class N>
complex asinh(complex z) {
  const complex w = asin<N>({-z.im, z.re});
  return {w.im, -w.re};
}

// Re = log1p(4 x / ((1 - x)^2 + y^2)) / 4, Im = atan2(2 y, 1 - x^2 - y^2) / 2.
template <class N>
complex atanh(complex z) {
  lanes& at = *z.re.at;
  const auto [x, y, exponent] = shrink<N>(z);
  const N rest = sum<N>(at.number(1.0), -x), y2 = product<N>(y, y);
  const N d = rest * rest + y2;
  const N turn = rest * sum<N>(x, 1.0) + -y2;
  real argument = x * 4.0 / rounded(d), factor = at.number(0.25), n{}, height = y + y;
  if constexpr (is_twofold<N>) {
    // Next to 1 the square of y vanishes before its logarithm does: there log(2 / y) / 2.
    const mask pole = (rest.high == 0.0) & (y < 0x1p-500);
    argument = select(pole, 0x1p-60 / y, argument);
    n = select(pole, at.number(61.0), 0.0);
    const real back = power_of_two(0 - exponent);
    factor = select(pole, at.number(0.5), at.number(0.25) * back);
    height = height * back;
  }
  const mask infinite = is_infinite(z);
  const real re = select(infinite, 0.0, log1p_plus(argument, n) * factor);
  const real im = select(infinite, at.number(0x1.921fb54442d18p0), atan2(height, rounded(turn)) * 0.5);
  return {copysign(re, z.re), copysign(im, z.im)};
}

template <class N>
complex atan(complex z) {
  const complex w = atanh<N>({-z.im, z.re});
  return {w.im, -w.re};
}

#define WHERRY_BOTH(name)                 \
  template complex name<real>(complex z); \
  template complex name<twofold>(complex z);
WHERRY_BOTH(asin)
WHERRY_BOTH(acos)
WHERRY_BOTH(asinh)
WHERRY_BOTH(acosh)
WHERRY_BOTH(atan)
WHERRY_BOTH(atanh)
#undef WHERRY_BOTH

}  // namespace wherry::compile::math
