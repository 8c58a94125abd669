// float_convert.hpp: floating-point element types on the host: bit patterns to numbers and back.
//
// One description per format (exponent and mantissa bits, bias, which patterns are special) serves every
// type from f4 to f64. Decoding is exact: a double holds every value of every format. Encoding rounds to
// nearest, ties to even. Values beyond the largest become infinity, NaN in formats without infinity, and
// the largest value in formats without NaN. The formats are those of the OCP specifications for 8-bit and
// microscaling types and of LLVM's APFloat for the `fnuz` variants.
//
// Threads: any (pure functions); the rounding mode must be the default one.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <wherry/array/dtype.hpp>

namespace wherry {

struct float_format {
  /// What the patterns with the largest exponent mean.
  enum class specials : std::uint8_t {
    ieee,      // infinities and NaNs
    nan_ones,  // all ones is NaN, no infinity ("fn")
    nan_zero,  // minus zero is NaN, no infinity ("fnuz")
    none,      // neither
  };
  int exponent_bits;
  int mantissa_bits;
  int bias;
  specials special;
  bool has_sign = true;

  constexpr int bits() const noexcept { return exponent_bits + mantissa_bits + (has_sign ? 1 : 0); }
  constexpr std::uint64_t mantissa_mask() const noexcept { return (std::uint64_t{1} << mantissa_bits) - 1; }
  constexpr std::uint64_t exponent_mask() const noexcept { return (std::uint64_t{1} << exponent_bits) - 1; }
  constexpr std::uint64_t sign_bit() const noexcept {
    return has_sign ? std::uint64_t{1} << (exponent_bits + mantissa_bits) : 0;
  }
  /// All bits but the sign.
  constexpr std::uint64_t magnitude_mask() const noexcept {
    return (std::uint64_t{1} << (exponent_bits + mantissa_bits)) - 1;
  }
};

/// Returns the format of a floating-point type. Precondition: `is_float(type)`.
constexpr float_format format_of(dtype type) noexcept {
  using enum float_format::specials;
  switch (type) {
    case dtype::f16:
      return {5, 10, 15, ieee};
    case dtype::bf16:
      return {8, 7, 127, ieee};
    case dtype::f32:
      return {8, 23, 127, ieee};
    case dtype::f8e4m3fn:
      return {4, 3, 7, nan_ones};
    case dtype::f8e5m2:
      return {5, 2, 15, ieee};
    case dtype::f8e4m3fnuz:
      return {4, 3, 8, nan_zero};
    case dtype::f8e5m2fnuz:
      return {5, 2, 16, nan_zero};
    case dtype::f8e4m3b11fnuz:
      return {4, 3, 11, nan_zero};
    case dtype::f8e4m3:
      return {4, 3, 7, ieee};
    case dtype::f8e3m4:
      return {3, 4, 3, ieee};
    case dtype::f8e8m0fnu:
      return {8, 0, 127, nan_ones, false};
    case dtype::f6e2m3fn:
      return {2, 3, 1, none};
    case dtype::f6e3m2fn:
      return {3, 2, 3, none};
    case dtype::f4e2m1fn:
      return {2, 1, 1, none};
    default:
      return {11, 52, 1023, ieee};
  }
}

/// True if the pattern is a NaN of the format.
constexpr bool is_nan_pattern(const float_format& f, std::uint64_t bits) noexcept {
  const std::uint64_t magnitude = bits & f.magnitude_mask();
  switch (f.special) {
    case float_format::specials::ieee:
      return magnitude > f.exponent_mask() << f.mantissa_bits;
    case float_format::specials::nan_ones:
      return magnitude == f.magnitude_mask();
    case float_format::specials::nan_zero:
      return magnitude == 0 && (bits & f.sign_bit()) != 0;
    case float_format::specials::none:
      break;
  }
  return false;
}

/// True if the pattern is an infinity of the format.
constexpr bool is_infinity_pattern(const float_format& f, std::uint64_t bits) noexcept {
  return f.special == float_format::specials::ieee && (bits & f.magnitude_mask()) == f.exponent_mask()
                                                                                         << f.mantissa_bits;
}

/// Returns the number that the pattern stands for, exactly.
inline double decode_float(const float_format& f, std::uint64_t bits) noexcept {
  const std::uint64_t magnitude = bits & f.magnitude_mask();
  const std::uint64_t hidden = std::uint64_t{1} << f.mantissa_bits;
  // Most numbers are normal in both formats: only the bias and the place of the bits differ.
  if (f.has_sign && f.bias < 1023 && magnitude - hidden < (f.exponent_mask() - 1) << f.mantissa_bits) {
    return std::bit_cast<double>(
        ((bits & f.sign_bit()) != 0 ? std::uint64_t{1} << 63 : 0) |
        ((magnitude << (52 - f.mantissa_bits)) + (static_cast<std::uint64_t>(1023 - f.bias) << 52)));
  }
  const double sign = (bits & f.sign_bit()) != 0 ? -1.0 : 1.0;
  if (is_nan_pattern(f, bits)) return std::numeric_limits<double>::quiet_NaN();
  if (is_infinity_pattern(f, bits)) return sign * std::numeric_limits<double>::infinity();
  const auto exponent = static_cast<int>((bits >> f.mantissa_bits) & f.exponent_mask());
  const auto mantissa = static_cast<double>(bits & f.mantissa_mask());
  if (!f.has_sign) return std::ldexp(1.0, exponent - f.bias);  // e8m0: a power of two, no zero
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - f.bias - f.mantissa_bits);
  return sign * std::ldexp(static_cast<double>(hidden) + mantissa, exponent - f.bias - f.mantissa_bits);
}

