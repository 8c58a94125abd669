// buffer.hpp: an array on a device that may not be ready yet.
//
// A buffer is a handle: copies share it. Its metadata never waits. A buffer that is not ready is a legal
// input everywhere; dependencies are the runtime's. Donating a buffer to an execution deletes it at once,
// and every later use says to whom and when.
//
// Its contents can be written in part or whole, at byte offsets; that is one more request, which waits for
// those that read them and which later readers wait for. If it fails, the contents have failed, until one
// request writes all of the memory. A view shows part of a buffer's memory and shares that and its
// dependencies: a read of a view waits for a write to any part.
//
// Threads: any. Named and behaving as PJRT's buffers (pjrt_client.h).
#pragma once

#include <atomic>
#include <iosfwd>
#include <mutex>
#include <optional>
#include <ranges>
#include <wherry/array/array_promise.hpp>
#include <wherry/array/transfer_promise.hpp>

namespace wherry {

/// What happens to the host memory that a buffer is made of; named as in PJRT.
enum class host_memory_use : std::uint8_t {
  copy,                      // the caller may reuse its memory on return
  until_transfer_completes,  // the caller keeps it unchanged until the buffer is ready
  zero_copy,                 // used in place, read-only, until the deleter runs; donating it allocates
  mutable_zero_copy,         // used in place; may be written through donation
};

namespace detail {

class buffer_core : public ref_counted<buffer_core> {
 public:
  buffer_core(tensor_type t, ref<storage> m, ref<device_core> d, std::size_t o = 0)
      : type(std::move(t)), memory(std::move(m)), where(std::move(d)), offset(o) {
    if (memory->is_unique()) {  // just allocated
      memory->handles.store(1, std::memory_order_relaxed);
    } else {
      memory->handles.fetch_add(1, std::memory_order_seq_cst);  // see `buffer::view`
    }
  }
  ~buffer_core() {
    // More come of a handle that is there, so after the only one of them there are none.
    if (memory->handles.load(std::memory_order_acquire) == 1) {
      memory->handles.store(0, std::memory_order_release);
    } else {
      memory->handles.fetch_sub(1, std::memory_order_release);
    }
  }
  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }

  // alive -> claimed -> gone    donated: claimed while the execution is being submitted
  // claimed -> alive            the submission was refused
  // alive -> gone               deleted
  enum class life : std::uint8_t { alive, claimed, gone };
  // any thread
  std::atomic<life> phase{life::alive};
  // constant after construction
  tensor_type type;
  ref<storage> memory;
  ref<device_core> where;
  std::size_t offset;             // in `memory`, of a view; else 0
  std::atomic<ticket> made_by{};  // of the request that wrote it last as a whole
  // constant once gone
  std::shared_ptr<const std::string> donated_to;  // the program; null: deleted
  ticket donated_in;

  bool claim() noexcept {
    life expected = life::alive;
    return phase.compare_exchange_strong(expected, life::claimed);
  }
  void unclaim() noexcept { phase.store(life::alive); }
  void bury() noexcept { phase.store(life::gone); }
  void bury(std::shared_ptr<const std::string> program, ticket run) noexcept {
    donated_to = std::move(program);
    donated_in = run;
    bury();
  }

  /// Throws for a buffer that was found in phase `seen`, naming `use`.
  [[noreturn, gnu::cold]] void refuse(std::string_view use, life seen) const {
    const auto refusal = [use](const std::string& what, reason why, ticket id = {}) {
      return error(absl::StatusCode::kFailedPrecondition, std::string(use) + ": " + what, why, id);
    };
    if (seen == life::claimed)
      throw refusal("buffer is being donated by another thread", reason::buffer_donated);
    if (!donated_to) throw refusal("buffer was deleted", reason::buffer_deleted);
    throw refusal("buffer was donated to " + *donated_to + ", request " + to_string(donated_in),
                  reason::buffer_donated, donated_in);
  }
};

}  // namespace detail

/// What elements on the host can be.
template <class T>
concept host_element = requires { dtype_of_type<T>::value; };
/// Elements, or bytes, that lie one after the other on the host: a vector, a span, an array.
template <class Range>
concept host_range = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
                     (host_element<std::ranges::range_value_t<Range>> ||
                      std::is_same_v<std::ranges::range_value_t<Range>, std::byte>);

class buffer : public promise<buffer> {
 public:
  buffer() = default;
  explicit buffer(ref<detail::buffer_core> core) noexcept : core_(std::move(core)) {}

  const tensor_type& type() const { return core().type; }
  const shape& dims() const { return core().type.dims; }
  wherry::dtype dtype() const { return core().type.element; }
  wherry::device device() const { return wherry::device(core().where); }
  /// The ticket of the request that makes the contents; names nothing for host memory used in place.
  ticket id() const { return core().made_by; }

  /// True after donation or `delete_now`.
  bool is_deleted() const { return core().phase.load() != detail::buffer_core::life::alive; }
  /// Gives up the contents; requests that use them already run to their end.
  void delete_now() const {
    if (core().claim()) core_->bury();
  }

  /// Starts the transfer to the host and returns at once.
  array_promise as_array(const request_options& options = {}) const;

  /// Waits for the contents and returns them as an array on the host.
  array value() const {
    if (is_few()) {
      if (core().memory->writer.load(std::memory_order_acquire)) outcome().get();
      if (std::optional<array> there = if_at_hand()) return *std::move(there);
    }
    return as_array().value();
  }

