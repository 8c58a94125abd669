// device.hpp: one OpenCL device: its memory, its execution units and what it can do.
//
// `device_core` is what the runtime works with; `device` is the handle that users hold. Two families
// implement it: `cpu_device` (host memory, units led by callers and workers) and `queue_device` (OpenCL
// command queues, driven by a loop).
//
// Threads: any. Handles share the core and keep it alive; after its client has closed, units refuse work.
#pragma once

#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>
#include <wherry/device/dispatcher.hpp>
#include <wherry/device/memory_pool.hpp>
#include <wherry/device/place_in.hpp>
#include <wherry/device/statistics.hpp>
#include <wherry/device/storage.hpp>
#include <wherry/device/thread_number.hpp>

namespace wherry {

struct device_description {
  std::string name;      // "cpu:0", "opencl:1"
  std::string platform;  // CL_PLATFORM_NAME; empty without OpenCL
  std::string model;     // CL_DEVICE_NAME
  std::string driver;    // CL_DRIVER_VERSION
  std::string carrier;   // "native" (one OpenCL command an execution), "direct: WHY", "queue" or "simulated"
  bool fp16 = false;
  bool fp64 = true;
  bool gpu = false;
  std::uint64_t memory_bytes = 0;
};

namespace detail {

/// Hands out the 16-bit ids of units; 0 names nothing.
class unit_ids {
 public:
  static unit_ids& instance() {
    static unit_ids& ids = *new unit_ids;
    return ids;
  }
  std::uint16_t take() {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      const std::uint16_t id = free_.back();
      free_.pop_back();
      return id;
    }
    if (next_ == 0xFFFF) {
      throw error(absl::StatusCode::kResourceExhausted,
                  "65534 execution units are alive; no id is left for another");
    }
    return next_++;
  }
  void give(std::uint16_t id) noexcept {
    std::lock_guard lock(mutex_);
    free_.push_back(id);
  }

 private:
  std::mutex mutex_;
  std::uint16_t next_ = 1;
  std::vector<std::uint16_t> free_;
};

}  // namespace detail

class device_core : public ref_counted<device_core> {
 public:
  virtual ~device_core() {
    for (const auto& u : units_) detail::unit_ids::instance().give(u->id());
  }

  const device_description& description() const noexcept { return description_; }
  const std::string& name() const noexcept { return description_.name; }

  /// Returns `bytes` of device memory (at least one byte's worth), contents undefined. Out of memory: gives
  /// back the cache, waits for work in flight, tries once more, then throws resource_exhausted.
  ref<storage> allocate(std::size_t bytes) {
    ref<storage> memory = try_allocate(bytes);
    if (memory) return memory;
    const scheduler* here = scheduler::current();
    if (!here || here->what() == scheduler::kind::waiter) {
      for (unit* u : units()) dispatcher::drain(*u);
      memory = try_allocate(bytes);
    }
    if (!memory) {
      const memory_statistics now = statistics();
      throw error(absl::StatusCode::kResourceExhausted,
                  "out of memory on " + name() + ": " + std::to_string(bytes) + " bytes asked for, " +
                      std::to_string(now.in_use) + " in use" +
                      (now.limit == SIZE_MAX ? "" : ", the limit is " + std::to_string(now.limit)),
                  reason::out_of_memory);
    }
    return memory;
  }
  virtual memory_statistics statistics() const = 0;
  virtual void trim() = 0;

  /// Reports the requests of all units to `recorder` from now on; null: to nobody.
  void trace_into(ref<trace_recorder> recorder) {
    std::lock_guard lock(units_mutex_);
    recorder_ = std::move(recorder);
    for (const auto& u : units_) unit_watch::trace_into(*u, recorder_, name());
  }
  /// Keeps how long the requests of all units take.
  void keep_latencies() {
    std::lock_guard lock(units_mutex_);
    keeps_latencies_ = true;
    for (const auto& u : units_) unit_watch::keep_latencies(*u);
  }

