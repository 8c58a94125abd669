// Kernels in OpenCL C, registered for custom calls, called by their names.
#include <gtest/gtest.h>

#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/named_kernel.hpp>

#include "named/run.hpp"

namespace wherry::testing_support {
namespace {

device_kernel shifted(const char* sign) {
  return {
      .source = std::string(
                    "__kernel void shifted(__global const float* x, __global float* y, float by, int times) {"
                    "  const size_t i = get_global_id(0); y[i] = x[i] ") +
                sign + " by * times; }",
      .entry = "shifted",
      .arguments = {in(dtype::f32), out(dtype::f32), scalar(dtype::f32, "by"),
                    scalar(dtype::i32, "times", 2)}};
}

class NamedTargetKernel : public ::testing::Test {
 protected:
  void SetUp() override { kernel_registry::instance().replace_kernel("test_shifted", shifted("+")); }
  void TearDown() override { kernel_registry::instance().remove_target("test_shifted"); }

  const tensor x_{{dtype::f32, {2, 2}}, {1, 2, 3, 4}};
};

TEST_F(NamedTargetKernel, runs_by_name_with_its_scalars_as_parameters) {
  expect_near(run("test_shifted", {x_}, {{"by", 0.5}}), {x_.type, {2, 3, 4, 5}}, 0);
  expect_near(run("test_shifted", {x_}, {{"by", 1}, {"times", -3}}), {x_.type, {-2, -1, 0, 1}}, 0);
  if (has_queue())
    expect_near(run("test_shifted", {x_}, {{"by", 0.5}}, place::queue), {x_.type, {2, 3, 4, 5}}, 0);
}

TEST_F(NamedTargetKernel, gives_results_of_the_shape_that_is_asked_for) {
  expect_near(run("test_shifted", {x_}, {{"by", 0}, {"shape", {3}}}), {{dtype::f32, {3}}, {1, 2, 3}}, 0);
}

TEST_F(NamedTargetKernel, is_compiled_again_once_it_is_replaced) {
  expect_near(run("test_shifted", {x_}, {{"by", 1}}), {x_.type, {3, 4, 5, 6}}, 0);
  kernel_registry::instance().replace_kernel("test_shifted", shifted("-"));
  expect_near(run("test_shifted", {x_}, {{"by", 1}}), {x_.type, {-1, 0, 1, 2}}, 0);
  kernel_registry::instance().remove_target("test_shifted");
  EXPECT_EQ(refusal("test_shifted", {x_.type}).find("no kernel 'test_shifted'; "), 0U);
}

TEST_F(NamedTargetKernel, says_what_it_does_not_take) {
  EXPECT_EQ(refusal("test_shifted", {x_.type}), "test_shifted: parameter 'by': expected a number, got none");
  EXPECT_EQ(refusal("test_shifted", {}, {{"by", 1}}), "test_shifted: expected 1 input, got 0");
  EXPECT_EQ(refusal("test_shifted", {{dtype::f64, {2}}}, {{"by", 1}}),
            "test_shifted: input 0 'x0': expected elements of f32, got tensor<2xf64>");
  EXPECT_EQ(refusal("test_shifted", {x_.type}, {{"by", 1}, {"times", 3e9}}),
            "test_shifted: parameter 'times': expected an integer from -2147483648 to 2147483647, got 3e+09");
  EXPECT_EQ(refusal("test_shifted", {x_.type}, {{"by", 1}, {"time", 3}}),
            "test_shifted: unknown parameter 'time'; expected 'times', 'by', 'shape'");
  EXPECT_EQ(refusal("test_shifted", {x_.type}, {{"by", 1}, {"shape", {0.5}}}),
            "test_shifted: parameter 'shape': expected whole numbers, got [0.5]");
}

}  // namespace
}  // namespace wherry::testing_support
