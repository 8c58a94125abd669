// trace_json.hpp: how a trace is written as Chrome trace events; the definitions behind `trace::write_json`.
//
// The format is the "Trace Event Format" that chrome://tracing and Perfetto open: metadata events (M) name
// processes and threads, complete events (X) are slices with a begin and a duration in microseconds, flow
// events (s, f) connect slices. A flow is bound to the slice that is open on its track at its time, so both
// ends carry the time at which their slice begins and come right behind it.
//
// Threads: as trace.hpp.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <ostream>
#include <string>
#include <tuple>
#include <wherry/status/error.hpp>
#include <wherry/status/json_text.hpp>
#include <wherry/status/trace.hpp>

namespace wherry {
namespace detail {

/// Writes the events of one trace, each on a line of its own.
class trace_writer {
 public:
  trace_writer(const trace& t, std::ostream& out) : trace_(t), out_(out) {}

  void write() {
    text_ = R"({"displayTimeUnit":"ns","otherData":{"wherry":"trace 1","length_us":)";
    append_microseconds(text_, trace_.end() - trace_.begin());
    field("dropped", trace_.dropped());
    field("unfinished", trace_.unfinished());
    text_ += "},\"traceEvents\":[";
    name_tracks();
    order_edges();
    for (const traced_request& r : trace_.requests()) request(r);
    for (const traced_kernel& k : trace_.kernels()) kernel(k);
    text_ += "\n]}\n";
    flush();
  }

 private:
  // Tracks are numbered by units; those of kernels come behind the largest id of a unit.
  static constexpr std::uint32_t kernel_tracks = 1 << 16;
  using request_key = std::pair<std::uint16_t, std::uint64_t>;
  struct flow {
    request_key at;
    std::size_t number;
    bool leaves;
  };

  template <class Value>
  void field(std::string_view name, Value value) {
    text_ += ",\"";
    text_ += name;
    text_ += "\":";
    append_number(text_, value);
  }
  void time_field(std::string_view name, std::int64_t ns) {
    text_ += ",\"";
    text_ += name;
    text_ += "\":";
    append_microseconds(text_, ns);
  }
  void string_field(std::string_view name, std::string_view value) {
    text_ += ",\"";
    text_ += name;
    text_ += "\":";
    append_json_string(text_, value);
  }
  void begin_event(std::string_view phase, std::uint16_t unit, std::uint32_t track) {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
    text_ += "{\"ph\":\"";
    text_ += phase;
    text_ += '"';
    field("pid", process_of(unit));
    field("tid", track);
  }
  void end_event() {
    text_ += '}';
    if (text_.size() > flush_above) flush();
  }
  void flush() {
    out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
    text_.clear();
  }

  /// A device's place in the order of the ids of their units, from 1; 0 for a unit that nobody named.
  std::uint32_t process_of(std::uint16_t unit) const {
    return unit < processes_.size() ? processes_[unit] : 0;
  }

  void metadata(const char* what, std::uint16_t unit, std::uint32_t track, std::string_view name) {
    begin_event("M", unit, track);
    string_field("name", what);
    text_ += ",\"args\":{\"name\":";
    append_json_string(text_, name);
    text_ += '}';
    end_event();
  }
  void sort_index(const char* what, std::uint16_t unit, std::uint32_t track, std::uint32_t index) {
    begin_event("M", unit, track);
    string_field("name", what);
    text_ += ",\"args\":{\"sort_index\":";
    append_number(text_, index);
    text_ += '}';
    end_event();
  }
  void name_tracks() {
    std::vector<std::string_view> devices;
    for (const traced_unit& u : trace_.units()) {
      if (processes_.size() <= u.id) processes_.resize(std::size_t{u.id} + 1);
      std::size_t k = 0;
      while (k < devices.size() && devices[k] != u.device) ++k;
      processes_[u.id] = static_cast<std::uint32_t>(k) + 1;
      if (k == devices.size()) {
        devices.push_back(u.device);
        metadata("process_name", u.id, 0, u.device);
        sort_index("process_sort_index", u.id, 0, static_cast<std::uint32_t>(k) + 1);
      }
      const std::string name = u.kind + " " + std::to_string(u.id);
      metadata("thread_name", u.id, u.id, name);
      sort_index("thread_sort_index", u.id, u.id, 2 * std::uint32_t{u.id});
      if (u.kind != "compute") continue;
      metadata("thread_name", u.id, kernel_tracks + u.id, name + " kernels");
      sort_index("thread_sort_index", u.id, kernel_tracks + u.id, 2 * std::uint32_t{u.id} + 1);
    }
  }

