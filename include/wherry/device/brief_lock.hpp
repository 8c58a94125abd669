// brief_lock.hpp: a lock for sections of tens of nanoseconds.
//
// Spins a little before it sleeps: the holder is nearly always through at once, and a futex wait costs two
// context switches (13 to 30 us on a virtual machine).
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

class brief_lock {
 public:
  explicit brief_lock(std::mutex& mutex) : mutex_(mutex) { lock(); }
  ~brief_lock() { mutex_.unlock(); }
  brief_lock(const brief_lock&) = delete;
  brief_lock& operator=(const brief_lock&) = delete;

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

}  // namespace wherry::detail
