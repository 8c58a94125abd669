// Stages of a compilation as text, asked of an executable.
#include <gtest/gtest.h>

#include <string>
#include <wherry/client.hpp>

namespace wherry {
namespace {

constexpr const char* text = R"(
    func.func @main(%x: tensor<8xf32>, %y: tensor<8xf32> {tf.aliasing_output = 0 : i32}) -> tensor<8xf32> {
      %0 = stablehlo.add %x, %y : tensor<8xf32>
      %1 = stablehlo.tanh %0 : tensor<8xf32>
      return %1 : tensor<8xf32>
    })";

std::string refusal(const executable& e, const char* stage) {
  try {
    (void)e.stage(stage);
  } catch (const error& problem) {
    return problem.what();
  }
  return "";
}

TEST(stages, every_stage_of_an_executable_is_text) {
  const client here;
  const executable e = here.compile(program::from_text(text, "squash"));
  const auto has = [&](const char* stage, const char* what) {
    const std::string shown = e.stage(stage);
    EXPECT_NE(shown.find(what), std::string::npos) << stage << ":\n" << shown;
  };
  has("stablehlo", "stablehlo.tanh");
  has("clusters", "tanh");
  has("kernels", "func");
  has("llvm", "define");
  has("opencl", "__kernel");
  has("plan", "launch");
}

TEST(stages, one_that_is_not_there_is_refused_with_those_that_are) {
  const client here;
  const executable e = here.compile(program::from_text(text, "squash"));
  EXPECT_EQ(
      refusal(e, "hlo"),
      "stage 'hlo' of squash: there is no such stage; there are stablehlo, clusters, kernels, llvm, opencl, "
      "plan");
}

TEST(stages, an_artifact_shows_its_plan_and_says_that_it_has_no_source) {
  const client here;
  const executable made = here.compile(program::from_text(text, "squash"));
  const std::vector<std::byte> bytes = write_plan(made.code());
  const executable e = here.compile(
      program::from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "a.wherry"));
  EXPECT_EQ(e.stage("plan"), made.stage("plan"));
  EXPECT_NE(refusal(e, "llvm").find("which holds no source"), std::string::npos) << refusal(e, "llvm");
}

}  // namespace
}  // namespace wherry