  /// The client's loop, where `on_ready` callbacks run and deadlines are told. Set once, before the device is
  /// used.
  void set_home(std::function<loop&()> where) { around_->set_home(std::move(where)); }
  scheduler& callbacks() const { return around_->home(); }
  const unit_services& around() const noexcept { return *around_; }
  /// Where failures are told that nobody looks at. Set as `set_home`.
  void set_unobserved(std::shared_ptr<unobserved_errors> to) { around_->set_unobserved(std::move(to)); }

  /// Refuses new work on all units from now on, with `why`; see `dispatcher::refuse`.
  void refuse(const failure& why, const failure& queued) noexcept {
    for (unit* u : units()) dispatcher::refuse(*u, why, queued);
  }

  /// Told of what the driver has said: if the device is lost, refuses new work with `why` and completes what
  /// is queued with it, until `reset`.
  void note(const failure& why) noexcept {
    if (why && why->reason() == reason::device_lost) refuse(why, why);
  }

  /// Accepts work again after a loss, once what was in flight has ended. Throws what the driver says if it
  /// makes no new queues: then the device stays lost, and a new client may find it again.
  void reset() {
    if (const failure why = dispatcher::refusal_of(*units().front())) {
      if (why->reason() == reason::client_closed) raise(why);
      for (unit* u : units()) dispatcher::drain(*u);
      renew();
    }
    for (unit* u : units()) dispatcher::accept(*u);
  }

  /// True when kernels and transfers run on host threads over host memory.
  virtual bool is_host() const noexcept = 0;

  /// Returns all units, in the order of their ids.
  std::vector<unit*> units() const {
    std::lock_guard lock(units_mutex_);
    std::vector<unit*> all;
    for (const auto& u : units_) all.push_back(u.get());
    return all;
  }

  /// Throws invalid_argument unless `u` is a unit of this device; `what` names the call.
  void require_own(const unit& u, std::string_view what) const {
    std::lock_guard lock(units_mutex_);
    for (const auto& mine : units_) {
      if (mine.get() == &u) return;
    }
    throw error(absl::StatusCode::kInvalidArgument, std::string(what) + ": unit " + std::to_string(u.id()) +
                                                        " is one of " + u.device_name() + ", not of " +
                                                        name());
  }

  /// Makes one more unit of `kind`, an independent stream. It lives as long as the device.
  unit& add_unit(unit_kind kind) {
    std::lock_guard lock(units_mutex_);
    const bool bytes = kind == unit_kind::tensor_read || kind == unit_kind::tensor_write;
    units_.push_back(make_ref<unit>(detail::unit_ids::instance().take(), kind, new_engine(kind),
                                    bytes ? transfer_bound_ : request_bound_, around_));
    unit& u = *units_.back();
    u.set_queue(static_cast<std::uint16_t>(
        std::count_if(units_.begin(), units_.end(), [kind](const auto& v) { return v->kind() == kind; }) -
        1));
    prepare(u);
    if (keeps_latencies_) unit_watch::keep_latencies(u);
    if (recorder_) unit_watch::trace_into(u, recorder_, name());
    if (kind == unit_kind::compute) {
      const std::size_t count = compute_count_.load(std::memory_order_relaxed);
      if (count < compute_.size()) {  // later ones are joined by name only
        compute_[count] = &u;
        compute_count_.store(count + 1, std::memory_order_release);
      }
    } else if (!default_[static_cast<std::size_t>(kind)]) {
      default_[static_cast<std::size_t>(kind)] = &u;
    }
    return u;
  }

