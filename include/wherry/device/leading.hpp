// leading.hpp: how the requests of a unit are started, by whoever holds its run token; the definitions behind
// `dispatcher`.
//
// Threads: any; one at a time leads a unit.
#pragma once

#include <wherry/device/dispatcher.hpp>

namespace wherry {

template <class Stop>
bool dispatcher::lead_locked(detail::dispatch_lock& lock, unit& u, effects& todo, Stop&& stop) noexcept {
  bool any = false;
  u.led_ = true;
  while (can_start(u) && !stop()) {
    any = true;
    request& r = *std::exchange(u.next_start_, u.next_start_->next_in_unit_);
    if (r.state_ == request::state::finished) {  // cancelled while it was queued: its turn has come
      retire(u, todo);
      continue;
    }
    failure outcome = r.upstream_;
    if (!outcome && r.terms_) outcome = r.terms_->why;  // stopped, then dropped by the driver
    r.state_ = request::state::started;
    u.starting_ = true;
    bool finished = true;
    if (!outcome) {
      for (const request* p : r.producers_) r.waits_.push_back(p->event_);
      if (u.last_started_) r.after_ = u.last_started_->event_;
      u.last_started_ = &r;
      if (u.watch_) [[unlikely]]
        u.watch_->started(r);
      detail::dispatch_unlock unlocked(lock);
      todo.run();
      finished = r.start(outcome) == request::started::finished;
      if (outcome) outcome = named(r, std::move(outcome));
    }
    if (finished) {
      const bool failed = outcome != nullptr;
      finish_locked(r, std::move(outcome), failed, todo);
    }
  }
  u.led_ = false;
  if (can_start(u)) todo.schedule(u);
  return any;
}

template <class Stop>
bool dispatcher::lead(unit& u, Stop&& stop) noexcept {
  effects todo;
  bool any = false;
  {
    detail::dispatch_lock lock;
    if (u.led_ || !can_start(u)) return false;
    any = lead_locked(lock, u, todo, stop);
  }
  todo.run();
  return any;
}

inline bool dispatcher::help(request& r) noexcept {
  while (!r.done_.is_ready()) {
    ref<unit> target;  // another thread may finish what is there, and the last handle of its device may go
    {
      detail::dispatch_lock lock;
      for (request* wanted = &r; wanted && wanted->state_ == request::state::queued;) {
        unit& u = *wanted->unit_;
        if (u.led_ || !u.engine_.leads_anywhere()) break;
        if (can_start(u)) {
          target = ref<unit>(&u);
          break;
        }
        const request* head = u.next_start_;
        wanted = head && !head->blockers_.empty() ? head->blockers_.front() : nullptr;
      }
    }
    if (!target || !lead(*target, [&r] { return r.state_ == request::state::finished; })) break;
  }
  return r.done_.is_ready();
}

}  // namespace wherry
