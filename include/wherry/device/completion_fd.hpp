// completion_fd.hpp: a completion as a file descriptor, for `poll`, epoll and foreign event loops.
//
// The descriptor is level-triggered: readable from the moment of completion on, for ever, and never read by
// the library. It is made on first request and closed with its owner.
//
// Threads: any. The owner must outlive neither the completion nor the request that holds it: `watch` keeps
// the request alive until it has completed.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <wherry/device/pending.hpp>

namespace wherry {

class completion_fd {
 public:
  /// Returns a descriptor that becomes readable when `p` is ready (at once if it is).
  explicit completion_fd(const pending& p) : state_(std::make_shared<state>()) {
    if (state_->fd < 0) {
      throw error(absl::StatusCode::kResourceExhausted, std::string("eventfd: ") + std::strerror(errno));
    }
    if (p.is_ready()) {
      state_->signal();
      return;
    }
    auto* node = new watcher{};
    node->shared = state_;
    node->held = p;
    node->notify = [](completion::waiter& w) noexcept {
      auto* self = static_cast<watcher*>(&w);
      self->shared->signal();
      delete self;
    };
    if (!p.what()->done().add(*node)) node->notify(*node);
  }

  int get() const noexcept { return state_->fd; }

 private:
  struct state {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ~state() {
      if (fd >= 0) ::close(fd);
    }
    void signal() const noexcept {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
    }
  };
  struct watcher : completion::waiter {
    std::shared_ptr<state> shared;
    pending held;
  };
  std::shared_ptr<state> state_;
};

}  // namespace wherry
