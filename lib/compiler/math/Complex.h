// Complex.h: elementary functions of complex numbers.
//
// Each is a template over the number it computes with, see Twofold.h: complex<f32> is widened to f64 and
// computed with `real`, complex<f64> with `twofold` where rounding errors would show. In the first case no
// product of a few numbers leaves the range of f64, so the scaling that the second needs is left out.
//
// Components are right by themselves, not only in proportion to the magnitude. Infinities, NaN and signed
// zeros follow annex G of the C standard, in particular at the branch cuts.
#pragma once

#include "Twofold.h"

namespace wherry::compile::math {

struct complex {
  real re, im;
};

/// exp(x) = 2^exponent (1 + less_one), with `less_one` to its own last place.
template <class N>
struct exponential {
  N less_one;
  bits exponent;
};
template <class N>
struct circular {
  N sin, cos;
};

// Exponential.cpp. Precondition: |x| < 2000.
exponential<real> exp_reduced(real x);
exponential<twofold> exp_reduced(twofold x);

// Trigonometric.cpp

/// `with_low`: as exact as `sin` and `cos` are; otherwise the angle itself may be off by an ulp.
circular<real> sin_cos(real x, bool with_low);
/// To about 2^-60. Precondition: x.low is at most a few ulp of x.high.
circular<twofold> sin_cos(twofold x);
/// cos(x) - 1 to its own last place, too.
template <class N>
struct circular_less_one {
  N sin, cos, cos_less_one;
};
circular_less_one<real> sin_cos_less_one(real x);
circular_less_one<twofold> sin_cos_less_one(twofold x);

/// sin and cos of pi x, for |x| <= 1/2.
circular<real> sin_cos_pi(real x);

// Logarithm.cpp

/// log(u) for u >= 0, where `less_one` is u - 1 to its own last place (used when u is near 1).
real log_near(real u, real less_one);
/// log(u) for u >= 0 and n * log(2), where u - 1 is `less_one` if that is near 0.
real log_near(twofold u, twofold less_one, mask near, real n);

// ComplexExponential.cpp
template <class N>
complex exp(complex z);
template <class N>
complex expm1(complex z);
template <class N>
complex logistic(complex z);
template <class N>
complex sinh(complex z);
template <class N>
complex cosh(complex z);
template <class N>
complex tanh(complex z);
template <class N>
complex sin(complex z);
template <class N>
complex cos(complex z);
template <class N>
complex tan(complex z);

// ComplexLogarithm.cpp
template <class N>
complex log(complex z);
template <class N>
complex log1p(complex z);
template <class N>
complex pow(complex z, complex w);

// ComplexRoot.cpp
template <class N>
complex sqrt(complex z);
template <class N>
complex rsqrt(complex z);
template <class N>
complex cbrt(complex z);

// ComplexInverse.cpp
template <class N>
complex asin(complex z);
template <class N>
complex acos(complex z);
template <class N>
complex asinh(complex z);
template <class N>
complex acosh(complex z);
template <class N>
complex atan(complex z);
template <class N>
complex atanh(complex z);

// ComplexQuotient.cpp

/// In the numbers' own precision. A finite number over zero is infinite, over infinity zero.
complex quotient(complex x, complex y);

/// Tells which power of two makes `big` a number near 1; 0 and infinity get the ends of the range.
inline bits exponent_of(real big) {
  lanes& at = *big.at;
  const bits e = shift_logical(as_bits(big), at.mantissa_bits()) - at.bias();
  const int64_t most = at.bias() - 1;
  const bits low = select(e < -most, at.integer(-most), e);
  return select(low > most, at.integer(most), low);
}
inline real larger(real a, real b) { return select(a > b, a, b); }
inline mask is_infinite(complex z) {
  return (abs(z.re) == z.re.at->infinity()) | (abs(z.im) == z.re.at->infinity());
}
inline mask is_finite(real a) { return abs(a) < a.at->infinity(); }

}  // namespace wherry::compile::math
