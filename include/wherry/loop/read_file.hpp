// read_file.hpp: whole files.
//
// Threads: the loop's.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

/// Returns the bytes of the file at `path`. A file that grows or shrinks meanwhile gives what was read up to
/// its end. Throws an `error` that names the path.
inline task<std::vector<std::byte>> read_file(loop& where, std::string path) {
  const file source = co_await open(where, std::move(path));
  const file_status status = co_await stat(where, source);
  // One byte more than expected tells the end of the file from a full buffer.
  std::vector<std::byte> bytes(status.size + 1);
  std::size_t end = 0;
  for (;;) {
    if (end == bytes.size())
      bytes.resize(end < 4096 ? 4096 : end + end / 2);  // grows, or says size 0 as in /proc
    const std::span<std::byte> rest = std::span(bytes).subspan(end);
    const std::size_t count = co_await read(where, source, rest, end);
    if (count == 0) break;
    end += count;
  }
  bytes.resize(end);
  co_return bytes;
}

namespace detail {

inline task<void> write_and_close(loop& where, std::string path, std::span<const std::byte> bytes) {
  file target = co_await open(where, std::move(path), O_WRONLY | O_CREAT | O_EXCL);
  for (std::uint64_t end = 0; end != bytes.size();) {
    const std::span<const std::byte> rest = bytes.subspan(end);
    const std::size_t count = co_await write(where, target, rest, end);
    if (count == 0) {
      throw error(absl::StatusCode::kDataLoss,
                  "write " + target.path() + ": the file system took no more bytes");
    }
    end += count;
  }
  co_await fsync(where, target);
  co_await close(where, std::move(target));
}

}  // namespace detail

/// Puts `bytes` into the file at `path` so that whoever opens it, even after a crash, sees either the old
/// content or all of the new. Writes beside it, then renames; on failure nothing is left behind and an
/// `error` names the path. `bytes` must stay until the task has ended.
inline task<void> write_file_atomic(loop& where, std::string path, std::span<const std::byte> bytes) {
  static std::atomic<std::uint64_t> count{0};
  const std::string beside =
      path + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(count.fetch_add(1));
  std::exception_ptr thrown;
  try {
    co_await detail::write_and_close(where, beside, bytes);
    co_await rename(where, beside, path);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    // On this thread: the loop may be ending, or its ring broken.
    ::unlink(beside.c_str());
    std::rethrow_exception(thrown);
  }
}

}  // namespace wherry
