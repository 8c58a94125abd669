// trace.hpp: what ran when: every request of a client from one moment to another.
//
// A trace holds requests (with three times each: submitted, started, finished), the kernels that ran inside
// them, and the data edges between them: who wrote what a request uses. `client.start_trace()` and
// `stop_trace()` make one; `write_json` writes it as Chrome trace events, which https://ui.perfetto.dev and
// `wherry trace` read.
//
// Times are nanoseconds of std::chrono::steady_clock, as the host sees them. On command queues a request is
// handed to the driver before its turn has come, so `began` says when the work can have begun: when it had
// been started, and what is before it in its unit and what it reads had finished.
//
// Threads: as any value.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/status/ticket.hpp>

namespace wherry {

struct trace_options {
  /// How many requests, edges and kernels are kept together, up to 64 bytes each. Later ones are counted
  /// only.
  std::size_t max_events = std::size_t{1} << 20;
  bool kernels = true;  // record the kernels inside executions, too
};

struct traced_request {
  ticket id;
  std::uint32_t name = 0;                         // which of the trace's names
  std::uint32_t thread = 0;                       // the number of the thread that started it
  absl::StatusCode code = absl::StatusCode::kOk;  // how it ended
  std::uint64_t bytes = 0;                        // that it moves; of an execution: of the memory it uses
  std::int64_t submitted = 0;
  std::int64_t started = 0;  // 0: never, it was cancelled or something that it reads failed
  std::int64_t began = 0;    // at the earliest; `finished` if it never started
  std::int64_t finished = 0;
};

/// `to` uses what `from` wrote.
struct traced_edge {
  ticket from;
  ticket to;
  friend bool operator==(const traced_edge&, const traced_edge&) = default;
};

struct traced_kernel {
  ticket request;
  std::uint32_t name = 0;    // which of the trace's names
  std::uint32_t thread = 0;  // the number of the thread that ran it, or that gave it to a driver
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

struct traced_unit {
  std::uint16_t id = 0;
  std::string kind;    // "compute"
  std::string device;  // "cpu:0"
};

class trace {
 public:
  /// In the order in which they finished: those that were submitted and finished while the trace ran.
  const std::deque<traced_request>& requests() const noexcept { return requests_; }
  /// Between requests of this trace, in the order of the later one's submission.
  const std::deque<traced_edge>& edges() const noexcept { return edges_; }
  /// In the order in which they began.
  const std::deque<traced_kernel>& kernels() const noexcept { return kernels_; }
  /// Every unit that was there, whether it did anything or not, by id.
  const std::vector<traced_unit>& units() const noexcept { return units_; }
  /// The text behind `traced_request::name` and `traced_kernel::name`.
  std::string_view name(std::uint32_t index) const { return names_.at(index); }

  /// When the trace was started and stopped.
  std::int64_t begin() const noexcept { return begin_; }
  std::int64_t end() const noexcept { return end_; }
  /// How many events came after `trace_options::max_events` others and were not kept.
  std::uint64_t dropped() const noexcept { return dropped_; }
  /// How many requests had not finished when the trace was stopped; they are not in it.
  std::uint64_t unfinished() const noexcept { return unfinished_; }

  /// Writes Chrome trace events: a process for each device; in it for each unit a track of its requests and
  /// one of the kernels in them; and a flow for each edge. Times count from `begin()`.
  void write_json(std::ostream& out) const;
  /// As above, to a file, which appears by rename when it is complete. Waits for the disk. Throws
  /// not_found, permission_denied or another code for what the system says.
  void write_json(const std::string& path) const;

 private:
  friend class trace_recorder;

  std::deque<traced_request> requests_;
  std::deque<traced_edge> edges_;
  std::deque<traced_kernel> kernels_;
  std::vector<traced_unit> units_;
  std::deque<std::string> names_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t unfinished_ = 0;
};

}  // namespace wherry

#include <wherry/status/trace_json.hpp>
