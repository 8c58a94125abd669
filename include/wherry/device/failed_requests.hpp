// failed_requests.hpp: which requests of a unit failed and how, remembered for as long as the unit lives.
//
// Tickets are numbered without gaps, so whatever is not in here and has its turn behind it succeeded: asking
// after any ticket ever given out needs a record of the failures only. The newest are kept as they are, in
// order; those whose turn has come, and that therefore nothing can come before, are packed: one entry for
// each run of consecutive numbers with the same code, one byte for most entries.
//
// Threads: one at a time (the dispatch lock).
#pragma once

#include <absl/status/status.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace wherry {

class failed_requests {
 public:
  /// Remembers that `number` failed with `code`. Requests up to `completed` have had their turn: no smaller
  /// number is added later. Precondition: `number` is not known yet.
  void add(std::uint64_t number, absl::StatusCode code, std::uint64_t completed) {
    const entry e{number, 1, code};
    if (recent_.empty() || recent_.back().first < number) {
      recent_.push_back(e);
    } else {  // cancelled in the queue, before its turn
      const auto at = std::upper_bound(recent_.begin(), recent_.end(), number,
                                       [](std::uint64_t n, const entry& other) { return n < other.first; });
      recent_.insert(at, e);
    }
    ++count_;
    if (recent_.size() >= pack_at_) pack(completed);
  }

  /// Returns the code that `number` failed with, or nothing if it is not known to have failed.
  std::optional<absl::StatusCode> find(std::uint64_t number) const {
    const auto at = std::upper_bound(recent_.begin(), recent_.end(), number,
                                     [](std::uint64_t n, const entry& e) { return n < e.first; });
    if (at != recent_.begin() && std::prev(at)->first == number) return std::prev(at)->code;
    const auto block = std::upper_bound(blocks_.begin(), blocks_.end(), number,
                                        [](std::uint64_t n, const start& s) { return n < s.first; });
    if (block == blocks_.begin()) return std::nullopt;
    const std::size_t end = block == blocks_.end() ? packed_.size() : block->offset;
    std::size_t offset = std::prev(block)->offset;
    entry e{std::prev(block)->first, 0, absl::StatusCode::kOk};
    while (offset < end) {
      e = unpack(offset, e);
      if (number < e.first) return std::nullopt;
      if (number < e.first + e.length) return e.code;
    }
    return std::nullopt;
  }

  /// How many are known.
  std::uint64_t size() const noexcept { return count_; }
  /// How much memory that takes.
  std::size_t bytes() const noexcept {
    return packed_.capacity() + blocks_.capacity() * sizeof(start) + recent_.capacity() * sizeof(entry);
  }

 private:
  static constexpr std::size_t recent_limit = 64;
  static constexpr unsigned block_entries = 64;

  struct entry {
    std::uint64_t first = 0;
    std::uint64_t length = 0;  // of the run
    absl::StatusCode code = absl::StatusCode::kOk;
    std::uint64_t end() const noexcept { return first + length; }
  };
  struct start {  // of a block of packed entries
    std::uint64_t first = 0;
    std::size_t offset = 0;
  };

  void pack(std::uint64_t completed) {
    std::size_t done = 0;
    while (done < recent_.size() && recent_[done].first <= completed) {
      entry run = recent_[done++];
      while (done < recent_.size() && recent_[done].first == run.end() && recent_[done].code == run.code &&
             run.end() <= completed) {
        ++run.length;
        ++done;
      }
      append(run);
    }
    recent_.erase(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(done));
    pack_at_ = std::max(recent_limit, 2 * recent_.size());
  }

  // An entry is the gap to the one before it, doubled; odd if its length and code follow, else it is one
  // request with the code of the one before.
  void append(const entry& e) {
    if (!blocks_.empty() && e.first == last_.end() && e.code == last_.code) {
      packed_.resize(last_offset_);  // it goes on
      last_.length += e.length;
    } else {
      if (in_block_ == block_entries || blocks_.empty()) {
        blocks_.push_back({e.first, packed_.size()});
        before_ = {e.first, 0, absl::StatusCode::kOk};
        in_block_ = 0;
      } else {
        before_ = last_;
      }
      ++in_block_;
      last_ = e;
      last_offset_ = packed_.size();
    }
    const bool is_plain = last_.length == 1 && last_.code == before_.code;
    put((last_.first - before_.end()) << 1 | (is_plain ? 0 : 1));
    if (is_plain) return;
    put(last_.length);
    put(static_cast<std::uint64_t>(last_.code));
  }
  entry unpack(std::size_t& offset, const entry& before) const {
    const std::uint64_t head = get(offset);
    entry e{before.end() + (head >> 1), 1, before.code};
    if (head & 1) {
      e.length = get(offset);
      e.code = static_cast<absl::StatusCode>(get(offset));
    }
    return e;
  }

  void put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) packed_.push_back(static_cast<std::uint8_t>(value | 0x80));
    packed_.push_back(static_cast<std::uint8_t>(value));
  }
  std::uint64_t get(std::size_t& offset) const {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t byte = packed_[offset++];
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  }

  std::vector<entry> recent_;  // by number, each of length 1
  std::size_t pack_at_ = recent_limit;
  std::uint64_t count_ = 0;
  std::vector<std::uint8_t> packed_;
  std::vector<start> blocks_;
  entry before_;  // what the last packed entry is relative to
  entry last_;
  std::size_t last_offset_ = 0;
  unsigned in_block_ = 0;
};

}  // namespace wherry
