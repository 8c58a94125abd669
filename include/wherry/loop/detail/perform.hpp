// perform.hpp: an operation as the system call that it stands for.
//
// For backends whose kernel does not do it for them, and for the thread that does it in their place.
//
// Threads: any; one at a time per operation.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <wherry/loop/operation.hpp>

namespace wherry::detail {

/// Does `op` with `size` as the number of bytes of a transfer. Returns its result, or minus an errno.
/// Waits as long as the system call does.
inline std::int32_t perform(const operation& op, std::uint32_t size, int transfer_flags = 0) noexcept {
  const auto once = [&]() -> std::int64_t {
    switch (op.what) {
      case operation::kind::read: {
        iovec bytes{op.to, size};
        return ::preadv2(op.fd, &bytes, 1, static_cast<off_t>(op.offset), transfer_flags);
      }
      case operation::kind::write: {
        iovec bytes{const_cast<void*>(op.from), size};
        return ::pwritev2(op.fd, &bytes, 1, static_cast<off_t>(op.offset), transfer_flags);
      }
      case operation::kind::open:
        return ::openat(AT_FDCWD, static_cast<const char*>(op.from), static_cast<int>(op.flags), op.size);
      case operation::kind::close:
        return ::close(op.fd);
      case operation::kind::stat:
        return ::statx(op.fd, static_cast<const char*>(op.from), static_cast<int>(op.flags),
                       STATX_BASIC_STATS, static_cast<struct ::statx*>(op.to));
      case operation::kind::sync:
        return op.flags != 0 ? ::fdatasync(op.fd) : ::fsync(op.fd);
      case operation::kind::rename:
        return ::renameat(AT_FDCWD, static_cast<const char*>(op.from), AT_FDCWD, op.new_path);
      case operation::kind::remove:
        return ::unlinkat(AT_FDCWD, static_cast<const char*>(op.from), 0);
      case operation::kind::nop:
        return 0;
      case operation::kind::poll:
      case operation::kind::timer:
        break;
    }
    errno = EINVAL;
    return -1;
  };
  for (;;) {
    const std::int64_t result = once();
    if (result >= 0) return static_cast<std::int32_t>(result);
    // A close that was interrupted has closed the descriptor all the same (Linux).
    if (errno == EINTR && op.what == operation::kind::close) return 0;
    if (errno != EINTR) return -errno;
  }
}

/// True if a transfer from or to `fd` can be awaited by poll(2): anything but files and block devices.
inline bool is_pollable(int fd) noexcept {
  struct ::stat status;
  return ::fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode) &&
         !S_ISDIR(status.st_mode);
}

/// The events to poll for on behalf of `op`, a poll, read or write.
inline short awaited_events(const operation& op) noexcept {
  if (op.what == operation::kind::read) return POLLIN;
  if (op.what == operation::kind::write) return POLLOUT;
  return static_cast<short>(op.flags);
}

}  // namespace wherry::detail
