// add_matrices.cpp: the sum of two 1000x1000 matrices, waiting after every step and waiting once.
#include <iostream>
#include <random>
#include <wherry/wherry.hpp>

namespace wh = wherry;

wh::array random_matrix(unsigned seed) {
  wh::array m({wh::dtype::f32, {1000, 1000}});
  std::minstd_rand random(seed);
  for (float& v : m.mutable_data<float>()) v = static_cast<float>(random() % 1000) / 1000;
  return m;
}

int main() {
  const wh::client client;
  const wh::executable add = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<1000x1000xf32>, %y: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
        %0 = "stablehlo.add"(%x, %y) : (tensor<1000x1000xf32>, tensor<1000x1000xf32>) -> tensor<1000x1000xf32>
        "func.return"(%0) : (tensor<1000x1000xf32>) -> ()
      })"));
  const wh::array a = random_matrix(1), b = random_matrix(2);

  // Synchronous: each step waits for its end.
  const wh::buffer x = client.buffer(a).await();
  const wh::buffer y = client.buffer(b).await();
  const wh::buffer sum = add(x, y).await()[0];
  const wh::array stepwise = sum.value();

  // Asynchronous: each step is told what it depends on and returns at once.
  const wh::array_promise promise = add(client.buffer(a), client.buffer(b))[0].as_array();
  const wh::array at_once = promise.value();  // the only wait

  for (std::size_t k = 0; k < at_once.data<float>().size(); ++k) {
    const float expected = a.data<float>()[k] + b.data<float>()[k];
    if (at_once.data<float>()[k] != expected || stepwise.data<float>()[k] != expected) return 1;
  }
  std::cout << at_once << '\n';
}
