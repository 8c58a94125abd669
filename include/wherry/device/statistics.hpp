// statistics.hpp: what units and devices did so far, as numbers.
//
// Counters are kept always, under locks that are held anyway. How long requests wait and run is kept only if
// `client_options::latency_histograms` asks for it, because looking at the clock three times costs a sixth of
// a small execution. Snapshots are values: take one before and one after, and subtract.
//
// Threads: any; taking a snapshot never waits for a device.
#pragma once

#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <vector>
#include <wherry/device/memory_pool.hpp>
#include <wherry/device/unit_watching.hpp>
#include <wherry/status/json_text.hpp>

namespace wherry {

struct unit_statistics {
  std::uint16_t id = 0;
  unit_kind kind = unit_kind::compute;
  std::uint64_t submitted = 0;
  std::uint64_t completed = 0;  // with or without success
  std::uint64_t failed = 0;     // of those that have ended, with an error; cancelled ones included
  std::uint64_t depth = 0;      // submitted and not completed
  std::uint64_t deepest = 0;    // the largest depth so far
  std::uint64_t in_flight = 0;  // what is admitted: requests, or bytes of transfers
  std::uint64_t bound = 0;      // of in_flight
  std::optional<unit_latencies> latencies;  // if client_options::latency_histograms asked for them
};

struct device_statistics {
  std::string name;
  memory_statistics memory;
  std::vector<unit_statistics> units;  // by id
};

struct client_statistics {
  std::vector<device_statistics> devices;  // those that were opened
};

inline unit_statistics unit::statistics() const {
  unit_statistics now;
  now.id = id_;
  now.kind = kind_;
  now.bound = bound_;
  const detail::dispatch_lock lock;
  now.submitted = submitted_.load(std::memory_order_relaxed);
  now.completed = completed_.load(std::memory_order_relaxed);
  now.failed = failed_;
  now.depth = now.submitted - now.completed;
  now.deepest = deepest_;
  now.in_flight = in_flight_;
  if (watch_) now.latencies = watch_->latencies();
  return now;
}

// ------------------------------------------------------------------------------------------- text

namespace detail {

/// `812 ns`, `12.3 us`, `4.56 s`.
inline std::string duration_text(double ns) {
  const char* const units[] = {"ns", "us", "ms", "s"};
  std::size_t k = 0;
  for (; k < 3 && ns >= 1000; ++k) ns /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, k == 0 || ns >= 100 ? "%.0f %s" : "%.3g %s", ns, units[k]);
  return text;
}

/// `12 B`, `1.5 KiB`, `2 GiB`.
inline std::string bytes_text(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t k = 0;
  for (; k < 4 && bytes >= 1024; ++k) bytes /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, bytes >= 100 ? "%.0f %s" : "%.3g %s", bytes, units[k]);
  return text;
}

inline void append_latency_text(std::string& out, const char* what, const latency_histogram& h) {
  out += std::string("; ") + what + " median " + duration_text(h.percentile_ns(0.5)) + ", 99% " +
         duration_text(h.percentile_ns(0.99)) + ", longest " + duration_text(static_cast<double>(h.max_ns()));
}

inline void append_json_field(std::string& out, std::string_view name, std::uint64_t value) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  append_number(out, value);
}

inline void append_latency_json(std::string& out, std::string_view name, const latency_histogram& h) {
  out += ",\"";
  out += name;
  out += "\":{";
  append_json_field(out, "count", h.count());
  append_json_field(out, "total_ns", h.total_ns());
  append_json_field(out, "max_ns", h.max_ns());
  append_json_field(out, "p50_ns", static_cast<std::uint64_t>(h.percentile_ns(0.5)));
  append_json_field(out, "p90_ns", static_cast<std::uint64_t>(h.percentile_ns(0.9)));
  append_json_field(out, "p99_ns", static_cast<std::uint64_t>(h.percentile_ns(0.99)));
  out += ",\"buckets\":[";
  std::size_t used = latency_histogram::bucket_count;
  while (used > 0 && h.buckets()[used - 1] == 0) --used;
  for (std::size_t k = 0; k < used; ++k) {
    if (k != 0) out += ',';
    append_number(out, h.buckets()[k]);
  }
  out += "]}";
}

}  // namespace detail

