// convert.hpp: elements of one type as elements of another, and checks of their values.
//
// Every type converts to every other:
//   to a boolean   not zero is true, NaN too; of a complex number either part
//   to an integer  floats lose their fraction and stop at the ends of the range, NaN is 0; integers that do
//                  not fit keep their low bits, as in C++
//   to a float     rounded once, to nearest, ties to even; too large is infinity, or what `encode_float` says
//   from complex   the real part; to complex: the imaginary part is 0
// Nothing of this is an error unless a check is asked for. A byte that is no value of a type of fewer bits
// becomes one on the way, also to that type: not zero is true, other bytes keep their low bits.
//
// Elements pass in blocks through a wide type (64-bit integers, doubles, pairs of doubles), so 30 types need
// 30 loops in and 120 out, not 900.
//
// Threads: any, as for reading and writing the memory.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <wherry/array/array.hpp>
#include <wherry/array/float_convert.hpp>

namespace wherry {

/// What is asked of values that are converted; each includes the one before.
enum class value_check : std::uint8_t {
  none,
  representable,  // in range, integral for integers, real for real types; NaN and infinity only where they
                  // exist
  finite,         // and no NaN, no infinity
};

namespace detail {

/// Some elements in the wide type that holds every value of their own.
struct wide_block {
  static constexpr std::size_t length = 256;
  enum class kind : std::uint8_t { signed_integer, unsigned_integer, real, complex } what = kind::real;
  std::array<std::int64_t, length> integers;  // unsigned ones as bits
  std::array<double, length> reals;
  std::array<double, length> imaginary;
};

template <class T>
T load_element(const std::byte* from, std::size_t index) noexcept {
  T value;
  std::memcpy(&value, from + index * sizeof(T), sizeof(T));
  return value;
}
template <class T>
void store_element(std::byte* to, std::size_t index, T value) noexcept {
  std::memcpy(to + index * sizeof(T), &value, sizeof(T));
}

/// Calls `visit` with a zero of the C++ type that elements of `type` are stored in; complex types are their
/// parts, floats below 32 bits their bits.
template <class Visit>
void with_stored_type(dtype type, Visit&& visit) {
  switch (type) {
    case dtype::i2:
    case dtype::i4:
    case dtype::i8:
      return visit(std::int8_t{});
    case dtype::i16:
      return visit(std::int16_t{});
    case dtype::i32:
      return visit(std::int32_t{});
    case dtype::i64:
      return visit(std::int64_t{});
    case dtype::ui16:
    case dtype::f16:
    case dtype::bf16:
      return visit(std::uint16_t{});
    case dtype::ui32:
      return visit(std::uint32_t{});
    case dtype::ui64:
      return visit(std::uint64_t{});
    case dtype::f32:
    case dtype::c64:
      return visit(float{});
    case dtype::f64:
    case dtype::c128:
      return visit(double{});
    default:
      return visit(std::uint8_t{});
  }
}

inline void widen(dtype type, const std::byte* from, std::size_t count, wide_block& block) noexcept {
  using kind = wide_block::kind;
  block.what = is_complex(type)          ? kind::complex
               : is_float(type)          ? kind::real
               : is_signed_integer(type) ? kind::signed_integer
                                         : kind::unsigned_integer;
  with_stored_type(type, [&](auto zero) {
    using stored = decltype(zero);
    if constexpr (std::is_floating_point_v<stored>) {
      const std::size_t step = is_complex(type) ? 2 : 1;
      for (std::size_t k = 0; k < count; ++k) block.reals[k] = load_element<stored>(from, step * k);
      for (std::size_t k = 0; step == 2 && k < count; ++k)
        block.imaginary[k] = load_element<stored>(from, 2 * k + 1);
    } else if (is_float(type)) {
      const float_format f = format_of(type);
      for (std::size_t k = 0; k < count; ++k)
        block.reals[k] = decode_float(f, static_cast<std::uint64_t>(load_element<stored>(from, k)));
    } else if (type == dtype::boolean) {
      for (std::size_t k = 0; k < count; ++k) block.integers[k] = load_element<stored>(from, k) != 0;
    } else {
      for (std::size_t k = 0; k < count; ++k)
        block.integers[k] = static_cast<std::int64_t>(load_element<stored>(from, k));
    }
  });
}

/// The bits of an integer type's values.
constexpr int bits_of_integer(dtype type) noexcept {
  if (type == dtype::i2 || type == dtype::ui2) return 2;
  if (type == dtype::i4 || type == dtype::ui4) return 4;
  return 8 * static_cast<int>(size_of(type));
}
constexpr double lowest_of(dtype type) noexcept {
  return is_signed_integer(type) ? -static_cast<double>(std::uint64_t{1} << (bits_of_integer(type) - 1)) : 0;
}
/// One more than the largest value: a power of two, which a double holds.
constexpr double end_of(dtype type) noexcept {
  return 2 *
         static_cast<double>(std::uint64_t{1} << (bits_of_integer(type) - (is_signed_integer(type) ? 2 : 1)));
}

/// Rounds towards zero into the range of an integer type.
struct truncation {
  explicit truncation(dtype type) noexcept
      : lowest(lowest_of(type)),
        end(end_of(type)),
        first(is_signed_integer(type)
                  ? static_cast<std::int64_t>(~std::uint64_t{0} << (bits_of_integer(type) - 1))
                  : 0),
        last(is_signed_integer(type)
                 ? ~first
                 : static_cast<std::int64_t>(~std::uint64_t{0} >> (64 - bits_of_integer(type)))),
        is_signed(is_signed_integer(type)) {}

