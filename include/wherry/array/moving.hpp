// moving.hpp: how bytes get into, out of and between buffers; the definitions behind `buffer`.
//
// What moves and what it touches is checked first, so a wrong call throws before anything has changed. Then
// one request does the moves; only between two devices behind drivers are there two, through host memory.
// Writes join the unit tensor_write, reads tensor_read, copies and fills tensor_op, of the device whose
// driver moves the bytes.
//
// Threads: any.
#pragma once

#include <wherry/array/buffer.hpp>
#include <wherry/array/convert.hpp>

namespace wherry {

namespace detail {

/// Throws out_of_range unless `bytes` at `offset` are part of the buffer.
inline void require_within(std::string_view what, const tensor_type& type, std::size_t offset,
                           std::size_t bytes) {
  const std::size_t all = type.bytes();
  if (offset <= all && bytes <= all - offset) return;
  throw error(absl::StatusCode::kOutOfRange, std::string(what) + ": " + std::to_string(bytes) +
                                                 " bytes at offset " + std::to_string(offset) + " of " +
                                                 to_string(type) + ", which has " + std::to_string(all) +
                                                 " bytes");
}

inline void require_writable(std::string_view what, const buffer_core& c) {
  if (!c.memory->is_read_only()) return;
  throw error(absl::StatusCode::kFailedPrecondition,
              std::string(what) + ": the buffer is host memory that was lent for reading (zero_copy)");
}

/// Throws invalid_argument if the ranges have a byte in common.
inline void require_apart(std::string_view what, const buffer_core& from, std::size_t from_offset,
                          const buffer_core& to, std::size_t to_offset, std::size_t bytes) {
  if (from.memory != to.memory) return;
  const std::size_t a = from.offset + from_offset, b = to.offset + to_offset;
  if (a + bytes <= b || b + bytes <= a || bytes == 0) return;
  throw error(absl::StatusCode::kInvalidArgument, std::string(what) + ": " + std::to_string(bytes) +
                                                      " bytes at offset " + std::to_string(from_offset) +
                                                      " overlap those at offset " +
                                                      std::to_string(to_offset) + " of the same memory");
}

/// Buffers that a submission names: another thread's donation may come before it.
struct named_buffers {
  std::string_view what;
  std::span<const buffer* const> all;

