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

/// exp(factor) times the sum of (q + k)^-x over all k >= 0. For q < 0, x is a whole number.
real sum_of_powers(real x, real q, twofold factor) {
  lanes& at = *x.at;
  const real zero = at.number(0.0);
  const real bounded = clamp(x, -0x1p70, 0x1p70), half = x * 0.5;
  const mask odd = floor(half) != half;
  // The state: the sum in two parts, the power of the last a = q + count, the number of terms, and 1 once the
  // sum has ended. Then the count stays, and the power is that of the rest. What a loses in rounding would be
  // multiplied by x.
  const auto state = at.while_any(
      {zero.value, zero.value, zero.value, zero.value, zero.value},
      [&](llvm::ArrayRef<mlir::Value> s) { return at.wrap(s[4]) == 0.0; },
      [&](llvm::ArrayRef<mlir::Value> s) {
        const real count = at.wrap(s[3]);
        const twofold a = two_sum(q, count);
        const mask ends = (!(a.high < 10.0) & (count >= 9.0)) | (count >= most_terms);
        const twofold log_a = log_twofold(abs(a.high)) + a.low / a.high;
        const real size = exp(factor + -(log_a * bounded));
        const real p = select((a.high < 0.0) & odd, -size, size);
        const twofold sum = two_sum(at.wrap(s[0]), select(ends, 0.0, p));
        return llvm::SmallVector<mlir::Value>{sum.high.value, (at.wrap(s[1]) + sum.low).value, p.value,
                                              select(ends, count, count + 1.0).value,
                                              select(ends, at.number(1.0), 0.0).value};
      });
  const real high = at.wrap(state[0]), low = at.wrap(state[1]), p = at.wrap(state[2]),
             a = q + at.wrap(state[3]);
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
  return select(abs(high) == at.infinity(), high, high + (low + rest));
}

/// `result` but at the poles, the whole numbers up to 0, and where the sum is not defined or too long.
real with_poles(real x, real q, real result) {
  lanes& at = *x.at;
  const mask pole = (x == 1.0) | (!(q > 0.0) & (floor(q) == q));
  const mask undefined = is_nan(x) | is_nan(q) | (x < 1.0) | (!pole & (q < -1000.0));
  return select(undefined, at.nan(), select(pole, at.infinity(), result));
}

}  // namespace

// Left of 0 terms of both signs cancel: those of f32 are summed in f64.
real zeta(real x, real q) {
  lanes& at = *x.at;
  const mask negative = q < 0.0, undefined = negative & (floor(x) != x) & (floor(q) != q);
  const auto sum = [](llvm::ArrayRef<real> of) {
    const real zero = of[0].at->number(0.0);
    return sum_of_powers(of[0], of[1], {zero, zero});
  };
  real total = sum({x, q});
  if (at.single())
    total = at.wrap(at.if_any(negative, {total.value}, [&] {
      return llvm::SmallVector<mlir::Value>{select(negative, in_double({x, q}, sum), total).value};
    })[0]);
  return select(undefined, at.nan(), with_poles(x, q, total));
}

// (-1)^(n + 1) n! zeta(n + 1, x); the factorial goes into every term, where it may keep it in range.
real polygamma(real n, real x) {
  lanes& at = *x.at;
  const real s = n + 1.0;
  const auto sum = [](llvm::ArrayRef<real> of) {
    const real none = of[0].at->number(0.0);
    return sum_of_powers(of[0], of[1], select(of[0] < 2.5, twofold{none, none}, lgamma_far(of[0])));
  };
  const mask negative = x < 0.0;
  real total = sum({s, x});
  if (at.single())
    total = at.wrap(at.if_any(negative, {total.value}, [&] {
      return llvm::SmallVector<mlir::Value>{select(negative, in_double({s, x}, sum), total).value};
    })[0]);
  const real size = with_poles(s, x, total);
  const real half = s * 0.5;
  const real signed_size = select(floor(half) == half, size, -size);
  const mask valid = (floor(n) == n) & (n >= 0.0);
  return select(valid, select(n == 0.0, digamma(x), signed_size), at.nan());
}

}  // namespace wherry::compile::math
