// own_buffers.cpp: what may be said about one execution: where results go, what they are called, what to look
// for; and executables made when they are first needed.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

constexpr const char* step_text = R"(
    func.func @main(%weights: tensor<2xf32> {tf.aliasing_output = 0 : i32}, %gradient: tensor<2xf32>)
        -> (tensor<2xf32> {jax.result_info = "weights"}, tensor<f32> {jax.result_info = "loss"}) {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = stablehlo.subtract %weights, %gradient : tensor<2xf32>
      %1 = stablehlo.reduce(%gradient init: %zero) applies stablehlo.add across dimensions = [0]
          : (tensor<2xf32>, tensor<f32>) -> tensor<f32>
      return %0, %1 : tensor<2xf32>, tensor<f32>
    })";

/// The text of a program that multiplies `type` by `factor`.
std::string scale_text(const wh::tensor_type& type, double factor) {
  const std::string t = to_string(type);
  return "func.func @main(%x: " + t + ") -> " + t + " {\n%f = stablehlo.constant dense<" +
         std::to_string(factor) + "> : " + t + "\n%0 = stablehlo.multiply %x, %f : " + t +
         "\nreturn %0 : " + t + "\n}";
}

int main() {
  const wh::client client;
  const wh::executable step = client.compile(wh::program::from_text(step_text, "step"));
  const wh::buffer weights = client.buffer(std::vector<float>{1, 2}, {2});
  const wh::buffer gradient = client.buffer(std::vector<float>{0.5F, 0.25F}, {2});
  const std::vector<wh::buffer> arguments{weights, gradient};

  wh::execute_options options;
  options.into = {weights, client.empty({wh::dtype::f32, {}})};  // weights are updated where they are
  options.check_numerics = true;
  for (int k = 0; k < 2; ++k) step.call(arguments, options).await();
  std::cout << weights.value() << '\n';
  if (weights.value().data<float>()[1] != 1.5F) return 1;

  const wh::tensor_set inputs{{"weights", weights}, {"gradient", gradient}};
  const wh::execution run = step.call(inputs);  // weights are donated now
  std::cout << "loss " << run["loss"].value().item<float>() << '\n';
  const auto [updated, loss] = run.unpack<2>();
  const wh::ticket id = run.id();
  loss.await();
  if (client.poll(id) != wh::request_state::completed) return 1;

  const wh::executable_cache cache(16, [&client](const wh::call_signature& s) {
    const std::string text = scale_text(s.arguments[0], std::get<double>(s.statics[0]));
    wh::compile_options there;
    there.device = s.device;
    return client.compile(wh::program::from_text(text, s.program), there);
  });
  const std::vector<wh::buffer> x{updated};
  const std::vector<wh::static_value> twice{2.0}, half{0.5};
  for (int k = 0; k < 3; ++k) {
    cache.call("scale", x, twice);
    cache.call("scale", x, half);
  }
  std::cout << cache.size() << " executables, " << cache.statistics().hits << " calls found theirs\n";

  const wh::executable scale = cache.get({"scale", {updated.type()}, {2.0}, updated.device()});
  std::cout << scale.stage("stablehlo");
  return scale.stage("plan").empty() || cache.size() != 2;
}
