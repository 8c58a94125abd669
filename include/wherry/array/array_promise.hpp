// array_promise.hpp: an array on its way from device to host.
//
// Made by `buffer::as_array()`, which returns at once. `value()` waits and returns the array; `co_await`
// does the same without blocking. The value is kept, so asking again costs nothing; a failed promise
// raises its failure every time.
//
// Threads: any; copies share one promise.
#pragma once

#include <wherry/array/array.hpp>
#include <wherry/device/promise.hpp>
#include <wherry/device/transfer.hpp>

namespace wherry {

class array_promise : public promise<array_promise> {
 public:
  array_promise(array target, ref<request> read, ref<device_core> where)
      : target_(std::move(target)), read_(std::move(read)), where_(std::move(where)) {}

  const tensor_type& type() const noexcept { return target_.type(); }
  ticket id() const noexcept { return read_->id(); }

  /// Waits for the transfer and returns the array; throws the failure. On a thread that must not block,
  /// throws deadlock_would_occur if it is not ready.
  array value() const {
    outcome().get();
    return target_;
  }

  auto operator co_await() const { return promise_awaiter<array>(outcome(), target_); }

  pending outcome() const { return pending(read_); }
  device_core& place() const noexcept { return *where_; }

 private:
  array target_;
  ref<request> read_;
  ref<device_core> where_;
};

}  // namespace wherry
