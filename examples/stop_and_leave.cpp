// stop_and_leave.cpp: requests that are stopped, waits that are left, a failure with its whole chain.
#include <chrono>
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;
using namespace std::chrono_literals;

constexpr const char* square_text = R"(
    func.func @square(%x: tensor<600x600xf32>) -> tensor<600x600xf32> {
      %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
          : (tensor<600x600xf32>, tensor<600x600xf32>) -> tensor<600x600xf32>
      return %0 : tensor<600x600xf32>
    })";

// Leaves after 1 ms, as often as it likes; the run is not disturbed.
wh::task<int> patiently(wh::execution run) {
  int rounds = 0;
  while (!co_await wh::wait_for(run, 1ms)) ++rounds;
  co_return rounds;
}

wh::task<std::size_t> whichever_is_first(wh::execution a, wh::execution b) {
  const std::size_t first = co_await wh::when_any(a, b);
  const auto both = co_await wh::when_all(a, b);  // nothing was lost
  co_return std::get<0>(both).size() == 1 ? first : 2;
}

int main() {
  const wh::client client;
  const wh::executable square = client.compile(wh::program::from_text(square_text, "square"));
  const wh::buffer x = client.buffer(std::vector<float>(600 * 600, 1), {600, 600}, {.name = "x"});

  // A chain that is stopped while most of it waits in its queue.
  std::stop_source source;
  wh::execute_options options;
  options.unit = &client.device().add_unit(wh::unit_kind::compute);
  options.stop = source.get_token();
  options.deadline = std::chrono::steady_clock::now() + 60s;  // whichever comes first
  wh::buffer y = x;
  for (int k = 0; k < 16; ++k) y = square.call(std::vector<wh::buffer>{y}, options)[0];
  const wh::array_promise last = y.as_array({.name = "the last"});
  source.request_stop();  // what has started ends; everything else is over at once
  std::string message;
  try {
    (void)last.value();
    return 1;
  } catch (const wh::error& e) {
    if (e.reason() != wh::reason::cancelled) return 1;
    for (const wh::error::link& link : e.chain())
      std::cout << to_string(link.id) << "  " << link.what << '\n';
    message = e.what();  // read of the last <- execution 16 of square <- ... : stop was requested
  }
  std::cout << message << '\n';
  if (message.find("read of the last <- execution 16 of square") != 0) return 1;

  wh::loop loop;
  std::cout << wh::sync_wait(loop, patiently(square(x))) << " rounds\n";
  if (wh::sync_wait(loop, whichever_is_first(square(x), square(x))) > 1) return 1;

  // A failure that nobody looks at is told here, once.
  client.on_unobserved_error([](const wh::error& e) { std::cerr << "unnoticed: " << e.what() << '\n'; });
  client.drain();
}
