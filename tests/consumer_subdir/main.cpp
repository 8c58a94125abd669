// Uses the source tree as a subdirectory: a coroutine waits for a value without blocking its loop.
#include <cstdio>
#include <wherry/wherry.hpp>

wherry::task<float> there_and_back(const wherry::client& client) {
  const wherry::array back = co_await client.scalar(42.0F).as_array();
  co_return back.item<float>();
}

int main() {
  const wherry::client client;
  const float back = wherry::sync_wait(client.loop(), there_and_back(client));
  std::printf("%g\n", back);
  return back == 42.0F ? 0 : 1;
}
