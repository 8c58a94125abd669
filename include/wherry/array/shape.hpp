// shape.hpp: the dimensions of an array, and the type (dtype and dimensions) of a tensor.
//
// A shape is a list of extents, outermost first; rank 0 is a scalar, and an extent may be 0.
//
// Threads: values, as any container.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <wherry/array/dtype.hpp>

namespace wherry {

class shape {
 public:
  shape() = default;
  shape(std::initializer_list<std::int64_t> extents) : extents_(extents.begin(), extents.end()) {}
  explicit shape(std::span<const std::int64_t> extents) : extents_(extents.begin(), extents.end()) {}

  std::size_t rank() const noexcept { return extents_.size(); }
  std::int64_t operator[](std::size_t axis) const noexcept { return extents_[axis]; }
  auto begin() const noexcept { return extents_.begin(); }
  auto end() const noexcept { return extents_.end(); }
  operator std::span<const std::int64_t>() const noexcept { return {extents_.data(), extents_.size()}; }

  /// Returns the number of elements: the product of the extents, 1 for rank 0.
  std::int64_t elements() const noexcept {
    std::int64_t n = 1;
    for (const std::int64_t extent : extents_) n *= extent;
    return n;
  }

  friend bool operator==(const shape&, const shape&) = default;

 private:
  absl::InlinedVector<std::int64_t, 6> extents_;
};

/// A tensor's element type and shape; `to_string` spells it as StableHLO does, `tensor<2x3xf32>`, with `?`
/// for the extent -1 of an argument whose size is not known.
struct tensor_type {
  dtype element = dtype::f32;
  wherry::shape dims;

  std::size_t bytes() const noexcept { return static_cast<std::size_t>(dims.elements()) * size_of(element); }
  friend bool operator==(const tensor_type&, const tensor_type&) = default;
};

inline std::string to_string(const tensor_type& type) {
  std::string text = "tensor<";
  for (const std::int64_t extent : type.dims) text += (extent < 0 ? "?" : std::to_string(extent)) + "x";
  text += name_of(type.element);
  return text + ">";
}

}  // namespace wherry
