// capability.hpp: what a loop's backend can use of its kernel.
//
// A backend finds out once, when it is made, and every fall-back is chosen by one of these bits. The
// bits that `loop_options::allow` lacks are treated as if the kernel lacked them, so a test on a new kernel
// takes the ways of an old one.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace wherry {

enum class capability : std::uint32_t {
  single_issuer = 1,       // uring: the kernel knows that one thread submits (6.0)
  defer_taskrun = 2,       // uring: completion work runs only when the loop asks for it (6.1)
  coop_taskrun = 4,        // uring: completion work does not interrupt the loop (5.19)
  registered_ring_fd = 8,  // uring: entering the kernel skips a descriptor look-up (5.18)
  wait_timeout = 16,       // uring: a wait takes a deadline as an argument (5.11), not as a request
  file_operations = 32,    // uring: open, close, stat, sync, rename, remove on the ring (5.12)
  immediate_file_io = 64,  // poll: file data that is in memory is moved at once (RWF_NOWAIT, 4.14)
};

class capability_set {
 public:
  constexpr capability_set() = default;
  constexpr capability_set(std::initializer_list<capability> members) {
    for (const capability c : members) add(c);
  }

  static constexpr capability_set all() {
    capability_set s;
    s.bits_ = ~std::uint32_t{0};
    return s;
  }

  constexpr bool has(capability c) const noexcept { return (bits_ & static_cast<std::uint32_t>(c)) != 0; }
  constexpr void add(capability c) noexcept { bits_ |= static_cast<std::uint32_t>(c); }
  constexpr void remove(capability c) noexcept { bits_ &= ~static_cast<std::uint32_t>(c); }

  friend constexpr bool operator==(capability_set, capability_set) = default;

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace wherry
