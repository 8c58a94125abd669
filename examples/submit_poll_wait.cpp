// submit_poll_wait.cpp: many commands submitted, watched by their tickets, waited for; one of them cancelled.
#include <chrono>
#include <iostream>
#include <thread>
#include <wherry/wherry.hpp>

namespace wh = wherry;

std::string state_of(const wh::execution& run) {
  if (!run.is_ready()) return "pending";
  return run.status().ok() ? "completed" : "failed";
}

int main() {
  const wh::client client;
  const wh::executable work = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<600x600xf32>) -> tensor<600x600xf32> {
        %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
            : (tensor<600x600xf32>, tensor<600x600xf32>) -> tensor<600x600xf32>
        return %0 : tensor<600x600xf32>
      })"));

  // Submit: every call returns at once, with a ticket that names it.
  std::vector<wh::execution> commands;
  for (int k = 0; k < 8; ++k) {
    const std::vector<float> values(600 * 600, static_cast<float>(k));
    commands.push_back(work(client.buffer(values, {600, 600})));
  }
  const bool is_cancelled = commands.back().cancel();  // false if it has started

  // Poll: never waits.
  for (int round = 0; round < 3; ++round) {
    for (const wh::execution& c : commands) std::cout << to_string(c.id()) << ' ' << state_of(c) << "  ";
    std::cout << '\n';
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  // Wait: `status()` returns the outcome, `await()` and `value()` throw a failure.
  for (std::size_t k = 0; k < commands.size(); ++k) {
    const absl::Status status = commands[k].status();
    std::cout << to_string(commands[k].id()) << ' ' << state_of(commands[k]) << ' ' << status.ToString()
              << '\n';
    const bool is_last = k + 1 == commands.size();
    if (status.ok() == (is_last && is_cancelled)) return 1;
    const auto expected = static_cast<float>(600 * k * k);
    if (status.ok() && commands[k].value().data<float>()[0] != expected) return 1;
  }
}
