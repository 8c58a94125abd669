// completion_fd.hpp: completions as file descriptors, for `poll`, epoll and foreign event loops.
//
// `completion_fd` is a descriptor of one promise: level-triggered, readable from the moment of completion on,
// for ever, never read by the library; made on request and closed with its owner. `unit_fd` is one of a unit:
// an eventfd whose counter grows by one for each completed request, after its ticket has become visible;
// reading it gives how many are new. `event_registration` is the caller's own eventfd, told of one or the
// other.
//
// Threads: any. What a descriptor waits for is kept alive until it has completed.
#pragma once

#include <utility>
#include <wherry/device/event_target.hpp>
#include <wherry/device/pending.hpp>

namespace wherry {

namespace detail {

/// Adds 1 to `target` when `p` is ready: at once if it is.
inline void signal_when_ready(const pending& p, const ref<event_target>& target) {
  struct watcher : completion::waiter {
    ref<event_target> target;
    pending held;
  };
  if (p.is_ready()) return target->signal(1);
  auto* node = new watcher{};
  node->target = target;
  node->held = p;
  node->notify = [](completion::waiter& w) noexcept {
    auto* self = static_cast<watcher*>(&w);
    self->target->signal(1);
    delete self;
  };
  if (!p.cell()->add(*node)) node->notify(*node);
}

struct unit_counter final : unit_listener {
  explicit unit_counter(ref<event_target> t) : target(std::move(t)) {}
  void counted(std::uint64_t count) noexcept override { target->signal(count); }
  ref<event_target> target;
};

}  // namespace detail

class completion_fd {
 public:
  /// Returns a descriptor that becomes readable when `p` is ready (at once if it is).
  explicit completion_fd(const pending& p) : target_(event_target::make()) {
    detail::signal_when_ready(p, target_);
  }
  int get() const noexcept { return target_->get(); }

 private:
  ref<event_target> target_;
};

/// While it lives, an eventfd of the caller's is told; nothing is written after its end. The descriptor is
/// duplicated: the caller may close its own at any time.
class [[nodiscard("the registration ends with it")]] event_registration {
 public:
  event_registration() = default;
  /// Adds 1 to `eventfd` when `p` is ready; at once if it is, so no wake-up is lost.
  event_registration(const pending& p, int eventfd) : target_(event_target::duplicate_of(eventfd)) {
    detail::signal_when_ready(p, target_);
  }
  /// Adds to `eventfd` the number of requests of `u` that have completed, from now on.
  event_registration(unit& u, int eventfd) : event_registration(u, event_target::duplicate_of(eventfd)) {}
  event_registration(unit& u, ref<event_target> target)
      : target_(std::move(target)), unit_(&u), listener_(new detail::unit_counter(target_)) {
    dispatcher::listen(u, listener_, 0);
  }
  event_registration(event_registration&&) noexcept = default;
  event_registration& operator=(event_registration&& other) noexcept {
    end();
    target_ = std::move(other.target_);
    unit_ = std::move(other.unit_);
    listener_ = std::move(other.listener_);
    return *this;
  }
  ~event_registration() { end(); }

  void end() noexcept {
    if (unit_) dispatcher::stop_listening(*unit_, *listener_);
    if (target_) target_->close();
    unit_ = nullptr;
    listener_ = nullptr;
    target_ = nullptr;
  }
  int get() const noexcept { return target_ ? target_->get() : -1; }

 private:
  ref<event_target> target_;
  ref<unit> unit_;
  ref<unit_listener> listener_;
};

class unit_fd {
 public:
  explicit unit_fd(unit& u) : counter_(u, event_target::make()) {}
  int get() const noexcept { return counter_.get(); }

 private:
  event_registration counter_;
};

}  // namespace wherry
