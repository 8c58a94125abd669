// wait_for_place.hpp: waiting on a thread for a place in a unit, no longer than the caller's options say.
//
// Threads: any.
#pragma once

#include <wherry/device/dispatcher.hpp>
#include <wherry/device/interruption.hpp>

namespace wherry {

namespace detail {

/// A thread that stands in line. It is released by whoever gives it the place, or by what ends its waiting.
struct interruptible_sleeper : slot_waiter, interruption {
  interruptible_sleeper(unit& u, std::uint64_t wanted)
      : interruption([](interruption& i, reason why) noexcept {
          auto& self = static_cast<interruptible_sleeper&>(i);
          if (!dispatcher::withdraw(self.where, self)) return;  // the place came first
          self.left = why;
          self.over.complete();
        }),
        where(u) {
    weight = wanted;
    granted = [](slot_waiter& w) noexcept { static_cast<interruptible_sleeper&>(w).over.complete(); };
  }

  unit& where;
  completion over;
  reason left = reason::none;  // why it left the line without a place
};

}  // namespace detail

/// Takes a place of `weight` in `u` and returns true, or false if `try_only` was asked and the unit is full.
/// Waits on an ordinary thread, helping the unit meanwhile; on a loop's or worker's thread behaves as
/// `dispatcher::admit`. Throws `cancelled` or `deadline_exceeded` when the stop or the deadline of `options`
/// ends the waiting, and what the unit refuses submissions with.
inline bool wait_for_place(unit& u, std::uint64_t weight, bool try_only, const request_options& options) {
  const scheduler* here = scheduler::current();
  const bool may_wait = !here || here->what() == scheduler::kind::waiter;
  const bool may_end = options.stop.stop_possible() || options.deadline;
  if (try_only || !may_wait || !may_end) return dispatcher::admit(u, weight, try_only);
  detail::interruptible_sleeper self(u, weight);
  if (dispatcher::enter(u, self)) return true;
  try {
    self.arm(options.stop, options.deadline, u.around());
  } catch (...) {
    self.disarm();
    if (self.left == reason::none && !dispatcher::withdraw(u, self)) {
      self.over.wait();  // whoever gave it the place may still be on the way here
      dispatcher::leave(u, weight);
    }
    throw;
  }
  while (!self.over.is_ready()) {
    if (!u.is_led_anywhere() || !dispatcher::lead(u, [&self] { return self.over.is_ready(); }))
      self.over.wait();
  }
  self.disarm();
  if (self.left == reason::none) return true;
  raise(interrupted_failure(self.left, "waiting for a place in unit " + std::to_string(u.id()) + ": "));
}

}  // namespace wherry
