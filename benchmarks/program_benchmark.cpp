// A StableHLO file on cpu:0: compile time, time of an awaited call, and time per step of a steady loop in
// which donated arguments are fed from the results before. Prints one JSON object; `benchmarks/run` compares
// it with JAX.
//
//   program_benchmark FILE.mlir [STEPS]
//
// Floating-point arguments are normal with deviation 0.05, integers uniform in [0, 10).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <wherry/wherry.hpp>

namespace wh = wherry;
using clock_type = std::chrono::steady_clock;

namespace {

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

wh::buffer random_buffer(const wh::client& client, const wh::tensor_type& type, std::mt19937& random) {
  wh::array values(type);
  if (type.element == wh::dtype::f32) {
    std::normal_distribution<float> normal(0, 0.05f);
    for (float& v : values.mutable_data<float>()) v = normal(random);
  } else if (type.element == wh::dtype::i32) {
    for (std::int32_t& v : values.mutable_data<std::int32_t>()) v = static_cast<std::int32_t>(random() % 10);
  } else {
    throw wh::error(absl::StatusCode::kInvalidArgument,
                    "program_benchmark: arguments are f32 or i32, got " + to_string(type));
  }
  return client.buffer(values);
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

int run(const char* path, int steps) {
  const wh::client client;
  const auto source = wh::program::from_file(path);
  wh::compile_options fresh;
  fresh.cache = false;
  const auto compile_start = clock_type::now();
  const wh::executable step = client.compile(source, fresh);
  const double compile_s = seconds_since(compile_start);

  std::mt19937 random(7);
  std::vector<wh::buffer> arguments;
  for (const auto& type : step.inputs()) arguments.push_back(random_buffer(client, type, random));
  const auto call = [&] {
    const wh::execution done = step(arguments);
    for (const wh::alias& a : step.code().aliases) arguments[a.input] = done[a.output];
    return done;
  };
  std::vector<double> awaited;
  for (int k = 0; k < 30; ++k) {
    const auto start = clock_type::now();
    call().await();
    awaited.push_back(seconds_since(start));
  }
  std::vector<double> steady;
  for (int round = 0; round < 7; ++round) {
    const auto start = clock_type::now();
    for (int k = 1; k < steps; ++k) call();
    call().await();
    steady.push_back(seconds_since(start) / steps);
  }
  std::printf("{\"compile_s\": %.6f, \"call_us\": %.3f, \"steady_us\": %.3f}\n", compile_s,
              median(awaited) * 1e6, median(steady) * 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: program_benchmark FILE.mlir [STEPS]\n");
    return 2;
  }
  try {
    return run(argv[1], argc > 2 ? std::atoi(argv[2]) : 50);
  } catch (const wh::error& e) {
    std::fprintf(stderr, "program_benchmark: %s\n", e.what());
    return 3;
  }
}
