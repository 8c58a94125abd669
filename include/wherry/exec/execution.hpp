// execution.hpp: one run of an executable in flight: its outputs, its ticket, its status.
//
// The outputs are buffers at once, usable as inputs of anything before they are ready. An execution is one
// request whatever its plan does. Dropping the handle does not disturb the run.
//
// Threads: any; copies share the run.
#pragma once

#include <absl/container/inlined_vector.h>

#include <span>
#include <wherry/array/buffer.hpp>

namespace wherry {

class execution : public promise<execution> {
 public:
  /// `run` keeps its executable, and that `where`.
  execution(ref<request> run, absl::InlinedVector<buffer, 2> outputs, device_core& where)
      : run_(std::move(run)), outputs_(std::move(outputs)), where_(&where) {}

  /// The outputs in the order of the program's results; never waits.
  std::span<const buffer> outputs() const noexcept { return {outputs_.data(), outputs_.size()}; }
  std::size_t size() const noexcept { return outputs_.size(); }
  /// Throws out_of_range if there is no such output.
  const buffer& operator[](std::size_t index) const {
    if (index >= outputs_.size()) {
      throw error(absl::StatusCode::kOutOfRange, run_->describe() + " has " +
                                                     std::to_string(outputs_.size()) + " outputs; output " +
                                                     std::to_string(index) + " was asked for");
    }
    return outputs_[index];
  }

  ticket id() const noexcept { return run_->id(); }

  /// Completes the run at once as `cancelled` if it has not started, and returns whether it did. What was
  /// donated to it stays deleted.
  bool cancel() const {
    return dispatcher::cancel(
        *run_, make_failure(absl::StatusCode::kCancelled, "cancelled in its queue", reason::cancelled));
  }

  /// Waits and returns the contents of the only output. Throws failed_precondition if there are more.
  array value() const {
    if (outputs_.size() != 1) {
      throw error(absl::StatusCode::kFailedPrecondition, "value() of " + run_->describe() + ": it has " +
                                                             std::to_string(outputs_.size()) +
                                                             " outputs, not one");
    }
    return outputs_[0].value();
  }

  auto operator co_await() const { return promise_awaiter<execution>(outcome(), *this); }

  pending outcome() const { return pending(run_); }
  device_core& place() const noexcept { return *where_; }

 private:
  ref<request> run_;
  absl::InlinedVector<buffer, 2> outputs_;
  device_core* where_;
};

}  // namespace wherry
