// Trains with a step that was compiled ahead of time:
//
//   wherry compile examples/ahead_of_time.mlir -o step.wherry
//   ahead_of_time step.wherry
//
// This program links the runtime alone: no compiler, no MLIR, no LLVM. The artifact brings all of its code.
// It learns a random function of 32 numbers and prints the loss every 10 steps; the same artifact prints the
// same digits on every machine that takes it. Exit code 0: the loss has fallen to a tenth.
#include <cmath>
#include <cstdio>
#include <random>
#include <wherry/wherry.hpp>

namespace wh = wherry;

namespace {

/// Uniform in [-scale, scale), by the generator's own bits, which are the same everywhere.
wh::array noise(const wh::tensor_type& type, float scale, std::mt19937& random) {
  wh::array values(type);
  for (float& v : values.mutable_data<float>())
    v = scale * (static_cast<float>(random() >> 8) / 8388608.0f - 1);
  return values;
}

/// What is to be learnt: each output is the difference of two inputs, bent.
wh::array answers(const wh::array& x, const wh::tensor_type& type) {
  wh::array y(type);
  const auto from = x.data<float>();
  const auto to = y.mutable_data<float>();
  const auto inputs = static_cast<std::size_t>(x.type().dims[1]);
  const auto outputs = static_cast<std::size_t>(type.dims[1]);
  for (std::size_t k = 0; k < to.size(); ++k) {
    const float* row = &from[k / outputs * inputs];
    const float d = row[k % outputs] - row[k % outputs + outputs];
    to[k] = d / (1 + std::fabs(d));
  }
  return y;
}

int train(const char* path) {
  const wh::client client;
  const wh::executable step = client.compile(wh::program::from_file(path));
  std::mt19937 random(7);
  std::vector<wh::buffer> weights;
  for (std::size_t k = 0; k < 3; ++k) weights.push_back(client.buffer(noise(step.inputs()[k], 0.1f, random)));
  const wh::array x = noise(step.inputs()[3], 1, random);
  const wh::buffer inputs = client.buffer(x), wanted = client.buffer(answers(x, step.inputs()[4]));

  float first = 0, last = 0;
  for (int k = 0; k <= 100; ++k) {
    const wh::execution run = step(weights, inputs, wanted);  // the old weights are donated
    weights.assign(run.outputs().begin(), run.outputs().end() - 1);
    if (k % 10 != 0) continue;
    last = run[3].value().item<float>();
    if (k == 0) first = last;
    std::printf("step %d: loss %.9g\n", k, static_cast<double>(last));
  }
  return last < first / 10 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: ahead_of_time STEP.wherry\n");
    return 2;
  }
  try {
    return train(argv[1]);
  } catch (const wh::error& e) {
    std::fprintf(stderr, "ahead_of_time: %s\n", e.what());
    return 3;
  }
}