  /// Returns the unit that a request of `kind` joins: the one that `options` name, else `pick(kind)`. Throws
  /// invalid_argument if that is no unit of this device and kind; `what` names the request.
  unit& unit_for(unit_kind kind, const request_options& options, std::string_view what) const {
    const unit* const asked = options.unit || !options.place ? options.unit : options.place->where();
    if (!asked) return pick(kind);
    {
      std::lock_guard lock(units_mutex_);
      for (const auto& u : units_) {
        if (u.get() == asked && u->kind() == kind) return *u;
      }
    }
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": unit " + std::to_string(asked->id()) + " is a " +
                    std::string(name_of(asked->kind())) + " unit of " + asked->device_name() +
                    "; expected a " + std::string(name_of(kind)) + " unit of " + name());
  }

  /// Returns the unit that a plain request of `kind` joins: the first of that kind; for compute an idle
  /// one, else the least loaded. Threads look at the compute units from different ends, so that each finds
  /// the one that it used last, whose queue and driver state its core has at hand.
  unit& pick(unit_kind kind) const noexcept {
    if (kind != unit_kind::compute) return *default_[static_cast<std::size_t>(kind)];
    const std::size_t count = compute_count_.load(std::memory_order_acquire);
    const std::size_t first = detail::thread_number() % count;
    unit* best = compute_[first];
    std::uint64_t least = best->depth();
    for (std::size_t k = 1; k < count && least != 0; ++k) {
      unit* const other = compute_[first + k < count ? first + k : first + k - count];
      const std::uint64_t depth = other->depth();
      if (depth < least) {
        best = other;
        least = depth;
      }
    }
    return *best;
  }

 protected:
  device_core(device_description description, std::uint64_t request_bound, std::uint64_t transfer_bound)
      : description_(std::move(description)),
        request_bound_(request_bound),
        transfer_bound_(transfer_bound),
        around_(make_ref<unit_services>(description_.name)) {}

  virtual ref<storage> try_allocate(std::size_t bytes) = 0;
  virtual engine& new_engine(unit_kind kind) = 0;
  /// Called once for each new unit, under the units' mutex: sets `attachment`.
  virtual void prepare(unit& u) = 0;
  /// Makes anew what a loss has spoilt; nothing is in flight.
  virtual void renew() {}

  device_description description_;

 private:
  // constant after construction
  std::uint64_t request_bound_;
  std::uint64_t transfer_bound_;
  ref<unit_services> around_;
  // any thread
  mutable std::mutex units_mutex_;
  std::vector<ref<unit>> units_;
  ref<trace_recorder> recorder_;  // under the units' mutex
  bool keeps_latencies_ = false;  // under the units' mutex
  std::array<unit*, 5> default_{};
  std::array<unit*, 64> compute_{};
  std::atomic<std::size_t> compute_count_{0};
};

class barrier;

/// What users hold: cheap to copy, compares by identity.
class device {
 public:
  device() = default;
  explicit device(ref<device_core> core) noexcept : core_(std::move(core)) {}

  const std::string& name() const noexcept { return core_->name(); }
  const device_description& description() const noexcept { return core_->description(); }
  std::vector<unit*> units() const { return core_->units(); }
  unit& add_unit(unit_kind kind) const { return core_->add_unit(kind); }
  memory_statistics memory() const { return core_->statistics(); }
  /// What its memory and its units did so far; see statistics.hpp. Never waits.
  device_statistics statistics() const;
  /// Gives cached memory back to the device.
  void trim() const { core_->trim(); }
  /// Waits until everything submitted to any unit of the device before the call has completed.
  void drain() const {
    for (unit* u : core_->units()) dispatcher::drain(*u);
  }
  /// The same to wait for in any of the ways of a promise; of all units or of one.
  barrier drained() const;
  barrier drained(unit& u) const;
  /// Accepts work again after a loss of the device; see `device_core::reset`. What the device's memory held
  /// is gone, except where it is the host's.
  void reset() const { core_->reset(); }
  /// Ok, or why its units refuse work: the device is lost, or its client closed.
  absl::Status status() const {
    const failure why = dispatcher::refusal_of(*core_->units().front());
    return why ? why->to_status() : absl::OkStatus();
  }

  device_core* core() const noexcept { return core_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(core_); }
  friend bool operator==(const device&, const device&) = default;

 private:
  ref<device_core> core_;
};

inline device_statistics device::statistics() const {
  device_statistics now;
  now.name = name();
  now.memory = memory();
  for (const unit* u : units()) now.units.push_back(u->statistics());
  return now;
}

}  // namespace wherry
