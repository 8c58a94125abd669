// event_fd.hpp: an eventfd, owned.
//
// A counter in the kernel: readable while it is not zero. The loop sleeps on one, and other threads
// wake it by signalling.
//
// Threads: `signal` and `drain` from any; construction and destruction from one.
#pragma once

#include <absl/status/status.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <wherry/loop/detail/ring_edge.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

class event_fd {
 public:
  /// Throws `error` with the errno text when the process has no descriptor left.
  event_fd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) {
      throw error(absl::ErrnoToStatusCode(errno), "eventfd: " + std::generic_category().message(errno));
    }
  }
  event_fd(const event_fd&) = delete;
  event_fd& operator=(const event_fd&) = delete;
  ~event_fd() { ::close(fd_); }

  int fd() const noexcept { return fd_; }

  /// Makes it readable. Never waits.
  void signal() noexcept {
    detail::release_edge(fd_);
    const std::uint64_t one = 1;
    while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

  /// Makes it unreadable. Returns true if it was readable. Never waits.
  bool drain() noexcept {
    std::uint64_t count = 0;
    ssize_t n = 0;
    do {
      n = ::read(fd_, &count, sizeof count);
    } while (n < 0 && errno == EINTR);
    detail::acquire_edge(fd_);
    return n > 0;
  }

 private:
  int fd_;
};

}  // namespace wherry