  submit_options options() const {
    submit_options how;
    how.check = [](const void* self) {
      const auto& named = *static_cast<const named_buffers*>(self);
      for (const buffer* b : named.all) b->usable(named.what);
    };
    how.arguments = this;
    return how;
  }
};

inline transfer_promise submit_transfer(const named_buffers& named, const char* verb,
                                        transfer::move_list moves, transfer::keeper keep, device_core& owner,
                                        unit_kind kind, const request_options& options) {
  unit& u = owner.unit_for(kind, options, named.what);
  device_core* const mover = owner.is_host() ? nullptr : &owner;
  ref<transfer> t(new transfer(verb, std::move(moves), mover, std::move(keep)));
  const std::size_t bytes = t->bytes();
  if (kind == unit_kind::tensor_op) t->count_as_one();
  submit_options how = named.options();
  how.cheap = !mover && bytes <= cheap_transfer_bytes;
  dispatcher::submit(u, *t, how.with(options));
  return transfer_promise(ref<request>(t.get()), bytes, ref<device_core>(&owner));
}

inline transfer::move_list one_move(transfer::end from, transfer::end to, std::size_t bytes) {
  transfer::move_list list(1);
  list[0].from = std::move(from);
  list[0].to = std::move(to);
  list[0].bytes = bytes;
  return list;
}

/// Moves bytes from one buffer's memory to another's, wherever they are. The ranges have been checked.
inline transfer_promise move_between(const named_buffers& named, const buffer_core& from,
                                     std::size_t from_offset, const buffer_core& to, std::size_t to_offset,
                                     std::size_t bytes, const request_options& options) {
  transfer::end source{from.memory, nullptr, from.offset + from_offset};
  transfer::end target{to.memory, nullptr, to.offset + to_offset};
  const auto submit = [&](transfer::end a, transfer::end b, device_core& owner, unit_kind kind,
                          const request_options& asked) {
    return submit_transfer(named, "copy", one_move(std::move(a), std::move(b), bytes), {}, owner, kind,
                           asked);
  };
  if (from.where == to.where || (from.where->is_host() && to.where->is_host()))
    return submit(std::move(source), std::move(target), *to.where, unit_kind::tensor_op, options);
  if (from.where->is_host())
    return submit(std::move(source), std::move(target), *to.where, unit_kind::tensor_write, options);
  if (to.where->is_host())
    return submit(std::move(source), std::move(target), *from.where, unit_kind::tensor_read, options);
  const ref<storage> staging(new host_staging(bytes));
  request_options first;
  first.stop = options.stop;
  first.deadline = options.deadline;
  submit(std::move(source), {staging, nullptr, 0}, *from.where, unit_kind::tensor_read, first);
  return submit({staging, nullptr, 0}, std::move(target), *to.where, unit_kind::tensor_write, options);
}

/// Returns `t`, which puts `bytes` bytes into the buffer: the maker of its contents, if these are all.
inline transfer_promise overwrites(buffer_core& c, std::size_t bytes, transfer_promise t) noexcept {
  if (bytes == c.type.bytes() && bytes != 0) c.made_by = t.id();
  return t;
}

inline transfer_promise write_bytes(const buffer& to, std::span<const std::byte> bytes, std::size_t offset,
                                    host_memory_use use, const request_options& options) {
  buffer_core& c = to.usable("write");
  require_within("write", c.type, offset, bytes.size());
  require_writable("write", c);
  if (use == host_memory_use::zero_copy || use == host_memory_use::mutable_zero_copy) {
    throw error(absl::StatusCode::kInvalidArgument,
                "write: the bytes are copied into the buffer's memory; expected host_memory_use::copy or "
                "until_transfer_completes");
  }
  auto* source = const_cast<std::byte*>(bytes.data());
  transfer::keeper keep;
  if (use == host_memory_use::copy && !bytes.empty()) {
    keep.block = make_ref<host_block>(bytes.size());
    std::memcpy(keep.block->data(), source, bytes.size());
    source = keep.block->data();
  }
  const buffer* const all[] = {&to};
  return overwrites(
      c, bytes.size(),
      submit_transfer({"write", all}, "write",
                      one_move({nullptr, source, 0}, {c.memory, nullptr, c.offset + offset}, bytes.size()),
                      std::move(keep), *c.where, unit_kind::tensor_write, options));
}

inline transfer_promise read_bytes(const buffer& from, std::span<std::byte> into, std::size_t offset,
                                   const request_options& options) {
  buffer_core& c = from.usable("read");
  require_within("read", c.type, offset, into.size());
  const buffer* const all[] = {&from};
  return submit_transfer(
      {"read", all}, "read",
      one_move({c.memory, nullptr, c.offset + offset}, {nullptr, into.data(), 0}, into.size()), {}, *c.where,
      unit_kind::tensor_read, options);
}

inline transfer_promise fill_with(const buffer& to, const transfer::fill_pattern& pattern, std::size_t offset,
                                  std::size_t bytes, unit_kind kind, const request_options& options) {
  buffer_core& c = to.usable("fill");
  require_within("fill", c.type, offset, bytes);
  require_writable("fill", c);
  transfer::move_list list(1);
  list[0].to = {c.memory, nullptr, c.offset + offset};
  list[0].bytes = bytes;
  list[0].pattern = pattern;
  const buffer* const all[] = {&to};
  return overwrites(c, bytes,
                    submit_transfer({"fill", all}, "fill", std::move(list), {}, *c.where, kind, options));
}

/// One element of `type` with the value of `x`.
template <class T>
transfer::fill_pattern pattern_of(T x, dtype type, value_check check, std::string_view what) {
  transfer::fill_pattern pattern;
  pattern.size = static_cast<std::uint8_t>(size_of(type));
  convert_elements(dtype_of<T>, reinterpret_cast<const std::byte*>(&x), type, pattern.bytes.data(), 1, check,
                   what);
  return pattern;
}

/// Submits a copy on the device `where` that belongs to a run: it shares the run's place, so it never waits
/// for one and is never refused for want of one.
inline void copy_for_run(transfer::end from, transfer::end to, std::size_t bytes, device_core& where) {
  device_core* const mover = where.is_host() ? nullptr : &where;
  const ref<transfer> t(new transfer("copy", one_move(std::move(from), std::move(to), bytes), mover));
  t->count_as_none();
  dispatcher::submit(where.pick(unit_kind::tensor_op), *t,
                     {.cheap = !mover && bytes <= cheap_transfer_bytes, .admitted = true});
}

/// Starts to copy the bytes that a view shows to the front of `memory`.
inline void copy_from_view(const buffer_core& view, const ref<storage>& memory) {
  copy_for_run({view.memory, nullptr, view.offset}, {memory, nullptr, 0}, view.type.bytes(), *view.where);
}

/// Returns new memory with the bytes that a view shows, at once.
inline ref<storage> dense_copy(const buffer_core& view) {
  ref<storage> memory = view.where->allocate(view.type.bytes());
  copy_from_view(view, memory);
  return memory;
}

/// Starts to copy `memory`, which something may still write, to where a view shows it. Where that is refused
/// (the client closed meanwhile) the view holds the failure.
inline void copy_into_view(const ref<storage>& memory, const buffer_core& view) noexcept {
  try {
    copy_for_run({memory, nullptr, 0}, {view.memory, nullptr, view.offset}, view.type.bytes(), *view.where);
  } catch (...) {
    failure why = as_failure(std::current_exception());
    dispatch_lock lock;
    std::swap(view.memory->failed, why);
  }
}

/// Throws what the device would refuse `copy_into_view` with now.
inline void require_copies(device_core& where) {
  if (const failure why = dispatcher::refusal_of(where.pick(unit_kind::tensor_op))) raise(why);
}

template <class T>
void require_element(std::string_view what, const tensor_type& type) {
  if constexpr (!std::is_same_v<T, std::byte>) {
    if (dtype_of<T> == type.element) return;
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": the buffer is " + to_string(type) + ", got elements of " +
                    std::string(name_of(dtype_of<T>)) + "; std::as_bytes says that bytes are meant");
  }
}

}  // namespace detail

