// element.hpp: one element of an array as a number or as text, whatever its type.
//
// For printing, comparing and tests: places that meet every element type and where a switch an element
// costs nothing that matters. Elements are counted in row-major order.
//
// Threads: any, as for reading an array.
#pragma once

#include <array>
#include <charconv>
#include <complex>
#include <cstring>
#include <string>
#include <vector>
#include <wherry/array/array.hpp>
#include <wherry/array/float_convert.hpp>

namespace wherry {

/// Returns the bytes of element `index` as an unsigned number, low bytes first; the real part of a complex
/// number, or its imaginary part for `part` 1. Precondition: the element exists.
inline std::uint64_t element_bits(const array& a, std::int64_t index, int part = 0) noexcept {
  std::size_t bytes = size_of(a.dtype());
  const std::byte* at = a.bytes().data() + static_cast<std::size_t>(index) * bytes;
  if (is_complex(a.dtype())) {
    bytes /= 2;
    at += static_cast<std::size_t>(part) * bytes;
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, at, bytes);
  return bits;
}

/// The type of a complex type's parts; any other type itself.
constexpr dtype part_of(dtype type) noexcept {
  return type == dtype::c64 ? dtype::f32 : type == dtype::c128 ? dtype::f64 : type;
}

/// Returns an integer element, sign-extended; unsigned 64-bit values keep their bits.
inline std::int64_t element_integer(const array& a, std::int64_t index) noexcept {
  const std::uint64_t bits = element_bits(a, index);
  if (!is_signed_integer(a.dtype())) return static_cast<std::int64_t>(bits);
  const int unused = 64 - 8 * static_cast<int>(size_of(a.dtype()));
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

/// Returns an element of a real type as a double, rounded if it is a 64-bit integer; a part of a complex one.
inline double element_double(const array& a, std::int64_t index, int part = 0) noexcept {
  const dtype type = part_of(a.dtype());
  const std::uint64_t bits = element_bits(a, index, part);
  if (type == dtype::f32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (type == dtype::f64) return std::bit_cast<double>(bits);
  if (is_float(type)) return decode_float(format_of(type), bits);
  if (is_signed_integer(type)) return static_cast<double>(element_integer(a, index));
  return static_cast<double>(bits);
}

/// Returns the coordinates of element `index` as text, `[1, 0, 2]`; `[]` in a scalar.
inline std::string index_text(const shape& dims, std::int64_t index) {
  std::string text = "]";
  for (std::size_t axis = dims.rank(); axis-- > 0;) {
    text.insert(0, (axis ? ", " : "") + std::to_string(index % dims[axis]));
    index /= dims[axis];
  }
  return "[" + text;
}

namespace detail {

/// The shortest decimal text that `type` reads back as exactly `bits`, always with a point; non-finite
/// values as MLIR spells them, in hexadecimal bits.
inline std::string float_literal(dtype type, std::uint64_t bits) {
  const float_format f = format_of(type);
  std::array<char, 32> text{};
  if (is_nan_pattern(f, bits) || is_infinity_pattern(f, bits)) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string hex = "0x";
    for (int nibble = (f.bits() + 3) / 4 - 1; nibble >= 0; --nibble)
      hex += digits[(bits >> (4 * nibble)) & 15];
    return hex;
  }
  const double value = decode_float(f, bits);
  std::to_chars_result end{};
  if (type == dtype::f64) {
    end = std::to_chars(text.data(), text.data() + text.size(), value);
  } else if (type == dtype::f32) {
    end = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value));
  } else {
    for (int digits = 1; digits <= 9; ++digits) {
      end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, digits);
      double back = 0;
      std::from_chars(text.data(), end.ptr, back);
      if (encode_float(f, back) == bits) break;
    }
  }
  std::string shortest(text.data(), end.ptr);
  if (shortest.find('.') == std::string::npos) {
    const std::size_t exponent = shortest.find('e');
    shortest.insert(exponent == std::string::npos ? shortest.size() : exponent, ".0");
  }
  return shortest;
}

/// Six significant digits at most, without trailing zeros; `nan`, `inf`, `-inf`.
inline std::string float_text(dtype type, std::uint64_t bits) {
  const double value = type == dtype::f64   ? std::bit_cast<double>(bits)
                       : type == dtype::f32 ? std::bit_cast<float>(static_cast<std::uint32_t>(bits))
                                            : decode_float(format_of(type), bits);
  if (std::isnan(value)) return "nan";
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 6);
  return {text.data(), end.ptr};
}

}  // namespace detail

/// Returns element `index` as StableHLO writes it: `true`, `-3`, `1.5`, `0x7FC00000` for a NaN,
/// `(1.0, -2.0)`. Reading the text back gives the same bits, but for the payload of f8 NaNs of one pattern.
inline std::string element_literal(const array& a, std::int64_t index) {
  const dtype type = a.dtype();
  if (type == dtype::boolean) return element_bits(a, index) ? "true" : "false";
  if (is_signed_integer(type)) return std::to_string(element_integer(a, index));
  if (is_integer(type)) return std::to_string(element_bits(a, index));
  if (!is_complex(type)) return detail::float_literal(type, element_bits(a, index));
  const dtype part = part_of(type);
  return "(" + detail::float_literal(part, element_bits(a, index, 0)) + ", " +
         detail::float_literal(part, element_bits(a, index, 1)) + ")";
}

/// Returns element `index` for people: `true`, `-3`, `0.333333`, `nan`, `1-2i`.
inline std::string element_text(const array& a, std::int64_t index) {
  const dtype type = a.dtype();
  if (is_float(type)) return detail::float_text(type, element_bits(a, index));
  if (!is_complex(type)) return element_literal(a, index);
  const dtype part = part_of(type);
  std::string imaginary = detail::float_text(part, element_bits(a, index, 1));
  if (imaginary.front() != '-') imaginary.insert(0, "+");
  return detail::float_text(part, element_bits(a, index, 0)) + imaginary + "i";
}

}  // namespace wherry
