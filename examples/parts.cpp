// parts.cpp: writing, viewing and reading parts of buffers, and many transfers as one.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  const wh::client client;
  const wh::executable square = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
        %0 = stablehlo.multiply %x, %x : tensor<2xf32>
        return %0 : tensor<2xf32>
      })"));

  const wh::buffer table = client.buffer({0.0F}, {3, 2});    // one value fills any shape
  const wh::buffer row = table.slice(2, {2});                // two elements from the third on: the second row
  table.write(std::vector<float>{3, 4}, 2 * sizeof(float));  // at a byte offset, while nobody waits
  table.slice(4, {2}).copy_from(square(row)[0]);             // views are buffers
  std::vector<float> last(2);
  table.read(last, 4 * sizeof(float)).await();  // waits

  const std::vector<float> ones{1, 1};
  wh::transfer_batch batch;  // many transfers, one request
  batch.write(table, ones).fill_bytes(table, std::byte{0}, 8, 8).read(table, last, 16);
  const wh::transfer_promise done = batch.submit();
  done.await();
  std::cout << table;
  return last == std::vector<float>{9, 16} && table.value().data<float>()[0] == 1 ? 0 : 1;
}