// ------------------------------------------------------------------------------- members of `buffer`

template <host_range Range>
transfer_promise buffer::write(const Range& values, std::size_t offset,
                               const request_options& options) const {
  return write(values, offset, host_memory_use::copy, options);
}

template <host_range Range>
transfer_promise buffer::write(const Range& values, std::size_t offset, host_memory_use use,
                               const request_options& options) const {
  detail::require_element<std::ranges::range_value_t<Range>>("write", type());
  return detail::write_bytes(*this,
                             std::as_bytes(std::span(std::ranges::data(values), std::ranges::size(values))),
                             offset, use, options);
}

template <host_range Range>
transfer_promise buffer::read(Range&& into, std::size_t offset, const request_options& options) const {
  detail::require_element<std::ranges::range_value_t<Range>>("read", type());
  return detail::read_bytes(
      *this, std::as_writable_bytes(std::span(std::ranges::data(into), std::ranges::size(into))), offset,
      options);
}

template <host_element T>
transfer_promise buffer::fill(T value, const request_options& options) const {
  return detail::fill_with(*this, detail::pattern_of(value, dtype(), value_check::none, "fill"), 0,
                           type().bytes(), unit_kind::tensor_op, options);
}

inline transfer_promise buffer::fill_bytes(std::byte value, std::size_t offset, std::size_t bytes,
                                           const request_options& options) const {
  transfer::fill_pattern pattern;
  pattern.bytes[0] = value;
  pattern.size = 1;
  return detail::fill_with(*this, pattern, offset, bytes, unit_kind::tensor_op, options);
}

