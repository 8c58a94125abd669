// replacement_file.hpp: a file that takes the place of another once it is complete.
//
// It is written beside its target, synchronised and renamed, so that whoever opens the target, even after a
// crash, sees either the old content or all of the new. What is not committed is removed.
//
// Threads: the loop's.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

/// Reads from `offset` on until `into` is full or the file ends, and returns how many bytes were read.
inline task<std::size_t> read_fully(loop& where, const file& source, std::span<std::byte> into,
                                    std::uint64_t offset) {
  std::size_t done = 0;
  while (done != into.size()) {
    const std::span<std::byte> rest = into.subspan(done);
    const std::size_t count = co_await read(where, source, rest, offset + done);
    if (count == 0) break;
    done += count;
  }
  co_return done;
}

/// Writes all of `from` at `offset`. Throws data_loss where the file system takes no more.
inline task<void> write_fully(loop& where, const file& target, std::span<const std::byte> from,
                              std::uint64_t offset) {
  for (std::size_t done = 0; done != from.size();) {
    const std::span<const std::byte> rest = from.subspan(done);
    const std::size_t count = co_await write(where, target, rest, offset + done);
    if (count == 0) {
      throw error(absl::StatusCode::kDataLoss,
                  "write " + target.path() + ": the file system took no more bytes");
    }
    done += count;
  }
}

class replacement_file {
 public:
  /// Names the target; nothing is made yet.
  explicit replacement_file(std::string path) : path_(std::move(path)) {
    static std::atomic<std::uint64_t> count{0};
    beside_ = path_ + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(count.fetch_add(1));
  }
  replacement_file(const replacement_file&) = delete;
  replacement_file& operator=(const replacement_file&) = delete;
  ~replacement_file() {
    // On this thread: the loop may be ending, or its ring broken.
    if (is_beside_) ::unlink(beside_.c_str());
  }

  /// Makes the file, empty, beside its target.
  task<void> create(loop& where) {
    is_beside_ = true;
    try {
      file_ = co_await open(where, beside_, O_WRONLY | O_CREAT | O_EXCL);
    } catch (const error& e) {
      throw about_target(e);
    }
  }
  /// What to write to, between `create` and `commit`.
  const file& contents() const noexcept { return file_; }

  /// Puts what was written to the disk, then in the place of the target.
  task<void> commit(loop& where) {
    co_await fsync(where, file_);
    co_await close(where, std::move(file_));
    try {
      co_await rename(where, beside_, path_);
    } catch (const error& e) {
      throw about_target(e);
    }
    is_beside_ = false;
  }

 private:
  /// The caller knows its own path, not the one beside it.
  error about_target(const error& e) const {
    const std::string what = e.what();
    const std::size_t colon = what.rfind(": ");
    return error(e.code(),
                 path_ + ": cannot be written" + (colon == std::string::npos ? "" : what.substr(colon)),
                 e.reason(), e.id());
  }

  std::string path_;
  std::string beside_;
  file file_;
  bool is_beside_ = false;
};

}  // namespace wherry
