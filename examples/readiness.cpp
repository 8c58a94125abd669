// readiness.cpp: is it there yet? Asking, being called, and a descriptor for somebody else's event loop.
#include <poll.h>

#include <atomic>
#include <iostream>
#include <thread>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  const wh::client client;
  const wh::executable square = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<500x500xf32>) -> tensor<500x500xf32> {
        %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
            : (tensor<500x500xf32>, tensor<500x500xf32>) -> tensor<500x500xf32>
        return %0 : tensor<500x500xf32>
      })"));

  const wh::buffer x = client.buffer(std::vector<float>(500 * 500, 1.0f), {500, 500});
  const wh::execution run = square(x);

  // A callback, on the client's loop thread.
  std::atomic<bool> called{false};
  run.on_ready([&called](const absl::Status& status) { called = status.ok(); });

  // A descriptor that is readable from completion on, for poll, epoll and foreign loops.
  const wh::completion_fd done = run.ready_fd();
  pollfd one{done.get(), POLLIN, 0};
  const bool is_readable = ::poll(&one, 1, 10'000) == 1;

  // Asking never waits, and agrees with the rest.
  std::size_t asked = 0;
  const wh::array_promise result = run[0].as_array();
  while (!result.is_ready()) {
    ++asked;
    std::this_thread::yield();
  }
  while (!called) std::this_thread::yield();
  std::cout << "asked " << asked
            << " times in vain; now the value is there: " << result.value().data<float>()[0] << '\n';
  return is_readable && run.is_ready() && result.value().data<float>()[0] == 500 ? 0 : 1;
}
