// promise.hpp: the five ways to use a result, for everything that can be waited for.
//
// `promise<Derived>` gives a handle `is_ready`, `await`, `status`, `on_ready`, `ready_fd` and `co_await`, out
// of two functions of `Derived`: `pending outcome() const` (what decides it) and `device_core& place()
// const`. All ways work on every promise, may be mixed and repeated, and agree.
//
// Threads: any.
#pragma once

#include <absl/status/status.h>

#include <chrono>
#include <functional>
#include <wherry/device/completion_fd.hpp>
#include <wherry/device/device.hpp>
#include <wherry/status/guarded_call.hpp>

namespace wherry {

template <class Derived>
class promise {
 public:
  /// Never waits; true for failure too.
  bool is_ready() const { return self().outcome().is_ready(); }

  /// Waits and returns the object; throws the failure. Waits on an ordinary thread only
  /// (deadlock_would_occur).
  const Derived& await() const {
    self().outcome().get();
    return self();
  }

  /// Waits and returns the outcome instead of throwing it.
  absl::Status status() const {
    const pending p = self().outcome();
    p.wait();
    return seen(p.why());
  }

  /// Waits, without helping, until it is ready or `deadline` has come, and returns whether it is ready. The
  /// request is not disturbed. Waits on an ordinary thread only (deadlock_would_occur).
  bool wait_until(std::chrono::steady_clock::time_point deadline) const {
    return self().outcome().wait_until(deadline);
  }
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return wait_until(std::chrono::steady_clock::now() +
                      std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
  }

  /// Calls `callback` once with the outcome, on the client's loop thread, never inline. What it throws is
  /// logged. Throws invalid_argument if there is no callback.
  void on_ready(std::function<void(const absl::Status&)> callback) const {
    if (!callback) throw error(absl::StatusCode::kInvalidArgument, "on_ready: expected a callback, got none");
    auto* node = new callback_node{};
    node->run = [](work& w) noexcept {
      auto* n = static_cast<callback_node*>(&w);
      guarded_call("a callback of on_ready", [n] { n->callback(seen(n->held.why())); });
      delete n;
    };
    node->notify = [](completion::waiter& w) noexcept {
      auto* n = static_cast<callback_node*>(&w);
      n->where->post(*n);
    };
    node->held = self().outcome();
    node->where = &self().place().callbacks();
    node->callback = std::move(callback);
    const completion* cell = node->held.cell();
    if (!cell || !cell->add(*node)) node->where->post(*node);
  }

  /// Returns a descriptor that is readable from completion on, owned by the returned object.
  completion_fd ready_fd() const { return completion_fd(self().outcome()); }

  /// Adds 1 to the caller's `eventfd` on completion, at once if that was before; until the returned object
  /// ends.
  event_registration notify(int eventfd) const { return event_registration(self().outcome(), eventfd); }

 private:
  struct callback_node : completion::waiter, work {
    pending held;
    scheduler* where = nullptr;
    std::function<void(const absl::Status&)> callback;
  };
  static absl::Status seen(const failure& f) {
    if (!f) return absl::OkStatus();
    f->mark_observed();
    return f->to_status();
  }
  const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
};

}  // namespace wherry
