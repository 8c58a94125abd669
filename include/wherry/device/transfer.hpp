// transfer.hpp: the request that moves bytes between host memory and a storage, or between storages.
//
// One class serves writes, reads and copies: a source and a destination, each a storage or plain host
// memory. Between two storages that the host can see it is a memcpy on the leading thread; where a command
// queue is involved the device's driver moves the bytes.
//
// Threads: made by one, led by any.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <wherry/device/device.hpp>
#include <wherry/device/host_block.hpp>

namespace wherry {

class transfer final : public request {
 public:
  struct end {
    ref<storage> memory;        // null: host memory at `host`
    std::byte* host = nullptr;  // for a storage that the host sees: filled in
    std::size_t offset = 0;     // in `memory`
  };

  /// What must live until the transfer has completed: the memory that is read into, or what the caller lent.
  struct keeper {
    ref<host_block> block;
    std::function<void()> done;  // runs when the transfer has completed
  };

  /// `verb` is a literal: "write", "read", "copy". `mover` is the queue device that does the work, or null
  /// for a memcpy.
  transfer(const char* verb, end from, end to, std::size_t bytes, device_core* mover, keeper keep = {})
      : verb_(verb),
        from_(std::move(from)),
        to_(std::move(to)),
        bytes_(bytes),
        mover_(mover),
        keep_(std::move(keep)) {
    set_weight(bytes_ ? bytes_ : 1);
    if (mover_) set_follows_on_device();
    for (end* e : {&from_, &to_}) {
      if (!e->memory) continue;
      add_use(e->memory, e == &to_);
      if (std::byte* host = static_cast<std::byte*>(e->memory->host())) e->host = host + e->offset;
    }
  }

  std::string describe() const override {
    if (!name().empty()) return std::string(verb_) + " of " + std::string(name());
    return std::string(verb_) + " of " + std::to_string(bytes_) + " bytes";
  }
  const end& from() const noexcept { return from_; }
  const end& to() const noexcept { return to_; }
  std::size_t bytes() const noexcept { return bytes_; }

 protected:
  started start(failure& outcome) noexcept override;
  void cleanup() noexcept override {
    if (keep_.done) keep_.done();
    from_.memory = nullptr;
    to_.memory = nullptr;
    keep_ = {};
  }

 private:
  const char* verb_;
  end from_;
  end to_;
  std::size_t bytes_;
  device_core* mover_;
  keeper keep_;
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
  /// Enqueues the transfer in its unit's queue, behind what it waits for, and hands it over; ends it later
  /// with `dispatcher::finish`. Or returns why it was refused.
  virtual failure move_bytes(transfer& t) noexcept = 0;
};

inline transfer::started transfer::start(failure& outcome) noexcept {
  if (!mover_) {
    if (bytes_ != 0) std::memcpy(to_.host, from_.host, bytes_);
    return started::finished;
  }
  outcome = dynamic_cast<byte_mover&>(*mover_).move_bytes(*this);
  mover_->note(outcome);
  return outcome ? started::finished : started::in_flight;
}

}  // namespace wherry
