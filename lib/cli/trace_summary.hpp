// trace_summary.hpp: what a file of `run --trace` says, added up by unit, request and kernel.
//
// The file is read as a stream: of a million events only the sums are kept.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <string>
#include <utility>

namespace wherry::cli {

/// Durations of things of one name, in microseconds.
struct duration_sum {
  std::uint64_t count = 0;
  std::uint64_t failed = 0;  // requests whose status is not OK
  double total = 0;
  double longest = 0;
  double waited = 0;  // requests: from the submission until the work began
  double longest_wait = 0;
};

struct trace_summary {
  double length = 0;  // of the whole trace, in microseconds
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t kernels = 0;
  std::uint64_t dropped = 0;
  std::uint64_t unfinished = 0;
  /// By process and track, the units' names being "cpu:0 compute 5".
  struct unit_sum : duration_sum {
    std::string name;
  };
  std::map<std::pair<std::int64_t, std::int64_t>, unit_sum> by_unit;
  std::map<std::string, duration_sum> by_request;
  std::map<std::string, duration_sum> by_kernel;
};

/// Reads a trace. `name` is the file's, for messages. Throws usage_error for what is no JSON, no trace of
/// ours, or lacks something.
trace_summary read_trace(std::istream& in, const std::string& name);

/// Three tables: units with their idle time, requests and kernels by the time they took; at most `rows` lines
/// each.
std::string to_text(const trace_summary& trace, std::size_t rows = 40);

}  // namespace wherry::cli
