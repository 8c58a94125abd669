// memory_pool.hpp: blocks of one device's memory, kept by size class and reused.
//
// Fresh pages cost far more than anything done with them (a first touch runs at 0.3 to 2 GB/s on a virtual
// machine, the copy itself at 10 or more), so freed blocks stay in the pool. Classes are powers of two
// with three steps between, so a block wastes at most a quarter. `Source` makes and frees blocks:
//   block allocate(std::size_t bytes);            // empty when out of memory
//   void free(block, std::size_t bytes) noexcept;
//
// Small blocks come and go once or more per request, from any thread: threads keep them on shelves of their
// own (four threads with one shelf spent half of their time on its lock and its cache lines). A full shelf
// hands half of a class to the common shelf, and an empty one looks there before it asks the source.
//
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>
#include <wherry/device/brief_lock.hpp>
#include <wherry/device/thread_number.hpp>

namespace wherry {

struct memory_statistics {
  std::size_t in_use = 0;        // bytes handed out (size classes, not requests)
  std::size_t peak = 0;          // highest in_use seen, whenever the pool grew or was asked
  std::size_t cached = 0;        // bytes kept for reuse
  std::size_t limit = SIZE_MAX;  // highest in_use + cached that the options allow
};

template <class Block, class Source>
class memory_pool {
 public:
  explicit memory_pool(Source source = {}, std::size_t limit = SIZE_MAX)
      : source_(std::move(source)), limit_(limit) {}
  memory_pool(const memory_pool&) = delete;
  memory_pool& operator=(const memory_pool&) = delete;
  ~memory_pool() { trim(); }

  /// Returns the size of the block that a request for `bytes` gets.
  static constexpr std::size_t class_size(std::size_t bytes) noexcept {
    return size_of_class(class_of(bytes));
  }

  /// Returns a block of at least `bytes`, or an empty one when the device or the limit has no more, even
  /// after the cache was given back.
  Block allocate(std::size_t bytes) {
    const unsigned index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    if (size < bytes) return Block{};  // no class is that large
    shelf& own = shelf_for(index);
    {
      detail::brief_lock lock(own.mutex);
      if (own.has(index)) return own.take(index, size);
      if (&own != &common_) {
        detail::brief_lock also(common_.mutex);
        for (unsigned n = 0; n < batch && common_.has(index); ++n)
          keep(own, index, size, common_.get(index, size));
        if (own.has(index)) return own.take(index, size);
      }
    }
    Block b = fresh(size);
    if (!b) {
      trim();
      b = fresh(size);
    }
    if (!b) return b;
    {
      detail::brief_lock lock(own.mutex);
      add(own.in_use, static_cast<std::ptrdiff_t>(size));
    }
    (void)statistics();  // sees a new peak
    return b;
  }

  /// Takes back a block that `allocate(bytes)` returned.
  void deallocate(Block b, std::size_t bytes) noexcept {
    const unsigned index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    shelf& own = shelf_for(index);
    detail::brief_lock lock(own.mutex);
    add(own.in_use, -static_cast<std::ptrdiff_t>(size));
    keep(own, index, size, b);
    if (&own == &common_ || !own.has(index) || own.free[index].size() <= 2 * batch) return;
    detail::brief_lock also(common_.mutex);
    for (unsigned n = 0; n < batch; ++n) keep(common_, index, size, own.get(index, size));
  }

  /// Gives cached blocks back to the device.
  void trim() noexcept {
    for (shelf& s : shelves_) empty(s);
    empty(common_);
  }

  memory_statistics statistics() const {
    std::ptrdiff_t in_use = common_.in_use.load(std::memory_order_relaxed);
    std::ptrdiff_t cached = common_.cached.load(std::memory_order_relaxed);
    for (const shelf& s : shelves_) {
      in_use += s.in_use.load(std::memory_order_relaxed);
      cached += s.cached.load(std::memory_order_relaxed);
    }
    memory_statistics now;
    now.limit = limit_;
    now.in_use = static_cast<std::size_t>(in_use < 0 ? 0 : in_use);  // others may be between two shelves
    now.cached = static_cast<std::size_t>(cached < 0 ? 0 : cached);
    now.peak = peak_.load(std::memory_order_relaxed);
    while (now.peak < now.in_use && !peak_.compare_exchange_weak(now.peak, now.in_use)) {
    }
    if (now.peak < now.in_use) now.peak = now.in_use;
    return now;
  }