  /// Finds the flows of each request by its ticket.
  void order_edges() {
    const auto key = [](ticket id) { return request_key(id.unit(), id.number()); };
    flows_.reserve(2 * trace_.edges().size());
    std::size_t number = 0;
    for (const traced_edge& e : trace_.edges()) {
      flows_.push_back({key(e.from), ++number, true});
      flows_.push_back({key(e.to), number, false});
    }
    std::sort(flows_.begin(), flows_.end(), [](const flow& a, const flow& b) {
      return std::tie(a.at, a.leaves, a.number) < std::tie(b.at, b.leaves, b.number);
    });
  }

  void request(const traced_request& r) {
    const std::int64_t zero = trace_.begin();
    begin_event("X", r.id.unit(), r.id.unit());
    time_field("ts", r.began - zero);
    time_field("dur", r.finished - r.began);
    text_ += ",\"cat\":\"request\"";
    string_field("name", trace_.name(r.name));
    text_ += ",\"args\":{\"ticket\":";
    append_json_string(text_, to_string(r.id));
    string_field("status", absl::StatusCodeToString(r.code));
    field("bytes", r.bytes);
    time_field("submitted_us", r.submitted - zero);
    if (r.started != 0) {
      time_field("started_us", r.started - zero);
      time_field("wait_us", r.began - r.submitted);
      field("thread", r.thread);
    }
    text_ += '}';
    end_event();
    const request_key mine(r.id.unit(), r.id.number());
    auto at = std::lower_bound(flows_.begin(), flows_.end(), mine,
                               [](const flow& f, const request_key& k) { return f.at < k; });
    for (; at != flows_.end() && at->at == mine; ++at) {
      begin_event(at->leaves ? "s" : "f", r.id.unit(), r.id.unit());
      time_field("ts", r.began - zero);
      field("id", at->number);
      text_ += at->leaves ? R"(,"cat":"data","name":"data")" : R"(,"cat":"data","name":"data","bp":"e")";
      end_event();
    }
  }
  void kernel(const traced_kernel& k) {
    begin_event("X", k.request.unit(), kernel_tracks + k.request.unit());
    time_field("ts", k.begin - trace_.begin());
    time_field("dur", k.end - k.begin);
    text_ += ",\"cat\":\"kernel\"";
    string_field("name", trace_.name(k.name));
    text_ += ",\"args\":{\"ticket\":";
    append_json_string(text_, to_string(k.request));
    field("thread", k.thread);
    text_ += '}';
    end_event();
  }

  static constexpr std::size_t flush_above = 1 << 16;
  const trace& trace_;
  std::ostream& out_;
  std::string text_;
  bool first_ = true;
  std::vector<std::uint32_t> processes_;  // by unit
  std::vector<flow> flows_;               // by request
};

}  // namespace detail

inline void trace::write_json(std::ostream& out) const { detail::trace_writer(*this, out).write(); }

inline void trace::write_json(const std::string& path) const {
  const auto fail = [&path](int problem) {
    throw error(absl::ErrnoToStatusCode(problem),
                "trace " + path + ": cannot be written: " + std::strerror(problem));
  };
  static std::atomic<unsigned> written{0};
  const std::string beside =
      path + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(written.fetch_add(1));
  errno = 0;
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  if (!out) fail(errno);
  write_json(out);
  out.close();
  int problem = out ? 0 : errno ? errno : EIO;
  if (problem == 0 && std::rename(beside.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return;
  (void)::unlink(beside.c_str());
  fail(problem);
}

}  // namespace wherry
