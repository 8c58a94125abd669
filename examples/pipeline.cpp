// pipeline.cpp: three stages over buffers that the caller owns, built once and run many times.
//
// The first stage doubles its input where it is: its program aliases the argument with the result. The others
// write buffers of their own. Nothing is allocated per run, and runs follow each other without anybody
// waiting.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

constexpr const char* twice_text = R"(
    func.func @main(%x: tensor<3xf32> {tf.aliasing_output = 0 : i32}) -> tensor<3xf32> {
      %0 = stablehlo.add %x, %x : tensor<3xf32>
      return %0 : tensor<3xf32>
    })";
constexpr const char* relu_text = R"(
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<3xf32>
      %0 = stablehlo.maximum %x, %zero : tensor<3xf32>
      return %0 : tensor<3xf32>
    })";
constexpr const char* inverse_text = R"(
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %one = stablehlo.constant dense<1.0> : tensor<3xf32>
      %0 = stablehlo.divide %one, %x : tensor<3xf32>
      return %0 : tensor<3xf32>
    })";

int main() {
  const wh::client client;
  const wh::executable twice = client.compile(wh::program::from_text(twice_text, "twice"));
  const wh::executable relu = client.compile(wh::program::from_text(relu_text, "relu"));
  const wh::executable inverse = client.compile(wh::program::from_text(inverse_text, "inverse"));

  const wh::tensor_type type{wh::dtype::f32, {3}};
  const wh::buffer signal = client.buffer(std::vector<float>{-1, 1, 2}, {3});
  const wh::buffer positive = client.empty(type), result = client.empty(type);
  const wh::pipeline stages({{twice, {signal}, {signal}},  // in place
                             {relu, {signal}, {positive}},
                             {inverse, {positive}, {result}}});

  std::vector<wh::array_promise> results;
  for (int round = 0; round < 3; ++round) {
    stages.run();  // returns at once
    results.push_back(result.as_array());
  }
  for (const wh::array_promise& r : results) std::cout << r.value() << '\n';
  if (results[2].value().data<float>()[2] != 1.0F / 16) return 1;

  // The first failure stops a run. Here the last stage is asked to look for numerical errors, and 1/0 is one;
  // what the stages before it wrote is there.
  const wh::pipeline careful({{twice, {signal}, {signal}},
                              {relu, {signal}, {positive}},
                              {inverse, {positive}, {result}, "inverse", true}});
  const wh::pipeline_run run = careful.run();
  std::cout << run.status().ToString() << '\n';
  for (std::size_t k = 0; k < run.size(); ++k)
    std::cout << to_string(run[k].id()) << ' ' << name_of(run.poll(k)) << '\n';
  std::cout << positive.value() << '\n';
  return run.status().ok() || run.poll(1) != wh::request_state::completed;
}