 private:
  static constexpr unsigned smallest = 6;  // 64 bytes
  static constexpr unsigned batch = 16;    // blocks of one class that change shelves together
  static constexpr std::size_t largest_small = 4096;

  static constexpr unsigned class_of(std::size_t bytes) noexcept {
    if (bytes <= (std::size_t{1} << smallest)) return 0;
    const unsigned top = std::bit_width(bytes - 1) - 1;  // 2^top < bytes <= 2^(top+1)
    const std::size_t step = std::size_t{1} << (top - 2);
    const unsigned quarter = static_cast<unsigned>((bytes - 1 - (std::size_t{1} << top)) / step);
    return (top - smallest) * 4 + quarter + 1;
  }
  static constexpr std::size_t size_of_class(unsigned index) noexcept {
    if (index == 0) return std::size_t{1} << smallest;
    const unsigned top = smallest + (index - 1) / 4;
    const std::size_t step = std::size_t{1} << (top - 2);
    return (std::size_t{1} << top) + step * ((index - 1) % 4 + 1);
  }

  // Counters are changed under their shelf's mutex and read by anybody.
  static void add(std::atomic<std::ptrdiff_t>& counter, std::ptrdiff_t change) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  struct alignas(64) shelf {
    detail::brief_mutex mutex;
    std::vector<std::vector<Block>> free;
    std::atomic<std::ptrdiff_t> in_use{0};  // below 0 where more came back than went out
    std::atomic<std::ptrdiff_t> cached{0};

    bool has(unsigned index) const noexcept { return index < free.size() && !free[index].empty(); }
    bool put(unsigned index, std::size_t size, Block b) noexcept {
      try {
        if (index >= free.size()) free.resize(index + 1);
        free[index].push_back(b);
      } catch (const std::bad_alloc&) {
        return false;
      }
      add(cached, static_cast<std::ptrdiff_t>(size));
      return true;
    }
    Block get(unsigned index, std::size_t size) noexcept {
      Block b = free[index].back();
      free[index].pop_back();
      add(cached, -static_cast<std::ptrdiff_t>(size));
      return b;
    }
    Block take(unsigned index, std::size_t size) noexcept {
      add(in_use, static_cast<std::ptrdiff_t>(size));
      return get(index, size);
    }
  };

  shelf& shelf_for(unsigned index) noexcept {
    if (index > class_of(largest_small)) return common_;
    return shelves_[detail::thread_number() % shelves_.size()];
  }

  Block fresh(std::size_t size) {
    std::size_t held = held_.load();
    do {
      if (size > limit_ || held > limit_ - size) return Block{};
    } while (!held_.compare_exchange_weak(held, held + size));
    Block b = source_.allocate(size);
    if (!b) held_.fetch_sub(size);
    return b;
  }
  void keep(shelf& s, unsigned index, std::size_t size, Block b) noexcept {
    if (!s.put(index, size, b)) discard(b, size);
  }
  void discard(Block b, std::size_t size) noexcept {
    source_.free(b, size);
    held_.fetch_sub(size);
  }
  void empty(shelf& s) noexcept {
    detail::brief_lock lock(s.mutex);
    for (unsigned index = 0; index < s.free.size(); ++index) {
      while (s.has(index)) discard(s.get(index, size_of_class(index)), size_of_class(index));
    }
  }

  // constant after construction
  Source source_;
  std::size_t limit_;
  // any thread
  std::atomic<std::size_t> held_{0};  // bytes from the source: in use and cached
  mutable std::atomic<std::size_t> peak_{0};
  std::array<shelf, 8> shelves_;  // small blocks, by thread
  shelf common_;                  // large blocks, and small ones on their way between threads
};

/// Source of host memory, 64-byte aligned (a cache line, the widest vector).
struct host_memory {
  static constexpr std::size_t alignment = 64;
  void* allocate(std::size_t bytes) {
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  void free(void* block, std::size_t) noexcept { std::free(block); }
};

using host_pool = memory_pool<void*, host_memory>;

}  // namespace wherry
