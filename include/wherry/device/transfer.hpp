// transfer.hpp: the request that moves bytes between host memory and storages, or fills storages.
//
// One class serves writes, reads, copies and fills: a list of moves, each from a source (a storage, plain
// host memory, or a pattern) to a destination. The moves of one transfer are done in their order. Where the
// host sees both ends a move is a memcpy on the leading thread; where a command queue is involved the
// device's driver moves the bytes.
//
// Threads: made by one, led by any.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <wherry/device/device.hpp>
#include <wherry/device/host_block.hpp>
#include <wherry/status/guarded_call.hpp>

namespace wherry {

class transfer final : public request {
 public:
  struct end {
    ref<storage> memory;        // null: host memory at `host`
    std::byte* host = nullptr;  // for a storage that the host sees: filled in
    std::size_t offset = 0;     // in `memory`
  };

  /// Bytes that a fill repeats: 1, 2, 4, 8 or 16 of them; offset and length are multiples of that.
  struct fill_pattern {
    std::array<std::byte, 16> bytes{};
    std::uint8_t size = 0;  // 0: a move, not a fill
  };

  struct move {
    end from;  // unused by a fill
    end to;
    std::size_t bytes = 0;
    fill_pattern pattern{};
  };
  using move_list = absl::InlinedVector<move, 1>;

  /// What must live until the transfer has completed: the memory that is read into, or what the caller lent.
  struct keeper {
    ref<host_block> block;
    std::function<void()> done;  // runs when the transfer has completed
  };

  /// `verb` is a literal: "write", "read", "copy", "fill". `mover` is the queue device that does the work, or
  /// null for a memcpy.
  transfer(const char* verb, move_list moves, device_core* mover, keeper keep = {})
      : verb_(verb), moves_(std::move(moves)), mover_(mover), keep_(std::move(keep)) {
    if (mover_) set_follows_on_device();
    for (move& m : moves_) {
      bytes_ += m.bytes;
      for (end* e : {&m.from, &m.to}) {
        if (!e->memory) continue;
        const bool writes = e == &m.to;
        const bool is_all_of_it = moves_.size() == 1 && m.bytes != 0 && m.bytes >= e->memory->bytes();
        add_use(e->memory, writes, writes && is_all_of_it);
        if (std::byte* host = static_cast<std::byte*>(e->memory->host())) e->host = host + e->offset;
      }
    }
    set_weight(bytes_ ? bytes_ : 1);
  }
  transfer(const char* verb, end from, end to, std::size_t bytes, device_core* mover, keeper keep = {})
      : transfer(verb, one(std::move(from), std::move(to), bytes), mover, std::move(keep)) {}

  /// Units of transfers count bytes, the others requests: to be called before it is submitted to one of
  /// those.
  void count_as_one() noexcept { set_weight(1); }
  /// Part of a request that has a place of its own: to be submitted as admitted.
  void count_as_none() noexcept { set_weight(0); }

  std::string describe() const override {
    if (!name().empty()) return std::string(verb_) + " of " + std::string(name());
    return std::string(verb_) + " of " + std::to_string(traffic()) + " bytes";
  }
  std::span<const move> moves() const noexcept { return {moves_.data(), moves_.size()}; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::uint64_t traffic() const noexcept override { return bytes_ + moved_before_; }
  /// So many bytes were moved when the request was made; they count in messages and traces.
  void count_as_moved(std::size_t bytes) noexcept { moved_before_ = bytes; }

  /// For the device that moves the bytes: why it could not enqueue all moves. Loop thread only.
  void refuse(failure why) noexcept { refusal_ = std::move(why); }
  const failure& refusal() const noexcept { return refusal_; }

 protected:
  started start(failure& outcome) noexcept override;
  void cleanup() noexcept override {
    if (keep_.done) guarded_call("the deleter of host memory", keep_.done);
    moves_.clear();
    keep_ = {};
  }

 private:
  static move_list one(end from, end to, std::size_t bytes) {
    move_list list(1);
    list[0].from = std::move(from);
    list[0].to = std::move(to);
    list[0].bytes = bytes;
    return list;
  }

  const char* verb_;
  move_list moves_;
  std::size_t bytes_ = 0;
  std::size_t moved_before_ = 0;
  device_core* mover_;
  keeper keep_;
  failure refusal_;
};

/// Host memory that stands between two drivers.
class host_staging final : public storage {
 public:
  explicit host_staging(std::size_t bytes) : storage(bytes), block_(make_ref<host_block>(bytes)) {}
  void* host() const noexcept override { return block_->data(); }

 private:
  ref<host_block> block_;
};

/// A memcpy of at most this many bytes runs inline: about 10 us.
inline constexpr std::size_t cheap_transfer_bytes = 64 << 10;

/// Implemented by devices whose memory only their driver can move.
class byte_mover {
 public:
  virtual ~byte_mover() = default;
  /// Enqueues the moves in the queue of their unit, behind what they wait for, and hands the transfer over;
  /// ends it later with `dispatcher::finish`. Or returns why it was refused, with nothing enqueued.
  virtual failure move_bytes(transfer& t) noexcept = 0;
};

/// Does a move between memory that the host sees at `to` and `from`.
inline void move_on_host(const transfer::move& m, std::byte* to, const std::byte* from) noexcept {
  if (m.bytes == 0) return;
  const std::size_t pattern = m.pattern.size;
  if (pattern == 0) {
    std::memcpy(to, from, m.bytes);
  } else if (pattern == 1) {
    std::memset(to, static_cast<int>(m.pattern.bytes[0]), m.bytes);
  } else {
    std::memcpy(to, m.pattern.bytes.data(), pattern);
    for (std::size_t done = pattern; done < m.bytes; done *= 2)
      std::memcpy(to + done, to, std::min(done, m.bytes - done));
  }
}

inline transfer::started transfer::start(failure& outcome) noexcept {
  if (!mover_) {
    for (const move& m : moves_) move_on_host(m, m.to.host, m.from.host);
    return started::finished;
  }
  outcome = dynamic_cast<byte_mover&>(*mover_).move_bytes(*this);
  mover_->note(outcome);
  return outcome ? started::finished : started::in_flight;
}

}  // namespace wherry
