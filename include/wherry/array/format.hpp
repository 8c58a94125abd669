// format.hpp: the elements of an array as StableHLO literals, one text each.
//
// `literal` (literal.hpp) writes a whole array, with as few digits as identify each number. Here every number
// of a type has the same, sufficient number of digits: `1.23000002e+00` in f32. Both read back as the same
// bits.
//
// Threads: any, as for reading an array.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <vector>
#include <wherry/array/buffer.hpp>
#include <wherry/array/element.hpp>

namespace wherry {

/// The texts of an array's elements, in row-major order.
struct formatted_array {
  shape dims;
  std::vector<std::string> elements;
};

namespace detail {

/// The significant digits that tell every two values of a floating-point type apart.
constexpr int sufficient_digits(dtype type) noexcept {
  // 1 + ceil(p * log10(2)) of a significand of p bits
  const int bits = format_of(type).mantissa_bits + 1;
  return 1 + (bits * 30103 + 99999) / 100000;
}

inline std::string fixed_literal(dtype type, std::uint64_t bits) {
  const float_format f = format_of(type);
  if (is_nan_pattern(f, bits) || is_infinity_pattern(f, bits)) return float_literal(type, bits);
  std::array<char, 40> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%.*e", sufficient_digits(type) - 1, decode_float(f, bits));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace detail

/// Returns element `index`: `true`, `-3`, `1.50000000e+00`, `0x7FC00000` for a NaN, `(1.0e+00, 2.0e+00)` with
/// as many digits in each part.
inline std::string format_element(const array& a, std::int64_t index) {
  const dtype part = part_of(a.dtype());
  if (!is_float(part)) return element_literal(a, index);
  const std::string real = detail::fixed_literal(part, element_bits(a, index));
  if (!is_complex(a.dtype())) return real;
  return "(" + real + ", " + detail::fixed_literal(part, element_bits(a, index, 1)) + ")";
}

/// Returns the texts of all elements.
inline formatted_array format(const array& a) {
  formatted_array result{a.dims(), {}};
  result.elements.reserve(static_cast<std::size_t>(a.size()));
  for (std::int64_t k = 0; k < a.size(); ++k) result.elements.push_back(format_element(a, k));
  return result;
}
/// Waits for the contents; throws their failure.
inline formatted_array format(const buffer& b) { return format(b.value()); }

}  // namespace wherry
