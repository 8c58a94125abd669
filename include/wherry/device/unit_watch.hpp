// unit_watch.hpp: what a unit notes about its requests while somebody wants to know: a trace, or how long
// they take.
//
// A unit has a watch only then, so that the dispatcher asks one question per step of a request and otherwise
// does nothing. The dispatcher calls `submitted`, `started` and `finished` in its critical section, where the
// order of requests is decided; so the times of a unit are in the order of its tickets.
//
// Threads: all members belong to the dispatch lock.
#pragma once

#include <cstdint>
#include <optional>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/device/ref.hpp>
#include <wherry/status/latency_histogram.hpp>
#include <wherry/status/trace_recorder.hpp>

namespace wherry {

class request;
class unit;

/// How long the requests of one unit took, of those that started.
struct unit_latencies {
  latency_histogram wait;  // from the submission until the request was started and the unit free for it
  latency_histogram run;   // from then until it had finished
};

class unit_watch {
 public:
  /// From now on `u` reports new requests to `recorder`; null: to nobody. The unit's id, kind and the name of
  /// its `device` go into the trace.
  static void trace_into(unit& u, const ref<trace_recorder>& recorder, const std::string& device);
  /// From now on `u` keeps how long its requests take.
  static void keep_latencies(unit& u);

  // Called by the dispatcher; out of line, so that its own code stays small.
  [[gnu::cold]] void submitted(request& r) noexcept;
  [[gnu::cold]] void started(request& r) noexcept;
  [[gnu::cold]] void finished(request& r) noexcept;

  const std::optional<unit_latencies>& latencies() const noexcept { return latencies_; }

 private:
  ref<trace_recorder> recorder_;
  std::optional<unit_latencies> latencies_;
  std::int64_t free_since_ = 0;  // when the last request that ran had finished
};

/// What a request keeps for its unit's watch, from its submission to its end. The request has a pointer only,
/// which is all that a request pays that nobody watches.
struct watched_request {
  ref<trace_recorder> recorder;  // null: only latencies are kept
  std::int64_t submitted = 0;
  std::int64_t started = 0;  // 0: not yet
  std::uint32_t thread = 0;  // that started it

  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }
};

}  // namespace wherry
