// dispatcher.hpp: how requests enter units, start in order, finish, and wake what waited for them.
//
// A submission validates (its caller did), waits for a place in the unit, and then in one critical section
// takes its ticket, joins the queue and records an edge from every unfinished request whose storage it
// touches. A request starts when it is the head of its unit and its edges are resolved; whoever holds the
// unit's run token (a worker, an inline caller, a thread that helps in `value()`, a loop) *leads*: it starts
// heads until none can start. A failure travels along data edges and along nothing else. On command queues a
// request may be handed over to the driver, and others start behind it before it has finished: hand_over.hpp.
//
// Threads: any. What happens to waiters (completions, slot waiters, engines) happens after the dispatch
// lock is released; `effects` carries it out of the critical section.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>
#include <wherry/coro/scheduler.hpp>
#include <wherry/device/dispatch_lock.hpp>
#include <wherry/device/unit.hpp>

namespace wherry {

/// How a submission behaves.
struct submit_options {
  bool cheap = false;     // may run inline on the calling thread when the unit is idle and inputs are ready
  bool try_only = false;  // refuse instead of waiting when the unit is full
  bool admitted = false;  // the caller holds a place already (`dispatcher::enter`)
  // Asked in the critical section, where nobody can come in between: throws if an argument is gone by now.
  void (*check)(const void* arguments) = nullptr;
  const void* arguments = nullptr;
  // Token, deadline, tracker, name and place; null: none. Its unit is not looked at.
  const request_options* request = nullptr;

  /// Leaves out `options` that say nothing.
  submit_options& with(const request_options& options) noexcept {
    request = options.has_terms() || options.place ? &options : nullptr;
    return *this;
  }
};

class dispatcher {
 public:
  /// Submits `r` to `u`. Returns false, with nothing changed, if `try_only` was asked and the unit is full.
  /// Waits for a place on an ordinary thread (helping the unit meanwhile); on a loop's or worker's thread
  /// overflows up to 16 times the bound and then throws resource_exhausted. Throws what `refuse` said,
  /// what `check` throws, and `cancelled` or `deadline_exceeded` if `request` says so before there is a
  /// ticket; a place that was held is given back then.
  static bool submit(unit& u, request& r, submit_options options);

  /// Takes a place of `weight` in `u`, waiting for it as `submit` does, and returns true; or returns false if
  /// `try_only` was asked and the unit is full.
  static bool admit(unit& u, std::uint64_t weight, bool try_only);
  /// Takes a place of `waiter.weight` in `u` and returns true; or queues `waiter`, whose `granted` is called
  /// once a place is its own, on whatever thread freed it.
  static bool enter(unit& u, slot_waiter& waiter);
  /// Takes a place of `weight` in `u` and returns true if there is one that nobody waits for.
  static bool try_enter(unit& u, std::uint64_t weight);
  /// Gives back a place that `enter` gave and no submission has used.
  static void leave(unit& u, std::uint64_t weight) noexcept;
  /// Returns true if `waiter` waits no more; false if its place has been given to it.
  static bool withdraw(unit& u, slot_waiter& waiter) noexcept;

  /// Leads `u` until no head can start or `stop()` holds (asked under the dispatch lock). Returns false if
  /// somebody else leads or nothing could start.
  template <class Stop>
  static bool lead(unit& u, Stop&& stop) noexcept;

  /// Told by `start`, or later by what it left in flight, before the driver can say that `r` has ended: all
  /// commands of `r` are in its unit's own queue, flushed, and `last` is the end of the last one. The next of
  /// its unit may start now, and so may what reads its results on other units of its engine.
  static void hand_over(request& r, ref<device_event> last) noexcept;
  static bool is_handed_over(const request& r) noexcept;

  /// Ends a request that `start` left in flight. `outcome` is null for success. `ran_nothing`: it failed, and
  /// not even its first command ran.
  static void finish(request& r, failure outcome, bool ran_nothing = false) noexcept;

  /// Copies the first `bytes` of `s`, which the host sees, to `to` and returns true: if nobody writes `s`,
  /// its contents are good, `u` would take the read, and `agrees()`, asked in the critical section, is true.
  template <class Agrees>
  static bool read_now(const unit& u, const storage& s, std::size_t bytes, void* to, Agrees&& agrees);

