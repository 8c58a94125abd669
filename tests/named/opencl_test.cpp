// A sample of kernels as OpenCL C, on cpu:0 and on a driver's queue: as native code, within a little.
//
// PoCL's compiler takes long for each program, so the sample is one of each kind of program.
#include <gtest/gtest.h>

#include "named/run.hpp"

namespace wherry::testing_support {
namespace {

struct sample {
  const char* kernel;
  std::vector<tensor> inputs;
  kernel_parameters parameters;
};

std::vector<sample> samples() {
  const tensor frame = bytes({9, 11, 3}, 1), smooth = noise(dtype::f32, {9, 11, 3}, 2, 0, 1);
  return {{"layer_norm", {noise(dtype::f32, {4, 9}, 3)}, {{"epsilon", 0.01}}},
          {"gaussian_blur", {frame}, {{"radius", 2}}},
          {"denoise", {smooth}, {{"radius", 1}}},
          {"bicubic_scale", {smooth}, {{"width", 5}, {"height", 14}}},
          {"lut_apply", {frame}, {}},
          {"overlay_alpha", {frame, bytes({4, 5, 4}, 4)}, {{"x", -1}, {"y", 6}}},
          {"biquad_filter", {noise(dtype::f32, {200}, 5)}, {}},
          {"fft_convolve", {noise(dtype::f32, {200}, 6), noise(dtype::f32, {30}, 7)}, {}}};
}

TEST(NamedKernelAsOpenClC, gives_what_native_code_gives) {
  for (const sample& s : samples()) {
    SCOPED_TRACE(s.kernel);
    const tensor native = run(s.kernel, s.inputs, s.parameters),
                 there = run(s.kernel, s.inputs, s.parameters, place::opencl);
    expect_near(there, native, native.type.element == dtype::ui8 ? 1 : 1e-5);
  }
}

TEST(NamedKernelOnAQueue, gives_what_native_code_gives_and_takes_operands_along) {
  if (!has_queue()) GTEST_SKIP() << "PoCL's pthread device is not there: is PoCL installed?";
  const tensor frame = bytes({9, 11, 3}, 1);
  for (const double brightness : {0.1, -0.2, 0.1}) {
    const kernel_parameters p = {{"brightness", brightness}};
    expect_near(run("brightness_contrast", {frame}, p, place::queue), run("brightness_contrast", {frame}, p),
                1);
  }
}

}  // namespace
}  // namespace wherry::testing_support
