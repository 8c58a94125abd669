// event_target.hpp: an eventfd that is told of something, until its owner does not want it any more.
//
// Threads: any.
#pragma once

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <wherry/device/ref.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

class event_target : public ref_counted<event_target> {
 public:
  /// Throws resource_exhausted if there is no descriptor left.
  static ref<event_target> make() {
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
      throw error(absl::StatusCode::kResourceExhausted, std::string("eventfd: ") + std::strerror(errno));
    }
    return make_ref<event_target>(fd);
  }
  /// One for a duplicate of `fd`, which stays the caller's. Throws invalid_argument if it is not open, or
  /// something else: a write to a full pipe would block whoever completes a request.
  static ref<event_target> duplicate_of(int fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
      throw error(absl::StatusCode::kInvalidArgument, "notify: expected an open eventfd, got descriptor " +
                                                          std::to_string(fd) + ": " + std::strerror(errno));
    }
    ref<event_target> made = make_ref<event_target>(copy);
    struct stat about{};
    if (::fstat(copy, &about) == 0 && is_of_another_kind(about.st_mode)) {
      throw error(absl::StatusCode::kInvalidArgument,
                  "notify: expected an eventfd, got descriptor " + std::to_string(fd) + " of another kind");
    }
    return made;
  }

  explicit event_target(int fd) noexcept : fd_(fd) {}
  ~event_target() { close(); }

  /// Adds `count` to the counter; nothing once closed.
  void signal(std::uint64_t count) noexcept {
    const std::lock_guard lock(mutex_);
    if (fd_ >= 0) [[maybe_unused]]
      const ssize_t written = ::write(fd_, &count, sizeof count);
  }
  /// After this nothing is written.
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const noexcept { return fd_; }

 private:
  /// An eventfd is no file: it has no type at all.
  static bool is_of_another_kind(mode_t mode) noexcept {
    return S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISREG(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
           S_ISDIR(mode);
  }

  std::mutex mutex_;
  int fd_;
};

}  // namespace wherry
