// counting.hpp: requests found by their tickets, and who is told when a ticket counts; the definitions behind
// `dispatcher`.
//
// Threads: any.
#pragma once

#include <utility>
#include <wherry/device/dispatcher.hpp>

namespace wherry {

inline bool dispatcher::listen(unit& u, const ref<unit_listener>& who, std::uint64_t number) {
  detail::dispatch_lock lock;
  const std::uint64_t completed = u.completed_.load(std::memory_order_relaxed);
  if (number != 0 && number <= completed) return false;
  if (u.listeners_.empty()) u.told_ = completed;
  who->at_ = number;
  u.listeners_.push_back(who);
  return true;
}

inline void dispatcher::stop_listening(unit& u, const unit_listener& who) noexcept {
  ref<unit_listener> gone;  // released after the lock
  detail::dispatch_lock lock;
  for (auto at = u.listeners_.begin(); at != u.listeners_.end(); ++at) {
    if (at->get() != &who) continue;
    gone = std::move(*at);
    u.listeners_.erase(at);
    return;
  }
}

inline void dispatcher::collect_listeners(unit& u, effects& todo) noexcept {
  const std::uint64_t completed = u.completed_.load(std::memory_order_relaxed);
  const std::uint64_t news = completed - std::exchange(u.told_, completed);
  if (news == 0) return;
  std::size_t kept = 0;
  for (auto& who : u.listeners_) {
    if (who->at_ == 0) {
      todo.told.emplace_back(who, news);
    } else if (who->at_ <= completed) {
      todo.told.emplace_back(std::move(who), news);
      continue;
    }
    std::swap(u.listeners_[kept++], who);
  }
  u.listeners_.resize(kept);
}

inline void dispatcher::require_given_out(const unit& u, ticket t) {
  const ticket newest = u.last_submitted();
  if (t && t.unit() == u.id_ && t.number() <= newest.number()) return;
  throw error(absl::StatusCode::kNotFound,
              "ticket " + to_string(t) + " was not given out by unit " + std::to_string(u.id_) + " of " +
                  u.device_name() + "; its last is " + to_string(newest),
              reason::none, t);
}

inline ref<request> dispatcher::find(const unit& u, ticket t) {
  detail::dispatch_lock lock;
  if (u.tail_ && u.tail_->id_ == t) return ref<request>(u.tail_);
  request* r = u.head_;
  while (r && r->id_.number() < t.number()) r = r->next_in_unit_;
  return ref<request>(r && r->id_ == t ? r : nullptr);
}

}  // namespace wherry
