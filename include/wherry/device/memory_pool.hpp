// memory_pool.hpp: blocks of one device's memory, kept by size class and reused.
//
// Fresh pages cost far more than anything done with them (a first touch runs at 0.3 to 2 GB/s on a virtual
// machine, the copy itself at 10 or more), so freed blocks stay in the pool. Classes are powers of two
// with three steps between, so a block wastes at most a quarter. `Source` makes and frees blocks:
//   block allocate(std::size_t bytes);            // empty when out of memory
//   void free(block, std::size_t bytes) noexcept;
//
// Threads: any; one mutex per pool, never held while `Source` works on a large block.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <vector>
#include <wherry/device/brief_lock.hpp>

namespace wherry {

struct memory_statistics {
  std::size_t in_use = 0;  // bytes handed out (size classes, not requests)
  std::size_t peak = 0;    // highest in_use so far
  std::size_t cached = 0;  // bytes kept for reuse
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
    {
      detail::brief_lock lock(mutex_);
      if (index < free_.size() && !free_[index].empty()) {
        Block b = free_[index].back();
        free_[index].pop_back();
        stats_.cached -= size;
        take(size);
        return b;
      }
      if (stats_.in_use + size > limit_) return Block{};
      take(size);
    }
    Block b = over_limit() ? Block{} : source_.allocate(size);
    if (!b) {
      trim();
      b = source_.allocate(size);
    }
    if (!b) {
      detail::brief_lock lock(mutex_);
      stats_.in_use -= size;
    }
    return b;
  }

  /// Takes back a block that `allocate(bytes)` returned.
  void deallocate(Block b, std::size_t bytes) noexcept {
    const unsigned index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    detail::brief_lock lock(mutex_);
    stats_.in_use -= size;
    try {
      if (index >= free_.size()) free_.resize(index + 1);
      free_[index].push_back(b);
      stats_.cached += size;
    } catch (const std::bad_alloc&) {
      source_.free(b, size);
    }
  }

  /// Gives cached blocks back to the device.
  void trim() noexcept {
    detail::brief_lock lock(mutex_);
    for (unsigned index = 0; index < free_.size(); ++index) {
      for (Block& b : free_[index]) source_.free(b, size_of_class(index));
      free_[index].clear();
    }
    stats_.cached = 0;
  }

  memory_statistics statistics() const {
    detail::brief_lock lock(mutex_);
    return stats_;
  }

 private:
  static constexpr unsigned smallest = 6;  // 64 bytes

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

  void take(std::size_t size) noexcept {
    stats_.in_use += size;
    if (stats_.in_use > stats_.peak) stats_.peak = stats_.in_use;
  }
  bool over_limit() const {
    detail::brief_lock lock(mutex_);
    return stats_.cached != 0 && stats_.in_use + stats_.cached > limit_;
  }

  // constant after construction
  Source source_;
  std::size_t limit_;
  // any thread, under mutex_
  mutable std::mutex mutex_;
  std::vector<std::vector<Block>> free_;
  memory_statistics stats_;
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