/// One line: `unit 5 compute: 12 submitted, 12 completed, 0 failed; 0 waiting, at most 3; wait median ...`.
inline std::string to_string(const unit_statistics& u) {
  std::string text = "unit " + std::to_string(u.id) + " " + std::string(name_of(u.kind)) + ": " +
                     std::to_string(u.submitted) + " submitted, " + std::to_string(u.completed) +
                     " completed, " + std::to_string(u.failed) + " failed; " + std::to_string(u.depth) +
                     " in flight, at most " + std::to_string(u.deepest);
  if (u.latencies && u.latencies->run.count() != 0) {
    detail::append_latency_text(text, "wait", u.latencies->wait);
    detail::append_latency_text(text, "run", u.latencies->run);
  }
  return text;
}

/// A line for the device, then one for each unit that was used.
inline std::string to_string(const device_statistics& d) {
  const auto bytes = [](std::size_t n) { return detail::bytes_text(static_cast<double>(n)); };
  std::string text = d.name + ": " + bytes(d.memory.in_use) + " in use, peak " + bytes(d.memory.peak) + ", " +
                     bytes(d.memory.cached) + " cached\n";
  for (const unit_statistics& u : d.units) {
    if (u.submitted != 0) text += "  " + to_string(u) + "\n";
  }
  return text;
}

inline std::string to_string(const client_statistics& c) {
  std::string text;
  for (const device_statistics& d : c.devices) text += to_string(d);
  return text;
}

inline std::ostream& operator<<(std::ostream& out, const unit_statistics& u) { return out << to_string(u); }
inline std::ostream& operator<<(std::ostream& out, const device_statistics& d) { return out << to_string(d); }
inline std::ostream& operator<<(std::ostream& out, const client_statistics& c) { return out << to_string(c); }

// ------------------------------------------------------------------------------------------- JSON

/// The members by their names; `"wait"` and `"run"`, where latencies are kept, with `count`, `total_ns`,
/// `max_ns`, percentiles and the `buckets` up to the last that is not empty.
inline std::string to_json(const unit_statistics& u) {
  std::string out = "{";
  detail::append_json_field(out, "id", u.id);
  out += ",\"kind\":";
  detail::append_json_string(out, name_of(u.kind));
  detail::append_json_field(out, "submitted", u.submitted);
  detail::append_json_field(out, "completed", u.completed);
  detail::append_json_field(out, "failed", u.failed);
  detail::append_json_field(out, "depth", u.depth);
  detail::append_json_field(out, "deepest", u.deepest);
  detail::append_json_field(out, "in_flight", u.in_flight);
  detail::append_json_field(out, "bound", u.bound);
  if (u.latencies) {
    detail::append_latency_json(out, "wait", u.latencies->wait);
    detail::append_latency_json(out, "run", u.latencies->run);
  }
  return out + "}";
}

/// `{"name":...,"memory":{"in_use":...,"peak":...,"cached":...},"units":[...]}`
inline std::string to_json(const device_statistics& d) {
  std::string out = "{\"name\":";
  detail::append_json_string(out, d.name);
  out += ",\"memory\":{";
  detail::append_json_field(out, "in_use", d.memory.in_use);
  detail::append_json_field(out, "peak", d.memory.peak);
  detail::append_json_field(out, "cached", d.memory.cached);
  out += "},\"units\":[";
  for (std::size_t k = 0; k < d.units.size(); ++k) out += (k ? "," : "") + to_json(d.units[k]);
  return out + "]}";
}

/// `{"devices":[...]}`
inline std::string to_json(const client_statistics& c) {
  std::string out = "{\"devices\":[";
  for (std::size_t k = 0; k < c.devices.size(); ++k) out += (k ? "," : "") + to_json(c.devices[k]);
  return out + "]}";
}

}  // namespace wherry
