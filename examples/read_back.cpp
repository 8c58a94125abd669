// read_back.cpp: transfer, execution and read-back chained without waiting in between.
#include <iostream>
#include <numeric>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  const wh::client client;
  const wh::executable twice = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
        %0 = stablehlo.add %x, %x : tensor<1000x1000xf32>
        return %0 : tensor<1000x1000xf32>
      })"));
  wh::array input({wh::dtype::f32, {1000, 1000}});
  const auto values = input.mutable_data<float>();
  std::iota(values.begin(), values.end(), 0.0f);

  const wh::buffer x = client.buffer(input);           // host to device
  const wh::execution run = twice(x);                  // after the transfer
  const wh::array_promise output = run[0].as_array();  // device to host, after the execution

  // The host is free here, while all three are on their way.
  double expected = 0;
  for (const float v : values) expected += 2.0 * v;

  const wh::array result = output.value();  // the only wait
  double total = 0;
  for (const float v : result.data<float>()) total += v;
  std::cout << to_string(result.type()) << ", sum " << total << '\n';
  return total == expected ? 0 : 1;
}
