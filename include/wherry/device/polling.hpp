// polling.hpp: what has become of a request, asked by its ticket at any time; the definitions behind
// `dispatcher::poll`.
//
// A ticket is enough for ever: nothing of the request has to be kept. The unit remembers which of its
// requests failed (failed_requests.hpp) and counts the others.
//
// Threads: any. Nothing here waits.
#pragma once

#include <wherry/device/dispatcher.hpp>

namespace wherry {

inline request_state dispatcher::poll(const unit& u, ticket t) { return find_out(u, t).state; }

inline absl::StatusCode dispatcher::code_of(const unit& u, ticket t) { return find_out(u, t).code; }

inline dispatcher::finding dispatcher::find_out(const unit& u, ticket t) {
  require_given_out(u, t);
  detail::dispatch_lock lock;
  if (const auto code = u.failures_.find(t.number())) return {request_state::failed, *code};
  if (u.is_completed(t)) return {request_state::completed, absl::StatusCode::kOk};
  const bool has_started = !u.next_start_ || t.number() < u.next_start_->id_.number();
  return {has_started ? request_state::running : request_state::pending, absl::StatusCode::kOk};
}

}  // namespace wherry
