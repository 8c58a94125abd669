// Kernels in OpenCL C that custom calls name: on OpenCL devices, and through OpenCL C on `cpu:k`.
#include <gtest/gtest.h>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

constexpr const char* saxpy_source = R"(
__kernel void saxpy(__global const float* x, __global const float* y, __global float* z, float a, int shift) {
  const size_t i = get_global_id(0);
  z[i] = a * x[i] + y[i] + shift;
}
)";

device_kernel saxpy() {
  return {.source = saxpy_source,
          .entry = "saxpy",
          .arguments = {in(dtype::f32), in(dtype::f32), out(dtype::f32), scalar(dtype::f32, "a"),
                        scalar(dtype::i32, "shift", 0)}};
}

/// (x) -> a * (x + x) + x + shift, through memory with an offset.
plan saxpy_program(attribute::dictionary attributes, std::int64_t n = 3) {
  plan p;
  p.name = "calling";
  p.inputs = {f32({n})};
  p.outputs = {f32({n})};
  const std::uint64_t bytes = p.inputs[0].bytes();
  p.arena_bytes = 64 + (bytes + 63) / 64 * 64;
  p.slots = {input(0, bytes), output(0, bytes), {slot::region::arena, 0, 64, bytes}};
  custom_call call;
  call.target = "test.saxpy";
  call.operands = {{f32({n}), {}}, {f32({n}), {}}};
  call.results = {{f32({n}), {}}};
  call.attributes = std::move(attributes);
  p.calls = {call};
  step s;
  s.what = step::kind::call;
  s.slots = {2, 0, 1};
  p.blocks = {{launch(kernels::k_add, {0, 0, 2}, n), s}};
  p.bounded = false;
  return p;
}

class device_kernels : public programs_on_every_device {
 protected:
  void SetUp() override {
    programs_on_every_device::SetUp();
    if (IsSkipped()) return;
    if (device().is_host() && device().description().carrier != "native")
      GTEST_SKIP() << "no OpenCL behind " << device().name();
    kernel_registry::instance().replace_kernel("test.saxpy", saxpy());
  }
  void TearDown() override {
    kernel_registry::instance().remove_target("test.saxpy");
    programs_on_every_device::TearDown();
  }
  executable load_opencl(plan p) const {
    add_kernels(p, true);
    auto shared = std::make_shared<const plan>(std::move(p));
    return executable(new_opencl_executable(shared, shared_device()));
  }
  std::string refusal(plan p) const {
    try {
      (void)load_opencl(std::move(p));
      return "";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
      return e.what();
    }
  }
};

TEST_P(device_kernels, takes_operands_results_and_attributes) {
  const executable program = load_opencl(saxpy_program({{"a", attribute(2.5)}, {"shift", attribute(-1)}}));
  for (int k = 0; k < 2; ++k) {
    const array z = program(on_device({1, 2, 3}, {3})).value();
    EXPECT_EQ(z.data<float>()[0], 5);
    EXPECT_EQ(z.data<float>()[2], 17);
  }
}

TEST_P(device_kernels, an_attribute_that_is_missing_has_its_default) {
  EXPECT_EQ(
      load_opencl(saxpy_program({{"a", attribute(1)}}))(on_device({1, 2, 3}, {3})).value().data<float>()[1],
      6);
}

TEST_P(device_kernels, the_grid_is_what_its_rule_says) {
  device_kernel k = saxpy();
  // Two work items do all the elements.
  k.source =
      "__kernel void saxpy(__global const float* x, __global const float* y, __global float* z, float a, int "
      "n) {"
      "  for (int i = get_global_id(0); i < n; i += get_global_size(0)) z[i] = get_local_size(0) * (x[i] + "
      "y[i]); }";
  k.size = [](const custom_call&) { return work_size{{2, 1, 1}, {2, 1, 1}}; };
  kernel_registry::instance().replace_kernel("test.saxpy", k);
  const array z = load_opencl(saxpy_program({{"a", attribute(0)}, {"shift", attribute(5)}}, 5))(
                      on_device({1, 2, 3, 4, 5}, {5}))
                      .value();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(z.data<float>()[static_cast<std::size_t>(i)], 6.0F * static_cast<float>(i + 1));
}

TEST_P(device_kernels, a_call_that_does_not_fit_the_signature_is_refused) {
  const std::string name = "calling: custom call \"test.saxpy\": ";
  EXPECT_EQ(refusal(saxpy_program({})), name + "attribute 'a' is missing");
  EXPECT_EQ(refusal(saxpy_program({{"a", attribute("x")}})),
            name + "attribute 'a': expected a number (f32), got a string");
  EXPECT_EQ(refusal(saxpy_program({{"a", attribute(1)}, {"b", attribute(1)}})),
            name + "attribute 'b' is not known");
  plan p = saxpy_program({{"a", attribute(1)}});
  p.calls[0].operands[1].type.element = dtype::i32;
  EXPECT_EQ(refusal(p), name + "operand 1: expected f32, got tensor<3xi32>");
  p.calls[0].operands.pop_back();
  EXPECT_EQ(refusal(p), name + "expected 2 operands, got 1");
}

TEST_P(device_kernels, source_that_does_not_build_shows_the_log) {
  device_kernel k = saxpy();
  k.source = "__kernel void saxpy(this is no OpenCL C) {}";
  kernel_registry::instance().replace_kernel("test.saxpy", k);
  const std::string what = refusal(saxpy_program({{"a", attribute(1)}}));
  EXPECT_NE(what.find("custom call \"test.saxpy\""), std::string::npos) << what;
  EXPECT_NE(what.find("clBuildProgram"), std::string::npos) << what;
}

TEST_P(device_kernels, goes_before_a_handler_of_the_same_name) {
  register_call("test.saxpy", [](call_frame&) { return absl::InternalError("the handler ran"); });
  EXPECT_EQ(
      load_opencl(saxpy_program({{"a", attribute(1)}}))(on_device({1, 2, 3}, {3})).value().data<float>()[0],
      3);
}

INSTANTIATE_TEST_SUITE_P(devices, device_kernels,
                         ::testing::Values(device_kind::cpu, device_kind::queue, device_kind::intel),
                         device_name);

class kernels_without_opencl : public programs_on_every_device {};

TEST_P(kernels_without_opencl, native_code_says_that_it_cannot_run_them) {
  kernel_registry::instance().replace_kernel("test.saxpy", saxpy());
  try {
    (void)load(saxpy_program({{"a", attribute(1)}}));
    FAIL() << "it was loaded";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kUnimplemented);
    EXPECT_NE(std::string(e.what()).find("custom call \"test.saxpy\" is a kernel in OpenCL C"),
              std::string::npos)
        << e.what();
  }
  kernel_registry::instance().remove_target("test.saxpy");
}

INSTANTIATE_TEST_SUITE_P(devices, kernels_without_opencl,
                         ::testing::Values(device_kind::cpu, device_kind::direct, device_kind::simulated),
                         device_name);

}  // namespace
}  // namespace wherry
