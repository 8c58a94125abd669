// trampoline.hpp: resuming coroutines with a constant amount of stack.
//
// A task that awaits a task, or ends, does not call the next coroutine: it names it as the next *hop* and
// returns to the trampoline further down the stack, which resumes it. So neither a million awaits that
// complete at once nor a chain of a hundred thousand nested tasks grows the stack, whatever the compiler,
// the optimisation level or the sanitizer. Symmetric transfer alone does not give that: it is a plain call
// in GCC below -O2 (GCC PR94794) and under ASan and TSan.
//
// Threads: the trampoline is the calling thread's own.
#pragma once

#include <coroutine>

namespace wherry {

namespace detail {

/// One coroutine to resume; lives in the promise of the task that starts or ends.
struct hop {
  hop* next = nullptr;
  std::coroutine_handle<> target;
};

struct trampoline {
  hop* top = nullptr;
};

inline constinit thread_local trampoline* active_trampoline = nullptr;

/// Resumes hops, and the hops these add, last in first out, until none is left. A hop is unlinked before
/// its target runs, which may free it.
inline void run_hops(trampoline& t) noexcept {
  while (hop* const h = t.top) {
    t.top = h->next;
    h->target.resume();
  }
}

/// Resumes `h.target` when the calling coroutine has suspended: the last act of an `await_suspend`, which
/// touches nothing afterwards. Without a trampoline below (a foreign `handle.resume()`), this call is one.
inline void continue_with(hop& h) noexcept {
  if (trampoline* const below = active_trampoline) {
    h.next = below->top;
    below->top = &h;
    return;
  }
  h.next = nullptr;
  trampoline here{&h};
  active_trampoline = &here;
  run_hops(here);
  active_trampoline = nullptr;
}

}  // namespace detail

/// Resumes `h` and whatever it leads to on this thread, until all of it is suspended or done. Schedulers
/// and awaiters call this instead of `h.resume()`.
inline void resume(std::coroutine_handle<> h) noexcept {
  detail::trampoline here;
  detail::trampoline* const below = detail::active_trampoline;
  detail::active_trampoline = &here;
  h.resume();
  detail::run_hops(here);
  detail::active_trampoline = below;
}

}  // namespace wherry
