// Reduction.cpp: arguments of sin, cos and tan modulo pi/2.
//
// Up to 2^16 (f32) or 2^28 (f64): multiples of pi/2 are taken off in three parts; the first fused step is
// exact. Beyond: Payne and Hanek's method (SIGNUM 18, 1983). x = m 2^e with an integer m; of the bits of 2/pi
// only those matter that neither make m 2^e 2/pi a multiple of 4 nor fall below the result, so a window of
// the bits times m, modulo 2^64 or 2^192, holds the quadrant in its two highest bits and the fraction below.
#include "Coefficients.h"
#include "Functions.h"

namespace wherry::compile::math {

namespace {

using coefficients::two_over_pi;

/// In quarter turns, as numbers: whole + high + low.
struct turns {
  bits quadrant;
  real high, low;
};

/// The 64 bits of high:low that start `shift` bits below the top of `high`, 0 <= shift < 64.
bits window(bits high, bits low, bits shift) {
  return (high << shift) | shift_logical(shift_logical(low, 1), 63 - shift);
}

bits low_half(bits a) { return a & 0xffffffff; }
bits high_half(bits a) { return shift_logical(a, 32); }

/// The high 64 bits of a * b for a < 2^63, unsigned.
bits multiply_high(bits a, bits b) {
  const bits a0 = low_half(a), a1 = high_half(a), b0 = low_half(b), b1 = high_half(b);
  const bits cross = a0 * b1 + high_half(a0 * b0);
  const bits other = a1 * b0 + low_half(cross);
  return a1 * b1 + high_half(cross) + high_half(other);
}

/// Splits a 64-bit fraction of four quarter turns: the nearest whole quarter, and the signed rest in units of
/// 2^-62.
std::pair<bits, bits> nearest_quarter(bits fraction) {
  const bits quadrant = shift_logical(fraction + (int64_t{1} << 61), 62);
  return {quadrant, fraction - (quadrant << 62)};
}

// f32: 24-bit m, 2^-8 <= 2^e. The first 64 bits of the window start at weight 2^(1-e), 32 more bound the
// error by 2^-61.
turns large_turns_single(real x) {
  lanes& at = *x.at;
  mlir::OpBuilder& builder = at.builder();
  mlir::Type wide_real = builder.getF64Type();
  if (auto vector = llvm::dyn_cast<mlir::VectorType>(x.value.getType())) wide_real = vector.clone(wide_real);
  lanes wide(builder, at.loc(), wide_real);
  const auto widen = [&](bits a) {
    return bits{&wide, mlir::arith::ExtUIOp::create(builder, at.loc(), wide.bits_type(), a.value)};
  };
  const bits raw = as_bits(x);
  const bits m = widen((raw & 0x7fffff) | at.integer(0x800000));
  const bits offset = widen(shift_logical(raw, 23) - (150 - 14));
  // The table from its bit 16 on: 16 zero bits, then 2/pi.
  const auto word = [&](int i) {
    return wide.integer(static_cast<int64_t>(two_over_pi[i] << 16 | two_over_pi[i + 1] >> 48));
  };
  const mask second = offset > 63;
  const bits w0 = select(second, word(1), word(0)), w1 = select(second, word(2), word(1)),
             w2 = select(second, word(3), word(2));
  const bits shift = offset & 63;
  const bits fraction = m * window(w0, w1, shift) + high_half(m * high_half(window(w1, w2, shift)));
  const auto [quadrant, rest] = nearest_quarter(fraction);
  const auto narrow = [&](bits a) {
    return bits{&at, mlir::arith::TruncIOp::create(builder, at.loc(), at.bits_type(), a.value)};
  };
  // 62 bits as a sum of numbers of 24, 24 and 14 bits, each exact.
  const real a = to_real(narrow(rest >> 38)) * 0x1p-24;
  const real b = to_real(narrow((rest >> 14) & 0xffffff)) * 0x1p-48;
  const real c = to_real(narrow(rest & 0x3fff)) * 0x1p-62;
  const real high = a + b;
  return {narrow(quadrant), high, (b - (high - a)) + c};
}

// f64: 53-bit m, 2^-24 <= 2^e. Of the product of m and 192 bits of the window the upper 128 are computed.
turns large_turns_double(real x) {
  lanes& at = *x.at;
  const bits raw = as_bits(x);
  const bits m = (raw & 0xfffffffffffff) | at.integer(0x10000000000000);
  const bits offset = shift_logical(raw, 52) - (1075 - 30);
  llvm::SmallVector<bits> words;
  for (uint64_t w : two_over_pi) words.push_back(at.integer(static_cast<int64_t>(w)));
  // Four words from word offset / 64 on: a binary shift by 8, 4, 2, 1 words.
  for (int step = 8; step; step /= 2) {
    const mask move = (offset & (64 * step)) != 0;
    const int needed = 4 + step - 1;
    for (int i = 0; i < needed; ++i) words[i] = select(move, words[i + step], words[i]);
  }
  const bits shift = offset & 63;
  const bits a0 = window(words[0], words[1], shift), a1 = window(words[1], words[2], shift),
             a2 = window(words[2], words[3], shift);
  const bits product = m * a1;
  const bits low_word = product + multiply_high(m, a2);
  const mask carry = compare(mlir::arith::CmpIPredicate::ult, low_word, product);
  const bits high_word = m * a0 + multiply_high(m, a1) + select(carry, at.integer(1), at.integer(0));
  const auto [quadrant, rest] = nearest_quarter(high_word);
  // rest : low_word as a sum of three numbers, of 52, 53 and 21 bits, each exact.
  const real a = to_real(rest >> 10) * 0x1p-52;
  const real b = to_real((rest & 1023) << 43 | shift_logical(low_word, 21)) * 0x1p-105;
  const real c = to_real(low_word & 0x1fffff) * 0x1p-126;
  const real high = a + b;
  return {quadrant, high, (b - (high - a)) + c};
}

double half_pi(lanes& at, int part) {
  static constexpr double in_f32[] = {0x1.921fb6p0, -0x1.777a5cp-25, -0x1.ee59dap-50};
  static constexpr double in_f64[] = {0x1.921fb54442d18p0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  return at.pick(in_f32[part], in_f64[part]);
}

reduced_angle large_angle(real x) {
  lanes& at = *x.at;
  const turns t = at.single() ? large_turns_single(x) : large_turns_double(x);
  const double first = half_pi(at, 0), second = half_pi(at, 1);
  const real high = t.high * first;
  const real low = fma(t.high, first, -high) + fma(t.high, second, t.low * first);
  const real invalid = x - x;  // NaN for infinity
  const real sum = high + (low + invalid);
  return {{sum, low - (sum - high)}, t.quadrant};
}

}  // namespace

reduced_angle reduce_angle(real x, bool with_low) {
  lanes& at = *x.at;
  const double shift = at.pick<double>(0x1.8p23, 0x1.8p52);
  const real shifted = fma(x, 0x1.45f306dc9c883p-1, shift);
  const real n = shifted - shift;
  const real first = fma(n, -half_pi(at, 0), x);
  real high, low;
  if (with_low) {
    const real second = n * half_pi(at, 1);
    high = first - second;
    const real lost = ((first - high) - second) - fma(n, half_pi(at, 1), -second);
    low = fma(n, -half_pi(at, 2), lost);
  } else {
    high = fma(n, -half_pi(at, 2), fma(n, -half_pi(at, 1), first));
  }
  const bits quadrant = as_bits(shifted);
  const mask large = x > at.pick<double>(0x1p16, 0x1p28);
  llvm::SmallVector<mlir::Value> usual = {quadrant.value, high.value};
  if (with_low) usual.push_back(low.value);
  const auto chosen = at.if_any(large, usual, [&] {
    const reduced_angle a = large_angle(x);
    llvm::SmallVector<mlir::Value> result = {select(large, a.quadrant, quadrant).value,
                                             select(large, a.angle.high, high).value};
    if (with_low) result.push_back(select(large, a.angle.low, low).value);
    return result;
  });
  if (with_low) low = at.wrap(chosen[2]);
  return {{at.wrap(chosen[1]), low}, {&at, chosen[0]}};
}

}  // namespace wherry::compile::math
