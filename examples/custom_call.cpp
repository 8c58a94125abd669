// custom_call.cpp: functions of our own inside a program: one in C++, one in OpenCL C.
#include <algorithm>
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

// Runs on the host: operands are spans of constants, results spans, attributes values.
absl::Status clip(std::span<const float> x, std::span<float> y, double limit, std::optional<float> below) {
  if (!(limit >= 0)) return absl::InvalidArgumentError("limit: expected at least 0");
  for (std::size_t k = 0; k < x.size(); ++k) {
    const float least = below.value_or(static_cast<float>(-limit));
    y[k] = std::max(least, std::min(x[k], static_cast<float>(limit)));
  }
  return absl::OkStatus();
}

// Runs on the device, one work item for each element of the result.
constexpr const char* soften_source = R"(
    __kernel void soften(__global const float* x, __global float* y, float strength) {
      const size_t i = get_global_id(0);
      y[i] = x[i] / (1.0f + strength * fabs(x[i]));
    })";

constexpr const char* program_text = R"(
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.multiply %x, %x : tensor<4xf32>
      %1 = stablehlo.custom_call @TARGET(%0) {api_version = 4 : i32, backend_config = {ATTRIBUTE}}
          : (tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    })";

wh::program calling(const std::string& target, const std::string& attribute) {
  std::string text = program_text;
  text.replace(text.find("TARGET"), 6, target);
  text.replace(text.find("ATTRIBUTE"), 9, attribute);
  return wh::program::from_text(text, target);
}

int main() {
  const wh::client client;
  const std::vector<float> values{1, 2, 3, 4};
  const wh::buffer x = client.buffer(values, {4});

  wh::register_call("clip", wh::bind(clip, {"limit", "below"}));
  const wh::executable clipped = client.compile(calling("clip", "limit = 5.0 : f64"));
  std::cout << clipped(x).value() << '\n';

  wh::register_kernel("soften", {.source = soften_source,
                                 .entry = "soften",
                                 .arguments = {wh::in(wh::dtype::f32), wh::out(wh::dtype::f32),
                                               wh::scalar(wh::dtype::f32, "strength", 1.0)}});
  wh::compile_options through_opencl;
  through_opencl.codegen = "opencl";  // or a device that is not a `cpu:k`
  const wh::executable softened = client.compile(calling("soften", "strength = 0.5 : f32"), through_opencl);
  std::cout << softened(x).value() << '\n';

  // A target by its name alone, without a program around it.
  const wh::executable alone = client.compile(
      wh::call_program({.target = "soften", .operands = {{x.type()}}, .results = {{x.type()}}}),
      through_opencl);
  std::cout << alone(x).value() << '\n';

  // What a handler refuses is the error of the execution.
  const wh::execution refused = client.compile(calling("clip", "limit = -1.0 : f64"))(x);
  std::cout << refused.status().message() << '\n';
  const bool right =
      clipped(x).value().data<float>()[3] == 5 && softened(x).value().data<float>()[1] == 4.0f / 3;
  return right && !refused.status().ok() ? 0 : 1;
}
