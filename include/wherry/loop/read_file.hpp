// read_file.hpp: whole files.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/replacement_file.hpp>

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

/// Puts `bytes` into the file at `path` so that whoever opens it, even after a crash, sees either the old
/// content or all of the new. On failure nothing is left behind and an `error` names the path. `bytes` must
/// stay until the task has ended.
inline task<void> write_file_atomic(loop& where, std::string path, std::span<const std::byte> bytes) {
  replacement_file target(std::move(path));
  co_await target.create(where);
  co_await write_fully(where, target.contents(), bytes, 0);
  co_await target.commit(where);
}

}  // namespace wherry
