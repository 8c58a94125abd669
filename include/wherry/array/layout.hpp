// layout.hpp: elements in memory in any order: row-major, column-major, or with any byte strides.
//
// An array is dense and row-major. What comes from or goes to elsewhere may be laid out otherwise: a stride
// is the distance in bytes from one element to the next along an axis, negative to run backwards, zero to
// meet the same element again and again.
//
// Threads: any, as for reading and writing the memory.
#pragma once

#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>
#include <wherry/array/array.hpp>

namespace wherry {

enum class element_order : std::uint8_t {
  row_major,     // the last index runs fastest: C, NumPy
  column_major,  // the first index runs fastest: Fortran, R, LAPACK
};

using stride_list = absl::InlinedVector<std::int64_t, 6>;

/// Returns the byte strides of a dense array.
inline stride_list byte_strides(const tensor_type& type, element_order order = element_order::row_major) {
  const std::size_t rank = type.dims.rank();
  stride_list strides(rank);
  auto next = static_cast<std::int64_t>(size_of(type.element));
  for (std::size_t k = 0; k < rank; ++k) {
    const std::size_t axis = order == element_order::column_major ? k : rank - 1 - k;
    strides[axis] = next;
    next *= type.dims[axis];
  }
  return strides;
}

namespace detail {

struct strided_axis {
  std::int64_t extent;
  std::int64_t to;
  std::int64_t from;
};

template <std::size_t Size>
struct strided_copier {
  static constexpr std::int64_t tile = 32;

  static void line(const strided_axis& axis, std::byte* to, const std::byte* from, std::int64_t n) noexcept {
    if (axis.to == Size && axis.from == Size) {
      std::memcpy(to, from, static_cast<std::size_t>(n) * Size);
      return;
    }
    for (std::int64_t k = 0; k < n; ++k) std::memcpy(to + k * axis.to, from + k * axis.from, Size);
  }

  /// Two axes in squares, so that both sides stay in the cache where one of them jumps.
  static void plane(const strided_axis& a, const strided_axis& b, std::byte* to,
                    const std::byte* from) noexcept {
    const bool jumps = !(b.to == Size && b.from == Size);
    const std::int64_t width = jumps ? tile : b.extent;
    for (std::int64_t i = 0; i < a.extent; i += tile) {
      const std::int64_t rows = std::min(tile, a.extent - i);
      for (std::int64_t j = 0; j < b.extent; j += width) {
        const std::int64_t columns = std::min(width, b.extent - j);
        for (std::int64_t k = i; k < i + rows; ++k)
          line(b, to + k * a.to + j * b.to, from + k * a.from + j * b.from, columns);
      }
    }
  }

  static void all(std::span<const strided_axis> axes, std::byte* to, const std::byte* from) noexcept {
    if (axes.empty()) {
      std::memcpy(to, from, Size);
    } else if (axes.size() == 1) {
      line(axes[0], to, from, axes[0].extent);
    } else if (axes.size() == 2) {
      plane(axes[0], axes[1], to, from);
    } else {
      for (std::int64_t k = 0; k < axes[0].extent; ++k)
        all(axes.subspan(1), to + k * axes[0].to, from + k * axes[0].from);
    }
  }
};

}  // namespace detail

/// Copies the elements of an array of `dims`, each of 1, 2, 4, 8 or 16 bytes; `to` and `from` are the places
/// of the element with all indices 0. Precondition: as many strides as axes, and no place that is written is
/// read.
inline void copy_strided(const shape& dims, std::size_t element_bytes, std::byte* to,
                         std::span<const std::int64_t> to_strides, const std::byte* from,
                         std::span<const std::int64_t> from_strides) noexcept {
  absl::InlinedVector<detail::strided_axis, 6> axes;
  for (std::size_t k = 0; k < dims.rank(); ++k) {
    if (dims[k] == 0) return;
    if (dims[k] == 1) continue;
    const detail::strided_axis inner{dims[k], to_strides[k], from_strides[k]};
    if (!axes.empty() && axes.back().to == inner.to * inner.extent &&
        axes.back().from == inner.from * inner.extent) {
      axes.back() = {axes.back().extent * inner.extent, inner.to, inner.from};
    } else {
      axes.push_back(inner);
    }
  }
  if (axes.size() > 2) {
    // The axis along which the source runs closest comes next to the one along which the target does.
    const auto distance = [](const detail::strided_axis& a) { return a.from < 0 ? -a.from : a.from; };
    const auto closest = std::min_element(axes.begin(), axes.end() - 1, [&](const auto& a, const auto& b) {
      return distance(a) < distance(b);
    });
    std::rotate(closest, closest + 1, axes.end() - 1);
  }
  const std::span<const detail::strided_axis> all(axes.data(), axes.size());
  switch (element_bytes) {
    case 1:
      return detail::strided_copier<1>::all(all, to, from);
    case 2:
      return detail::strided_copier<2>::all(all, to, from);
    case 4:
      return detail::strided_copier<4>::all(all, to, from);
    case 8:
      return detail::strided_copier<8>::all(all, to, from);
    default:
      return detail::strided_copier<16>::all(all, to, from);
  }
}

namespace detail {

inline void require_strides(std::string_view what, const tensor_type& type,
                            std::span<const std::int64_t> strides) {
  if (strides.size() == type.dims.rank()) return;
  throw error(absl::StatusCode::kInvalidArgument, std::string(what) + ": " + to_string(type) + " has " +
                                                      std::to_string(type.dims.rank()) + " axes, got " +
                                                      std::to_string(strides.size()) + " strides");
}

}  // namespace detail

/// Writes the elements to `first` and around it, `byte_strides` apart. Throws invalid_argument for a wrong
/// number of strides.
inline void store(const array& a, void* first, std::span<const std::int64_t> strides) {
  detail::require_strides("store", a.type(), strides);
  copy_strided(a.dims(), size_of(a.dtype()), static_cast<std::byte*>(first), strides, a.bytes().data(),
               byte_strides(a.type()));
}

/// Returns the elements' bytes in `order`.
inline std::vector<std::byte> raw_bytes(const array& a, element_order order) {
  std::vector<std::byte> bytes(a.bytes().size());
  store(a, bytes.data(), byte_strides(a.type(), order));
  return bytes;
}

/// Returns a dense array of the elements at `first` and around it, `strides` bytes apart. Throws
/// invalid_argument for a wrong number of strides.
inline array gather(const void* first, const tensor_type& type, std::span<const std::int64_t> strides) {
  detail::require_strides("gather", type, strides);
  array result(type);
  copy_strided(type.dims, size_of(type.element), result.bytes().data(), byte_strides(type),
               static_cast<const std::byte*>(first), strides);
  return result;
}

}  // namespace wherry
