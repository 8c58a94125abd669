// process_generation.hpp: how many forks separate this process from the first one that asked.
//
// A forked child inherits the memory of a loop, but neither its thread nor its right to use the ring,
// and its descriptors are the parent's. An object that must not be used there remembers the generation
// in which it was made and compares. A load is all it costs; getpid() would be a system call (150 ns).
//
// Threads: any.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace wherry::detail {

inline std::atomic<std::uint32_t> generation_count{0};

/// Returns the generation of the calling process; it is greater in every child forked after the first call.
inline std::uint32_t process_generation() noexcept {
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { generation_count.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return generation_count.load(std::memory_order_relaxed);
}

/// True in a child forked since `generation` was taken. Cheaper than `process_generation`.
inline bool was_forked_since(std::uint32_t generation) noexcept {
  return generation_count.load(std::memory_order_relaxed) != generation;
}

}  // namespace wherry::detail
