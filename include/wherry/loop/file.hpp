// file.hpp: files and descriptors as awaitables.
//
// Each function returns an awaitable that owns its operation: `const auto n = co_await read(loop, f, bytes,
// 0);`. It allocates nothing but the paths it is given. Every one takes an optional stop token; without it
// the token of the awaiting task holds. What has not begun when a stop is requested ends as `cancelled`;
// what cannot be stopped any more ends as it would have. Bytes given to `read` and `write` belong to the
// operation until it has ended.
//
// Failures are `error`s with the code of the errno, and name the operation and the path.
//
// Threads: the loop's.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <wherry/loop/awaiter.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

/// An open file, owned, with the path it was opened by for messages. Empty after a move.
class file {
 public:
  file() = default;
  file(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}  // takes `fd` over
  file(file&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  file& operator=(file&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }
  /// Closes it on the calling thread and ignores errors; `close` reports them.
  ~file() {
    if (fd_ >= 0) ::close(fd_);
  }

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
  std::string path_;
};

/// What an operation works on: a `file`, or any descriptor. Refers to the file's path, so the file stays.
struct file_ref {
  file_ref(const file& f) noexcept : fd(f.fd()), path(f.path()) {}  // NOLINT: meant to convert
  file_ref(int descriptor) noexcept : fd(descriptor) {}             // NOLINT: meant to convert
  int fd;
  std::string_view path;
};

/// What `stat` says of a file.
struct file_status {
  std::uint64_t size = 0;  // bytes
  std::uint32_t mode = 0;  // S_IF... and permissions
  std::chrono::system_clock::time_point modified;
  bool is_regular() const noexcept { return S_ISREG(mode); }
  bool is_directory() const noexcept { return S_ISDIR(mode); }
};

/// A transfer, a poll or a sync: resumes with what the system call returns.
template <class Result>
class [[nodiscard("co_await it")]] file_awaiter : public loop_awaiter<operation> {
 public:
  file_awaiter(loop& where, operation::kind what, const char* verb, file_ref f, std::stop_token token)
      : loop_awaiter(where, std::move(token)), verb_(verb), path_(f.path) {
    op_.what = what;
    op_.fd = f.fd;
  }
  operation& request() noexcept { return op_; }

  Result await_resume() const {
    if (op_.result < 0) detail::throw_operation_error(loop_, verb_, path_, op_.fd, -op_.result);
    return static_cast<Result>(op_.result);
  }

 private:
  const char* verb_;
  std::string_view path_;
};

namespace detail {

// Larger transfers are cut, as Linux cuts them; a result is never more than an int can hold.
inline std::uint32_t transfer_size(std::size_t bytes) noexcept {
  return static_cast<std::uint32_t>(std::min<std::size_t>(bytes, std::size_t{1} << 30));
}

}  // namespace detail

class [[nodiscard("co_await it")]] transfer_awaiter : public file_awaiter<std::size_t> {
 public:
  transfer_awaiter(loop& where, file_ref f, std::span<std::byte> into, std::uint64_t offset,
                   std::stop_token token)
      : file_awaiter(where, operation::kind::read, "read", f, std::move(token)) {
    op_.to = into.data();
    op_.size = detail::transfer_size(into.size());
    op_.offset = offset;
  }
  transfer_awaiter(loop& where, file_ref f, std::span<const std::byte> from, std::uint64_t offset,
                   std::stop_token token)
      : file_awaiter(where, operation::kind::write, "write", f, std::move(token)) {
    op_.from = from.data();
    op_.size = detail::transfer_size(from.size());
    op_.offset = offset;
  }
};

/// Returns how many bytes were read from `offset` on: fewer than asked for at the end of the file or for any
/// other reason, 0 only at the end. Pipes and sockets take `operation::current_position`.
inline transfer_awaiter read(loop& where, file_ref f, std::span<std::byte> into, std::uint64_t offset,
                             std::stop_token token = {}) {
  return {where, f, into, offset, std::move(token)};
}

/// Returns how many bytes were written from `offset` on, which may be fewer than asked for.
inline transfer_awaiter write(loop& where, file_ref f, std::span<const std::byte> from, std::uint64_t offset,
                              std::stop_token token = {}) {
  return {where, f, from, offset, std::move(token)};
}

class [[nodiscard("co_await it")]] poll_awaiter : public file_awaiter<std::uint32_t> {
 public:
  poll_awaiter(loop& where, file_ref f, std::uint32_t events, std::stop_token token)
      : file_awaiter(where, operation::kind::poll, "poll", f, std::move(token)) {
    op_.flags = events;
  }
};

/// Returns which of `events` (POLLIN, POLLOUT, ...), or of POLLERR and POLLHUP, `f` shows, once it shows any.
inline poll_awaiter poll(loop& where, file_ref f, std::uint32_t events, std::stop_token token = {}) {
  return {where, f, events, std::move(token)};
}

class [[nodiscard("co_await it")]] fsync_awaiter : public file_awaiter<void> {
 public:
  fsync_awaiter(loop& where, file_ref f, bool data_only, std::stop_token token)
      : file_awaiter(where, operation::kind::sync, data_only ? "fdatasync" : "fsync", f, std::move(token)) {
    op_.flags = data_only ? 1 : 0;
  }
};

/// Resumes when everything written to `f` is on the disk; with `data_only`, without what only concerns its
/// times.
inline fsync_awaiter fsync(loop& where, file_ref f, bool data_only = false, std::stop_token token = {}) {
  return {where, f, data_only, std::move(token)};
}

class [[nodiscard("co_await it")]] close_awaiter : public unstoppable_awaiter<operation> {
 public:
  close_awaiter(loop& where, file f) : unstoppable_awaiter(where), path_(f.path()) {
    op_.what = operation::kind::close;
    op_.fd = f.release();
    op_.result = -ECANCELED;
  }
  ~close_awaiter() {
    give_up();
    if (was_not_done()) ::close(op_.fd);
  }
  void await_resume() const {
    if (op_.result < 0 && !was_not_done())
      detail::throw_operation_error(loop_, "close", path_, -1, -op_.result);
  }