  /// Returns the bits of the integer; the nearest end of the range if there is none, 0 for NaN.
  std::int64_t operator()(double x) const noexcept {
    if (!(x > lowest)) return std::isnan(x) ? 0 : first;
    if (x >= end) return last;
    return is_signed ? static_cast<std::int64_t>(x)
                     : static_cast<std::int64_t>(static_cast<std::uint64_t>(x));
  }

  double lowest, end;
  std::int64_t first, last;
  bool is_signed;
};

/// A double that rounds to any format of up to 42 bits as the integer does: what a double cannot hold leaves
/// a bit behind (rounding to odd).
inline double to_odd_double(std::int64_t bits, bool is_unsigned) noexcept {
  const bool negative = !is_unsigned && bits < 0;
  auto magnitude = static_cast<std::uint64_t>(bits);
  if (negative) magnitude = 0 - magnitude;
  constexpr std::uint64_t low = (std::uint64_t{1} << 11) - 1;
  if (magnitude >> 53 != 0 && (magnitude & low) != 0) magnitude = (magnitude & ~low) | (low + 1);
  const auto value = static_cast<double>(magnitude);
  return negative ? -value : value;
}

inline void narrow(const wide_block& block, std::size_t count, dtype type, std::byte* to) noexcept {
  using kind = wide_block::kind;
  const bool from_integers = block.what == kind::signed_integer || block.what == kind::unsigned_integer;
  const bool is_unsigned = block.what == kind::unsigned_integer;
  const auto each = [&](auto&& of_integer, auto&& of_real) {
    if (from_integers) {
      for (std::size_t k = 0; k < count; ++k) of_integer(k, block.integers[k]);
    } else {
      for (std::size_t k = 0; k < count; ++k) of_real(k, block.reals[k]);
    }
  };
  with_stored_type(type, [&](auto zero) {
    using stored = decltype(zero);
    if constexpr (std::is_floating_point_v<stored>) {
      const std::size_t step = is_complex(type) ? 2 : 1;
      each(
          [&](std::size_t k, std::int64_t x) {
            store_element(
                to, step * k,
                is_unsigned ? static_cast<stored>(static_cast<std::uint64_t>(x)) : static_cast<stored>(x));
          },
          [&](std::size_t k, double x) { store_element(to, step * k, static_cast<stored>(x)); });
      for (std::size_t k = 0; step == 2 && k < count; ++k) {
        store_element(to, 2 * k + 1,
                      block.what == kind::complex ? static_cast<stored>(block.imaginary[k]) : stored{});
      }
    } else if (is_float(type)) {
      const float_format f = format_of(type);
      each(
          [&](std::size_t k, std::int64_t x) {
            store_element(to, k, static_cast<stored>(encode_float(f, to_odd_double(x, is_unsigned))));
          },
          [&](std::size_t k, double x) { store_element(to, k, static_cast<stored>(encode_float(f, x))); });
    } else if (type == dtype::boolean) {
      each([&](std::size_t k, std::int64_t x) { store_element(to, k, static_cast<stored>(x != 0)); },
           [&](std::size_t k, double x) {
             const bool is_set = x != 0 || (block.what == kind::complex && block.imaginary[k] != 0);
             store_element(to, k, static_cast<stored>(is_set));
           });
    } else {
      const int unused = 8 * static_cast<int>(sizeof(stored)) - bits_of_integer(type);  // of i2, i4, ui2, ui4
      const truncation truncated(type);
      const auto wrapped = [unused](std::int64_t x) {
        const auto shifted = static_cast<stored>(static_cast<std::uint64_t>(x) << unused);
        return static_cast<stored>(shifted >> unused);
      };
      each([&](std::size_t k, std::int64_t x) { store_element(to, k, wrapped(x)); },
           [&](std::size_t k, double x) { store_element(to, k, static_cast<stored>(truncated(x))); });
    }
  });
}

inline bool float_holds(dtype type, double x) noexcept {
  const float_format f = format_of(is_complex(type) ? (type == dtype::c64 ? dtype::f32 : dtype::f64) : type);
  if (std::isnan(x)) return f.special != float_format::specials::none;
  if (!f.has_sign && x <= 0) return false;
  if (std::isinf(x)) return f.special == float_format::specials::ieee;
  const std::uint64_t bits = encode_float(f, x);
  if (is_nan_pattern(f, bits) || is_infinity_pattern(f, bits)) return false;
  return f.special != float_format::specials::none || std::fabs(x) <= decode_float(f, f.magnitude_mask());
}

/// True if element `k` of the block passes `check` on its way to `type`.
inline bool passes(const wide_block& block, std::size_t k, dtype type, value_check check) noexcept {
  using kind = wide_block::kind;
  if (block.what == kind::signed_integer || block.what == kind::unsigned_integer) {
    const std::int64_t x = block.integers[k];
    const bool is_large = block.what == kind::unsigned_integer && x < 0;  // 2^63 and above
    if (type == dtype::boolean) return true;
    if (is_float(type) || is_complex(type))
      return float_holds(type, to_odd_double(x, block.what == kind::unsigned_integer));
    const int bits = bits_of_integer(type);
    if (is_signed_integer(type)) {
      const std::int64_t end = static_cast<std::int64_t>(~std::uint64_t{0} >> 1) >> (64 - bits);
      return !is_large && x <= end && x >= -end - 1;
    }
    if (x < 0 && !is_large) return false;
    return static_cast<std::uint64_t>(x) <= ~std::uint64_t{0} >> (64 - bits);
  }
  const double re = block.reals[k];
  const double im = block.what == kind::complex ? block.imaginary[k] : 0;
  if (check == value_check::finite && !(std::isfinite(re) && std::isfinite(im))) return false;
  if (is_complex(type)) return float_holds(type, re) && float_holds(type, im);
  if (type == dtype::boolean) return !std::isnan(re) && !std::isnan(im);
  if (im != 0) return false;
  if (is_float(type)) return float_holds(type, re);
  return re >= lowest_of(type) && re < end_of(type) && re == std::trunc(re);
}

inline std::string text_of(const wide_block& block, std::size_t k) {
  using kind = wide_block::kind;
  if (block.what == kind::signed_integer) return std::to_string(block.integers[k]);
  if (block.what == kind::unsigned_integer)
    return std::to_string(static_cast<std::uint64_t>(block.integers[k]));
  const auto number = [](double x) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), x);
    return std::isnan(x) ? std::string("nan") : std::string(text.data(), end.ptr);
  };
  if (block.what == kind::real) return number(block.reals[k]);
  return "(" + number(block.reals[k]) + ", " + number(block.imaginary[k]) + ")";
}

}  // namespace detail

