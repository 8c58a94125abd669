// execution.hpp: one run of an executable in flight: its outputs, its ticket, its status.
//
// The outputs are buffers at once, usable as inputs of anything before they are ready. An execution is one
// request whatever its plan does. Dropping the handle does not disturb the run. An execution with one output
// stands for that buffer wherever a buffer is expected; `const auto [loss, weights] = run.unpack<2>()` takes
// apart one with several.
//
// Threads: any; copies share the run.
#pragma once

#include <absl/container/inlined_vector.h>

#include <array>
#include <span>
#include <utility>
#include <wherry/array/buffer.hpp>
#include <wherry/exec/tensor_set.hpp>

namespace wherry {

class executable_core;

class execution : public promise<execution> {
 public:
  /// `run` keeps `code`, which keeps its device.
  /// `decides` says that what the run came to may be worse than what its outputs are.
  execution(ref<request> run, absl::InlinedVector<buffer, 2>&& outputs, const executable_core& code,
            bool decides = false)
      : run_(std::move(run)), outputs_(std::move(outputs)), code_(&code), decides_(decides) {}

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

  /// The output that the program calls `name`. Throws not_found, naming those that it has.
  const buffer& operator[](std::string_view name) const;
  /// All outputs by name.
  tensor_set named_outputs() const;

  /// The outputs by their number: `const auto [a, b] = run.unpack<2>()`. Throws failed_precondition if there
  /// are not exactly `Count`.
  template <std::size_t Count>
  std::array<buffer, Count> unpack() const {
    if (outputs_.size() != Count) refuse("unpack()", std::to_string(Count));
    return [this]<std::size_t... K>(std::index_sequence<K...>) {
      return std::array<buffer, Count>{outputs_[K]...};
    }(std::make_index_sequence<Count>());
  }

  /// The only output. Throws failed_precondition if there is not exactly one.
  const buffer& only() const {
    if (outputs_.size() != 1) refuse("use as a buffer", "one");
    return outputs_[0];
  }
  operator buffer() const { return only(); }

  ticket id() const noexcept { return run_->id(); }

  /// Completes the run at once as `cancelled` if it has not started, and returns whether it did. What was
  /// donated to it stays deleted.
  bool cancel() const {
    return dispatcher::cancel(
        *run_, make_failure(absl::StatusCode::kCancelled, "cancelled in its queue", reason::cancelled));
  }

  /// Waits and returns the contents of the only output. Throws the failure of the run, failed_precondition
  /// if there is not exactly one output.
  array value() const {
    if (outputs_.size() != 1) refuse("value()", "one");
    if (decides_) outcome().get();
    return outputs_[0].value();
  }

  auto operator co_await() const { return promise_awaiter<execution>(outcome(), *this); }

  pending outcome() const { return pending(run_); }
  device_core& place() const noexcept;

  /// What has become of it; never waits.
  request_state poll() const { return dispatcher::poll(*run_->where(), run_->id()); }

 private:
  friend class executable;
  friend class pipeline;

  /// No run at all: the unit was full.
  explicit execution(const executable_core& code) noexcept : code_(&code), decides_(false) {}

  [[noreturn, gnu::cold]] void refuse(const char* use, const std::string& expected) const {
    throw error(absl::StatusCode::kFailedPrecondition, std::string(use) + " of " + run_->describe() +
                                                           ": it has " + std::to_string(outputs_.size()) +
                                                           " outputs, not " + expected);
  }

  ref<request> run_;
  absl::InlinedVector<buffer, 2> outputs_;
  const executable_core* code_;
  bool decides_;
};

}  // namespace wherry
