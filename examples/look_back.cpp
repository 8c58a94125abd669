// look_back.cpp: where the time of a training loop went: statistics while it runs, and a trace of it as a
// file.
//
// `wherry trace look_back.json` adds the file up; https://ui.perfetto.dev shows it.
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

// One step of gradient descent on the sum of (w - target)^2.
constexpr const char* descend_text = R"(
    func.func @main(%w: tensor<1000xf32> {tf.aliasing_output = 0 : i32}, %target: tensor<1000xf32>)
        -> tensor<1000xf32> {
      %rate = stablehlo.constant dense<0.25> : tensor<1000xf32>
      %off = stablehlo.subtract %w, %target : tensor<1000xf32>
      %move = stablehlo.multiply %off, %rate : tensor<1000xf32>
      %next = stablehlo.subtract %w, %move : tensor<1000xf32>
      return %next : tensor<1000xf32>
    })";

int main() {
  wh::client_options options;
  options.latency_histograms = true;
  const wh::client client(options);
  const wh::executable descend = client.compile(wh::program::from_text(descend_text, "descend"));
  wh::buffer w = client.buffer(std::vector<float>(1000, 0.0f), {1000});

  client.start_trace();
  for (int step = 0; step < 100; ++step) {
    const wh::buffer target = client.buffer(std::vector<float>(1000, 1.0f), {1000});
    w = descend(w, target)[0];
  }
  client.drain();  // so that everything is in the trace
  const wh::trace trace = client.stop_trace();
  trace.write_json("look_back.json");

  std::cout << client.statistics();
  std::size_t steps = 0;
  double busy_ns = 0;
  for (const wh::traced_request& r : trace.requests()) {
    if (!trace.name(r.name).starts_with("execution of ")) continue;
    ++steps;
    busy_ns += static_cast<double>(r.finished - r.began);
  }
  std::cout << steps << " steps, " << busy_ns / 1e3 << " us in them, " << trace.kernels().size()
            << " kernels\n";

  std::uint64_t completed = 0;
  for (const wh::unit_statistics& u : client.device().statistics().units) {
    if (u.kind == wh::unit_kind::compute) completed += u.latencies->run.count();
  }
  return steps == 100 && completed == 100 && trace.dropped() == 0 ? 0 : 1;
}
