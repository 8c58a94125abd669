// pipeline.cpp: two stages over buffers that the caller owns, built once and run many times.
//
// Each stage takes the buffer for its result as its last argument and donates it (`tf.aliasing_output`), so
// the result lives in the caller's memory and nothing is allocated per run.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

constexpr const char* add_text = R"(
    func.func @main(%x: tensor<3xf32>, %y: tensor<3xf32>, %out: tensor<3xf32> {tf.aliasing_output = 0 : i32})
        -> tensor<3xf32> {
      %0 = stablehlo.add %x, %y : tensor<3xf32>
      return %0 : tensor<3xf32>
    })";
constexpr const char* relu_text = R"(
    func.func @main(%x: tensor<3xf32>, %out: tensor<3xf32> {tf.aliasing_output = 0 : i32}) -> tensor<3xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<3xf32>
      %0 = stablehlo.maximum %x, %zero : tensor<3xf32>
      return %0 : tensor<3xf32>
    })";

int main() {
  const wh::client client;
  const wh::executable add = client.compile(wh::program::from_text(add_text, "add"));
  const wh::executable relu = client.compile(wh::program::from_text(relu_text, "relu"));

  const wh::tensor_type type{wh::dtype::f32, {3}};
  wh::array between(type), result(type);  // the caller's memory
  wh::buffer stage1 =
      client.from_host(between.bytes().data(), type, wh::host_memory_use::mutable_zero_copy, {});
  wh::buffer stage2 =
      client.from_host(result.bytes().data(), type, wh::host_memory_use::mutable_zero_copy, {});

  for (int round = 1; round <= 3; ++round) {
    const float r = static_cast<float>(round);
    const wh::buffer input = client.buffer(std::vector<float>{-r, 0, r}, {3});
    stage1 =
        add(input, input, stage1)[0];  // waits on the device for the last round's relu, which reads stage1
    stage2 = relu(stage1, stage2)[0];
    stage2.await();
    std::cout << "round " << round << ": " << between << " -> " << result << '\n';
    if (between.data<float>()[0] != -2 * r || result.data<float>()[0] != 0 ||
        result.data<float>()[2] != 2 * r)
      return 1;
  }
}
