// finishing.hpp: what happens when a request has its outcome; the definitions behind `dispatcher`.
//
// It is concluded: its edges are resolved, and its failure goes to what reads its results. Then its unit
// retires what has finished at the head of its queue, in ticket order, which frees places; and what became
// able to start is scheduled. Waiters are told by `effects`, after the lock.
//
// Threads: any.
#pragma once

#include <wherry/device/dispatcher.hpp>

namespace wherry {

inline void dispatcher::finish_locked(request& r, failure outcome, bool ran_nothing, effects& todo) noexcept {
  unit& u = *r.unit_;
  const bool was_queued = r.state_ == request::state::queued;
  const bool was_starting = r.state_ == request::state::started;
  if (!was_queued && (r.event_ || &r != u.head_ || !r.producers_.empty())) {
    // Refused for something ahead of it, it may have to start again: its unit waits for it.
    if (was_starting && !(outcome && u.last_started_ == &r)) u.starting_ = false;
    r.state_ = request::state::ended;
    r.outcome_ = std::move(outcome);
    r.ran_nothing_ = ran_nothing;
    settle(u, todo);
    if (can_start(u)) todo.schedule(u);
  } else {
    if (was_starting) u.starting_ = false;
    conclude(r, std::move(outcome), todo);
    if (was_queued) {
      r.retain();
      todo.fire(r);
    }
    retire(u, todo);
  }
  while (!todo.to_drop.empty()) {
    request& later = *todo.to_drop.back();
    todo.to_drop.pop_back();
    conclude(later, nullptr, todo);
    later.retain();
    todo.fire(later);
    retire(*later.unit_, todo);
  }
  while (!todo.to_settle.empty()) {
    unit& other = *todo.to_settle.back();
    todo.to_settle.pop_back();
    settle(other, todo);
  }
}

/// True if `later` must not run before `earlier` has finished.
inline bool dispatcher::conflict(const request& earlier, const request& later) noexcept {
  for (const storage_use& a : earlier.uses_) {
    for (const storage_use& b : later.uses_) {
      if (a.memory == b.memory && (a.writes || b.writes)) return true;
    }
  }
  return false;
}

/// Makes `user`, if it uses `s`, somebody whom the next writer of `s` waits for.
inline void dispatcher::bring_back(storage& s, request& user) noexcept {
  for (const storage_use& use : user.uses_) {
    if (use.memory.get() != &s) continue;
    if (use.writes) {
      s.writer.store(&user, std::memory_order_release);
    } else {
      s.readers.push_back(&user);
    }
  }
}

// A request that is concluded in the queue leaves its place in every order to those that it waited for: they
// may still use the memory that those behind it write. What reads its results is concluded, too.
inline void dispatcher::conclude(request& r, failure outcome, effects& todo) noexcept {
  const bool in_queue = r.state_ == request::state::queued;
  r.state_ = request::state::finished;
  if (r.unit_->last_started_ == &r) r.unit_->last_started_ = nullptr;
  if (!outcome && r.upstream_) outcome = r.upstream_;
  if (outcome && outcome == r.upstream_)
    outcome = std::make_shared<const error>(outcome->followed_by({r.id_, r.describe()}));
  if (r.terms_) {
    if (!outcome) outcome = std::move(r.terms_->why);  // it was stopped while it ran
    if (outcome && r.terms_->errors) {
      r.terms_->errors->add(r.id_, outcome->code());
      outcome->mark_observed();
    }
  }
  r.outcome_ = std::move(outcome);
  if (r.outcome_) {
    ++r.unit_->failed_;
    r.unit_->failures_.add(r.id_.number(), r.outcome_->code(), r.unit_->last_completed().number());
  }
  if (r.unit_->watch_) [[unlikely]]
    r.unit_->watch_->finished(r);
  const bool spoils = r.outcome_ && !r.keeps_results_;
  const auto leave = [&r](request* earlier) {  // only when cancelled in the queue
    auto& list = earlier->dependants_;
    list.erase(std::remove_if(list.begin(), list.end(), [&r](const auto& d) { return d.who == &r; }),
               list.end());
  };
  absl::InlinedVector<request*, 4> earlier;
  if (in_queue) {
    earlier.assign(r.blockers_.begin(), r.blockers_.end());
    earlier.insert(earlier.end(), r.producers_.begin(), r.producers_.end());
    for (request* e : earlier) leave(e);
    r.blockers_.clear();
    r.producers_.clear();
  }
  if (r.event_) {
    r.unit_->ahead_ -= r.weight_;
    if (r.outcome_) mark_behind(r);
  }
  for (const storage_use& use : r.uses_) {
    storage& s = *use.memory;
    if (use.writes) {
      if (s.writer.load(std::memory_order_relaxed) != &r) continue;  // a later writer decides, or has decided
      s.writer.store(nullptr, std::memory_order_release);
      for (request* e : earlier) bring_back(s, *e);
      if (spoils || (use.orders && r.outcome_)) s.failed = r.outcome_;
    } else if (auto at = std::find(s.readers.begin(), s.readers.end(), &r); at != s.readers.end()) {
      *at = s.readers.back();
      s.readers.pop_back();
    }
  }
  for (const auto& [later, blocks, carries, orders] : r.dependants_) {
    for (request* e : earlier) {
      if (later->state_ == request::state::queued && conflict(*e, *later)) add_edge(*e, *later, false, false);
    }
    const bool fails = (spoils && carries) || (r.outcome_ && orders);
    if (fails && !later->upstream_ && later->state_ != request::state::finished) {
      later->upstream_ = r.outcome_;
      if (in_queue && later->state_ == request::state::queued) todo.to_drop.push_back(later);
    }
    if (blocks) {
      auto& list = later->blockers_;
      list.erase(std::find(list.begin(), list.end(), &r));
      if (list.empty() && can_start(*later->unit_)) todo.schedule(*later->unit_);
    } else if (later->unit_ != r.unit_) {
      auto& list = later->producers_;
      list.erase(std::find(list.begin(), list.end(), &r));
      if (list.empty() && later == later->unit_->head_) todo.to_settle.push_back(later->unit_);
    }
  }
  r.dependants_.clear();
}

inline void dispatcher::retire(unit& u, effects& todo) noexcept {
  while (u.head_ && u.head_->state_ == request::state::finished) {
    request& r = *u.head_;
    if (u.next_start_ == &r) u.next_start_ = r.next_in_unit_;
    u.head_ = r.next_in_unit_;
    if (!u.head_) u.tail_ = nullptr;
    u.completed_.store(r.id_.number(), std::memory_order_release);
    u.in_flight_ -= r.weight_;
    if (r.fired_) {
      r.release();
    } else {
      todo.fire(r);  // takes over the queue's reference
    }
  }
  if (!u.listeners_.empty()) collect_listeners(u, todo);
  grant(u, todo);
  if (can_start(u)) todo.schedule(u);
}

inline void dispatcher::grant(unit& u, effects& todo) noexcept {
  while (slot_waiter* w = u.waiting_head_) {
    if (u.in_flight_ != 0 && u.in_flight_ + w->weight > u.bound_) break;
    u.in_flight_ += w->weight;
    u.waiting_head_ = w->next;
    if (!u.waiting_head_) u.waiting_tail_ = nullptr;
    w->next = nullptr;
    (todo.last_granted ? todo.last_granted->next : todo.granted) = w;
    todo.last_granted = w;
  }
}

// A failure that names no request yet is this one's.
inline failure dispatcher::named(const request& r, failure outcome) noexcept {
  if (outcome->id()) return outcome;
  return std::make_shared<const error>(
      outcome->begun_in({r.id(), r.describe()}, r.where()->around().unobserved()));
}

inline void dispatcher::finish(request& r, failure outcome, bool ran_nothing) noexcept {
  if (outcome) outcome = named(r, std::move(outcome));
  effects todo;
  {
    detail::dispatch_lock lock;
    finish_locked(r, std::move(outcome), ran_nothing, todo);
  }
  todo.run();
}

}  // namespace wherry
