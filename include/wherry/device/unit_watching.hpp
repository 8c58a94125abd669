// unit_watching.hpp: how a unit's watch notes what its requests do; the definitions behind `unit_watch`.
//
// Threads: any; under the dispatch lock.
#pragma once

#include <wherry/device/dispatch_lock.hpp>
#include <wherry/device/thread_number.hpp>
#include <wherry/device/unit.hpp>

namespace wherry {

inline void unit_watch::trace_into(unit& u, const ref<trace_recorder>& recorder, const std::string& device) {
  if (recorder) recorder->add_unit({u.id(), std::string(name_of(u.kind())), device});
  auto fresh = std::make_unique<unit_watch>();
  const detail::dispatch_lock lock;
  if (!u.watch_) u.watch_ = std::move(fresh);
  u.watch_->recorder_ = recorder;
  if (!recorder && !u.watch_->latencies_) u.watch_ = nullptr;
}

inline void unit_watch::keep_latencies(unit& u) {
  auto fresh = std::make_unique<unit_watch>();
  const detail::dispatch_lock lock;
  if (!u.watch_) u.watch_ = std::move(fresh);
  if (!u.watch_->latencies_) u.watch_->latencies_.emplace();
}

/// `r` has its ticket. Notes who wrote what it uses, and that it writes what it writes.
inline void unit_watch::submitted(request& r) noexcept {
  try {
    r.watched_ = std::make_unique<watched_request>();
  } catch (const std::bad_alloc&) {
    if (recorder_) recorder_->dropped(1);
    return;
  }
  r.watched_->submitted = trace_recorder::now();
  if (!recorder_) return;
  r.watched_->recorder = recorder_;
  recorder_->submitted();
  for (std::size_t k = 0; k < r.uses_.size(); ++k) {
    const ticket from = r.uses_[k].memory->written_by;
    bool told = !from || from == r.id_;
    for (std::size_t j = 0; j < k && !told; ++j) told = r.uses_[j].memory->written_by == from;
    if (!told) recorder_->add_edge(from, r.id_);
  }
  for (const storage_use& use : r.uses_) {
    if (use.writes) use.memory->written_by = r.id_;
  }
}

inline void unit_watch::started(request& r) noexcept {
  if (!r.watched_) return;  // the watch is younger
  r.watched_->started = trace_recorder::now();
  r.watched_->thread = detail::thread_number();
}

/// `r` has its outcome.
inline void unit_watch::finished(request& r) noexcept {
  const std::unique_ptr<watched_request> at = std::move(r.watched_);
  if (!at) return;
  const std::int64_t now = trace_recorder::now();
  if (at->started != 0) {
    const std::int64_t began = std::max(at->started, free_since_);
    free_since_ = now;
    if (latencies_) {
      latencies_->wait.add(began - at->submitted);
      latencies_->run.add(now - began);
    }
  }
  if (!at->recorder) return;
  traced_request done;
  done.id = r.id_;
  done.thread = at->thread;
  done.code = r.outcome_ ? r.outcome_->code() : absl::StatusCode::kOk;
  done.bytes = r.traffic();
  done.submitted = at->submitted;
  done.started = at->started;
  done.finished = now;
  try {
    at->recorder->finished(done, r.title());
  } catch (const std::bad_alloc&) {
    at->recorder->finished(done, "a request");
  }
}

}  // namespace wherry
