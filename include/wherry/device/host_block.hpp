// host_block.hpp: a shared piece of host memory from the process's pool.
//
// What arrays are made of, and what transfers read into; aligned to 64 bytes.
//
// Threads: any; copies of a `ref<host_block>` share the memory.
#pragma once

#include <string>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/device/memory_pool.hpp>
#include <wherry/device/ref.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

class host_block : public ref_counted<host_block> {
 public:
  /// Throws resource_exhausted when the host has no more memory.
  explicit host_block(std::size_t bytes) : bytes_(bytes), data_(pool().allocate(bytes)) {
    if (!data_) {
      throw error(absl::StatusCode::kResourceExhausted,
                  "out of host memory: " + std::to_string(bytes) + " bytes asked for", reason::out_of_memory);
    }
  }
  ~host_block() { pool().deallocate(data_, bytes_); }

  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }

  std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  static host_pool& pool() {
    static host_pool& shared = *new host_pool;  // outlives static arrays
    return shared;
  }

  std::size_t bytes_;
  void* data_;
};

}  // namespace wherry
