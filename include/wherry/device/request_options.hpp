// request_options.hpp: what a caller may say about one request, whatever it does.
//
// Taken by executions (`execute_options` derives from it) and by transfers (`buffer`, `as_array`, `copy_to`,
// ...). What is left out costs nothing.
//
// A request whose stop was requested, or whose deadline has passed, before it got its ticket is refused: the
// call throws `cancelled` or `deadline_exceeded` and nothing has changed. Later, a request that waits in its
// queue completes at once with that error, for its waiters and for what depends on it (what was donated to it
// stays deleted, and its ticket counts when its turn comes); one that has started runs to its end, and its
// result is dropped for that error.
//
// Threads: a value; only read during the call that takes it.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>
#include <wherry/status/error_tracker.hpp>

namespace wherry {

class place;
class unit;

struct request_options {
  wherry::unit* unit = nullptr;  // join this unit, of the right kind and device; null: the runtime chooses
  std::stop_token stop = {};
  // On the scale of the clock of the client's loop: the steady clock, unless the loop is simulated.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  error_tracker* errors = nullptr;  // is told of a failure; must outlive the request
  std::string_view name = {};       // copied: stands for the request in messages and traces, "labels"
  wherry::place* place =
      nullptr;  // held for it (place.hpp): the submission takes it, joins its unit, never waits

  /// True when something is said that must be remembered until the request has finished.
  bool has_terms() const noexcept { return stop.stop_possible() || deadline || errors || !name.empty(); }
};

}  // namespace wherry
