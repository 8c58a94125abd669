// transfer_batch.hpp: many transfers as one request: one ticket, one wait.
//
// Hundreds of small writes cost one submission this way, and are complete together. The transfers of a batch
// are done in the order in which they were added, so one may read what another has written. All buffers are
// on one device. A batch of writes joins the unit tensor_write, one of reads tensor_read, any other
// tensor_op. A batch can be submitted any number of times; each time it moves what is in the memory then.
//
//   wh::transfer_batch batch;
//   batch.write(images, pixels).write(labels, classes).fill_bytes(mask, std::byte{0}, 0, 128);
//   co_await batch.submit();
//
// Threads: one at a time adds; `submit` any.
#pragma once

#include <vector>
#include <wherry/array/moving.hpp>

namespace wherry {

class transfer_batch {
 public:
  // Adding checks what `buffer`'s members of the same name check, and that the buffer is on the device of the
  // others. Host memory is not touched before `submit`.

  template <host_range Range>
  transfer_batch& write(const buffer& to, const Range& values, std::size_t offset = 0) {
    detail::require_element<std::ranges::range_value_t<Range>>("write", to.type());
    const auto bytes = std::as_bytes(std::span(std::ranges::data(values), std::ranges::size(values)));
    return add_write(to, bytes, offset);
  }
  /// `into` must live until the transfers that were submitted have completed.
  template <host_range Range>
  transfer_batch& read(const buffer& from, Range&& into, std::size_t offset = 0) {
    detail::require_element<std::ranges::range_value_t<Range>>("read", from.type());
    const auto bytes = std::as_writable_bytes(std::span(std::ranges::data(into), std::ranges::size(into)));
    return add_read(from, bytes, offset);
  }
  transfer_batch& copy(const buffer& from, std::size_t from_offset, const buffer& to, std::size_t to_offset,
                       std::size_t bytes);
  transfer_batch& fill_bytes(const buffer& to, std::byte value, std::size_t offset, std::size_t bytes);

  std::size_t size() const noexcept { return items_.size(); }

  /// Starts the transfers and returns at once. `use` says when the caller may reuse the memory that is
  /// written: on return, or when the batch has completed. Throws failed_precondition for an empty batch and
  /// for buffers that were deleted meanwhile, before anything has changed.
  transfer_promise submit(const request_options& options = {},
                          host_memory_use use = host_memory_use::copy) const;

 private:
  enum class kind : std::uint8_t { write, read, copy, fill };
  struct item {
    kind what;
    buffer from;  // read, copy
    buffer to;    // write, copy, fill
    std::size_t from_offset = 0;
    std::size_t to_offset = 0;
    const std::byte* source = nullptr;  // write
    std::byte* target = nullptr;        // read
    std::byte value{};                  // fill
    std::size_t bytes = 0;
  };

  transfer_batch& add_write(const buffer& to, std::span<const std::byte> bytes, std::size_t offset);
  transfer_batch& add_read(const buffer& from, std::span<std::byte> into, std::size_t offset);

  /// Checks a buffer that is to be added, as part of `what`.
  detail::buffer_core& checked(const buffer& b, std::string_view what, std::size_t offset, std::size_t bytes,
                               bool writes) const {
    detail::buffer_core& c = b.usable(what);
    detail::require_within(what, c.type, offset, bytes);
    if (writes) detail::require_writable(what, c);
    if (!items_.empty() && &place() != c.where.get()) {
      throw error(absl::StatusCode::kInvalidArgument, std::string(what) + ": the buffer is on " +
                                                          c.where->name() + ", those of the batch are on " +
                                                          place().name());
    }
    return c;
  }
  device_core& place() const { return (items_[0].to ? items_[0].to : items_[0].from).place(); }