  /// Completes `r` at once with `why` if it has not started; its ticket counts when its turn comes.
  static bool cancel(request& r, failure why) noexcept;

  /// As `cancel` of the request of `terms`, with the failure that `why` (cancelled or deadline_exceeded)
  /// stands for. If it waits for a place, its submission is refused; if it has started, it runs to its end
  /// and fails then.
  static void interrupt(request_terms& terms, reason why) noexcept;

  /// True from the moment on when the ticket of `r` counts: its waiters have been told or are about to be.
  /// Precondition: `r` was submitted, and its device is alive unless it is done.
  static bool has_counted(const request& r) noexcept;

  /// Returns what has become of the request that `t` names; never waits. Throws not_found if `u` did not give
  /// it out.
  static request_state poll(const unit& u, ticket t);
  /// Returns the code that it failed with, `kOk` if it has not. Throws as `poll`.
  static absl::StatusCode code_of(const unit& u, ticket t);

  /// Leads what `r` waits for on this thread, transitively, until `r` is finished or nothing is left that
  /// this thread could lead. Returns true if `r` is finished.
  static bool help(request& r) noexcept;

  /// Refuses later submissions to `u` with `why` (the device was lost, the client has closed). What is queued
  /// runs on if `queued` is null, else completes at once with `queued`.
  static void refuse(unit& u, const failure& why, const failure& queued) noexcept;
  /// Accepts submissions again, unless the client has closed.
  static void accept(unit& u) noexcept;
  /// Returns what submissions to `u` are refused with, or null.
  static failure refusal_of(const unit& u) noexcept;

  /// Waits until everything submitted to `u` before the call has completed. Helps like `value()`.
  static void drain(unit& u) { drain_until(u, std::chrono::steady_clock::time_point::max()); }
  /// As `drain`, but gives up at `deadline` and returns false.
  static bool drain_until(unit& u, std::chrono::steady_clock::time_point deadline) {
    return drain_until(u, u.last_submitted(), deadline);
  }
  /// As `drain_until`, for `until` and everything before it.
  static bool drain_until(unit& u, ticket until, std::chrono::steady_clock::time_point deadline);

  /// Has `who` told when `number` of `u` counts, once, and returns true; or returns false, and it will not be
  /// told, if it counts already. 0: has it told of every request, until `stop_listening`.
  static bool listen(unit& u, const ref<unit_listener>& who, std::uint64_t number);
  /// `who` may still be told of what completes at the same time.
  static void stop_listening(unit& u, const unit_listener& who) noexcept;

  /// Throws not_found unless `u` has given out `t`.
  static void require_given_out(const unit& u, ticket t);
  /// Returns the request that `t` names, or null if it has completed. Takes as long as the queue is.
  static ref<request> find(const unit& u, ticket t);

 private:
  struct finding {
    request_state state;
    absl::StatusCode code;
  };
  struct effects {
    request* fired = nullptr;
    request* last_fired = nullptr;
    slot_waiter* granted = nullptr;
    slot_waiter* last_granted = nullptr;
    absl::InlinedVector<engine*, 2> engines;
    std::vector<std::pair<ref<unit_listener>, std::uint64_t>> told;
    absl::InlinedVector<unit*, 2> to_settle;   // their heads have ended, and may now finish
    absl::InlinedVector<request*, 2> to_drop;  // queued, and what they read was cancelled in its queue

    void fire(request& r) noexcept;  // takes over a reference
    void schedule(unit& u) noexcept;
    void run() noexcept;
  };

