// Donation in compiled programs: what `tf.aliasing_output` says is where results live.
#include <gtest/gtest.h>

#include <wherry/client.hpp>

namespace wherry {
namespace {

TEST(donation_in_programs, results_take_the_memory_of_donated_arguments_across) {
  const client here;
  const executable swap = here.compile(program::from_text(R"(
      func.func @main(%a: tensor<3xf32> {tf.aliasing_output = 1 : i32},
                      %b: tensor<3xf32> {tf.aliasing_output = 0 : i32}) -> (tensor<3xf32>, tensor<3xf32>) {
        %one = stablehlo.constant dense<1.0> : tensor<3xf32>
        %0 = stablehlo.add %a, %one : tensor<3xf32>
        %1 = stablehlo.add %b, %one : tensor<3xf32>
        return %0, %1 : tensor<3xf32>, tensor<3xf32>
      })"));
  const buffer a = here.buffer(std::vector<float>{1, 2, 3}, {3});
  const buffer b = here.buffer(std::vector<float>{10, 20, 30}, {3});
  const auto memory_a = a.handle()->memory, memory_b = b.handle()->memory;
  const auto [first, second] = swap(a, b).unpack<2>();
  EXPECT_EQ(first.handle()->memory, memory_b);
  EXPECT_EQ(second.handle()->memory, memory_a);
  EXPECT_EQ(first.value().data<float>()[2], 4);
  EXPECT_EQ(second.value().data<float>()[2], 31);
}

}  // namespace
}  // namespace wherry
