// stopping.hpp: how queued requests are cancelled, and units closed and drained; the definitions behind
// `dispatcher`.
//
// What has started, what was handed over included, runs to its end.
//
// Threads: any.
#pragma once

#include <wherry/device/dispatcher.hpp>

namespace wherry {

inline bool dispatcher::cancel(request& r, failure why) noexcept {
  effects todo;
  {
    detail::dispatch_lock lock;
    if (r.state_ != request::state::queued) return false;
    if (why->chain().empty())
      why = std::make_shared<const error>(why->begun_in({r.id_, r.describe()}, nullptr));
    finish_locked(r, std::move(why), false, todo);
  }
  todo.run();
  return true;
}

inline void dispatcher::interrupt(request_terms& terms, reason why) noexcept {
  request& r = terms.who;  // its pointer to `terms` may be gone already
  effects todo;
  {
    detail::dispatch_lock lock;
    if (r.state_ == request::state::finished || terms.why) return;
    const bool has_started = r.state_ != request::state::fresh && r.state_ != request::state::queued;
    failure f;
    if (r.state_ == request::state::fresh) {
      f = interrupted_failure(why, r.describe() + ": ");
    } else {
      // Who requests a stop knows of it; a deadline that nobody looks at is reported.
      const failure plain =
          interrupted_failure(why, "", has_started ? "; it had started, and its result is dropped" : "");
      f = std::make_shared<const error>(plain->begun_in(
          {r.id_, r.describe()}, why == reason::cancelled ? nullptr : terms.joins.around().unobserved()));
    }
    if (r.state_ == request::state::queued) {
      finish_locked(r, std::move(f), false, todo);
    } else {
      terms.why = std::move(f);
      if (terms.asleep && leave_line(terms.joins, *terms.asleep)) {
        slot_waiter& w = *std::exchange(terms.asleep, nullptr);
        grant(terms.joins, todo);
        w.next = nullptr;
        (todo.last_granted ? todo.last_granted->next : todo.granted) = &w;
        todo.last_granted = &w;
      }
    }
  }
  todo.run();
}

inline void dispatcher::refuse(unit& u, const failure& why, const failure& queued) noexcept {
  absl::InlinedVector<ref<request>, 8> dropped;
  {
    detail::dispatch_lock lock;
    u.refusal_ = why;
    for (request* r = queued ? u.next_start_ : nullptr; r; r = r->next_in_unit_) dropped.emplace_back(r);
  }
  for (const auto& r : dropped) cancel(*r, queued);
}

inline void dispatcher::accept(unit& u) noexcept {
  failure gone;  // released after the lock
  detail::dispatch_lock lock;
  if (u.refusal_ && u.refusal_->reason() != reason::client_closed) gone = std::move(u.refusal_);
}

inline failure dispatcher::refusal_of(const unit& u) noexcept {
  detail::dispatch_lock lock;
  return u.refusal_;
}

inline bool dispatcher::has_counted(const request& r) noexcept {
  return r.done_.is_ready() || r.unit_->is_completed(r.id_);
}

inline bool dispatcher::drain_until(unit& u, ticket until, std::chrono::steady_clock::time_point deadline) {
  const ref<request> last = find(u, until);
  while (!u.is_completed(until)) {
    ref<request> head;
    {
      detail::dispatch_lock lock;
      head = ref<request>(u.head_);
    }
    if (!head || help(*head)) continue;
    if (!head->done_.wait_until(deadline)) return false;
  }
  // Its ticket is counted a moment before its waiters are told; after this they have been.
  return !last || last->done_.wait_until(deadline);
}

}  // namespace wherry
