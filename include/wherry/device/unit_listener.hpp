// unit_listener.hpp: who is told of a unit's tickets as they become visible.
//
// Threads: `counted` is called outside any lock, on the thread that completed a request; calls for one unit
// may come from several threads at the same time.
#pragma once

#include <cstdint>
#include <wherry/device/ref.hpp>

namespace wherry {

class unit_listener : public ref_counted<unit_listener> {
 public:
  virtual ~unit_listener() = default;
  /// `count` more tickets are complete, and have been visible in `last_completed` before this call.
  virtual void counted(std::uint64_t count) noexcept = 0;

 private:
  friend class dispatcher;
  std::uint64_t at_ = 0;  // dispatch lock; told once, when this number is complete; 0: told of every one
};

}  // namespace wherry
