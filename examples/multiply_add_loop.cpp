// multiply_add_loop.cpp: a loop whose result is its next input; the host waits once, after the last step.
#include <cmath>
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  constexpr int steps = 5;
  const wh::client client;
  const wh::executable multiply_add = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<100x100xf32>, %y: tensor<100x100xf32>) -> tensor<100x100xf32> {
        %0 = stablehlo.multiply %x, %y : tensor<100x100xf32>
        %1 = stablehlo.add %0, %x : tensor<100x100xf32>
        return %1 : tensor<100x100xf32>
      })"));

  std::vector<float> ones(100 * 100, 1.0f), halves(100 * 100, 0.5f);
  wh::buffer x = client.buffer(ones, {100, 100});
  const wh::buffer y = client.buffer(halves, {100, 100});
  for (int step = 0; step < steps; ++step) {
    const wh::execution run = multiply_add(x, y);  // returns at once, x being ready or not
    x = run[0];
  }

  const wh::array final_value = x.value();
  const float corner = final_value.data<float>()[0];
  std::cout << "final " << to_string(final_value.type()) << ", element [0, 0]: " << corner << '\n';
  return corner == std::pow(1.5f, static_cast<float>(steps)) ? 0 : 1;
}
