// buffer_maker.hpp: buffers out of what is on the host; the part of a client that makes them.
//
// Values of a C++ type become elements of the dtype of that name (`float` f32, `std::int64_t` i64, `bool`
// i1), or of another that `buffer_options` ask for, by the rules of convert.hpp. Without a shape, a list of
// values is a vector. One value fills any shape; apart from that there are as many values as elements.
//
// Everything here returns at once: what cannot be read later is copied first. Arguments that do not fit throw
// invalid_argument, values that a check refuses out_of_range.
//
// Threads: any.
#pragma once

#include <vector>
#include <wherry/array/buffer.hpp>
#include <wherry/array/convert.hpp>
#include <wherry/array/layout.hpp>
#include <wherry/device/cpu_device.hpp>
#include <wherry/status/guarded_call.hpp>

namespace wherry {

struct buffer_options {
  std::optional<wherry::dtype> dtype = {};      // of the buffer's elements; the values' own if not set
  value_check check = value_check::none;        // what is asked of the values
  host_memory_use use = host_memory_use::copy;  // of memory that is taken as it is
  wherry::device device = {};                   // the first one if empty
};

class buffer_maker {
 public:
  // ---- from values

  /// A vector of the values.
  template <host_range Range>
  wherry::buffer buffer(const Range& values) const {
    return buffer(values, shape{static_cast<std::int64_t>(std::ranges::size(values))});
  }
  template <host_element T>
  wherry::buffer buffer(std::initializer_list<T> values) const {
    return buffer(std::span<const T>(values.begin(), values.size()));
  }
  /// An array of the values in row-major order.
  template <host_range Range>
  wherry::buffer buffer(const Range& values, const shape& dims, host_memory_use use = host_memory_use::copy,
                        wherry::device where = {}, const request_options& options = {}) const {
    return buffer(values, dims, buffer_options{.use = use, .device = std::move(where)}, options);
  }
  template <host_range Range>
  wherry::buffer buffer(const Range& values, const shape& dims, const request_options& options) const {
    return buffer(values, dims, buffer_options{}, options);
  }
  template <host_range Range>
  wherry::buffer buffer(const Range& values, const shape& dims, const buffer_options& how,
                        const request_options& options = {}) const {
    using element = std::ranges::range_value_t<Range>;
    return from_values(dtype_of<element>, std::ranges::data(values), std::ranges::size(values), dims, how,
                       options);
  }
  template <host_element T>
  wherry::buffer buffer(std::initializer_list<T> values, const shape& dims, const buffer_options& how = {},
                        const request_options& options = {}) const {
    return buffer(std::span<const T>(values.begin(), values.size()), dims, how, options);
  }
  wherry::buffer buffer(const std::vector<bool>& values) const {
    return buffer(values, {static_cast<std::int64_t>(values.size())});
  }
  wherry::buffer buffer(const std::vector<bool>& values, const shape& dims, const buffer_options& how = {},
                        const request_options& options = {}) const {
    const std::vector<std::uint8_t> bytes(values.begin(), values.end());
    return from_values(dtype::boolean, bytes.data(), bytes.size(), dims, how, options);
  }

  /// A buffer of rank 0.
  template <host_element T>
  wherry::buffer scalar(T value, wherry::device where = {}) const {
    return scalar(value, buffer_options{.device = std::move(where)});
  }
  template <host_element T>
  wherry::buffer scalar(T value, const buffer_options& how, const request_options& options = {}) const {
    return buffer(std::span<const T>(&value, 1), shape{}, how, options);
  }

  // ---- from arrays and buffers

  /// The array's memory is shared, so nothing is copied before the transfer starts.
  wherry::buffer buffer(const array& values, wherry::device where = {},
                        const request_options& options = {}) const {
    return from_host(
        const_cast<std::byte*>(values.bytes().data()), values.type(),
        host_memory_use::until_transfer_completes, [values] {}, std::move(where), options);
  }
  wherry::buffer buffer(const array& values, const buffer_options& how,
                        const request_options& options = {}) const {
    if (!how.dtype && how.check == value_check::none) return buffer(values, how.device, options);
    return from_values(values.dtype(), values.bytes().data(), static_cast<std::size_t>(values.size()),
                       values.dims(), how, options);
  }

  /// Returns `same` itself. What `how` and `dims` say is not done but asserted: throws invalid_argument
  /// unless the buffer has that type, shape and device.
  wherry::buffer buffer(const wherry::buffer& same, const buffer_options& how = {}) const;
  wherry::buffer buffer(const wherry::buffer& same, const shape& dims, const buffer_options& how = {}) const;

  // ---- from memory

