// OpenCL C of several plans: each kernel is built once, together with the others.
#include <gtest/gtest.h>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

TEST(opencl_source, is_split_into_directives_and_functions) {
  const std::string text =
      "#pragma OPENCL FP_CONTRACT OFF\n#define X 1\n\n"
      "float8 largest(float8 a) {\n  return a;\n}\n\n__kernel void k_1(ulong units) {\n  if (units) {\n  "
      "}\n}\n";
  const auto parts = split_opencl(text);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->directives.size(), 2u);
  EXPECT_EQ(parts->directives[1], "#define X 1\n");
  ASSERT_EQ(parts->definitions.size(), 2u);
  EXPECT_EQ(parts->definitions[0].name, "largest");
  EXPECT_FALSE(parts->definitions[0].is_kernel);
  EXPECT_EQ(parts->definitions[1].name, "k_1");
  EXPECT_TRUE(parts->definitions[1].is_kernel);
  EXPECT_EQ(parts->definitions[1].text, "__kernel void k_1(ulong units) {\n  if (units) {\n  }\n}\n");
}

TEST(opencl_source, of_another_shape_is_left_whole) {
  for (const char* text : {"__kernel void k() {}", "typedef int t;\n__kernel void k() {\n}\n",
                           "__kernel void k() {\n}\n#define A\n", "#define A \\\n 1\n", "int a[] = {\n1\n}\n",
                           "// k(\n__kernel void k() {\n}\n", "struct s {\n}\n"})
    EXPECT_FALSE(split_opencl(text)) << text;
}

class opencl_programs_test : public programs_on_every_device {
 protected:
  void SetUp() override {
    programs_on_every_device::SetUp();
    if (IsSkipped()) return;
    const bool on_cpu = device().is_host();
    if (on_cpu && device().description().carrier != "native") GTEST_SKIP() << "no OpenCL device behind cpu:0";
    place_ = opencl_place::of(device());
  }

  /// A plan of one kernel, `name`, whose text adds `term` to what the kernel `add` does.
  static plan adding(const std::string& name, const std::string& term) {
    plan p = add_program();
    p.name = name;
    p.opencl = true;
    p.kernels = {{name, kernel::origin::opencl, 0}};
    p.opencl_source =
        "__kernel void " + name +
        "(__global uchar* a, ulong ao, __global uchar* b, ulong bo, __global uchar* c, ulong co, "
        "ulong units) {\n"
        "  if (get_global_id(0) >= units) return;\n"
        "  *(__global float*)(c + co) = *(__global float*)(a + ao) + *(__global float*)(b + bo) + " +
        term + ";\n}\n";
    return p;
  }

  std::vector<opencl_programs::built> build(const std::vector<plan>& plans) {
    std::vector<const plan*> pointers;
    for (const plan& p : plans) pointers.push_back(&p);
    return programs_.build(place_, pointers, file_cache(""));
  }

  float run(const plan& p, opencl_programs::built made) {
    const executable e(ref<executable_core>(new opencl_executable(
        std::make_shared<const plan>(p), shared_device(), place_, std::move(made.kernels))));
    return e(scalar(1), scalar(2)).value().item<float>();
  }

  opencl_place place_;
  opencl_programs programs_;
};

TEST_P(opencl_programs_test, kernels_of_several_plans_share_a_program) {
  const std::vector<plan> plans = {adding("one", "1.0f"), adding("two", "2.0f")};
  const auto made = build(plans);
  EXPECT_EQ(made[0].kernels.at(0), made[1].kernels.at(0));
  EXPECT_EQ(run(plans[0], made[0]), 4);
  EXPECT_EQ(run(plans[1], made[1]), 5);
}

TEST_P(opencl_programs_test, a_kernel_that_is_in_use_is_not_built_again) {
  const std::vector<plan> plans = {adding("one", "1.0f")};
  const auto first = build(plans);
  const auto second = build({adding("two", "2.0f"), adding("one", "1.0f")});
  EXPECT_EQ(second[1].kernels.at(0), first[0].kernels.at(0));
  EXPECT_NE(second[0].kernels.at(0), first[0].kernels.at(0));
}

TEST_P(opencl_programs_test, kernels_of_one_name_and_different_text_are_kept_apart) {
  const std::vector<plan> plans = {adding("k", "1.0f"), adding("k", "2.0f"), adding("k", "1.0f")};
  const auto made = build(plans);
  EXPECT_EQ(made[0].kernels.at(0), made[2].kernels.at(0));
  EXPECT_EQ(run(plans[0], made[0]), 4);
  EXPECT_EQ(run(plans[1], made[1]), 5);
}

TEST_P(opencl_programs_test, more_kernels_than_one_program_takes_are_all_there) {
  std::vector<plan> plans;
  for (int k = 0; k < 70; ++k) plans.push_back(adding("k" + std::to_string(k), std::to_string(k) + ".0f"));
  const auto made = build(plans);
  EXPECT_NE(made.front().kernels.at(0), made.back().kernels.at(0));
  EXPECT_EQ(run(plans.front(), made.front()), 3);
  EXPECT_EQ(run(plans.back(), made.back()), 72);
}

TEST_P(opencl_programs_test, the_failure_of_one_plan_is_its_own_and_shows_the_log) {
  std::vector<plan> plans = {adding("one", "1.0f"), adding("two", "nonsense"), adding("three", "3.0f")};
  plans[1].name = "the second";
  const auto made = build(plans);
  ASSERT_TRUE(made[1].problem);
  EXPECT_EQ(made[1].problem->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(made[1].problem->what()).find("the second:\n"), std::string::npos)
      << made[1].problem->what();
  EXPECT_EQ(run(plans[0], made[0]), 4);
  EXPECT_EQ(run(plans[2], made[2]), 6);
}

TEST_P(opencl_programs_test, code_that_needs_what_the_device_lacks_is_refused_with_both_lists) {
  std::vector<plan> plans = {adding("one", "1.0f")};
  plans[0].features = "fp256";
  const auto made = build(plans);
  ASSERT_TRUE(made[0].problem);
  EXPECT_EQ(made[0].problem->reason(), reason::unsupported);
  EXPECT_NE(std::string(made[0].problem->what()).find("needs fp256, "), std::string::npos);
  EXPECT_NE(std::string(made[0].problem->what()).find(" has "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(devices, opencl_programs_test,
                         ::testing::Values(device_kind::cpu, device_kind::queue, device_kind::intel),
                         device_name);

}  // namespace
}  // namespace wherry
