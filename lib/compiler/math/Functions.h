// Functions.h: one expansion per elementary function.
//
// Each takes and returns values of one type and holds for every argument; what an expansion relies on is said
// where it is defined.
#pragma once

#include "Lanes.h"

namespace wherry::compile::math {

/// high + low, not evaluated: about twice the significant bits. |low| is at most an ulp of `high`.
struct twofold {
  real high, low;
};

// Exponential.cpp

/// significand * 2^exponent, with the significand near 1.
struct scaled_real {
  twofold significand;
  bits exponent;
};

real exp(real x);
/// Returns exp(x). Precondition: |x| < 80 or x is NaN.
real exp_in_range(real x);
/// Returns exp(high + low); `low` may be anything where |high| puts the result beyond all numbers.
real exp(twofold x);
/// As above, before the parts are put together; clamped to a little beyond the range of results.
scaled_real exp_parts(twofold x);
/// Returns m * 2^exponent, rounded once.
real scale(real m, bits exponent);
real expm1(real x);
/// Return expm1(x) / 2 and exp(x) / 2, finite where expm1(x) and exp(x) are not any more.
/// Precondition: x >= 0 or NaN.
real half_expm1(real x);
real half_exp(real x);
real logistic(real x);
real tanh(real x);
real sinh(real x);
real cosh(real x);

// Logarithm.cpp

real log(real x);
real log1p(real x);
/// Returns log1p(x) + n * log(2) for a small integer n.
real log1p_plus(real x, real n);
/// Precondition: x is positive and finite; the result for any other is unspecified.
twofold log_twofold(real x);
real asinh(real x);
real acosh(real x);
real atanh(real x);

// Reduction.cpp

/// x = quadrant * pi/2 + angle, with |angle| at most a little above pi/4; `quadrant` is exact modulo 4.
struct reduced_angle {
  twofold angle;
  bits quadrant;
};

/// Precondition: x >= 0 or NaN; infinity gives NaN. `angle.low` is null unless `with_low`.
reduced_angle reduce_angle(real x, bool with_low);

// Trigonometric.cpp

real sin(real x);
real cos(real x);
real tan(real x);

// Inverse.cpp

real atan(real x);
real atan2(real y, real x);
real asin(real x);
real acos(real x);

// Power.cpp

real rsqrt(real x);
real cbrt(real x);
real pow(real x, real y);

// Error.cpp

real erf(real x);
real erfc(real x);
real erf_inv(real x);

// Gamma.cpp

real lgamma(real x);
real digamma(real x);
/// Precondition: a >= 2.5 or NaN.
twofold lgamma_far(real a);

// Zeta.cpp

/// The sum of (q + k)^-x over all k >= 0.
real zeta(real x, real q);
/// The derivative of digamma of order n, a number that is whole and not negative.
real polygamma(real n, real x);

// Bessel.cpp

/// exp(-|x|) I1(x)
real bessel_i1e(real x);

// Remainder.cpp

real rem(real x, real y);

}  // namespace wherry::compile::math
