// dtype.hpp: the element types of arrays.
//
// One enumerator per StableHLO element type that a buffer can hold (specification, section "Types"),
// with its size in memory. Booleans, i2/i4 and ui2/ui4 and the 4- and 6-bit floats take one byte an
// element in host and device memory; nothing is bit-packed.
//
// Threads: any (values).
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wherry {

/// Values are written to plans and cache files: append, never renumber.
enum class dtype : std::uint8_t {
  boolean = 0,  // StableHLO i1; 0 or 1
  i2 = 1,
  i4 = 2,
  i8 = 3,
  i16 = 4,
  i32 = 5,
  i64 = 6,
  ui2 = 7,
  ui4 = 8,
  ui8 = 9,
  ui16 = 10,
  ui32 = 11,
  ui64 = 12,
  f16 = 13,
  bf16 = 14,
  f32 = 15,
  f64 = 16,
  c64 = 17,   // complex<f32>
  c128 = 18,  // complex<f64>
  f8e4m3fn = 19,
  f8e5m2 = 20,
  f8e4m3fnuz = 21,
  f8e5m2fnuz = 22,
  f8e4m3b11fnuz = 23,
  f8e4m3 = 24,
  f8e3m4 = 25,
  f8e8m0fnu = 26,
  f6e2m3fn = 27,
  f6e3m2fn = 28,
  f4e2m1fn = 29,
};

inline constexpr std::size_t dtype_count = 30;

/// Returns the bytes one element takes in host and device memory.
constexpr std::size_t size_of(dtype type) noexcept {
  switch (type) {
    case dtype::i16:
    case dtype::ui16:
    case dtype::f16:
    case dtype::bf16:
      return 2;
    case dtype::i32:
    case dtype::ui32:
    case dtype::f32:
      return 4;
    case dtype::i64:
    case dtype::ui64:
    case dtype::f64:
    case dtype::c64:
      return 8;
    case dtype::c128:
      return 16;
    default:
      return 1;
  }
}

/// Returns the StableHLO spelling: `i1`, `ui8`, `f32`, `complex<f32>`, `f8E4M3FN`, ...
constexpr std::string_view name_of(dtype type) noexcept {
  constexpr std::string_view names[dtype_count] = {
      "i1",           "i2",       "i4",        "i8",         "i16",        "i32",
      "i64",          "ui2",      "ui4",       "ui8",        "ui16",       "ui32",
      "ui64",         "f16",      "bf16",      "f32",        "f64",        "complex<f32>",
      "complex<f64>", "f8E4M3FN", "f8E5M2",    "f8E4M3FNUZ", "f8E5M2FNUZ", "f8E4M3B11FNUZ",
      "f8E4M3",       "f8E3M4",   "f8E8M0FNU", "f6E2M3FN",   "f6E3M2FN",   "f4E2M1FN"};
  return names[static_cast<std::size_t>(type)];
}

constexpr bool is_signed_integer(dtype t) noexcept { return t >= dtype::i2 && t <= dtype::i64; }
constexpr bool is_unsigned_integer(dtype t) noexcept { return t >= dtype::ui2 && t <= dtype::ui64; }
constexpr bool is_integer(dtype t) noexcept { return t >= dtype::i2 && t <= dtype::ui64; }
constexpr bool is_complex(dtype t) noexcept { return t == dtype::c64 || t == dtype::c128; }
constexpr bool is_float(dtype t) noexcept {
  return (t >= dtype::f16 && t <= dtype::f64) || t >= dtype::f8e4m3fn;
}

/// IEEE binary16 and bfloat16 as bit patterns: storage types of host arrays, without arithmetic.
struct float16 {
  std::uint16_t bits = 0;
};
struct bfloat16 {
  std::uint16_t bits = 0;
};

/// The dtype of a C++ element type; undefined (a compile error) for other types.
template <class T>
struct dtype_of_type;
#define WHERRY_DTYPE(cpp, name)                 \
  template <>                                   \
  struct dtype_of_type<cpp> {                   \
    static constexpr dtype value = dtype::name; \
  };
WHERRY_DTYPE(bool, boolean)
WHERRY_DTYPE(std::int8_t, i8)
WHERRY_DTYPE(std::int16_t, i16)
WHERRY_DTYPE(std::int32_t, i32)
WHERRY_DTYPE(std::int64_t, i64)
WHERRY_DTYPE(std::uint8_t, ui8)
WHERRY_DTYPE(std::uint16_t, ui16)
WHERRY_DTYPE(std::uint32_t, ui32)
WHERRY_DTYPE(std::uint64_t, ui64)
WHERRY_DTYPE(float16, f16)
WHERRY_DTYPE(bfloat16, bf16)
WHERRY_DTYPE(float, f32)
WHERRY_DTYPE(double, f64)
WHERRY_DTYPE(std::complex<float>, c64)
WHERRY_DTYPE(std::complex<double>, c128)
#undef WHERRY_DTYPE

template <class T>
inline constexpr dtype dtype_of = dtype_of_type<T>::value;

}  // namespace wherry
