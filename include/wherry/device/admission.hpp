// admission.hpp: how submitters get a place in a unit, and wait for one; the definitions behind `dispatcher`.
//
// A unit admits requests up to its bound (bytes, for transfers); a request heavier than the bound is admitted
// alone. Places are granted in the order of asking and freed by completion only.
//
// Threads: any.
#pragma once

#include <wherry/device/dispatcher.hpp>

namespace wherry {

inline void dispatcher::wait_for_room(detail::dispatch_lock& lock, unit& u, std::uint64_t weight) {
  const scheduler* here = scheduler::current();
  if (here && here->what() != scheduler::kind::waiter) {
    if (u.in_flight_ + weight <= 16 * u.bound_) {
      u.in_flight_ += weight;
      return;
    }
    throw error(absl::StatusCode::kResourceExhausted,
                "unit " + std::to_string(u.id_) + " (" + std::string(name_of(u.kind_)) +
                    ") holds 16 times its bound of " + std::to_string(u.bound_) +
                    ": a plain call on a loop's or worker's thread cannot wait; use co_await submit",
                reason::unit_full);
  }
  struct sleeper : slot_waiter {
    completion place;
  } self;
  self.weight = weight;
  self.granted = [](slot_waiter& w) noexcept { static_cast<sleeper&>(w).place.complete(); };
  (u.waiting_tail_ ? u.waiting_tail_->next : u.waiting_head_) = &self;
  u.waiting_tail_ = &self;
  detail::dispatch_unlock unlocked(lock);
  while (!self.place.is_ready()) {
    if (!u.engine_.leads_anywhere() || !lead(u, [&self] { return self.place.is_ready(); })) self.place.wait();
  }
}

inline bool dispatcher::enter(unit& u, slot_waiter& waiter) {
  detail::dispatch_lock lock;
  if (u.refusal_) raise(u.refusal_);
  if (has_room(u, waiter.weight)) {
    u.in_flight_ += waiter.weight;
    return true;
  }
  waiter.next = nullptr;
  (u.waiting_tail_ ? u.waiting_tail_->next : u.waiting_head_) = &waiter;
  u.waiting_tail_ = &waiter;
  return false;
}

inline void dispatcher::leave(unit& u, std::uint64_t weight) noexcept {
  effects todo;
  {
    detail::dispatch_lock lock;
    u.in_flight_ -= weight;
    grant(u, todo);
  }
  todo.run();
}

inline bool dispatcher::withdraw(unit& u, slot_waiter& waiter) noexcept {
  effects todo;
  bool found = false;
  {
    detail::dispatch_lock lock;
    slot_waiter* before = nullptr;
    for (slot_waiter* w = u.waiting_head_; w && !found; before = w, w = w->next) {
      if (w != &waiter) continue;
      (before ? before->next : u.waiting_head_) = w->next;
      if (u.waiting_tail_ == w) u.waiting_tail_ = before;
      found = true;
    }
    if (found) grant(u, todo);  // it may have been too heavy for a place that suits the next
  }
  todo.run();
  return found;
}

}  // namespace wherry
