#include <iostream>
#include <wherry/wherry.hpp>

int main() {
  wherry::client client;  // cpu:0, through PoCL
  const auto add = client.compile(wherry::program::from_text(R"(
      func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
        %0 = stablehlo.add %x, %y : tensor<4xf32>
        return %0 : tensor<4xf32> })"));
  const auto x = client.buffer(std::vector{1.0f, 2.0f, 3.0f, 4.0f}, {4});  // returns at once
  const auto sum = add(x, x);                                              // returns at once
  std::cout << sum.value() << '\n';                                        // waits
}
