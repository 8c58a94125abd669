// log_previous.cpp: the loss of one step is logged while the device computes the next.
//
// Logging the step that was just started would wait for it, and the device would idle while the host writes
// the line and prepares the next input.
#include <iostream>
#include <optional>
#include <wherry/wherry.hpp>

namespace wh = wherry;

// One step of gradient descent on the mean of (w - target)^2; returns the new w and the loss of the old one.
constexpr const char* descend_text = R"(
    func.func @main(%w: tensor<1000xf32> {tf.aliasing_output = 0 : i32}, %target: tensor<1000xf32>)
        -> (tensor<1000xf32>, tensor<f32>) {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %count = stablehlo.constant dense<1000.0> : tensor<f32>
      %rate = stablehlo.constant dense<0.25> : tensor<1000xf32>
      %off = stablehlo.subtract %w, %target : tensor<1000xf32>
      %squares = stablehlo.multiply %off, %off : tensor<1000xf32>
      %sum = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [0]
          : (tensor<1000xf32>, tensor<f32>) -> tensor<f32>
      %loss = stablehlo.divide %sum, %count : tensor<f32>
      %move = stablehlo.multiply %off, %rate : tensor<1000xf32>
      %next = stablehlo.subtract %w, %move : tensor<1000xf32>
      return %next, %loss : tensor<1000xf32>, tensor<f32>
    })";

std::vector<float> target_of(int step) { return std::vector<float>(1000, step < 4 ? 1.0f : 2.0f); }

int main() {
  const wh::client client;
  const wh::executable descend = client.compile(wh::program::from_text(descend_text, "descend"));
  wh::buffer w = client.buffer(std::vector<float>(1000, 0.0f), {1000});
  std::vector<float> target = target_of(0), losses;
  std::optional<wh::array_promise> previous;
  for (int step = 0; step < 8; ++step) {
    const wh::execution run = descend(w, client.buffer(target, {1000}));  // w is donated
    w = run[0];
    const wh::array_promise loss = run[1].as_array();
    if (previous) {
      losses.push_back(previous->value().item<float>());  // ready, or nearly so
      std::cout << "step " << step - 1 << ", loss " << losses.back() << '\n';
    }
    target = target_of(step + 1);  // while the device computes
    previous = loss;
  }
  losses.push_back(previous->value().item<float>());
  std::cout << "step 7, loss " << losses.back() << '\n';
  return losses.size() == 8 && losses[3] < losses[0] && losses[4] > losses[3] && losses[7] < losses[4] ? 0
                                                                                                       : 1;
}