  std::vector<item> items_;
};

inline transfer_batch& transfer_batch::add_write(const buffer& to, std::span<const std::byte> bytes,
                                                 std::size_t offset) {
  (void)checked(to, "write", offset, bytes.size(), true);
  item i{.what = kind::write, .from = {}, .to = to, .to_offset = offset, .source = bytes.data()};
  i.bytes = bytes.size();
  items_.push_back(std::move(i));
  return *this;
}

inline transfer_batch& transfer_batch::add_read(const buffer& from, std::span<std::byte> into,
                                                std::size_t offset) {
  (void)checked(from, "read", offset, into.size(), false);
  item i{.what = kind::read, .from = from, .to = {}, .from_offset = offset, .target = into.data()};
  i.bytes = into.size();
  items_.push_back(std::move(i));
  return *this;
}

inline transfer_batch& transfer_batch::copy(const buffer& from, std::size_t from_offset, const buffer& to,
                                            std::size_t to_offset, std::size_t bytes) {
  const auto& source = checked(from, "copy: source", from_offset, bytes, false);
  const auto& target = checked(to, "copy: target", to_offset, bytes, true);
  if (source.where != target.where) {
    throw error(absl::StatusCode::kInvalidArgument, "copy: a batch is for one device; the source is on " +
                                                        source.where->name() + ", the target on " +
                                                        target.where->name());
  }
  detail::require_apart("copy", source, from_offset, target, to_offset, bytes);
  item i{.what = kind::copy, .from = from, .to = to, .from_offset = from_offset, .to_offset = to_offset};
  i.bytes = bytes;
  items_.push_back(std::move(i));
  return *this;
}

inline transfer_batch& transfer_batch::fill_bytes(const buffer& to, std::byte value, std::size_t offset,
                                                  std::size_t bytes) {
  (void)checked(to, "fill", offset, bytes, true);
  item i{.what = kind::fill, .from = {}, .to = to, .to_offset = offset, .value = value};
  i.bytes = bytes;
  items_.push_back(std::move(i));
  return *this;
}

inline transfer_promise transfer_batch::submit(const request_options& options, host_memory_use use) const {
  if (items_.empty()) throw error(absl::StatusCode::kFailedPrecondition, "batch: it is empty");
  std::size_t staged = 0;
  bool all_writes = true, all_reads = true;
  absl::InlinedVector<const buffer*, 8> named;
  for (const item& i : items_) {
    if (i.what == kind::write && use == host_memory_use::copy) staged += i.bytes;
    all_writes = all_writes && i.what == kind::write;
    all_reads = all_reads && i.what == kind::read;
    for (const buffer* b : {&i.from, &i.to}) {
      if (!*b) continue;
      (void)b->usable("batch");
      named.push_back(b);
    }
  }
  transfer::keeper keep;
  if (staged != 0) keep.block = make_ref<host_block>(staged);
  std::byte* free = staged != 0 ? keep.block->data() : nullptr;
  transfer::move_list moves;
  moves.reserve(items_.size());
  const auto end_of = [](const buffer& b, std::size_t offset) {
    const detail::buffer_core& c = *b.handle();
    return transfer::end{c.memory, nullptr, c.offset + offset};
  };
  for (const item& i : items_) {
    transfer::move m;
    m.bytes = i.bytes;
    if (i.from) m.from = end_of(i.from, i.from_offset);
    if (i.to) m.to = end_of(i.to, i.to_offset);
    if (i.what == kind::read) m.to.host = i.target;
    if (i.what == kind::fill) {
      m.pattern.bytes[0] = i.value;
      m.pattern.size = 1;
    } else if (i.what == kind::write && use == host_memory_use::copy) {
      if (i.bytes != 0) std::memcpy(free, i.source, i.bytes);
      m.from.host = free;
      free += i.bytes;
    } else if (i.what == kind::write) {
      m.from.host = const_cast<std::byte*>(i.source);
    }
    moves.push_back(std::move(m));
  }
  const unit_kind kind = all_writes  ? unit_kind::tensor_write
                         : all_reads ? unit_kind::tensor_read
                                     : unit_kind::tensor_op;
  return detail::submit_transfer({"batch", {named.data(), named.size()}}, "batch", std::move(moves),
                                 std::move(keep), place(), kind, options);
}

}  // namespace wherry
