// ticket_promise.hpp: a request to wait for, known by its ticket alone.
//
// Made by `client.when(ticket)`. Ready when the request is done; it fails as the request does.
//
// Threads: any; copies share what they wait for.
#pragma once

#include <utility>
#include <wherry/device/promise.hpp>

namespace wherry {

class ticket_promise : public promise<ticket_promise> {
 public:
  /// Throws not_found if `u`, a unit of `where`, has not given out `t`.
  ticket_promise(ref<device_core> where, unit& u, ticket t) : where_(std::move(where)), id_(t) {
    dispatcher::require_given_out(u, t);
    if (u.is_completed(t)) return;
    if (ref<request> r = dispatcher::find(u, t)) held_ = pending(std::move(r));
  }

  ticket id() const noexcept { return id_; }
  auto operator co_await() const { return promise_awaiter<ticket>(outcome(), id_); }
  pending outcome() const { return held_; }
  device_core& place() const noexcept { return *where_; }

 private:
  ref<device_core> where_;
  ticket id_;
  pending held_;
};

}  // namespace wherry
