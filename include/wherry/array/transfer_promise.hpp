// transfer_promise.hpp: bytes on their way into, out of or between buffers.
//
// Made by `buffer::write`, `read`, `fill`, `copy` and batches, which return at once. `value()` waits and
// returns how many bytes were moved; `co_await` does the same without blocking.
//
// Threads: any; copies share one promise.
#pragma once

#include <wherry/device/promise.hpp>
#include <wherry/device/transfer.hpp>

namespace wherry {

class transfer_promise : public promise<transfer_promise> {
 public:
  transfer_promise(ref<request> r, std::size_t bytes, ref<device_core> where)
      : request_(std::move(r)), bytes_(bytes), where_(std::move(where)) {}

  ticket id() const noexcept { return request_->id(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Waits for the transfer; throws the failure. On a thread that must not block, throws deadlock_would_occur
  /// if it is not ready.
  std::size_t value() const {
    outcome().get();
    return bytes_;
  }

  auto operator co_await() const { return promise_awaiter<std::size_t>(outcome(), bytes_); }

  pending outcome() const { return pending(request_); }
  device_core& place() const noexcept { return *where_; }

 private:
  ref<request> request_;
  std::size_t bytes_;
  ref<device_core> where_;
};

}  // namespace wherry
