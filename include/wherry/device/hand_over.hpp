// hand_over.hpp: how requests start behind others that the driver has but that have not completed; the
// definitions behind `dispatcher`.
//
// A request is handed over when its last command is in the queue of its unit. From then on the device keeps
// the order: the next request of the unit starts, and so does what reads its results on other units of the
// same engine, with its event in the wait list. Everything else waits on the host, as everything does on
// `cpu:k`: requests that do work on the host, edges from other engines, and writers that wait for readers
// (had the reader failed on the device, its event would make the driver drop the writer, which is to run).
//
// What the driver says has ended *finishes* only after everything before it: the earlier requests of its unit
// and the producers that its commands waited for. So a failure reaches what was handed over behind it however
// the driver orders its callbacks, and completions of a unit are told in order.
//
// Some drivers (PoCL 3.1) drop whatever is behind a failed command in its queue, without running it. A
// request that was dropped so, and that reads nothing that failed, goes back to the queue when it has become
// the head of its unit, and starts again.
//
// Threads: any.
#pragma once

#include <wherry/device/dispatcher.hpp>

namespace wherry {

inline void dispatcher::hand_over(request& r, ref<device_event> last) noexcept {
  effects todo;
  {
    detail::dispatch_lock lock;
    unit& u = *r.unit_;
    r.state_ = request::state::handed_over;
    r.event_ = std::move(last);
    u.starting_ = false;
    u.ahead_ += r.weight_;
    for (request::dependant& edge : r.dependants_) {
      leave_to_device(r, edge);
      unit& other = *edge.who->unit_;
      if (&other != &u && can_start(other)) todo.schedule(other);
    }
    if (can_start(u)) todo.schedule(u);
  }
  todo.run();
}

inline bool dispatcher::is_handed_over(const request& r) noexcept {
  detail::dispatch_lock lock;
  return r.state_ == request::state::handed_over;
}

/// Resolves an edge from what was handed over for the host, if the device can do the waiting.
inline void dispatcher::leave_to_device(request& from, request::dependant& edge) noexcept {
  request& to = *edge.who;
  const bool same_unit = to.unit_ == from.unit_;
  if (!from.event_ || !to.follows_ || to.state_ != request::state::queued) return;
  if (&to.unit_->engine_ != &from.unit_->engine_ || !(same_unit || edge.carries)) return;
  edge.blocks = false;
  to.blockers_.erase(std::find(to.blockers_.begin(), to.blockers_.end(), &from));
  if (!same_unit) to.producers_.push_back(&from);
}

/// Finishes what has ended at the head of `u` and waits for no other unit.
inline void dispatcher::settle(unit& u, effects& todo) noexcept {
  while (u.head_ && u.head_->state_ == request::state::ended && u.head_->producers_.empty()) {
    request& r = *u.head_;
    if (!r.event_ && u.last_started_ == &r) u.starting_ = false;
    if (r.outcome_ && r.ran_nothing_ && r.behind_failure_ && !r.upstream_) {
      bool all_dropped = true;
      for (const request* later = r.next_in_unit_; later; later = later->next_in_unit_) {
        // As long as anything is left in the queue, what comes behind it may be dropped, too.
        if (later->state_ == request::state::handed_over || later->state_ == request::state::started) return;
        if (later->state_ == request::state::ended && !(later->outcome_ && later->ran_nothing_))
          all_dropped = false;  // it may have changed what `r` reads
      }
      if (all_dropped) return recall(r, todo);
    }
    conclude(r, r.upstream_ ? r.upstream_ : std::move(r.outcome_), todo);
    retire(u, todo);
  }
}

/// What the driver has of the unit of `r` behind `r` has been, or will be, dropped by some drivers.
inline void dispatcher::mark_behind(request& r) noexcept {
  for (request* later = r.next_in_unit_; later; later = later->next_in_unit_) {
    if (later->state_ != request::state::queued) later->behind_failure_ = true;
  }
}

/// Puts `r`, the head of its unit, of which nothing ran, back to where it was before it started.
inline void dispatcher::recall(request& r, effects& todo) noexcept {
  unit& u = *r.unit_;
  mark_behind(r);
  for (request::dependant& edge : r.dependants_) {
    request& later = *edge.who;
    if (edge.blocks || later.state_ == request::state::finished) continue;
    if (later.state_ != request::state::queued) {
      later.behind_failure_ = true;  // it has waited for commands that are gone
      continue;
    }
    edge.blocks = true;
    later.blockers_.push_back(&r);
    if (later.unit_ != &u)
      later.producers_.erase(std::find(later.producers_.begin(), later.producers_.end(), &r));
  }
  if (r.event_) u.ahead_ -= r.weight_;
  r.event_ = nullptr;
  r.waits_.clear();
  r.after_ = nullptr;
  r.outcome_ = nullptr;
  r.behind_failure_ = false;
  r.ran_nothing_ = false;
  r.state_ = request::state::queued;
  u.next_start_ = &r;
  u.last_started_ = nullptr;
  if (can_start(u)) todo.schedule(u);
}

}  // namespace wherry
