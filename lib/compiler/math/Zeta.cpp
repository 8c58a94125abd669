// Zeta.cpp: Hurwitz's zeta function and the derivatives of digamma.
//
// Euler and Maclaurin's sum: at least nine terms (q + k)^-x one by one, until a = q + k is 10 or more; for
// the rest a^-x (a / (x - 1) + 1/2 + a series in x / a with Bernoulli's numbers).
#include "Complex.h"

namespace wherry::compile::math {

namespace {

// B(2 k) / (2 k)! for k = 1, 2, ...
constexpr double bernoulli[] = {0.08333333333333333,    -0.001388888888888889,   3.306878306878307e-05,
                                -8.267195767195768e-07, 2.08767569878681e-08,    -5.284190138687493e-10,
                                1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
                                -2.174868698558062e-16, 5.5090028283602295e-18,  -1.3954464685812522e-19};

constexpr double most_terms = 1100;  // for q below -1000 the result is NaN

}  // namespace

real zeta(real x, real q) {
  lanes& at = *x.at;
  const real zero = at.number(0.0);
  // The state: the sum in two parts, a, a^-x, the number of terms, and 1 once the sum has ended. Then a
  // stays, and a^-x is that of the rest.
  const auto state = at.while_any(
      {zero.value, zero.value, q.value, zero.value, zero.value, zero.value},
      [&](llvm::ArrayRef<mlir::Value> s) { return at.wrap(s[5]) == 0.0; },
      [&](llvm::ArrayRef<mlir::Value> s) {
        const real a = at.wrap(s[2]), count = at.wrap(s[4]);
        const mask ends = (!(a < 10.0) & (count >= 9.0)) | (count >= most_terms);
        const real p = pow(a, -x);
        const twofold sum = two_sum(at.wrap(s[0]), select(ends, 0.0, p));
        return llvm::SmallVector<mlir::Value>{sum.high.value,
                                              (at.wrap(s[1]) + sum.low).value,
                                              select(ends, a, a + 1.0).value,
                                              p.value,
                                              (count + 1.0).value,
                                              select(ends, at.number(1.0), 0.0).value};
      });
  const real high = at.wrap(state[0]), low = at.wrap(state[1]), a = at.wrap(state[2]), p = at.wrap(state[3]);
  // Where x is much larger than a the rest is nothing, and the series must not overflow.
  const real bound = a * 50.0;
  const real ratio_x = select(x > bound, bound, x);
  const real inverse = 1.0 / a, r = ratio_x * inverse;
  const size_t terms = at.pick(6, 12);
  real series = at.number(bernoulli[terms - 1]);
  for (size_t k = terms - 1; k > 0; --k) {
    const real step =
        fma(inverse, 2.0 * static_cast<double>(k) - 1.0, r) * fma(inverse, 2.0 * static_cast<double>(k), r);
    series = fma(step, series, bernoulli[k - 1]);
  }
  const real rest = p * (a / (x - 1.0) + fma(r, series, 0.5));
  real result = high + (low + rest);
  const mask pole = (x == 1.0) | (!(q > 0.0) & (floor(q) == q));
  result = select((x < 1.0) | (q < -1000.0), at.nan(), result);
  return select(pole & !(x < 1.0), at.infinity(), result);
}

// (-1)^(n + 1) n! zeta(n + 1, x), where the factorial is the exponential of a logarithm in two parts.
real polygamma(real n, real x) {
  lanes& at = *x.at;
  const real s = n + 1.0;
  const real factorial = select(s < 2.5, 1.0, exp(lgamma_far(s)));
  const real size = factorial * zeta(s, x);
  const real half = s * 0.5;
  const real signed_size = select(floor(half) == half, size, -size);
  const mask valid = (floor(n) == n) & (n >= 0.0);
  return select(valid, select(n == 0.0, digamma(x), signed_size), at.nan());
}

}  // namespace wherry::compile::math
