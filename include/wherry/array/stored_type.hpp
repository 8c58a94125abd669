// stored_type.hpp: how element types travel in files that have no name for them.
//
// complex<f64> travels as f64 with one more dimension of 2, i2/i4 and ui2/ui4 as i8 and ui8, other floats of
// 8 bits and fewer as their bits in ui8. `as_type` brings them back for a program that says what it takes.
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/array/array.hpp>
#include <wherry/array/element.hpp>

namespace wherry {

namespace detail {

/// True for floats of 8 bits and fewer.
constexpr bool is_small_float(dtype type) noexcept { return type >= dtype::f8e4m3fn; }
/// True for those that no file format has a name for: they travel as bits.
constexpr bool is_carried_as_bits(dtype type) noexcept { return type >= dtype::f8e4m3fnuz; }

/// How an array of `type` is stored in a file: complex<f64> with one more dimension, small integers in whole
/// bytes. Bits keep their type here.
inline tensor_type stored_type(const tensor_type& type) {
  tensor_type stored = type;
  switch (type.element) {
    case dtype::c128: {
      std::vector<std::int64_t> extents(type.dims.begin(), type.dims.end());
      extents.push_back(2);
      stored = {dtype::f64, shape(std::span<const std::int64_t>(extents))};
      break;
    }
    case dtype::i2:
    case dtype::i4:
      stored.element = dtype::i8;
      break;
    case dtype::ui2:
    case dtype::ui4:
      stored.element = dtype::ui8;
      break;
    default:
      break;
  }
  return stored;
}

}  // namespace detail

/// Returns `stored`, an array from a file, as an array of `wanted`: itself, or a copy where the file format
/// has no name for the type. Throws invalid_argument, starting with `what`, for another type or shape and for
/// numbers that a small integer type cannot hold.
inline array as_type(const array& stored, const tensor_type& wanted, std::string_view what) {
  if (stored.type() == wanted) return stored;
  tensor_type travelled = detail::stored_type(wanted);
  if (detail::is_carried_as_bits(wanted.element) ||
      (detail::is_small_float(wanted.element) && stored.dtype() == dtype::ui8))
    travelled.element = dtype::ui8;
  if (stored.type() != travelled) {
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": expected " + to_string(travelled) +
                    (travelled == wanted ? "" : " for " + to_string(wanted)) + ", the file has " +
                    to_string(stored.type()));
  }
  array result(wanted);
  if (!result.bytes().empty())
    std::memcpy(result.bytes().data(), stored.bytes().data(), result.bytes().size());
  const auto in_range = [&](std::int64_t value) {
    switch (wanted.element) {
      case dtype::i2:
        return value >= -2 && value <= 1;
      case dtype::i4:
        return value >= -8 && value <= 7;
      case dtype::ui2:
        return value <= 3;
      case dtype::ui4:
      case dtype::f4e2m1fn:
        return value <= 15;
      case dtype::f6e2m3fn:
      case dtype::f6e3m2fn:
        return value <= 63;
      default:
        return true;
    }
  };
  for (std::int64_t k = 0; k < stored.size() && wanted.element != dtype::c128; ++k) {
    if (in_range(element_integer(stored, k))) continue;
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": element " + index_text(stored.dims(), k) + " is " +
                    element_literal(stored, k) + ", which " + std::string(name_of(wanted.element)) +
                    " cannot hold");
  }
  return result;
}

}  // namespace wherry
