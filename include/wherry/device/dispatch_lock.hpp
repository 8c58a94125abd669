// dispatch_lock.hpp: the one lock under which requests take tickets, join queues and record edges.
//
// One critical section gives a request its ticket, its place in the queue and its edges, so every edge
// points to an earlier request and no cycle can arise, from however many threads (docs/architecture.md,
// "One order"). The section is tens of nanoseconds long; waiters spin a little before they sleep.
//
// Threads: any.
#pragma once

#include <wherry/device/brief_lock.hpp>

namespace wherry::detail {

// Constant-initialised and trivially destructible, so that static clients may use it at any time.
inline constinit brief_mutex dispatch_mutex;

class dispatch_lock : public brief_lock {
 public:
  dispatch_lock() noexcept : brief_lock(dispatch_mutex) {}
};

/// Releases the lock for one scope.
class dispatch_unlock {
 public:
  explicit dispatch_unlock(dispatch_lock& lock) : lock_(lock) { lock_.unlock(); }
  ~dispatch_unlock() { lock_.lock(); }
  dispatch_unlock(const dispatch_unlock&) = delete;
  dispatch_unlock& operator=(const dispatch_unlock&) = delete;

 private:
  dispatch_lock& lock_;
};

}  // namespace wherry::detail
