// array.hpp: host memory with an element type and a shape.
//
// An array is dense and row-major. Copies share the memory, and arrays that came from a device are
// immutable; `copy()` makes one of your own.
//
// Threads: values; concurrent reads are safe, as of any shared immutable object.
#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <wherry/array/shape.hpp>
#include <wherry/device/host_block.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

namespace detail {

/// Throws invalid_argument for a negative extent, and for more bytes than can be counted.
inline void require_extents(std::string_view what, const tensor_type& type) {
  constexpr auto most = static_cast<std::int64_t>(~std::uint64_t{0} >> 1);
  auto bytes = static_cast<std::int64_t>(size_of(type.element));
  for (std::size_t axis = 0; axis < type.dims.rank(); ++axis) {
    const std::int64_t extent = type.dims[axis];
    if (extent < 0) {
      throw error(absl::StatusCode::kInvalidArgument, std::string(what) + ": axis " + std::to_string(axis) +
                                                          " has the extent " + std::to_string(extent) +
                                                          ", expected 0 or more");
    }
    if (extent != 0 && bytes > most / extent) {
      throw error(absl::StatusCode::kInvalidArgument,
                  std::string(what) + ": " + to_string(type) + " has more than 2^63 bytes");
    }
    if (extent != 0) bytes *= extent;
  }
}

/// Throws invalid_argument if `type` has elements and there is no memory that they could be in.
inline void require_memory(std::string_view what, const tensor_type& type, const void* memory) {
  if (!memory && type.bytes() != 0)
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": expected the memory of a " + to_string(type) + ", got a null pointer");
}

}  // namespace detail

class array {
 public:
  /// An empty array: f32, shape {0}.
  array() : array(tensor_type{dtype::f32, {0}}) {}
  /// Uninitialised elements.
  explicit array(tensor_type type) : type_(std::move(type)), block_(make_ref<host_block>(type_.bytes())) {}

  /// A copy of `values`, which must have exactly the shape's number of elements.
  template <class T>
  static array of(std::span<const T> values, const shape& dims) {
    array a(tensor_type{dtype_of<T>, dims});
    if (static_cast<std::int64_t>(values.size()) != dims.elements()) {
      throw error(absl::StatusCode::kInvalidArgument, "array::of: " + to_string(a.type_) + " has " +
                                                          std::to_string(dims.elements()) +
                                                          " elements, got " + std::to_string(values.size()));
    }
    if (!values.empty()) std::memcpy(a.bytes().data(), values.data(), values.size_bytes());
    return a;
  }

  const tensor_type& type() const noexcept { return type_; }
  const shape& dims() const noexcept { return type_.dims; }
  wherry::dtype dtype() const noexcept { return type_.element; }
  std::int64_t size() const noexcept { return type_.dims.elements(); }

  std::span<std::byte> bytes() noexcept { return {block_->data(), type_.bytes()}; }
  std::span<const std::byte> bytes() const noexcept { return {block_->data(), type_.bytes()}; }

  /// The elements in row-major order. Throws invalid_argument if `T` is not the element type.
  template <class T>
  std::span<const T> data() const {
    require<T>("data");
    return {reinterpret_cast<const T*>(block_->data()), static_cast<std::size_t>(size())};
  }
  template <class T>
  std::span<T> mutable_data() {
    require<T>("mutable_data");
    return {reinterpret_cast<T*>(block_->data()), static_cast<std::size_t>(size())};
  }

  /// The only element. Throws invalid_argument if there is not exactly one, or `T` is not the element type.
  template <class T>
  T item() const {
    require<T>("item");
    if (size() != 1) {
      throw error(absl::StatusCode::kInvalidArgument,
                  "item(): expected one element, got " + to_string(type_));
    }
    T value;
    std::memcpy(&value, block_->data(), sizeof value);
    return value;
  }

  /// The memory itself, to keep it alive.
  const ref<host_block>& memory() const noexcept { return block_; }

  array copy() const {
    array other(type_);
    if (type_.bytes() != 0) std::memcpy(other.block_->data(), block_->data(), type_.bytes());
    return other;
  }

 private:
  template <class T>
  void require(const char* what) const {
    if (dtype_of<T> != type_.element) {
      throw error(absl::StatusCode::kInvalidArgument, std::string(what) + "<" +
                                                          std::string(name_of(dtype_of<T>)) +
                                                          ">(): the array is " + to_string(type_));
    }
  }

  tensor_type type_;
  ref<host_block> block_;
};

}  // namespace wherry
