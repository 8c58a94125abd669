// request.hpp: one unit of device work, from its submission to its completion.
//
//   fresh -> queued        submitted: it has a ticket, a place in its unit's queue and its edges
//   queued -> started      it is the head of its unit, or follows what was handed over, and every edge is
//                          resolved or left to the device
//   started -> handed over all its commands are the driver's; what follows it on the device may start
//   started -> finished    it ran, or was refused because something it reads failed
//   started, handed over -> ended
//                          the same, but something before it has not finished: it is told in its turn
//   ended -> finished      its turn has come
//   ended -> queued        its turn has come, but the driver dropped it behind a command that failed
//   queued -> finished     cancelled in the queue, or its deadline passed; the ticket counts when its turn
//                          comes
//
// A request derives from this class and says what to do in `start`. It holds references to the storages it
// uses until it has finished. `done` is the completion that waiters and fds hang on.
//
// Threads: `done`, `id` any thread; the scheduling members belong to the dispatch lock.
#pragma once

#include <absl/container/inlined_vector.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/device/ref.hpp>
#include <wherry/device/request_terms.hpp>
#include <wherry/device/storage.hpp>
#include <wherry/device/unit_watch.hpp>
#include <wherry/status/ticket.hpp>

namespace wherry {

class unit;

/// How a request uses a storage.
struct storage_use {
  ref<storage> memory;
  bool writes = false;
  bool replaces = false;  // writes all of it and reads nothing of it: an earlier failure there is forgotten
  bool orders = false;    // it holds nothing: what writes it comes one after the other, until one fails
};

/// The end of a command, as other commands of the same engine can wait for it. What it is belongs to the
/// device.
class device_event : public ref_counted<device_event> {
 public:
  virtual ~device_event() = default;
};

class request : public ref_counted<request> {
 public:
  enum class state : std::uint8_t { fresh, queued, started, handed_over, ended, finished };

  request() = default;
  virtual ~request() = default;

  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }

  ticket id() const noexcept { return id_; }
  wherry::unit* where() const noexcept { return unit_; }
  const completion& done() const noexcept { return done_; }

  /// Before its submission: makes it one of those that write `order` one after the other, until one fails.
  void join(ref<storage> order) { uses_.push_back({std::move(order), true, false, true}); }

  /// What the request is, for messages: "execution 17 of mlp_step", "write of 512 bytes", "write of labels".
  virtual std::string describe() const = 0;

  /// `describe()` without the number of an execution: runs of one program have one title in a trace.
  std::string title() const {
    std::string text = describe();
    const std::string numbered = "execution " + std::to_string(id_.number()) + " of ";
    if (text.starts_with(numbered)) text.replace(0, numbered.size(), "execution of ");
    return text;
  }
  /// What its caller calls it; empty if nothing.
  std::string_view name() const noexcept {
    return terms_ ? std::string_view(terms_->name) : std::string_view();
  }

  /// How many bytes it moves, for traces; of an execution, how large the memory is that it uses.
  virtual std::uint64_t traffic() const noexcept {
    std::uint64_t bytes = 0;
    for (const storage_use& use : uses_) bytes += use.memory->bytes();
    return bytes;
  }

  /// What its first command has to wait for: requests of other units that were handed over and that it reads
  /// from. Decided when it starts; empty unless it `follows_on_device`.
  std::span<const ref<device_event>> waits() const noexcept { return waits_; }
  /// The end of what is before it in the queue of its unit, or null. If that has failed already, the request
  /// must not be enqueued: it may have to start again after what is before it.
  device_event* after() const noexcept { return after_.get(); }

 protected:
  enum class started : std::uint8_t { finished, in_flight };

  /// Does the work on the calling thread and returns `finished`, with the failure (or null) in `outcome`; or
  /// hands it to a driver and returns `in_flight`, and `dispatcher::finish` is called later, once, from any
  /// thread; `dispatcher::hand_over` before that, once no command is left to be enqueued. May be called again
  /// if it `follows_on_device` and nothing of it ran.
  virtual started start(failure& outcome) noexcept = 0;

  /// Called once when the request has finished, before its waiters are told: drops what the work needed.
  virtual void cleanup() noexcept {}

  /// Where the kernels of this run are recorded; null: nowhere. Valid from its start to its end.
  trace_recorder* kernel_recorder() const noexcept {
    trace_recorder* const to = watched_ ? watched_->recorder.get() : nullptr;
    return to && to->wants_kernels() ? to : nullptr;
  }

  std::span<const storage_use> uses() const noexcept { return uses_; }
  void add_use(ref<storage> memory, bool writes, bool replaces = false) {
    uses_.push_back({std::move(memory), writes, replaces});
  }
  /// Says that the failure that `start` is about to return does not concern what was written: its readers
  /// run, its waiters and what it `orders` fail.
  void keep_results() noexcept { keeps_results_ = true; }
  /// What the request counts in its unit's bound: 1 if not set; bytes for transfers.
  void set_weight(std::uint64_t weight) noexcept { weight_ = weight; }
  /// Promises that `start` does nothing but enqueue commands in the unit's own queue, the first of which
  /// waits for `waits()`. It may start then before what it depends on has completed.
  void set_follows_on_device() noexcept { follows_ = true; }

  /// What an execution of `program` says in `describe`: with its number, once it has one, and its name.
  std::string describe_execution(const std::string& program) const {
    std::string text = "execution ";
    if (id_) text += std::to_string(id_.number()) + " ";
    text += "of " + program;
    if (!name().empty()) text += " (" + std::string(name()) + ")";
    return text;
  }

 private:
  friend class dispatcher;
  friend class unit;
  friend class unit_watch;

  struct dependant {
    request* who;
    bool blocks;   // false: the device waits, `who` is told only of a failure
    bool carries;  // it uses what this one writes, so it fails with it; false: it only writes what this one
                   // reads or writes
    bool orders;   // it comes after this one, unless this one fails
  };

  // constant after submission
  wherry::unit* unit_ = nullptr;
  ticket id_;
  bool cheap_ = false;        // may be run inline by a submitter
  bool follows_ = false;      // the device can wait for what it depends on
  std::uint64_t weight_ = 1;  // in the unit's bound: 1, or bytes of a transfer
  absl::InlinedVector<storage_use, 4> uses_;
  std::unique_ptr<request_terms> terms_;  // null: nothing was said
  // dispatch lock
  state state_ = state::fresh;
  bool fired_ = false;           // `done_` is complete or about to be
  bool behind_failure_ = false;  // it was the driver's while something ahead of it there failed
  bool ran_nothing_ = false;     // ended: not even its first command ran
  bool keeps_results_ = false;   // it failed, but what it wrote is good
  failure upstream_;             // why it must not run
  failure outcome_;
  absl::InlinedVector<request*, 4> blockers_;   // unfinished requests it waits for before it starts
  absl::InlinedVector<request*, 1> producers_;  // unfinished ones of other units that its commands wait for
  ref<device_event> event_;                     // set when it was handed over, until it is told
  absl::InlinedVector<dependant, 4> dependants_;
  request* next_in_unit_ = nullptr;
  request* next_fired_ = nullptr;
  std::unique_ptr<watched_request> watched_;  // null: nobody wants to know
  // who starts it
  absl::InlinedVector<ref<device_event>, 1> waits_;
  ref<device_event> after_;
  // any thread
  completion done_;
};

}  // namespace wherry
