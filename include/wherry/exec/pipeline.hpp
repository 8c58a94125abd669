// pipeline.hpp: stages over buffers that the caller owns, built and checked once, run many times.
//
// A stage is an executable with the buffers that it reads and those that it writes. Building a pipeline
// checks everything that can be wrong with it; a run submits one request for each stage, in order, and
// returns at once. A stage starts when the one before it has succeeded: after a failure (a numerical error
// that was asked for, too) the later stages of that run fail with the same error and change nothing but that
// the buffers they were to write hold that failure; what earlier stages wrote stays. The next run starts
// afresh. Runs of one pipeline never mix, whatever threads start them: each stage of a run sees what the
// earlier stages of the same run wrote, and hazards keep the next run behind whatever still reads the last
// one's results.
//
// Nothing is donated: a stage may update a buffer in place (the same buffer as input and output) where its
// program aliases the two. Reading a buffer that no stage writes, or that an earlier run wrote, is how data
// enter.
//
// A view that begins inside its memory is copied in front of its stage, or behind it if it is an output,
// through memory that the pipeline keeps. A failed stage that was to write one leaves its failure in all of
// that view's memory, until something replaces the whole contents.
//
// Threads: any; copies share one pipeline. It may be dropped while it runs.
#pragma once

#include <absl/container/inlined_vector.h>

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/exec/executable.hpp>

namespace wherry {

struct pipeline_stage {
  executable program;
  std::vector<buffer> inputs;   // one for each argument
  std::vector<buffer> outputs;  // one for each result
  std::string name = {};        // for messages and traces; empty: the program's
  bool check_numerics = false;  // as in `execute_options`
};

namespace detail {

/// What the stages of one run write one after the other; it has no memory.
class order_storage final : public storage {
 public:
  order_storage() : storage(0) {}
  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }
};

}  // namespace detail

class pipeline_run;

class pipeline {
 public:
  /// Checks all stages: counts, types, devices, deleted buffers, memory that is read and written at once.
  /// Throws what a call with these buffers would throw, naming the stage. Without stages it does nothing when
  /// run. A program of unknown sizes is compiled here, for as long as that takes.
  explicit pipeline(std::vector<pipeline_stage> stages);

  std::size_t size() const noexcept { return core_->stages.size(); }
  std::span<const buffer> inputs(std::size_t stage) const { return core_->at(stage).inputs; }
  std::span<const buffer> outputs(std::size_t stage) const { return core_->at(stage).outputs; }

  /// Submits a run. All stages on one device join the same unit; it waits on an ordinary thread until that
  /// has room for all of them at once, as a call does for one. Throws failed_precondition for a buffer that
  /// was deleted or donated since, and what calls throw when the client has closed, before anything has
  /// changed.
  /// `options` are those of each stage, but a stage with a name of its own keeps it; no place may be given.
  /// Their stop and their deadline end the wait for room, too: it throws `cancelled` or `deadline_exceeded`
  /// then, and nothing has changed.
  pipeline_run run(const request_options& options = {}) const;

  /// As `run`, but returns nothing instead of waiting when a unit is full.
  std::optional<pipeline_run> try_run(const request_options& options = {}) const;

  /// As `run`, but `co_await` it: suspends while a unit is full instead of blocking. Resumes on the scheduler
  /// of the suspending thread.
  task<pipeline_run> submit(request_options options = {}) const;

 private:
  friend class pipeline_run;

  /// A view that begins inside its memory, and the buffer that the stage uses in its place.
  struct detour {
    buffer view;
    buffer whole;
  };
  struct stage {
    executable program;
    std::vector<buffer> inputs;   // as given
    std::vector<buffer> outputs;  // as given
    std::string name;
    executable::pointer_list arguments = {};  // what it reads: of `inputs`, or of `before`
    execute_options options = {};             // `into` is what it writes: of `outputs`, or of `after`
    std::vector<detour> before = {};          // copied to `whole` in front of it
    std::vector<detour> after = {};           // copied from `whole` behind it
    bool is_named = false;                    // by the caller
    std::size_t device = 0;                   // which of `core::first_on`

    void make_detours();
  };
  struct core : ref_counted<core> {
    std::vector<stage> stages;
    std::vector<std::size_t> first_on;  // of each device, the first stage there
    std::vector<std::uint64_t> counts;  // of each device, how many
    std::mutex submitting;              // runs do not mix

    const stage& at(std::size_t k) const;
    void require_usable() const;
  };
  /// Places in the units of a run, given back as far as no stage takes them.
  class places;

  std::optional<pipeline_run> run(const request_options& options, bool try_only) const;
  static task<pipeline_run> submit(ref<core> c, request_options options);
  static pipeline_run start(const ref<core>& c, places& held, const request_options& options);

  ref<core> core_;
};

/// One run in flight. `await()`, `status()`, `co_await` and the others are about all of it: it is ready when
/// its last stage is, and has failed if one of them has.
class pipeline_run : public promise<pipeline_run> {
 public:
  std::size_t size() const noexcept { return stages_->stages.size(); }

  /// Stage `k` as an execution of its own: its ticket, its status, its outputs. Throws out_of_range.
  execution operator[](std::size_t k) const;
  /// The ticket of each stage, in order. One that could not be submitted (a buffer was deleted, the client
  /// closed, after the first stages had been) has one that names nothing.
  std::vector<ticket> tickets() const;
  /// What has become of stage `k`; never waits.
  request_state poll(std::size_t k) const;
  /// The buffers that the last stage writes; empty without stages.
  std::span<const buffer> outputs() const noexcept {
    return size() == 0 ? std::span<const buffer>() : stages_->stages.back().outputs;
  }

  /// Completes the stages that have not started as `cancelled`, and returns whether there was one.
  bool cancel() const;

  /// Waits and returns the contents of the only buffer that the last stage writes, as they are then: a later
  /// run may have written them. Throws the failure, failed_precondition if there is not exactly one.
  array value() const;

  auto operator co_await() const { return promise_awaiter<pipeline_run>(outcome(), *this); }

  /// As of every promise; without stages it is called by a worker, for want of a client.
  void on_ready(std::function<void(const absl::Status&)> callback) const;

  pending outcome() const;
  /// Precondition: there is a stage.
  device_core& place() const noexcept { return stages_->stages.back().program.core_->where(); }

 private:
  friend class pipeline;

  template <class T>
  struct pooled {
    using value_type = T;
    pooled() = default;
    template <class U>
    pooled(const pooled<U>&) noexcept {}
    T* allocate(std::size_t n) { return static_cast<T*>(frame_pool::allocate(n * sizeof(T))); }
    void deallocate(T* p, std::size_t n) noexcept { frame_pool::release(p, n * sizeof(T)); }
    friend bool operator==(const pooled&, const pooled&) { return true; }
  };
  struct requests : ref_counted<requests> {
    std::vector<ref<request>, pooled<ref<request>>> submitted;
    failure refused;  // why there are fewer than stages
    static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }
  };

  pipeline_run(ref<pipeline::core> stages, ref<requests> r)
      : stages_(std::move(stages)), requests_(std::move(r)) {}

  ref<pipeline::core> stages_;
  ref<requests> requests_;  // constant once the run has been returned
};

}  // namespace wherry

#include <wherry/exec/pipeline_running.hpp>
