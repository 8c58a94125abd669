// pending.hpp: what is left to wait for, of a storage or a request.
//
// A snapshot: the request that will decide the outcome, or the outcome where it is decided. Everything that
// can be waited for (buffers, array promises, executions) is built on it, so `co_await`, `value()`,
// `is_ready()`, `on_ready` and fds agree.
//
// Threads: as any value; the members that wait say so.
#pragma once

#include <chrono>
#include <thread>
#include <wherry/device/barrier_core.hpp>
#include <wherry/device/worker_pool.hpp>

namespace wherry {

class pending {
 public:
  pending() = default;
  explicit pending(ref<request> r) noexcept : request_(std::move(r)) {}
  explicit pending(ref<barrier_core> b) noexcept : barrier_(std::move(b)) {}

  explicit pending(failure settled) noexcept : settled_(std::move(settled)) {}

  /// What readers of `s` wait for now: its last writer, or the failure that the last one left.
  static pending writer_of(const storage& s) noexcept {
    pending p;
    detail::dispatch_lock lock;
    // With both, the writer is one that came before what failed without having run.
    p.settled_ = s.failed;
    if (!p.settled_) p.request_ = ref<request>(s.writer.load(std::memory_order_relaxed));
    return p;
  }

  /// Agrees with the ticket: true as soon as that counts.
  bool is_ready() const noexcept {
    if (request_) return dispatcher::has_counted(*request_);
    return !barrier_ || barrier_->done().is_ready();
  }

  /// Returns why it failed, or null. Precondition: ready.
  failure why() const noexcept {
    settle();
    return request_ ? request_->done().why() : settled_;
  }

  /// Waits, helping: this thread leads what the request waits for where it can, does shares of kernels that
  /// others lead, spins for up to 10 us, then sleeps. Throws deadlock_would_occur on a loop's or worker's
  /// thread if it is not ready.
  void wait() const {
    if (is_ready()) return settle();
    require_may_block("value()");
    if (barrier_) return barrier_->wait();
    {
      worker_pool::helper counted(worker_pool::instance());
      if (dispatcher::help(*request_)) return;
      // It runs elsewhere: do shares of it, or of anything else, while there are some.
      auto end = std::chrono::steady_clock::now() + spin_time;
      do {
        for (int k = 0; k < 16; ++k) detail::cpu_relax();
        if (is_ready()) return settle();
        if (worker_pool::instance().help_shares()) end = std::chrono::steady_clock::now() + spin_time;
      } while (std::chrono::steady_clock::now() < end);
    }
    request_->done().wait();
  }

  /// Waits until ready or until `deadline`, without helping, and returns whether it is ready. Throws as
  /// `wait`.
  bool wait_until(std::chrono::steady_clock::time_point deadline) const {
    if (!is_ready() && !cell()->wait_until(deadline)) return false;
    settle();
    return true;
  }

  /// Waits, then throws the failure if there is one.
  void get() const {
    wait();
    if (const failure f = why()) raise(f);
  }

  /// What waiters register with; null if it is ready and nothing is left to wait for.
  const completion* cell() const noexcept {
    return request_ ? &request_->done() : barrier_ ? &barrier_->done() : nullptr;
  }

 private:
  static constexpr auto spin_time = std::chrono::microseconds(10);

  /// The thread that counted the ticket tells the waiters next, unless it lost its core in between.
  void settle() const noexcept {
    while (request_ && !request_->done().is_ready()) std::this_thread::yield();
  }

  ref<request> request_;
  ref<barrier_core> barrier_;
  failure settled_;
};

/// What `co_await` on a promise makes: waits for `p`, throws its failure, else gives `payload`.
template <class Payload>
class promise_awaiter {
 public:
  promise_awaiter(pending p, Payload payload) noexcept
      : held_(std::move(p)), payload_(std::move(payload)), inner_(held_.cell() ? *held_.cell() : settled_) {}
  promise_awaiter(const promise_awaiter&) = delete;
  promise_awaiter& operator=(const promise_awaiter&) = delete;

  bool await_ready() const noexcept { return !held_.cell() || held_.cell()->is_ready(); }
  bool await_suspend(std::coroutine_handle<> h) { return inner_.await_suspend(h); }
  Payload await_resume() {
    if (const failure f = held_.why()) raise(f);
    return std::move(payload_);
  }

 private:
  pending held_;
  Payload payload_;
  completion settled_;  // stands in where no request is left; never awaited
  completion::awaiter inner_;
};

}  // namespace wherry