  /// A buffer of `type` from `memory`; `done` runs once the memory is not used any more. What it throws is
  /// logged. Throws invalid_argument for a null pointer, unless `type` has no elements.
  wherry::buffer from_host(void* memory, const tensor_type& type, host_memory_use use,
                           std::function<void()> done, wherry::device where = {},
                           const request_options& options = {}) const;
  /// From the bytes of a dense array of `type` in `order`; bytes that are no value of a small type become one
  /// (convert.hpp). Throws invalid_argument for another number of bytes.
  wherry::buffer from_bytes(std::span<const std::byte> bytes, const tensor_type& type, element_order order,
                            const buffer_options& how = {}, const request_options& options = {}) const;
  /// From elements that are `strides` bytes apart along each axis; negative and 0 are strides, too. `first`
  /// is the place of the element whose indices are 0. The elements are copied before the call returns.
  wherry::buffer from_strides(const void* first, const tensor_type& type,
                              std::span<const std::int64_t> strides, const buffer_options& how = {},
                              const request_options& options = {}) const;

  /// A buffer of `type` with undefined contents.
  wherry::buffer empty(const tensor_type& type, wherry::device where = {}) const {
    detail::require_extents("empty", type);
    device_core& d = place(where);
    return wherry::buffer(
        make_ref<detail::buffer_core>(type, d.allocate(type.bytes()), ref<device_core>(&d)));
  }

 protected:
  buffer_maker() = default;
  /// Makes buffers on `first` unless told otherwise.
  explicit buffer_maker(wherry::device first) : first_(std::move(first)) {}
  void set_first(wherry::device first) noexcept { first_ = std::move(first); }

  device_core& place(const wherry::device& where) const {
    return where ? *where.core() : *first_.core();  // NOLINT: who makes buffers has a first device
  }

 private:
  wherry::buffer from_values(dtype from, const void* values, std::size_t count, const shape& dims,
                             const buffer_options& how, const request_options& options) const;
  /// A buffer that one value fills.
  wherry::buffer filled(dtype from, const void* value, const tensor_type& type, const buffer_options& how,
                        const request_options& options) const;
  /// A buffer whose contents `write` puts into the memory it is given, before the call returns.
  template <class Write>
  wherry::buffer written(const tensor_type& type, device_core& d, const request_options& options,
                         Write&& write) const;

