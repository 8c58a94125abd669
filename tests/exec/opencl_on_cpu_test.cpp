// OpenCL C on `cpu:k`: the same programs, on the `basic` device behind it, or refused where there is none.
#include <gtest/gtest.h>

#include <thread>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class opencl_on_cpu : public programs_on_every_device {
 protected:
  executable load_opencl(plan p) const {
    add_kernels(p, true);
    auto shared = std::make_shared<const plan>(std::move(p));
    return executable(new_opencl_executable(shared, shared_device()));
  }
  bool has_opencl() const { return device().description().carrier == "native"; }
};

TEST_P(opencl_on_cpu, runs_loops_branches_and_constants) {
  if (!has_opencl()) GTEST_SKIP() << device().description().carrier;
  EXPECT_EQ(load_opencl(add_program({3}))(on_device({1, 2, 3}, {3}), on_device({1, 1, 1}, {3}))
                .value()
                .data<float>()[2],
            4);
  EXPECT_EQ(load_opencl(doubling_program())(scalar(3)).value().item<float>(), 192);
  const executable choosing = load_opencl(choosing_program());
  EXPECT_EQ(choosing(scalar(5), scalar(1)).value().item<float>(), 15);
  EXPECT_EQ(choosing(scalar(5), scalar(9)).value().item<float>(), 10);
}

TEST_P(opencl_on_cpu, mixes_with_native_programs_in_one_chain) {
  if (!has_opencl()) GTEST_SKIP() << device().description().carrier;
  const executable native = load(add_program());
  const executable opencl = load_opencl(add_program());
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  buffer x = late;
  for (int k = 0; k < 3; ++k) x = opencl(native(x, late)[0], late)[0];
  gate->end();
  EXPECT_EQ(item(x), 7);
}

TEST_P(opencl_on_cpu, many_threads_with_different_grids_take_turns) {
  if (!has_opencl()) GTEST_SKIP() << device().description().carrier;
  const executable small = load_opencl(add_program({3}));
  const executable large = load_opencl(add_program({500}));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::int64_t n = t % 2 == 0 ? 3 : 500;
      const buffer x = on_device(std::vector<float>(static_cast<std::size_t>(n), 2), {n});
      for (int k = 0; k < 30; ++k) EXPECT_EQ((n == 3 ? small : large)(x, x).value().data<float>().back(), 4);
    });
  }
  for (auto& t : threads) t.join();
}

TEST_P(opencl_on_cpu, without_a_device_behind_it_the_reason_is_given) {
  if (has_opencl()) GTEST_SKIP() << "there is one";
  try {
    (void)load_opencl(add_program());
    FAIL() << "OpenCL C ran without OpenCL";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kUnimplemented);
    EXPECT_NE(std::string(e.what()).find("no OpenCL device behind cpu:0"), std::string::npos) << e.what();
  }
}

TEST_P(opencl_on_cpu, a_program_that_does_not_build_shows_the_log) {
  if (!has_opencl()) GTEST_SKIP() << device().description().carrier;
  plan p = add_program();
  p.kernels = {{"add", kernel::origin::opencl, 0}};
  p.opencl_source = "__kernel void add(this is no OpenCL C) {}";
  auto shared = std::make_shared<const plan>(std::move(p));
  try {
    (void)new_opencl_executable(shared, shared_device());
    FAIL() << "it was built";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("clBuildProgram"), std::string::npos) << e.what();
  }
}

INSTANTIATE_TEST_SUITE_P(devices, opencl_on_cpu, ::testing::Values(device_kind::cpu, device_kind::direct),
                         device_name);

}  // namespace
}  // namespace wherry
