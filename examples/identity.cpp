// identity.cpp: the smallest program, and every way to look at its result.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  const wh::client client;
  const wh::executable identity = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
        "func.return"(%x) : (tensor<2x2xf32>) -> ()
      })"));

  const wh::buffer x = client.buffer(std::vector{1.0f, 2.0f, 3.0f, 4.0f}, {2, 2});
  const wh::execution run = identity(x);  // returns at once

  // Metadata never waits.
  std::cout << "type " << to_string(run[0].type()) << ", device " << run[0].device().name() << '\n';
  std::cout << "ready: " << (run.is_ready() ? "yes" : "not yet") << '\n';

  const wh::array_promise on_its_way = run[0].as_array();  // returns at once
  std::cout << on_its_way.value() << '\n';                 // waits
  return std::ranges::equal(on_its_way.value().data<float>(), x.value().data<float>()) ? 0 : 1;
}