  static void require_own_process(const unit& u, const request& r);
  static bool has_room(const unit& u, std::uint64_t weight) noexcept {
    return u.waiting_head_ == nullptr && (u.in_flight_ == 0 || u.in_flight_ + weight <= u.bound_);
  }
  static bool can_start(const unit& u) noexcept {
    const request* r = u.next_start_;
    if (!r || !r->blockers_.empty()) return false;
    if (r->state_ != request::state::queued && r->state_ != request::state::finished) return false;
    return r == u.head_ || can_follow(u, *r);
  }
  static bool can_follow(const unit& u, const request& r) noexcept {
    if (u.starting_) return false;
    return r.state_ == request::state::finished || (r.follows_ && u.ahead_ + r.weight_ <= u.bound_);
  }
  static bool submit_as_asked(unit& u, request& r, submit_options options);
  static bool submit_now(unit& u, request& r, const submit_options& options);
  static void wait_for_room(detail::dispatch_lock& lock, unit& u, std::uint64_t weight, request_terms* terms);
  static bool leave_line(unit& u, slot_waiter& waiter) noexcept;
  static void enqueue(unit& u, request& r) noexcept;
  static void add_edge(request& from, request& to, bool carries, bool orders) noexcept;
  static finding find_out(const unit& u, ticket t);
  static failure named(const request& r, failure outcome) noexcept;
  template <class Stop>
  static bool lead_locked(detail::dispatch_lock& lock, unit& u, effects& todo, Stop&& stop) noexcept;
  static void finish_locked(request& r, failure outcome, bool ran_nothing, effects& todo) noexcept;
  static void conclude(request& r, failure outcome, effects& todo) noexcept;
  static void settle(unit& u, effects& todo) noexcept;
  static void recall(request& r, effects& todo) noexcept;
  static void leave_to_device(request& from, request::dependant& edge) noexcept;
  static void mark_behind(request& r) noexcept;
  static bool conflict(const request& earlier, const request& later) noexcept;
  static void bring_back(storage& s, request& user) noexcept;
  static void retire(unit& u, effects& todo) noexcept;
  static void collect_listeners(unit& u, effects& todo) noexcept;
  static void grant(unit& u, effects& todo) noexcept;
};

// ---------------------------------------------------------------------------------------- effects

inline void dispatcher::effects::fire(request& r) noexcept {
  r.fired_ = true;
  r.next_fired_ = nullptr;
  (last_fired ? last_fired->next_fired_ : fired) = &r;
  last_fired = &r;
}

inline void dispatcher::effects::schedule(unit& u) noexcept {
  if (u.led_) return;  // the leader looks again before it leaves
  u.engine_.schedule(u);
  if (std::find(engines.begin(), engines.end(), &u.engine_) == engines.end()) engines.push_back(&u.engine_);
}

inline void dispatcher::effects::run() noexcept {
  for (engine* e : engines) e->poke();
  engines.clear();
  while (request* r = std::exchange(fired, fired ? fired->next_fired_ : nullptr)) {
    r->cleanup();
    if (r->terms_) r->terms_->disarm();
    r->uses_.clear();
    r->waits_.clear();
    r->after_ = nullptr;
    r->event_ = nullptr;
    if (r->outcome_) {
      r->done_.fail(r->outcome_);
    } else {
      r->done_.complete();
    }
    r->release();
  }
  last_fired = nullptr;
  if (!told.empty()) {
    for (const auto& [who, count] : std::exchange(told, {})) who->counted(count);
  }
  while (slot_waiter* w = std::exchange(granted, granted ? granted->next : nullptr)) w->granted(*w);
  last_granted = nullptr;
}

// ------------------------------------------------------------------------------------- submission

inline void dispatcher::add_edge(request& from, request& to, bool carries, bool orders) noexcept {
  if (!from.dependants_.empty() && from.dependants_.back().who == &to) {
    from.dependants_.back().carries |= carries;
    from.dependants_.back().orders |= orders;
    return;
  }
  from.dependants_.push_back({&to, true, carries, orders});
  to.blockers_.push_back(&from);
}

inline void dispatcher::enqueue(unit& u, request& r) noexcept {
  r.retain();
  const std::uint64_t number = u.submitted_.load(std::memory_order_relaxed) + 1;
  r.unit_ = &u;
  r.id_ = ticket(u.id_, number);
  r.state_ = request::state::queued;
  (u.tail_ ? u.tail_->next_in_unit_ : u.head_) = &r;
  u.tail_ = &r;
  if (!u.next_start_) u.next_start_ = &r;
  u.submitted_.store(number, std::memory_order_release);
  const std::uint64_t depth = number - u.completed_.load(std::memory_order_relaxed);
  if (depth > u.deepest_) u.deepest_ = depth;
  if (u.watch_) [[unlikely]]
    u.watch_->submitted(r);

  for (const storage_use& use : r.uses_) {
    storage& s = *use.memory;
    if (s.failed && !use.replaces && !r.upstream_) r.upstream_ = s.failed;
    if (request* w = s.writer.load(std::memory_order_relaxed)) add_edge(*w, r, !use.replaces, use.orders);
    if (use.writes) {
      for (request* reader : s.readers) add_edge(*reader, r, false, false);
    }
  }
  for (const storage_use& use : r.uses_) {
    storage& s = *use.memory;
    if (use.writes) {
      s.readers.clear();
      if (use.replaces && s.failed) s.failed = nullptr;
      s.writer.store(&r, std::memory_order_release);
    } else if (s.writer.load(std::memory_order_relaxed) != &r) {
      s.readers.push_back(&r);
    }
  }
  if (r.follows_) {
    for (std::size_t k = r.blockers_.size(); k-- > 0;) {
      request& earlier = *r.blockers_[k];
      leave_to_device(earlier, earlier.dependants_.back());
    }
  }
}

inline void dispatcher::require_own_process(const unit& u, const request& r) {
  if (!detail::was_forked_since(u.generation_)) return;
  throw error(
      absl::StatusCode::kFailedPrecondition,
      r.describe() +
          ": this process was forked after the client was made; neither its threads nor OpenCL came along",
      reason::forked);
}

inline bool dispatcher::submit(unit& u, request& r, submit_options options) {
  require_own_process(u, r);
  return options.request ? submit_as_asked(u, r, options) : submit_now(u, r, options);
}

inline bool dispatcher::submit_now(unit& u, request& r, const submit_options& options) {
  effects todo;
  std::exception_ptr refused;
  {
    detail::dispatch_lock lock;
    if (!options.admitted) {
      if (u.refusal_) raise(u.refusal_);
      if (has_room(u, r.weight_)) {
        u.in_flight_ += r.weight_;
      } else if (options.try_only) {
        return false;
      } else {
        wait_for_room(lock, u, r.weight_, r.terms_.get());  // has taken the place
      }
    }
    try {
      if (u.refusal_) raise(u.refusal_);
      if (r.terms_ && r.terms_->why) raise(r.terms_->why);
      if (options.check) options.check(options.arguments);
    } catch (...) {
      refused = std::current_exception();
      u.in_flight_ -= r.weight_;
      grant(u, todo);
    }
    if (!refused) {
      r.cheap_ = options.cheap;
      enqueue(u, r);
      if (r.upstream_ && !r.blockers_.empty()) {
        finish_locked(r, nullptr, false, todo);  // it will not run: nothing to wait for
      } else if (can_start(u) && !u.led_) {
        if (u.next_start_ == &r && u.engine_.leads_anywhere() && (options.cheap || r.upstream_)) {
          // Cheap requests that others queued meanwhile are done here, too: handing the unit over would wake
          // a worker, which costs this thread more than a few of them.
          int budget = 16;
          lead_locked(lock, u, todo, [&] {
            if (r.state_ != request::state::finished) return false;
            return !u.next_start_->cheap_ || --budget < 0;
          });
        } else {
          todo.schedule(u);
        }
      }
    }
  }
  todo.run();
  if (refused) std::rethrow_exception(refused);
  return true;
}

template <class Agrees>
bool dispatcher::read_now(const unit& u, const storage& s, std::size_t bytes, void* to, Agrees&& agrees) {
  if (detail::was_forked_since(u.generation_)) return false;
  detail::dispatch_lock lock;
  if (u.refusal_ || s.failed || s.writer.load(std::memory_order_relaxed) || !agrees()) return false;
  if (bytes != 0) std::memcpy(to, s.host(), bytes);
  return true;
}

}  // namespace wherry

#include <wherry/device/admission.hpp>
#include <wherry/device/counting.hpp>
#include <wherry/device/finishing.hpp>
#include <wherry/device/hand_over.hpp>
#include <wherry/device/leading.hpp>
#include <wherry/device/polling.hpp>
#include <wherry/device/stopping.hpp>
#include <wherry/device/unit_watching.hpp>
