// Uses the installed package: a value goes to a device and comes back.
#include <cstdio>
#include <wherry/wherry.hpp>

int main() {
  const wherry::client client;
  const float back = client.scalar(42.0F).value().item<float>();
  std::printf("%g on %s\n", back, client.device().name().c_str());
  return back == 42.0F ? 0 : 1;
}