  /// Returns a buffer on `target` with the same contents, at once; this buffer itself if it is there.
  /// Between two devices behind drivers it takes two transfers, through the host: `options` are those of the
  /// second, but stop token and deadline, which are of both.
  buffer copy_to(const wherry::device& target, const request_options& options = {}) const;

  // All of these start a transfer and return at once. Offsets are in bytes. They throw out_of_range for bytes
  // that the buffer does not have, invalid_argument for elements of another type than the buffer's (bytes go
  // everywhere), failed_precondition for a deleted buffer and for writing to memory lent for reading.

  /// Copies `values` first, so the caller may reuse them on return; or, with `until_transfer_completes`, not.
  template <host_range Range>
  transfer_promise write(const Range& values, std::size_t offset = 0,
                         const request_options& options = {}) const;
  template <host_range Range>
  transfer_promise write(const Range& values, std::size_t offset, host_memory_use use,
                         const request_options& options = {}) const;
  /// Reads as many bytes as `into` has room for; it must live until the transfer has completed.
  template <host_range Range>
  transfer_promise read(Range&& into, std::size_t offset = 0, const request_options& options = {}) const;
  /// Sets every element to `value`, converted to the buffer's type (convert.hpp).
  template <host_element T>
  transfer_promise fill(T value, const request_options& options = {}) const;
  /// Sets `bytes` bytes at `offset` to `value`.
  transfer_promise fill_bytes(std::byte value, std::size_t offset, std::size_t bytes,
                              const request_options& options = {}) const;
  /// Overwrites this buffer with the contents of another of the same type, on any device.
  transfer_promise copy_from(const buffer& other, const request_options& options = {}) const;

  /// Returns a view of the memory from byte `offset` on, as `type`. The offset counts from the start of this
  /// buffer, which may be a view itself; in the memory it must be a multiple of the size of an element.
  buffer view(std::size_t offset, const tensor_type& type) const;
  /// Returns a view of the elements from `first` on (counted in row-major order), with shape `dims`.
  buffer slice(std::int64_t first, const shape& dims) const;
  /// Returns a view of all elements with another shape.
  buffer reshape(const shape& dims) const;

  auto operator co_await() const { return promise_awaiter<buffer>(outcome(), *this); }

  pending outcome() const { return pending::writer_of(*usable("await").memory); }
  device_core& place() const { return *core().where; }

  explicit operator bool() const noexcept { return static_cast<bool>(core_); }
  /// Identity: the same buffer, not equal contents.
  friend bool operator==(const buffer& a, const buffer& b) noexcept { return a.core_ == b.core_; }

  // ---- for the layers above

  /// Returns the core; throws if the buffer is empty or deleted, naming `use`.
  detail::buffer_core& usable(std::string_view use) const {
    detail::buffer_core& c = core();
    const auto seen = c.phase.load();
    if (seen != detail::buffer_core::life::alive) c.refuse(use, seen);
    return c;
  }
  const ref<detail::buffer_core>& handle() const noexcept { return core_; }

 private:
  /// Options of a transfer from this buffer; another thread's donation may come before its submission.
  submit_options while_usable(bool cheap) const {
    submit_options how;
    how.cheap = cheap;
    how.check = [](const void* self) { static_cast<const buffer*>(self)->usable("transfer"); };
    how.arguments = this;
    return how;
  }
  /// True for a few bytes that the host sees: copying them costs far less than a request.
  bool is_few() const {
    const detail::buffer_core& c = core();
    return c.type.bytes() <= 256 && c.offset == 0 && c.memory->host();
  }
  /// The contents, copied on the spot, if nobody writes them.
  std::optional<array> if_at_hand() const;
  detail::buffer_core& core() const {
    if (!core_) refuse_empty();
    return *core_;
  }
  [[noreturn, gnu::cold]] static void refuse_empty() {
    throw error(absl::StatusCode::kFailedPrecondition, "empty buffer handle used");
  }
  ref<detail::buffer_core> core_;
};

inline std::optional<array> buffer::if_at_hand() const {
  const detail::buffer_core& c = usable("value");
  array result(c.type);
  // A donation claims the buffer before it queues its write: here it is seen by the one or the other.
  const auto alive = [&c] { return c.phase.load() == detail::buffer_core::life::alive; };
  if (!dispatcher::read_now(c.where->pick(unit_kind::tensor_read), *c.memory, c.type.bytes(),
                            result.bytes().data(), alive))
    return std::nullopt;
  return result;
}

inline array_promise buffer::as_array(const request_options& options) const {
  detail::buffer_core& c = usable("as_array");
  array target(c.type);
  const std::size_t bytes = c.type.bytes();
  ref<request> read(new transfer("read", {c.memory, nullptr, c.offset}, {nullptr, target.bytes().data(), 0},
                                 bytes, c.where->is_host() ? nullptr : c.where.get(), {target.memory(), {}}));
  unit& u = c.where->unit_for(unit_kind::tensor_read, options, "as_array");
  dispatcher::submit(u, *read, while_usable(bytes <= cheap_transfer_bytes).with(options));
  return array_promise(std::move(target), std::move(read), c.where);
}

/// Copies `bytes` bytes of one buffer to another, or to another place of the same memory, where the two
/// ranges must not overlap; between any two devices. Throws as `buffer::write`.
transfer_promise copy(const buffer& from, std::size_t from_offset, const buffer& to, std::size_t to_offset,
                      std::size_t bytes, const request_options& options = {});

}  // namespace wherry

#include <wherry/array/moving.hpp>
