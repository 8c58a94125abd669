// error_tracker.hpp: which requests of a set failed, and how.
//
// Whoever submits many requests and does not keep their promises passes one tracker to all of them and
// looks at it now and then. After Neuron's nrta_error_tracker (nrt_async.h), without its fixed capacity.
//
// Threads: any. The tracker must outlive the requests that report to it.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>
#include <wherry/status/ticket.hpp>

namespace wherry {

class error_tracker {
 public:
  struct entry {
    ticket id;
    absl::StatusCode code = absl::StatusCode::kOk;
    friend bool operator==(const entry&, const entry&) = default;
  };

  error_tracker() = default;
  error_tracker(const error_tracker&) = delete;
  error_tracker& operator=(const error_tracker&) = delete;

  /// Appends an entry; `kOk` is ignored.
  void add(ticket id, absl::StatusCode code) {
    if (code == absl::StatusCode::kOk) return;
    const std::lock_guard lock(mutex_);
    entries_.push_back({id, code});
  }

  /// Returns the entries in the order in which they were added, and forgets them.
  std::vector<entry> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(entries_, {});
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<entry> entries_;
};

}  // namespace wherry
