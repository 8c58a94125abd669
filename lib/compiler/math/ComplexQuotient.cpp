// ComplexQuotient.cpp: division of complex numbers.
//
// x / y = x conj(y) / |y|^2, with y scaled by a power of two to near 1, so that its square is finite and not
// 0. Both products of a part are summed with what rounding the second lost, so that their difference keeps
// its digits (an f32 quotient needs no f64).
#include "Complex.h"

namespace wherry::compile::math {

namespace {

/// a * b + c * d to about one ulp.
real sum_of_products(real a, real b, real c, real d) {
  const real p = c * d;
  return fma(a, b, p) + fma(c, d, -p);
}

/// 1 with the sign of `a` where it is infinite, else 0 with that sign.
real boxed(real a) {
  lanes& at = *a.at;
  return copysign(select(abs(a) == at.infinity(), at.number(1.0), 0.0), a);
}

}  // namespace

complex quotient(complex x, complex y) {
  lanes& at = *x.re.at;
  // An infinite divisor counts as its direction, and makes the quotient of a finite number 0; so does an
  // infinite dividend, which makes it infinite.
  const mask to_zero = is_infinite(y), grows = is_infinite(x) & !to_zero;
  const real c0 = select(to_zero, boxed(y.re), y.re), d0 = select(to_zero, boxed(y.im), y.im);
  const real a0 = select(to_zero, x.re * 0.0, select(grows, boxed(x.re), x.re));
  const real b0 = select(to_zero, x.im * 0.0, select(grows, boxed(x.im), x.im));

  const real factor = power_of_two(0 - exponent_of(larger(abs(c0), abs(d0))));
  const real c = c0 * factor, d = d0 * factor;
  // The dividend is moved away from both ends of the range.
  const double up = at.pick<double>(0x1p64, 0x1p500);
  const real big = larger(abs(a0), abs(b0));
  const mask small = big<1 / up, large = big> at.pick<double>(0x1p120, 0x1p1000);
  const real lift = select(small, at.number(up), select(large, at.number(0.25), 1.0));
  const real back = select(small, at.number(1 / up), select(large, at.number(4.0), 1.0));
  const real a = a0 * lift, b = b0 * lift;
  const real size = fma(c, c, d * d);
  real re = sum_of_products(a, c, b, d) / size * factor * back;
  real im = sum_of_products(b, c, -a, d) / size * factor * back;
  re = select(grows, re * at.number(at.infinity()), re);
  im = select(grows, im * at.number(at.infinity()), im);
  const mask by_zero = size == 0.0;
  const real pole = copysign(at.number(at.infinity()), y.re);
  return {select(by_zero, x.re * pole, re), select(by_zero, x.im * pole, im)};
}

}  // namespace wherry::compile::math
