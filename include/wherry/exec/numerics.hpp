// numerics.hpp: finds NaN and infinity in the bytes of a tensor.
//
// Blocks of elements are tested with integer operations that compilers vectorise; only a block that has one
// is looked through.
//
// Threads: any (pure functions).
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <wherry/array/element.hpp>

namespace wherry {

/// The first element that is not a finite number, in row-major order.
struct non_finite {
  std::int64_t index = 0;
  std::string text;  // `nan`, `-inf`, `1+nani`
};

/// True if elements of `type` can be NaN or infinite.
constexpr bool may_be_non_finite(dtype type) noexcept {
  return is_complex(type) || (is_float(type) && format_of(type).special != float_format::specials::none);
}

namespace detail {

/// Returns the index of the first number whose bits under `mask` are all ones, or `count`.
template <class Bits>
std::size_t first_with_mask(const std::byte* bytes, std::size_t count, Bits mask) noexcept {
  constexpr std::size_t block = 1024;
  std::array<Bits, block> part;
  for (std::size_t start = 0; start < count; start += block) {
    const std::size_t n = std::min(block, count - start);
    std::memcpy(part.data(), bytes + start * sizeof(Bits), n * sizeof(Bits));
    std::uint8_t any = 0;
    for (std::size_t i = 0; i < n; ++i) any |= static_cast<std::uint8_t>((part[i] & mask) == mask);
    if (any == 0) continue;
    for (std::size_t i = 0; i < n; ++i) {
      if ((part[i] & mask) == mask) return start + i;
    }
  }
  return count;
}

/// The same for types of one byte, by the format's own rules.
inline std::size_t first_special_byte(const std::byte* bytes, std::size_t count, dtype type) noexcept {
  const float_format f = format_of(type);
  std::array<bool, 256> is_special{};
  for (std::uint64_t bits = 0; bits < 256; ++bits)
    is_special[bits] = is_nan_pattern(f, bits) || is_infinity_pattern(f, bits);
  for (std::size_t i = 0; i < count; ++i) {
    if (is_special[std::to_integer<std::size_t>(bytes[i])]) return i;
  }
  return count;
}

}  // namespace detail

/// Looks through `bytes`, whole elements of `type` without gaps.
inline std::optional<non_finite> find_non_finite(dtype type, std::span<const std::byte> bytes) {
  if (!may_be_non_finite(type)) return std::nullopt;
  const dtype part = part_of(type);
  const std::size_t part_bytes = size_of(part);
  const std::size_t count = bytes.size() / part_bytes;
  const float_format f = format_of(part);
  const std::uint64_t mask = f.exponent_mask() << f.mantissa_bits;
  std::size_t at = count;
  switch (part_bytes) {
    case 8:
      at = detail::first_with_mask<std::uint64_t>(bytes.data(), count, mask);
      break;
    case 4:
      at = detail::first_with_mask<std::uint32_t>(bytes.data(), count, static_cast<std::uint32_t>(mask));
      break;
    case 2:
      at = detail::first_with_mask<std::uint16_t>(bytes.data(), count, static_cast<std::uint16_t>(mask));
      break;
    default:
      at = detail::first_special_byte(bytes.data(), count, part);
  }
  if (at == count) return std::nullopt;
  const std::size_t element = at * part_bytes / size_of(type);
  array one(tensor_type{type, {}});
  std::memcpy(one.bytes().data(), bytes.data() + element * size_of(type), size_of(type));
  return non_finite{static_cast<std::int64_t>(element), element_text(one, 0)};
}

}  // namespace wherry
