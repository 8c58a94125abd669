// barrier.hpp: everything that was submitted so far, to wait for like any other result.
//
// Made by `drained()` of a device or a client, or of one unit. It is ready when all requests that were
// submitted to the units before it was made have completed, however they ended; a barrier itself does not
// fail, takes no ticket and holds nobody up.
//
// Threads: any; copies share one barrier.
#pragma once

#include <utility>
#include <vector>
#include <wherry/device/promise.hpp>

namespace wherry {

class barrier : public promise<barrier> {
 public:
  barrier(ref<device_core> where, const std::vector<unit*>& units)
      : where_(std::move(where)), core_(barrier_core::of(units)) {}

  auto operator co_await() const { return promise_awaiter<barrier>(outcome(), *this); }
  pending outcome() const { return pending(core_); }
  device_core& place() const noexcept { return *where_; }

 private:
  ref<device_core> where_;  // where callbacks run
  ref<barrier_core> core_;
};

inline barrier device::drained() const { return {core_, core_->units()}; }
inline barrier device::drained(unit& u) const {
  core_->require_own(u, "drained");
  return {core_, {&u}};
}

}  // namespace wherry
