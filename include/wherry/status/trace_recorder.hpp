// trace_recorder.hpp: collects a trace while it runs.
//
// Requests, edges and kernels are appended from whatever thread learns of them; names are kept once each.
// Memory is bounded: what comes after `trace_options::max_events` events is counted and forgotten. Nothing
// here throws to those who report: what finds no memory is dropped, too.
//
// Threads: any. Shared by the client and by the requests in flight, so that it outlives what still reports.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <wherry/status/trace.hpp>

namespace wherry {

class trace_recorder {
 public:
  /// Nanoseconds of the clock that all times of a trace are of.
  static std::int64_t now() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  explicit trace_recorder(const trace_options& options) : options_(options) { result_.begin_ = now(); }
  trace_recorder(const trace_recorder&) = delete;
  trace_recorder& operator=(const trace_recorder&) = delete;

  void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  bool wants_kernels() const noexcept { return options_.kernels; }

  void add_unit(traced_unit u) {
    const std::lock_guard lock(mutex_);
    result_.units_.push_back(std::move(u));
  }
  /// A request was submitted; `finished` follows.
  void submitted() noexcept { open_.fetch_add(1, std::memory_order_relaxed); }
  /// `from` and `to` have been submitted.
  void add_edge(ticket from, ticket to) noexcept {
    append([&] { result_.edges_.push_back({from, to}); });
  }
  /// `r.name` and `r.began` are filled in.
  void finished(traced_request r, std::string_view name) noexcept {
    append([&] {
      r.name = number_of(name);
      result_.requests_.push_back(r);
    });
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
  /// `k.name` is filled in.
  void add_kernel(traced_kernel k, std::string_view name) noexcept {
    append([&] {
      k.name = number_of(name);
      result_.kernels_.push_back(k);
    });
  }

  /// `count` events could not be recorded.
  void dropped(std::uint64_t count) noexcept {
    const std::lock_guard lock(mutex_);
    result_.dropped_ += count;
  }

  /// Returns what was recorded. What is reported later is ignored.
  trace stop();

 private:
  template <class Append>
  void append(Append&& append_one) noexcept {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (events_ == options_.max_events) {
      ++result_.dropped_;
      return;
    }
    try {
      append_one();
      ++events_;
    } catch (const std::bad_alloc&) {
      ++result_.dropped_;
    }
  }
  std::uint32_t number_of(std::string_view name) {
    if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
    const auto number = static_cast<std::uint32_t>(result_.names_.size());
    result_.names_.emplace_back(name);
    numbers_.emplace(result_.names_.back(), number);  // a deque never moves its elements
    return number;
  }
  static void find_beginnings(trace& t);
  static void order_kernels(trace& t);

  // constant after construction
  trace_options options_;
  // mutex
  std::mutex mutex_;
  trace result_;
  absl::flat_hash_map<std::string_view, std::uint32_t> numbers_;
  std::size_t events_ = 0;
  bool stopped_ = false;
  // any thread
  std::atomic<std::uint64_t> open_{0};  // submitted and not finished
  mutable std::atomic<std::uint32_t> count_{0};
};

inline trace trace_recorder::stop() {
  trace done;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    result_.end_ = now();
    result_.unfinished_ = open_.load(std::memory_order_relaxed);
    numbers_.clear();
    done = std::move(result_);
  }
  const auto by_id = [](const traced_unit& a, const traced_unit& b) { return a.id < b.id; };
  std::sort(done.units_.begin(), done.units_.end(), by_id);
  find_beginnings(done);
  order_kernels(done);
  return done;
}

/// Sets `began` of all requests and forgets edges that lead out of the trace.
inline void trace_recorder::find_beginnings(trace& t) {
  const auto key = [](ticket id) { return std::pair(id.unit(), id.number()); };
  absl::flat_hash_map<std::pair<std::uint16_t, std::uint64_t>, traced_request*> known;
  known.reserve(t.requests_.size());
  absl::flat_hash_map<std::uint16_t, std::int64_t> unit_free;  // when the last one before had finished
  for (traced_request& r : t.requests_) {
    known.emplace(key(r.id), &r);
    if (r.started == 0) {
      r.began = r.finished;
      continue;
    }
    std::int64_t& free = unit_free[r.id.unit()];
    r.began = std::max(r.started, free);
    free = r.finished;
  }
  std::deque<traced_edge> inside;
  for (const traced_edge& e : t.edges_) {
    const auto from = known.find(key(e.from));
    const auto to = known.find(key(e.to));
    if (from == known.end() || to == known.end()) continue;
    to->second->began = std::min(to->second->finished, std::max(to->second->began, from->second->finished));
    inside.push_back(e);
  }
  t.edges_ = std::move(inside);
}

/// Sorts the kernels; those of a unit run one after the other, also where two clocks say otherwise.
inline void trace_recorder::order_kernels(trace& t) {
  std::sort(t.kernels_.begin(), t.kernels_.end(), [](const traced_kernel& a, const traced_kernel& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  absl::flat_hash_map<std::uint16_t, std::int64_t> unit_free;
  for (traced_kernel& k : t.kernels_) {
    std::int64_t& free = unit_free[k.request.unit()];
    k.begin = std::max(k.begin, free);
    free = k.end = std::max(k.end, k.begin);
  }
}

}  // namespace wherry