  wherry::device first_;
};

// ---------------------------------------------------------------------------------------- definitions

template <class Write>
buffer buffer_maker::written(const tensor_type& type, device_core& d, const request_options& options,
                             Write&& write) const {
  const std::size_t bytes = type.bytes();
  unit& u = d.unit_for(unit_kind::tensor_write, options, "buffer");
  auto made = make_ref<detail::buffer_core>(type, d.allocate(bytes), ref<device_core>(&d));
  // On a device whose memory the host sees, writing it now is the transfer; nobody else knows it yet.
  const bool is_host = d.is_host();
  transfer::keeper keep;
  if (!is_host) keep.block = make_ref<host_block>(bytes);
  auto* target = is_host ? static_cast<std::byte*>(made->memory->host()) : keep.block->data();
  write(target);
  ref<transfer> r(new transfer("write", {nullptr, target, 0}, {made->memory, nullptr, 0}, is_host ? 0 : bytes,
                               is_host ? nullptr : &d, std::move(keep)));
  if (is_host) r->count_as_moved(bytes);
  submit_options submission;
  submission.cheap = is_host;
  dispatcher::submit(u, *r, submission.with(options));
  made->made_by = r->id();
  return wherry::buffer(std::move(made));
}

inline buffer buffer_maker::filled(dtype from, const void* value, const tensor_type& type,
                                   const buffer_options& how, const request_options& options) const {
  device_core& d = place(how.device);
  auto made = make_ref<detail::buffer_core>(type, d.allocate(type.bytes()), ref<device_core>(&d));
  transfer::fill_pattern pattern;
  pattern.size = static_cast<std::uint8_t>(size_of(type.element));
  convert_elements(from, static_cast<const std::byte*>(value), type.element, pattern.bytes.data(), 1,
                   how.check, "buffer");
  wherry::buffer whole(made);
  made->made_by = detail::fill_with(whole, pattern, 0, type.bytes(), unit_kind::tensor_write, options).id();
  return whole;
}

inline buffer buffer_maker::from_values(dtype from, const void* values, std::size_t count, const shape& dims,
                                        const buffer_options& how, const request_options& options) const {
  const tensor_type type{how.dtype.value_or(from), dims};
  detail::require_extents("buffer", type);
  const std::int64_t elements = dims.elements();
  if (static_cast<std::int64_t>(count) != elements) {
    if (count == 1) return filled(from, values, type, how, options);
    throw error(absl::StatusCode::kInvalidArgument,
                "buffer: " + to_string(type) + " has " + std::to_string(elements) + " elements, got " +
                    std::to_string(count) + " values; expected as many, or 1 to fill it with");
  }
  if (type.element == from && how.check == value_check::none)
    return from_host(const_cast<void*>(values), type, how.use, {}, how.device, options);
  return written(type, place(how.device), options, [&](std::byte* to) {
    convert_elements(from, static_cast<const std::byte*>(values), type.element, to, elements, how.check,
                     "buffer");
  });
}

inline buffer buffer_maker::buffer(const wherry::buffer& same, const buffer_options& how) const {
  const detail::buffer_core& c = same.usable("buffer");
  const auto refuse = [](const std::string& expected, const std::string& got) {
    throw error(
        absl::StatusCode::kInvalidArgument,
        "buffer: expected " + expected + ", the buffer given is " + got + "; a buffer is not converted");
  };
  if (how.dtype && *how.dtype != c.type.element)
    refuse("elements of " + std::string(name_of(*how.dtype)), to_string(c.type));
  if (how.device && how.device.core() != c.where.get())
    refuse("one on " + how.device.name(), "on " + c.where->name() + " (copy_to moves it)");
  return same;
}

inline buffer buffer_maker::buffer(const wherry::buffer& same, const shape& dims,
                                   const buffer_options& how) const {
  if (!(same.dims() == dims)) {
    throw error(absl::StatusCode::kInvalidArgument,
                "buffer: expected " + to_string(tensor_type{same.dtype(), dims}) + ", the buffer given is " +
                    to_string(same.type()) + " (reshape gives it another shape)");
  }
  return buffer(same, how);
}

inline buffer buffer_maker::from_host(void* memory, const tensor_type& type, host_memory_use use,
                                      std::function<void()> done, wherry::device where,
                                      const request_options& options) const {
  detail::require_extents("buffer", type);
  const std::size_t bytes = type.bytes();
  detail::require_memory("buffer", type, memory);
  device_core& d = place(where);
  if (use == host_memory_use::copy) {
    wherry::buffer made = written(type, d, options, [&](std::byte* to) {
      if (bytes != 0) std::memcpy(to, memory, bytes);
    });
    if (done) guarded_call("the deleter of host memory", done);
    return made;
  }
  const bool in_place = use != host_memory_use::until_transfer_completes;
  // Kernels expect aligned memory; what is not aligned is copied, which keeps every promise but speed.
  const bool aligned = reinterpret_cast<std::uintptr_t>(memory) % host_memory::alignment == 0;
  if (in_place && d.is_host() && aligned) {
    ref<storage> lent(
        new borrowed_storage(memory, bytes, use == host_memory_use::zero_copy, std::move(done)));
    return wherry::buffer(make_ref<detail::buffer_core>(type, std::move(lent), ref<device_core>(&d)));
  }
  unit& u = d.unit_for(unit_kind::tensor_write, options, "buffer");
  auto made = make_ref<detail::buffer_core>(type, d.allocate(bytes), ref<device_core>(&d));
  transfer::keeper keep;
  keep.done = std::move(done);
  ref<request> write(new transfer("write", {nullptr, static_cast<std::byte*>(memory), 0},
                                  {made->memory, nullptr, 0}, bytes, d.is_host() ? nullptr : &d,
                                  std::move(keep)));
  submit_options how;
  how.cheap = d.is_host() && bytes <= cheap_transfer_bytes;
  dispatcher::submit(u, *write, how.with(options));
  made->made_by = write->id();
  return wherry::buffer(std::move(made));
}

inline buffer buffer_maker::from_bytes(std::span<const std::byte> bytes, const tensor_type& type,
                                       element_order order, const buffer_options& how,
                                       const request_options& options) const {
  detail::require_extents("from_bytes", type);
  if (bytes.size() != type.bytes()) {
    throw error(absl::StatusCode::kInvalidArgument, "from_bytes: " + to_string(type) + " requires " +
                                                        std::to_string(type.bytes()) + " bytes, got " +
                                                        std::to_string(bytes.size()));
  }
  if ((order == element_order::row_major || type.dims.rank() < 2) &&
      !detail::has_spare_patterns(type.element)) {
    return from_values(type.element, bytes.data(), static_cast<std::size_t>(type.dims.elements()), type.dims,
                       how, options);
  }
  return from_strides(bytes.data(), type, byte_strides(type, order), how, options);
}

inline buffer buffer_maker::from_strides(const void* first, const tensor_type& type,
                                         std::span<const std::int64_t> strides, const buffer_options& how,
                                         const request_options& options) const {
  detail::require_extents("from_strides", type);
  detail::require_memory("from_strides", type, first);
  detail::require_strides("from_strides", type, strides);
  const tensor_type made{how.dtype.value_or(type.element), type.dims};
  if (made.element == type.element && how.check == value_check::none &&
      !detail::has_spare_patterns(type.element)) {
    return written(made, place(how.device), options, [&](std::byte* to) {
      copy_strided(type.dims, size_of(type.element), to, byte_strides(type),
                   static_cast<const std::byte*>(first), strides);
    });
  }
  const array dense = gather(first, type, strides);
  return written(made, place(how.device), options, [&](std::byte* to) {
    convert_elements(type.element, dense.bytes().data(), made.element, to, dense.size(), how.check,
                     "from_strides");
  });
}

}  // namespace wherry