namespace detail {

/// True for types whose byte has patterns that are no value.
constexpr bool has_spare_patterns(dtype type) noexcept {
  return type == dtype::boolean || (is_integer(type) && bits_of_integer(type) < 8) ||
         (is_float(type) && format_of(type).bits() < 8);
}

}  // namespace detail

/// Converts `count` elements, dense in both places, which must not overlap. Throws out_of_range for the first
/// value that `check` refuses, naming `what`, its position, the value and the type; nothing of `to` counts
/// then.
inline void convert_elements(dtype from_type, const std::byte* from, dtype to_type, std::byte* to,
                             std::int64_t count, value_check check = value_check::none,
                             std::string_view what = "convert") {
  const std::size_t from_size = size_of(from_type), to_size = size_of(to_type);
  const auto total = static_cast<std::size_t>(count);
  if (from_type == to_type && check != value_check::finite && !detail::has_spare_patterns(to_type)) {
    if (total != 0) std::memcpy(to, from, total * to_size);
    return;
  }
  detail::wide_block block;
  for (std::size_t done = 0; done < total; done += detail::wide_block::length) {
    const std::size_t n = std::min(detail::wide_block::length, total - done);
    detail::widen(from_type, from + done * from_size, n, block);
    for (std::size_t k = 0; check != value_check::none && k < n; ++k) {
      if (detail::passes(block, k, to_type, check)) continue;
      throw error(
          absl::StatusCode::kOutOfRange,
          std::string(what) + ": element " + std::to_string(done + k) + " is " + detail::text_of(block, k) +
              (check == value_check::finite && detail::passes(block, k, to_type, value_check::representable)
                   ? ", expected finite values"
                   : ", expected a value that " + std::string(name_of(to_type)) + " can hold"));
    }
    detail::narrow(block, n, to_type, to + done * to_size);
  }
}

/// Returns the array with elements of `type`; `a` itself, sharing its memory, if it has that type and no
/// check is left to do. Throws out_of_range as `convert_elements`.
inline array convert(const array& a, dtype type, value_check check = value_check::none) {
  if (a.dtype() == type && check != value_check::finite) return a;
  array result(tensor_type{type, a.dims()});
  convert_elements(a.dtype(), a.bytes().data(), type, result.bytes().data(), a.size(), check);
  return result;
}

}  // namespace wherry
