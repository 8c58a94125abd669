// What arguments and results are called, out of what the source says about them.
#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <wherry/exec/compiler.hpp>

namespace wherry::compile {
namespace {

using names = std::vector<std::string>;

plan planOf(const std::string& source) {
  return compiler::installed()->compile({source, "program", "", target{}, {}});
}

TEST(names, arguments_are_called_as_the_text_spells_them) {
  const plan p = planOf(R"(
    func.func @main(%images: tensor<4xf32>,
                    %w.0: tensor<4xf32>, %0: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %1 = stablehlo.add %images, %w.0 : tensor<4xf32>
      return %1, %0 : tensor<4xf32>, tensor<4xf32>
    })");
  EXPECT_EQ(p.input_names, (names{"images", "w.0", "0"}));
  EXPECT_EQ(p.output_names, (names{"out0", "out1"}));
}

TEST(names, what_attributes_and_locations_say_comes_first) {
  const plan p = planOf(R"(
    func.func @main(%a: tensor<f32> {jax.arg_info = "params['w']"}, %b: tensor<f32> loc("labels"))
        -> (tensor<f32> {jax.result_info = "loss"}, tensor<f32>) {
      %0 = stablehlo.add %a, %b : tensor<f32>
      return %0, %b : tensor<f32>, tensor<f32>
    })");
  EXPECT_EQ(p.input_names, (names{"params['w']", "labels"}));
  EXPECT_EQ(p.output_names, (names{"loss", "out1"}));
}

TEST(names, what_is_called_the_same_is_called_by_its_number) {
  const plan p = planOf(R"(
    func.func @main(%a: tensor<f32> loc("x"), %b: tensor<f32> loc("x"), %arg0: tensor<f32>) -> tensor<f32> {
      %0 = stablehlo.add %a, %b : tensor<f32>
      return %0 : tensor<f32>
    })");
  EXPECT_EQ(p.input_names, (names{"arg0_", "arg1", "arg0"}));
}

TEST(names, a_program_of_unknown_sizes_has_them_too) {
  const plan p = planOf(R"(
    func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
      %0 = stablehlo.add %x, %x : tensor<?xf32>
      return %0 : tensor<?xf32>
    })");
  EXPECT_TRUE(p.open);
  EXPECT_EQ(p.input_names, names{"x"});
}

}  // namespace
}  // namespace wherry::compile
