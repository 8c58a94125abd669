// unit.hpp: an execution unit, a FIFO of requests of one kind on one device.
//
// Requests of a unit start and complete in ticket order, so `last_completed` is one number; a head that is
// not ready holds the later ones. What runs the heads is the unit's *engine*: worker threads and helping
// callers for devices that compute on the host's threads, a loop for command queues and simulations. The
// units of one engine share a context: what is handed over to one can be waited for by commands of another.
//
// The number of admitted requests (bytes, for transfers) is bounded; `dispatcher` decides who waits.
// Named and laid out as Neuron's execution units (nrt_async.h).
//
// Threads: any; the queue belongs to the dispatch lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>
#include <wherry/device/failed_requests.hpp>
#include <wherry/device/request.hpp>
#include <wherry/device/request_state.hpp>
#include <wherry/device/unit_listener.hpp>
#include <wherry/loop/detail/process_generation.hpp>

namespace wherry {

enum class unit_kind : std::uint8_t { tensor_read, tensor_write, tensor_op, compute, collectives };

constexpr std::string_view name_of(unit_kind kind) noexcept {
  constexpr std::string_view names[] = {"tensor_read", "tensor_write", "tensor_op", "compute", "collectives"};
  return names[static_cast<std::size_t>(kind)];
}

class unit;
struct unit_statistics;

/// Runs the heads of units.
class engine {
 public:
  virtual ~engine() = default;
  /// Called under the dispatch lock when `u` has a head that can start: remembers that somebody is to lead
  /// it. `poke` follows after the lock is released, and makes that somebody run.
  virtual void schedule(unit& u) noexcept = 0;
  virtual void poke() noexcept = 0;
  /// True when any thread may lead: a caller inline, or one that waits in `value()`.
  virtual bool leads_anywhere() const noexcept = 0;
};

/// One that waits for a place in a full unit; intrusive.
struct slot_waiter {
  slot_waiter* next = nullptr;
  std::uint64_t weight = 1;
  void (*granted)(slot_waiter&) noexcept = nullptr;
};

/// Devices own their units; engines hold a reference while a unit is on their list or led, because the last
/// handle of its device may go meanwhile.
class unit : public ref_counted<unit> {
 public:
  unit(std::uint16_t id, unit_kind kind, engine& runs_it, std::uint64_t bound, ref<unit_services> around)
      : id_(id), kind_(kind), engine_(runs_it), bound_(bound), around_(std::move(around)) {}

  std::uint16_t id() const noexcept { return id_; }
  /// Its number among the units of its kind on its device, from 0.
  std::uint16_t queue() const noexcept { return queue_; }
  unit_kind kind() const noexcept { return kind_; }
  const std::string& device_name() const noexcept { return around_->device_name(); }
  const unit_services& around() const noexcept { return *around_; }
  /// True when any thread may lead it.
  bool is_led_anywhere() const noexcept { return engine_.leads_anywhere(); }
  /// The most requests (bytes, for tensor_read and tensor_write) in flight before submitters wait.
  std::uint64_t bound() const noexcept { return bound_; }

  /// The newest ticket given out, and the newest of which it and all earlier ones are done; never waits.
  ticket last_submitted() const noexcept { return {id_, submitted_.load(std::memory_order_acquire)}; }
  ticket last_completed() const noexcept { return {id_, completed_.load(std::memory_order_acquire)}; }
  bool is_completed(ticket t) const noexcept {
    return t.unit() == id_ && t.number() <= completed_.load(std::memory_order_acquire);
  }
  /// What the device keeps per unit: a queue, a carrier. Set once, before the unit is used.
  void* attachment = nullptr;
  /// Set once, as that.
  void set_queue(std::uint16_t number) noexcept { queue_ = number; }

  /// How many requests are not complete.
  std::uint64_t depth() const noexcept {
    for (;;) {  // both numbers as they were at one moment
      const std::uint64_t completed = completed_.load(std::memory_order_acquire);
      const std::uint64_t submitted = submitted_.load(std::memory_order_acquire);
      if (completed_.load(std::memory_order_acquire) == completed) return submitted - completed;
    }
  }
  /// What it did so far; see statistics.hpp.
  unit_statistics statistics() const;

 private:
  friend class dispatcher;
  friend class unit_watch;
  friend class worker_pool;
  friend class loop_engine;

  // constant after construction
  std::uint16_t id_;
  std::uint16_t queue_ = 0;
  unit_kind kind_;
  engine& engine_;
  std::uint64_t bound_;
  ref<unit_services> around_;
  std::uint32_t generation_ = detail::process_generation();
  // dispatch lock
  request* head_ = nullptr;  // oldest that has not been counted complete
  request* tail_ = nullptr;
  request* next_start_ = nullptr;    // oldest that has not started; behind head_ while something is in flight
  request* last_started_ = nullptr;  // while it has not finished
  std::vector<ref<unit_listener>> listeners_;
  std::uint64_t told_ = 0;       // while there are listeners: the newest number they know
  std::uint64_t in_flight_ = 0;  // admitted weight
  std::uint64_t ahead_ = 0;      // weight of what was handed over and has not finished
  slot_waiter* waiting_head_ = nullptr;
  slot_waiter* waiting_tail_ = nullptr;
  bool starting_ = false;              // the last one started has neither ended nor been handed over
  bool led_ = false;                   // somebody holds the run token
  bool scheduled_ = false;             // the engine has it on its list
  std::unique_ptr<unit_watch> watch_;  // null: nobody wants to know
  unit* next_scheduled_ = nullptr;
  failed_requests failures_;
  failure refusal_;  // submissions are refused with it: device lost, client closed
  // any thread
  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> completed_{0};
  // dispatch lock
  std::uint64_t deepest_ = 0;  // the largest depth so far
  std::uint64_t failed_ = 0;   // requests that ended with an error
};

}  // namespace wherry
