// Twofold.h: arithmetic with twice the precision, on unevaluated sums of two numbers.
//
// A twofold sum, product, quotient or root is off by a few units of 2^-104 (f64) or 2^-46 (f32) of its
// largest term, as long as no part leaves the range of numbers. Infinities give NaN; callers select what they
// mean.
//
// Expansions of complex functions are templates over the number they compute with: `real` where its precision
// already exceeds that of the result (f64 for complex<f32>), `twofold` where it does not.
#pragma once

#include "Functions.h"

namespace wherry::compile::math {

/// a + b, exactly. `fast_sum` holds for |a| >= |b| only.
inline twofold fast_sum(real a, real b) {
  const real s = a + b;
  return {s, b - (s - a)};
}
inline twofold two_sum(real a, real b) {
  const real s = a + b;
  const real t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
/// a * b, exactly.
inline twofold two_product(real a, real b) {
  const real p = a * b;
  return {p, fma(a, b, -p)};
}

inline twofold operator-(twofold a) { return {-a.high, -a.low}; }
inline twofold operator+(twofold a, real b) {
  const twofold s = two_sum(a.high, b);
  return fast_sum(s.high, s.low + a.low);
}
inline twofold operator+(twofold a, twofold b) {
  const twofold s = two_sum(a.high, b.high);
  return fast_sum(s.high, s.low + (a.low + b.low));
}
inline twofold operator+(twofold a, double b) { return a + a.high.at->number(b); }
inline twofold operator-(twofold a, twofold b) { return a + -b; }
inline twofold operator*(twofold a, real b) {
  const twofold p = two_product(a.high, b);
  return fast_sum(p.high, fma(a.low, b, p.low));
}
inline twofold operator*(twofold a, twofold b) {
  const twofold p = two_product(a.high, b.high);
  return fast_sum(p.high, fma(a.high, b.low, fma(a.low, b.high, p.low)));
}
inline twofold operator/(twofold a, twofold b) {
  const real q = a.high / b.high;
  const real rest = fma(-q, b.high, a.high) + fma(-q, b.low, a.low);
  return fast_sum(q, rest / b.high);
}
inline twofold operator/(real a, twofold b) {
  const real q = a / b.high;
  return fast_sum(q, fma(-q, b.low, fma(-q, b.high, a)) / b.high);
}
/// Precondition: a >= 0.
inline twofold sqrt(twofold a) {
  const real s = sqrt(a.high);
  const real rest = fma(-s, s, a.high) + a.low;
  return fast_sum(s, rest / select(s > 0.0, s + s, 1.0));
}
inline twofold select(mask m, twofold a, twofold b) {
  return {select(m, a.high, b.high), select(m, a.low, b.low)};
}

inline real rounded(real a) { return a; }
inline real rounded(twofold a) { return a.high; }

/// a * b where the products are exact: b is a power of two.
inline real times(real a, real b) { return a * b; }
inline twofold times(twofold a, real b) { return {a.high * b, a.low * b}; }
template <class N>
N times(N a, double b) {
  return times(a, rounded(a).at->number(b));
}

// Numbers of either kind, of reals.
template <class N>
constexpr bool is_twofold = false;
template <>
inline constexpr bool is_twofold<twofold> = true;

template <class N>
N sum(real a, real b) {
  if constexpr (is_twofold<N>)
    return two_sum(a, b);
  else
    return a + b;
}
template <class N>
N sum(real a, double b) {
  return sum<N>(a, a.at->number(b));
}
template <class N>
N product(real a, real b) {
  if constexpr (is_twofold<N>)
    return two_product(a, b);
  else
    return a * b;
}
template <class N>
N number(real a) {
  if constexpr (is_twofold<N>)
    return {a, a.at->number(0.0)};
  else
    return a;
}
template <class N>
N root(real a) {
  return sqrt(number<N>(a));
}
/// `a`, or 1 if it is 0.
inline real nonzero(real a) { return select(a == 0.0, 1.0, a); }
inline twofold nonzero(twofold a) { return {nonzero(a.high), a.low}; }

}  // namespace wherry::compile::math
