// backend.hpp: how a loop reaches its kernel, and the choice between the three ways.
//
// A backend takes operations, and hands them back as work once they have completed. It keeps the list of
// those in flight, so that a loop that ends can cancel them. Timers are not its business: the loop keeps
// them and tells `wait` the earliest deadline.
//
// Threads: the one that made it, for life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <wherry/loop/capability.hpp>
#include <wherry/loop/detail/ring_edge.hpp>
#include <wherry/loop/operation.hpp>
#include <wherry/loop/work_list.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

struct loop_options {
  enum class kind : std::uint8_t {
    automatic,  // as the variable WHERRY_LOOP says (`uring` or `poll`); else uring, or poll where it is
                // forbidden
    uring,
    poll,
    simulated,
  };

  kind backend = kind::automatic;
  capability_set allow = capability_set::all();  // the others are not used even where the kernel has them
  unsigned entries = 256;                        // uring: operations that go to the kernel at once
  std::uint64_t seed = 0;                        // simulated: decides every order and every delay
  bool short_transfers = false;  // simulated: reads and writes move fewer bytes than asked for
};

class backend {
 public:
  backend() = default;
  backend(const backend&) = delete;
  backend& operator=(const backend&) = delete;
  virtual ~backend() = default;

  virtual std::string_view name() const noexcept = 0;  // "uring", "poll", "simulated"
  virtual capability_set capabilities() const noexcept = 0;

  /// Takes `op`. It appears in a later `poll` or `wait`, never before this returns.
  void start(operation& op) noexcept {
    op.is = operation::state::in_flight;
    op.newer = nullptr;
    op.older = newest_;
    if (newest_ != nullptr) newest_->newer = &op;
    newest_ = &op;
    ++in_flight_;
    if (op.fd >= 0) detail::release_edge(op.fd);  // nothing without ThreadSanitizer
    submit(op);
  }

  /// Asks for an early end of `op`, which is in flight. It appears in a later `poll` or `wait`: with
  /// result -ECANCELED, or with its own if it could not be stopped any more.
  virtual void cancel(operation& op) noexcept = 0;

  /// Appends what has completed to `done`. Never waits.
  virtual void poll(work_list& done) noexcept = 0;

  /// As `poll`, but waits until something completes, the loop's event_fd is signalled or, if `deadline` is
  /// not null, that time has come. May also return early for no reason.
  virtual void wait(work_list& done, const loop_clock::time_point* deadline) noexcept = 0;

  virtual loop_clock::time_point now() const noexcept { return loop_clock::now(); }

  /// What places a timer among those with the same deadline: lower leaves first.
  virtual std::uint64_t next_turn() noexcept { return ++turn_; }

  /// Why no operation can succeed any more, or null. Timers and posted work go on.
  const failure& broken() const noexcept { return broken_; }

  std::size_t in_flight() const noexcept { return in_flight_; }

  /// The operation that was started last of those in flight, or null; `older` leads to the others.
  operation* newest_in_flight() const noexcept { return newest_; }

 protected:
  virtual void submit(operation& op) noexcept = 0;

  void finish(operation& op, std::int32_t result, work_list& done) noexcept {
    op.result = result;
    op.is = operation::state::completed;
    (op.newer != nullptr ? op.newer->older : newest_) = op.older;
    if (op.older != nullptr) op.older->newer = op.newer;
    --in_flight_;
    if (op.fd >= 0 && op.what <= operation::kind::write) detail::acquire_edge(op.fd);
    done.push_back(op);
  }

  failure broken_;

 private:
  operation* newest_ = nullptr;
  std::size_t in_flight_ = 0;
  std::uint64_t turn_ = 0;
};

}  // namespace wherry
