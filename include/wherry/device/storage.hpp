// storage.hpp: a piece of device memory and the hazards on it.
//
// Hazards belong to storages, not to the handles that view them: a storage knows the last request that
// writes it and the requests that read it since. A read waits for the writer; a write (or a donation)
// waits for the writer and the readers and becomes the writer. A failed writer leaves its failure in the
// storage, and everything that reads it later fails with it.
//
// The memory returns to its pool when the last reference goes; every request holds references to the
// storages it uses until it has completed, so nothing is freed under the device.
//
// Threads: the hazard members belong to the dispatch lock; the rest is constant after construction.
#pragma once

#include <absl/container/inlined_vector.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <wherry/device/ref.hpp>
#include <wherry/status/error.hpp>
#include <wherry/status/ticket.hpp>

namespace wherry {

class request;

class storage : public ref_counted<storage> {
 public:
  explicit storage(std::size_t bytes) : bytes_(bytes) {}
  virtual ~storage() = default;

  std::size_t bytes() const noexcept { return bytes_; }

  /// Returns the memory as the host sees it, or null where the host cannot (a discrete device).
  virtual void* host() const noexcept { return nullptr; }
  /// True when the memory belongs to somebody who only lent it for reading: a donation allocates instead.
  virtual bool is_read_only() const noexcept { return false; }

  // any thread
  std::atomic<std::uint32_t> handles{0};  // buffers that view this storage
  std::atomic<request*> writer{
      nullptr};  // the last one queued and not finished; changed under the dispatch lock
  // dispatch lock
  absl::InlinedVector<request*, 2> readers;  // since that writer, not finished
  failure failed;                            // of the last writer
  ticket written_by;                         // the last writer that a trace has seen, finished or not

 private:
  // constant after construction
  std::size_t bytes_;
};

}  // namespace wherry
