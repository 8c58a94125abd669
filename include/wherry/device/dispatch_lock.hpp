// dispatch_lock.hpp: the one lock under which requests take tickets, join queues and record edges.
//
// One critical section gives a request its ticket, its place in the queue and its edges, so every edge
// points to an earlier request and no cycle can arise, from however many threads (docs/architecture.md,
// "One order"). The section is tens of nanoseconds long; waiters spin a little before they sleep.
//
// Threads: any.
#pragma once

#include <mutex>

namespace wherry::detail {

inline void cpu_relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Constant-initialised and trivially destructible, so that static clients may use it at any time.
inline constinit std::mutex dispatch_mutex;

class dispatch_lock {
 public:
  dispatch_lock() : mutex_(dispatch_mutex) { lock(); }
  ~dispatch_lock() { mutex_.unlock(); }
  dispatch_lock(const dispatch_lock&) = delete;
  dispatch_lock& operator=(const dispatch_lock&) = delete;

  void unlock() noexcept { mutex_.unlock(); }
  void lock() {
    for (int spin = 0; spin < 64; ++spin) {
      if (mutex_.try_lock()) return;
      cpu_relax();
    }
    mutex_.lock();
  }

 private:
  std::mutex& mutex_;
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