/// Returns the pattern nearest to `value`, ties to even.
inline std::uint64_t encode_float(const float_format& f, double value) noexcept {
  using enum float_format::specials;
  const std::uint64_t sign = std::signbit(value) ? f.sign_bit() : 0;
  const std::uint64_t infinity = f.exponent_mask() << f.mantissa_bits;
  const std::uint64_t nan = f.special == ieee       ? infinity | std::uint64_t{1} << (f.mantissa_bits - 1)
                            : f.special == nan_ones ? f.magnitude_mask()
                            : f.special == nan_zero ? f.sign_bit()
                                                    : f.magnitude_mask();
  if (std::isnan(value) || (!f.has_sign && value <= 0)) return f.special == nan_zero ? nan : sign | nan;
  const std::uint64_t largest = f.special == ieee       ? infinity - 1
                                : f.special == nan_ones ? f.magnitude_mask() - 1
                                                        : f.magnitude_mask();
  if (f.has_sign && f.mantissa_bits < 52) {
    // Most results are normal: round at the last bit that stays, exchange the bias, see whether it fits.
    const int shift = 52 - f.mantissa_bits;
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value) & ~(std::uint64_t{1} << 63);
    const std::uint64_t rounded = bits + ((std::uint64_t{1} << (shift - 1)) - 1) + ((bits >> shift) & 1);
    const std::uint64_t pattern =
        (rounded >> shift) - (static_cast<std::uint64_t>(1023 - f.bias) << f.mantissa_bits);
    const std::uint64_t smallest = std::uint64_t{1} << f.mantissa_bits;
    if (pattern - smallest <= largest - smallest) return sign | pattern;
  }
  const auto overflow = [&]() -> std::uint64_t {
    if (f.special == ieee) return sign | infinity;
    if (f.special == nan_zero) return nan;
    return sign | (f.special == nan_ones ? nan : largest);
  };
  if (std::isinf(value)) return overflow();
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return f.special == nan_zero ? 0 : sign;
  int exponent = 0;
  (void)std::frexp(magnitude, &exponent);  // magnitude = [0.5, 1) * 2^exponent
  const int smallest = f.has_sign ? 1 - f.bias : -f.bias;
  int power = exponent - 1 < smallest ? smallest : exponent - 1;
  // In units of the last place at this power: an integer after rounding, at most 2^(mantissa_bits + 1).
  auto scaled = static_cast<std::uint64_t>(std::nearbyint(std::ldexp(magnitude, f.mantissa_bits - power)));
  if (!f.has_sign) {
    if (scaled > 1) ++power;
    const int biased = power + f.bias;
    return biased >= static_cast<int>(f.magnitude_mask()) ? overflow() : static_cast<std::uint64_t>(biased);
  }
  const std::uint64_t hidden = std::uint64_t{1} << f.mantissa_bits;
  // A carry out of the mantissa moves into the exponent by itself; below `hidden` the number is denormal.
  const std::uint64_t pattern =
      scaled < hidden ? scaled
                      : (static_cast<std::uint64_t>(power + f.bias) << f.mantissa_bits) + (scaled - hidden);
  if (pattern > largest) return overflow();
  if (f.special == nan_zero && pattern == 0) return 0;
  return sign | pattern;
}

inline float to_float(float16 x) noexcept {
  return static_cast<float>(decode_float(format_of(dtype::f16), x.bits));
}
inline float to_float(bfloat16 x) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16);
}

/// Returns `x` rounded once, to nearest, ties to even.
inline float16 to_float16(double x) noexcept {
  return {static_cast<std::uint16_t>(encode_float(format_of(dtype::f16), x))};
}
inline bfloat16 to_bfloat16(double x) noexcept {
  return {static_cast<std::uint16_t>(encode_float(format_of(dtype::bf16), x))};
}

}  // namespace wherry
