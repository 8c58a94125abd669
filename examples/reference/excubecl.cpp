// excubecl.cpp: what docs/reference/excubecl.md says, line by line, as a program that checks itself.
#include <cstdlib>
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

void require(bool is_so, const char* what) {
  if (is_so) return;
  std::cerr << "not so: " << what << '\n';
  std::exit(1);
}

/// The message of what `call` throws.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const wh::error& e) {
    return e.what();
  }
  return "nothing was refused";
}

void devices(const wh::client& client) {
  for (const wh::device& device : client.devices()) std::cout << device.name() << '\n';
  require(!client.devices().empty(), "there is a device");
  require(client.attributes().at("wherry_version") == wh::version, "the version");
  for (std::size_t k = 0; k < wh::dtype_count; ++k) std::cout << static_cast<wh::dtype>(k) << ' ';
}

void buffers(const wh::client& client) {
  const std::vector<float> values = {1, -2, 3};
  const wh::buffer x = client.buffer(values, {3});
  const wh::array host = x.value();
  require(host.bytes().size() == 12 && x.type().bytes() == 12, "three floats");
  require(x.dims() == wh::shape{3} && x.dtype() == wh::dtype::f32, "metadata");
  require(wh::name_of(x.dtype()) == "f32", "the dtype as text");
  const wh::buffer scalar = client.scalar(2.0F);
  require(scalar.dims().rank() == 0, "a scalar");
  const wh::buffer nothing = client.buffer(std::vector<float>{}, {0});
  require(nothing.value().size() == 0, "an empty shape");
  const std::string message = refusal([&] { (void)client.buffer(values, {4}); });
  require(message.starts_with("buffer: tensor<4xf32> has 4 elements, got 3 values"), message.c_str());
}

void kernels(const wh::client& client) {
  const wh::buffer a = client.buffer(std::vector<float>{1, 2, 3}, {3});
  const wh::buffer b = client.buffer(std::vector<float>{4, 5, 6}, {3});
  const wh::execution run = client.run_kernel("elementwise_add", {a, b});
  require(run.value().data<float>()[2] == 9, "a sum");
  for (const wh::kernel_signature& k : client.kernels()) std::cout << k.name << ": " << k.formula << '\n';

  const wh::buffer output = client.empty(a.type());
  wh::execute_options options;
  options.into = {output};
  client.run_kernel("elementwise_add", {a, b}, {}, options);
  require(output.value().data<float>()[0] == 5, "a sum in a buffer of ours");

  const wh::buffer frame = client.empty({wh::dtype::ui8, {8, 8, 3}});
  const wh::execution blurred = client.run_kernel("gaussian_blur", {frame}, {{"radius", 2}});
  blurred.await();
  const wh::executable scale = client.kernel("bicubic_scale", {frame.type()}, {{"width", 4}, {"height", 4}});
  require(scale(blurred[0])[0].dims() == wh::shape{4, 4, 3}, "a smaller frame");

  const auto unknown = refusal([&] { (void)client.run_kernel("relo", {a}); });
  require(unknown.starts_with("no kernel 'relo'; known with similar names: 'relu'"), unknown.c_str());
  const auto count = refusal([&] { (void)client.run_kernel("relu", {a, b}); });
  require(count == "relu: expected 1 input, got 2", count.c_str());
  const wh::buffer whole = client.buffer(std::vector<std::int32_t>{1}, {1});
  const auto type = refusal([&] { (void)client.run_kernel("tanh", {whole}); });
  require(type == "tanh: input 0 'x': expected elements of f16, bf16, f32 or f64, got tensor<1xi32>",
          type.c_str());
  const auto shapes = refusal([&] { (void)client.run_kernel("elementwise_add", {a, whole}); });
  require(shapes ==
              "elementwise_add: input 1 'b': expected tensor<3xf32>, the type of input 0, got tensor<1xi32>",
          shapes.c_str());
  const auto into = refusal([&] {
    options.into = {whole};
    (void)client.run_kernel("relu", {a}, {}, options);
  });
  require(into == "execution of relu: output 0: expected tensor<3xf32>, got tensor<1xi32>", into.c_str());
  std::cout << client.device().memory().cached << " bytes kept for reuse\n";
}

constexpr const char* soften_source = R"(
    __kernel void soften(__global const float* x, __global float* y, float strength) {
      const size_t i = get_global_id(0);
      y[i] = x[i] / (1.0f + strength * fabs(x[i]));
    })";

void own_kernels(const wh::client& client) {
  wh::register_kernel("soften", {.source = soften_source,
                                 .entry = "soften",
                                 .arguments = {wh::in(wh::dtype::f32), wh::out(wh::dtype::f32),
                                               wh::scalar(wh::dtype::f32, "strength", 1.0)}});
  const wh::buffer x = client.buffer(std::vector<float>{1, -3}, {2});
  const wh::execution softer = client.run_kernel("soften", {x}, {{"strength", 0.5}});
  require(softer.value().data<float>()[1] == -3 / 2.5F, "a kernel of our own");
}

void commands(const wh::client& client) {
  const wh::buffer x = client.buffer(std::vector<float>{-1, 1}, {2});
  const wh::execution command = client.run_kernel("relu", {x});
  const wh::ticket id = command.id();
  const wh::request_state state = client.poll(id);
  std::cout << to_string(id) << ' ' << name_of(state) << '\n';
  command.await();
  command.await();  // again: it returns at once
  require(client.poll(id) == wh::request_state::completed, "it has completed");
  require(command.status().ok(), "and not failed");
  const auto unknown = refusal([&] { (void)client.poll(wh::ticket(65535, 1)); });
  require(unknown.find("no unit of this client's devices has the id 65535") != std::string::npos,
          unknown.c_str());
  std::cout << command.id() << '\n';
  std::vector<wh::execution> flying;
  for (int k = 0; k < 100; ++k) flying.push_back(client.run_kernel("relu", {x}));
  for (const wh::execution& one : flying) require(one.value().data<float>()[1] == 1, "each has its result");
}

void pipelines(const wh::client& client) {
  const wh::buffer input = client.buffer(std::vector<float>{1, -2, 3}, {3});
  const wh::buffer stage1 = client.empty(input.type()), stage2 = client.empty(input.type());
  const wh::executable add = client.kernel("elementwise_add", {input.type(), input.type()});
  const wh::executable relu = client.kernel("relu", {input.type()});
  const wh::pipeline pipeline({{add, {input, input}, {stage1}}, {relu, {stage1}, {stage2}}});
  const wh::pipeline_run run = pipeline.run();
  const std::vector<wh::ticket> ids = run.tickets();
  run.await();
  require(ids.size() == 2 && run.poll(1) == wh::request_state::completed, "both stages have completed");
  require(stage2.value().data<float>()[1] == 0, "the second stage");
  pipeline.run().await();  // again
  const wh::pipeline empty({});
  require(empty.run().tickets().empty(), "no stages, no tickets");
  const auto wrong = refusal([&] { wh::pipeline({{relu, {input, input}, {stage1}}}); });
  require(wrong.find("expected 1 arguments, got 2") != std::string::npos, wrong.c_str());
}

int main() {
  const wh::client client;
  devices(client);
  buffers(client);
  kernels(client);
  own_kernels(client);
  commands(client);
  pipelines(client);
}
