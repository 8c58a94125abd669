// thread_number.hpp: a small number for each thread, to spread threads over things of which there are
// several.
//
// Threads that live at the same time may share a number modulo anything; the numbers only spread.
//
// Threads: any.
#pragma once

#include <atomic>

namespace wherry::detail {

/// Returns this thread's number: 0 for the first that asks, then 1, and so on.
inline unsigned thread_number() noexcept {
  static constinit std::atomic<unsigned> last{0};
  static constinit thread_local unsigned mine = 0;  // one more than the number; 0: none yet
  if (mine == 0) mine = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return mine - 1;
}

}  // namespace wherry::detail