 private:
  // Never started, or refused because the loop is ending or its ring is broken.
  bool was_not_done() const noexcept {
    return op_.fd >= 0 && (op_.result == -ECANCELED || op_.result == -EPERM);
  }
  std::string path_;
};

/// Closes `f`; resumes when that is done, and reports what could not be written. Not cancelled by a stop.
inline close_awaiter close(loop& where, file f) { return {where, std::move(f)}; }

/// What works on paths: open, stat, rename, remove.
template <class Result>
class [[nodiscard("co_await it")]] path_awaiter : public loop_awaiter<operation> {
 public:
  path_awaiter(loop& where, operation::kind what, const char* verb, std::string path, std::stop_token token)
      : loop_awaiter(where, std::move(token)), verb_(verb), path_(std::move(path)) {
    op_.what = what;
    op_.from = path_.c_str();
  }
  Result await_resume() { require_success(); }

 protected:
  void require_success() const {
    if (op_.result < 0) detail::throw_operation_error(loop_, verb_, path_, -1, -op_.result);
  }
  const char* verb_;
  std::string path_;
};

class [[nodiscard("co_await it")]] open_awaiter : public path_awaiter<file> {
 public:
  open_awaiter(loop& where, std::string path, int flags, unsigned mode, std::stop_token token)
      : path_awaiter(where, operation::kind::open, "open", std::move(path), std::move(token)) {
    op_.flags = static_cast<std::uint32_t>(flags | O_CLOEXEC);
    op_.size = mode;
    op_.result = -1;
  }
  ~open_awaiter() {
    give_up();
    if (op_.result >= 0) ::close(op_.result);
  }
  file await_resume() {
    require_success();
    return file(std::exchange(op_.result, -1), std::move(path_));
  }
};

/// Returns the opened file. `flags` are O_RDONLY, O_CREAT, ... of open(2); O_CLOEXEC is added.
inline open_awaiter open(loop& where, std::string path, int flags = O_RDONLY, unsigned mode = 0666,
                         std::stop_token token = {}) {
  return {where, std::move(path), flags, mode, std::move(token)};
}

class [[nodiscard("co_await it")]] stat_awaiter : public path_awaiter<file_status> {
 public:
  stat_awaiter(loop& where, std::string path, int fd, std::stop_token token)
      : path_awaiter(where, operation::kind::stat, "stat", std::move(path), std::move(token)) {
    op_.fd = fd;
    if (fd != AT_FDCWD) {
      op_.flags = AT_EMPTY_PATH;
      op_.from = "";
    }
    op_.to = &status_;
  }
  file_status await_resume() const {
    require_success();
    using namespace std::chrono;
    const auto since_epoch = seconds(status_.stx_mtime.tv_sec) + nanoseconds(status_.stx_mtime.tv_nsec);
    return {status_.stx_size, status_.stx_mode,
            system_clock::time_point(duration_cast<system_clock::duration>(since_epoch))};
  }

 private:
  struct ::statx status_{};
};

/// Returns size, kind and time of what is at `path`; symbolic links are followed.
inline stat_awaiter stat(loop& where, std::string path, std::stop_token token = {}) {
  return {where, std::move(path), AT_FDCWD, std::move(token)};
}

/// The same of an open file.
inline stat_awaiter stat(loop& where, const file& f, std::stop_token token = {}) {
  return {where, f.path(), f.fd(), std::move(token)};
}

class [[nodiscard("co_await it")]] rename_awaiter : public path_awaiter<void> {
 public:
  rename_awaiter(loop& where, std::string from, std::string to, std::stop_token token)
      : path_awaiter(where, operation::kind::rename, "rename", std::move(from), std::move(token)),
        to_(std::move(to)) {
    op_.new_path = to_.c_str();
  }
  void await_resume() const {
    if (op_.result < 0) detail::throw_operation_error(loop_, verb_, path_ + " to " + to_, -1, -op_.result);
  }

 private:
  std::string to_;
};

/// Gives the file at `from` the name `to`; what had that name is gone, and no moment is without either.
inline rename_awaiter rename(loop& where, std::string from, std::string to, std::stop_token token = {}) {
  return {where, std::move(from), std::move(to), std::move(token)};
}

/// Removes the file at `path`.
inline path_awaiter<void> remove(loop& where, std::string path, std::stop_token token = {}) {
  return {where, operation::kind::remove, "remove", std::move(path), std::move(token)};
}

}  // namespace wherry
