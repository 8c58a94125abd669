// ticket_promise.hpp: a request to wait for, known by its ticket alone.
//
// Made by `client.when(ticket)`. Ready when the request is done; it fails as the request does. Of one that
// was done before only the code is known.
//
// Threads: any; copies share what they wait for.
#pragma once

#include <string>
#include <utility>
#include <wherry/device/promise.hpp>

namespace wherry {

class ticket_promise : public promise<ticket_promise> {
 public:
  /// Throws not_found if `u`, a unit of `where`, has not given out `t`.
  ticket_promise(ref<device_core> where, unit& u, ticket t) : where_(std::move(where)), id_(t) {
    dispatcher::require_given_out(u, t);
    if (ref<request> r = u.is_completed(t) ? nullptr : dispatcher::find(u, t)) {
      held_ = pending(std::move(r));
    } else if (const absl::StatusCode code = dispatcher::code_of(u, t); code != absl::StatusCode::kOk) {
      // Its message went with its last handle.
      held_ = pending(make_failure(
          code, "request " + to_string(t) + " failed: " + absl::StatusCodeToString(code), reason::none, t));
    }
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
