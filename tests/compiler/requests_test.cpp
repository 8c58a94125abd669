// What a program and the options say about its executable besides what it computes: its name, its CPU.
#include <gtest/gtest.h>

#include <string>
#include <wherry/client.hpp>

namespace wherry {
namespace {

std::string name_of(const std::string& text, const std::string& function = "") {
  const client here;
  return here.compile(program::from_text(text, "from/file.mlir").with_function(function)).name();
}

constexpr const char* two_functions = R"( {
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }
    func.func @other(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }
  })";
constexpr const char* one_function = R"( {
    func.func @step(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }
  })";

TEST(requests, a_module_s_name_is_that_of_its_executions) {
  EXPECT_EQ(name_of(std::string("module @mlp_step") + two_functions), "mlp_step");
  EXPECT_EQ(name_of(std::string("module @mlp_step") + two_functions, "main"), "mlp_step");
  EXPECT_EQ(name_of(std::string("module @mlp_step") + one_function), "mlp_step");
}

TEST(requests, a_module_without_a_name_is_called_after_its_file) {
  EXPECT_EQ(name_of(std::string("module") + two_functions), "file");
  EXPECT_EQ(name_of(std::string("module") + two_functions, "main"), "file");
  EXPECT_EQ(name_of(std::string("module") + one_function), "file");
}

TEST(requests, a_function_that_was_asked_for_is_the_name) {
  EXPECT_EQ(name_of(std::string("module @mlp_step") + two_functions, "other"), "other");
  EXPECT_EQ(name_of(std::string("module") + two_functions, "other"), "other");
}

TEST(requests, a_program_of_unknown_sizes_has_its_name_in_every_shape) {
  const client here;
  const executable twice = here.compile(program::from_text(R"(
      func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
        %0 = stablehlo.add %x, %x : tensor<?xf32>
        return %0 : tensor<?xf32>
      })",
                                                           "twice.mlir"));
  EXPECT_EQ(twice.name(), "twice");
  const buffer x = here.buffer({1.0F, 2.0F});
  const execution run = twice(x);
  EXPECT_EQ(run.value().data<float>()[1], 4);
  try {
    (void)run["nothing"];
    FAIL() << "there is no such output";
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("of twice has no output"), std::string::npos) << e.what();
  }
}

TEST(requests, a_cpu_that_native_code_cannot_be_made_for_is_refused_with_those_it_can) {
  const client here;
  for (const char* cpu : {"x86-64-v2", "skylake", "x86-64"}) {
    compile_options how;
    how.cpu = cpu;
    try {
      (void)here.compile(program::from_text(std::string("module") + one_function, "step"), how);
      ADD_FAILURE() << cpu << " was accepted";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(std::string(e.what()), "step: native code for the CPU '" + std::string(cpu) +
                                           "': expected native, x86-64-v3 or x86-64-v4");
    }
  }
}

}  // namespace
}  // namespace wherry
