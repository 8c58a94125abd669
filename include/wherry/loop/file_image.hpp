// file_image.hpp: the bytes of a whole file in memory, at the start of a page.
//
// A mapped image costs nothing until it is touched, shares the page cache and must not be written; the file
// must not shrink meanwhile (the system ends the process with SIGBUS then). A read image is memory of one's
// own, filled by several large reads at a time that go past the page cache where the file system allows it.
//
// Threads: the loop's to make one; any to use it.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/replacement_file.hpp>

namespace wherry {

class file_image {
 public:
  file_image(const file_image&) = delete;
  file_image& operator=(const file_image&) = delete;
  ~file_image() {
    if (start_) ::munmap(start_, mapped_);
  }

  std::span<std::byte> bytes() const noexcept { return {start_, size_}; }
  bool is_writable() const noexcept { return writable_; }

  /// Maps the file, read-only.
  static std::shared_ptr<file_image> map(const file& source, std::uint64_t size) {
    return make(source, size, false);
  }

  /// Reads the file.
  static task<std::shared_ptr<file_image>> read_all(loop& where, const file& source, std::uint64_t size) {
    std::shared_ptr<file_image> image = make(source, size, true);
    file past_cache;
    try {
      past_cache = co_await open(where, "/proc/self/fd/" + std::to_string(source.fd()), O_RDONLY | O_DIRECT);
    } catch (const error&) {
      // A file system in memory has nothing to go past.
    }
    reading all{where, source, past_cache, *image};
    std::vector<task<void>> readers;
    for (std::uint64_t k = 0; k < at_once; ++k) readers.push_back(read_pieces(all));
    co_await when_all(std::move(readers));
    co_return image;
  }

 private:
  static constexpr std::uint64_t piece = std::uint64_t{8} << 20;
  static constexpr std::uint64_t at_once = 4;
  static constexpr std::uint64_t page = 4096;

  struct reading {
    loop& where;
    const file& cached;
    const file& past_cache;  // empty: there is none
    file_image& image;
    std::uint64_t next = 0;
  };

  file_image(std::byte* start, std::size_t size, std::size_t mapped, bool writable) noexcept
      : start_(start), size_(size), mapped_(mapped), writable_(writable) {}

  static std::shared_ptr<file_image> make(const file& source, std::uint64_t size, bool writable) {
    const std::size_t mapped = static_cast<std::size_t>((size + page - 1) / page * page);
    if (mapped == 0) return std::shared_ptr<file_image>(new file_image(nullptr, 0, 0, writable));
    void* const start =
        writable ? ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                 : ::mmap(nullptr, mapped, PROT_READ, MAP_SHARED, source.fd(), 0);
    if (start == MAP_FAILED) {
      throw error(absl::ErrnoToStatusCode(errno), "mmap " + source.path() + ": " + std::to_string(mapped) +
                                                      " bytes: " + std::generic_category().message(errno));
    }
    if (writable) ::madvise(start, mapped, MADV_HUGEPAGE);  // only an advice
    return std::shared_ptr<file_image>(
        new file_image(static_cast<std::byte*>(start), static_cast<std::size_t>(size), mapped, writable));
  }

  static task<void> read_pieces(reading& all) {
    while (all.next < all.image.size_) {
      const std::uint64_t offset = all.next;
      all.next += piece;
      const std::uint64_t count = std::min<std::uint64_t>(piece, all.image.size_ - offset);
      // Whole pages are asked for: the file ends where it ends.
      const std::span<std::byte> into(all.image.start_ + offset, (count + page - 1) / page * page);
      std::uint64_t done = 0;
      if (all.past_cache) {
        try {
          done = co_await read(all.where, all.past_cache, into, offset);
        } catch (const error&) {
          done = 0;  // some file systems refuse only now; if the disk is at fault the next read says so
        }
      }
      if (done < count) {
        const std::span<std::byte> rest = into.subspan(done, count - done);
        done += co_await read_fully(all.where, all.cached, rest, offset + done);
      }
      if (done < count) {
        throw error(absl::StatusCode::kDataLoss, all.cached.path() + ": the file ends at byte " +
                                                     std::to_string(offset + done) + ", it had " +
                                                     std::to_string(all.image.size_) + " bytes");
      }
    }
  }

  std::byte* start_;
  std::size_t size_;
  std::size_t mapped_;
  bool writable_;
};

}  // namespace wherry
