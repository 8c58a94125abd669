// request.hpp: one unit of device work, from its submission to its completion.
//
//   fresh -> queued       submitted: it has a ticket, a place in its unit's queue and its edges
//   queued -> started     it is the head of its unit and every edge is resolved
//   started -> finished   it ran, or was refused because something it reads failed
//   queued -> finished    cancelled in the queue, or its deadline passed; the ticket counts when its turn
//   comes
//
// A request derives from this class and says what to do in `start`. It holds references to the storages it
// uses until it has finished. `done` is the completion that waiters and fds hang on.
//
// Threads: `done`, `id` any thread; the scheduling members belong to the dispatch lock.
#pragma once

#include <absl/container/inlined_vector.h>

#include <atomic>
#include <span>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/device/ref.hpp>
#include <wherry/device/storage.hpp>
#include <wherry/status/ticket.hpp>

namespace wherry {

class unit;

/// How a request uses a storage.
struct storage_use {
  ref<storage> memory;
  bool writes = false;
};

class request {
 public:
  enum class state : std::uint8_t { fresh, queued, started, finished };

  request() = default;
  request(const request&) = delete;
  request& operator=(const request&) = delete;
  virtual ~request() = default;

  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }

  void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  ticket id() const noexcept { return id_; }
  wherry::unit* where() const noexcept { return unit_; }
  const completion& done() const noexcept { return done_; }

  /// What the request is, for messages: "execution of mlp_step", "write of f32[128,784]".
  virtual std::string describe() const = 0;

 protected:
  enum class started : std::uint8_t { finished, in_flight };

  /// Does the work on the calling thread and returns `finished`, with the failure (or null) in `outcome`; or
  /// hands it to a driver and returns `in_flight`, and `dispatcher::finish` is called later, once, from any
  /// thread.
  virtual started start(failure& outcome) noexcept = 0;

  /// Called once when the request has finished, before its waiters are told: drops what the work needed.
  virtual void cleanup() noexcept {}

  std::span<const storage_use> uses() const noexcept { return uses_; }
  void add_use(ref<storage> memory, bool writes) { uses_.push_back({std::move(memory), writes}); }
  /// What the request counts in its unit's bound: 1 if not set; bytes for transfers.
  void set_weight(std::uint64_t weight) noexcept { weight_ = weight; }

 private:
  friend class dispatcher;
  friend class unit;

  struct dependant {
    request* who;
    bool blocks;   // false: ordered by the unit's own queue, told only of a failure
    bool carries;  // it uses what this one writes, so it fails with it; false: it only writes what this one
                   // reads
  };

  // constant after submission
  wherry::unit* unit_ = nullptr;
  ticket id_;
  bool cheap_ = false;        // may be run inline by a submitter
  std::uint64_t weight_ = 1;  // in the unit's bound: 1, or bytes of a transfer
  absl::InlinedVector<storage_use, 4> uses_;
  // dispatch lock
  state state_ = state::fresh;
  bool fired_ = false;  // `done_` is complete or about to be
  failure upstream_;    // why it must not run
  failure outcome_;
  absl::InlinedVector<request*, 4> blockers_;  // unfinished requests it waits for
  absl::InlinedVector<dependant, 4> dependants_;
  request* next_in_unit_ = nullptr;
  request* next_fired_ = nullptr;
  // any thread
  mutable std::atomic<std::uint32_t> count_{0};
  completion done_;
};

}  // namespace wherry
