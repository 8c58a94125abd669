// concurrent_transfers.cpp: two transfers in flight feed one execution.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  const wh::client client;
  const wh::executable add = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
        %0 = stablehlo.add %x, %y : tensor<2x2xf32>
        return %0 : tensor<2x2xf32>
      })"));

  // `until_transfer_completes`: the transfers read these vectors while we go on, so they stay unchanged until
  // then.
  const std::vector<float> first{1, 2, 3, 4}, second{5, 6, 7, 8};
  const wh::buffer x = client.buffer(first, {2, 2}, wh::host_memory_use::until_transfer_completes);
  const wh::buffer y = client.buffer(second, {2, 2}, wh::host_memory_use::until_transfer_completes);

  // Buffers on their way are legal inputs; the runtime holds the execution back until both are there.
  const wh::array sum = add(x, y).value();
  std::cout << sum << '\n';
  return std::ranges::equal(sum.data<float>(), std::vector<float>{6, 8, 10, 12}) ? 0 : 1;
}
