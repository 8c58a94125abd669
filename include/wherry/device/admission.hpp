// admission.hpp: how submitters get a place in a unit, and wait for one; the definitions behind `dispatcher`.
//
// A unit admits requests up to its bound (bytes, for transfers); a request heavier than the bound is admitted
// alone. Places are granted in the order of asking and freed by completion only.
//
// Threads: any.
#pragma once

#include <wherry/device/dispatcher.hpp>
#include <wherry/device/place.hpp>

namespace wherry {

inline void place::give_back() noexcept {
  if (const ref<unit> u = std::move(unit_)) dispatcher::leave(*u, weight_);
}

/// A submission whose caller has said more than what to do.
inline bool dispatcher::submit_as_asked(unit& u, request& r, submit_options options) {
  const request_options& asked = *options.request;
  if (place* held = asked.place) {
    if (held->where() != &u || held->weight() < r.weight_) {
      throw error(absl::StatusCode::kInvalidArgument,
                  r.describe() + ": the place given holds " + std::to_string(held->weight()) + " in unit " +
                      (held->where() ? std::to_string(held->where()->id()) : "none") +
                      "; expected at least " + std::to_string(r.weight_) + " in unit " +
                      std::to_string(u.id_));
    }
    const ref<unit> taken = std::move(held->unit_);
    if (held->weight_ > r.weight_) leave(u, held->weight_ - r.weight_);
    options.admitted = true;
  }
  if (!asked.has_terms()) return submit_now(u, r, options);
  try {
    r.terms_ = std::make_unique<request_terms>(r, u, asked, [](interruption& i, reason why) noexcept {
      interrupt(static_cast<request_terms&>(i), why);
    });
    r.terms_->arm(asked.stop, asked.deadline, u.around());
  } catch (...) {
    r.terms_ = nullptr;
    if (options.admitted) leave(u, r.weight_);
    throw;
  }
  try {
    if (submit_now(u, r, options)) return true;
  } catch (...) {
    r.terms_ = nullptr;
    throw;
  }
  r.terms_ = nullptr;
  return false;
}

inline void dispatcher::wait_for_room(detail::dispatch_lock& lock, unit& u, std::uint64_t weight,
                                      request_terms* terms) {
  if (terms && terms->why) raise(terms->why);
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
  if (terms) terms->asleep = &self;
  {
    detail::dispatch_unlock unlocked(lock);
    while (!self.place.is_ready()) {
      if (!u.engine_.leads_anywhere() || !lead(u, [&self] { return self.place.is_ready(); }))
        self.place.wait();
    }
  }
  if (!terms) return;
  // Stopped while it stood in line, it has no place; stopped a moment later, the place is given back.
  if (!std::exchange(terms->asleep, nullptr)) raise(terms->why);
}

inline bool dispatcher::admit(unit& u, std::uint64_t weight, bool try_only) {
  detail::dispatch_lock lock;
  if (u.refusal_) raise(u.refusal_);
  if (has_room(u, weight)) {
    u.in_flight_ += weight;
  } else if (try_only) {
    return false;
  } else {
    wait_for_room(lock, u, weight, nullptr);
  }
  return true;
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

inline bool dispatcher::try_enter(unit& u, std::uint64_t weight) {
  detail::dispatch_lock lock;
  if (u.refusal_) raise(u.refusal_);
  if (!has_room(u, weight)) return false;
  u.in_flight_ += weight;
  return true;
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

/// Takes `waiter` out of those who wait for a place; false if it is not among them.
inline bool dispatcher::leave_line(unit& u, slot_waiter& waiter) noexcept {
  slot_waiter* before = nullptr;
  for (slot_waiter* w = u.waiting_head_; w; before = w, w = w->next) {
    if (w != &waiter) continue;
    (before ? before->next : u.waiting_head_) = w->next;
    if (u.waiting_tail_ == w) u.waiting_tail_ = before;
    return true;
  }
  return false;
}

inline bool dispatcher::withdraw(unit& u, slot_waiter& waiter) noexcept {
  effects todo;
  bool found = false;
  {
    detail::dispatch_lock lock;
    found = leave_line(u, waiter);
    if (found) grant(u, todo);  // it may have been too heavy for a place that suits the next
  }
  todo.run();
  return found;
}

}  // namespace wherry