inline transfer_promise buffer::copy_from(const buffer& other, const request_options& options) const {
  if (!(type() == other.type())) {
    throw error(absl::StatusCode::kInvalidArgument,
                "copy_from: expected " + to_string(type()) + ", got " + to_string(other.type()));
  }
  return copy(other, 0, *this, 0, type().bytes(), options);
}

inline buffer buffer::copy_to(const wherry::device& target, const request_options& options) const {
  detail::buffer_core& c = usable("copy_to");
  if (target.core() == c.where.get()) return *this;
  const std::size_t bytes = c.type.bytes();
  device_core& there = *target.core();
  auto made = make_ref<detail::buffer_core>(c.type, there.allocate(bytes), ref<device_core>(&there));
  const buffer* const all[] = {this};
  made->made_by = detail::move_between({"copy_to", all}, c, 0, *made, 0, bytes, options).id();
  return buffer(std::move(made));
}

inline transfer_promise copy(const buffer& from, std::size_t from_offset, const buffer& to,
                             std::size_t to_offset, std::size_t bytes, const request_options& options) {
  detail::buffer_core& source = from.usable("copy: source");
  detail::buffer_core& target = to.usable("copy: target");
  detail::require_within("copy: source", source.type, from_offset, bytes);
  detail::require_within("copy: target", target.type, to_offset, bytes);
  detail::require_writable("copy: target", target);
  detail::require_apart("copy", source, from_offset, target, to_offset, bytes);
  const buffer* const all[] = {&from, &to};
  return detail::overwrites(
      target, bytes,
      detail::move_between({"copy", all}, source, from_offset, target, to_offset, bytes, options));
}

// --------------------------------------------------------------------------------------------- views

inline buffer buffer::view(std::size_t offset, const tensor_type& part) const {
  detail::buffer_core& c = usable("view");
  detail::require_extents("view", part);
  detail::require_within("view", c.type, offset, part.bytes());
  if ((c.offset + offset) % size_of(part.element) != 0) {
    throw error(absl::StatusCode::kInvalidArgument,
                "view: offset " + std::to_string(c.offset + offset) + " is no multiple of the " +
                    std::to_string(size_of(part.element)) + " bytes of an element of " + to_string(part));
  }
  auto made = make_ref<detail::buffer_core>(part, c.memory, c.where, c.offset + offset);
  made->made_by = c.made_by.load();
  // A donation claims its buffer and then counts the handles, this counts one and then asks: one of the two
  // sees the other.
  (void)usable("view");
  return buffer(std::move(made));
}

inline buffer buffer::slice(std::int64_t first, const shape& dims) const {
  const tensor_type part{dtype(), dims};
  detail::require_extents("slice", part);
  if (first < 0 || first > type().dims.elements() || dims.elements() > type().dims.elements() - first) {
    throw error(absl::StatusCode::kOutOfRange, "slice: " + to_string(part) + " from element " +
                                                   std::to_string(first) + " of " + to_string(type()) +
                                                   ", which has " + std::to_string(type().dims.elements()));
  }
  return view(static_cast<std::size_t>(first) * size_of(dtype()), part);
}

inline buffer buffer::reshape(const shape& dims) const {
  const tensor_type part{dtype(), dims};
  detail::require_extents("reshape", part);
  if (dims.elements() != type().dims.elements()) {
    throw error(absl::StatusCode::kInvalidArgument,
                "reshape: " + to_string(type()) + " has " + std::to_string(type().dims.elements()) +
                    " elements, " + to_string(part) + " " + std::to_string(dims.elements()));
  }
  return view(0, part);
}

}  // namespace wherry
