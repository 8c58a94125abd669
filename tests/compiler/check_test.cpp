// Self-checking programs: checks become outputs.
#include "compiler/Check.h"

#include <gtest/gtest.h>

#include <wherry/status/error.hpp>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using namespace wherry::testing;
using compile::Check;

TEST(check, both_sides_of_every_check_become_outputs) {
  const auto program = compile::splitChecks(R"(module @jit_main {
  func.func public @main() -> tensor<2xf32> {
    %0 = call @inputs() : () -> tensor<2xf32>
    %1 = call @expected() : () -> tensor<2xf32>
    %2 = stablehlo.add %0, %0 : tensor<2xf32>
    stablehlo.custom_call @check.expect_close(%2, %1) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
    %3 = stablehlo.custom_call @check.eq(%2, %0) : (tensor<2xf32>, tensor<2xf32>) -> tensor<i1>
    return %2 : tensor<2xf32>
  }
  func.func private @inputs() -> tensor<2xf32> {
    %c = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
    return %c : tensor<2xf32>
  }
  func.func private @expected() -> tensor<2xf32> {
    %c = stablehlo.constant dense<[2.0, 4.0]> : tensor<2xf32>
    return %c : tensor<2xf32>
  }
})",
                                            "check.mlir");
  ASSERT_EQ(program.checks.size(), 2u);
  EXPECT_EQ(program.checks[0].kind, Check::Kind::Close);
  EXPECT_EQ(program.checks[0].maxUlps, 3);
  EXPECT_EQ(program.checks[0].location.substr(0, 13), "check.mlir:6:");
  EXPECT_EQ(program.checks[1].kind, Check::Kind::EqualOrNear);
  EXPECT_EQ(program.checks[1].tolerance, 1e-4);
  const plan p = compile_text(program.source, program.function);
  const auto out = plan_runner(p).run({});
  ASSERT_EQ(out.size(), 5u);
  const std::vector<float> two{2, 4}, one{1, 2};
  EXPECT_EQ(values_from<float>(out[program.checks[0].actual]), two);
  EXPECT_EQ(values_from<float>(out[program.checks[0].expected]), two);
  EXPECT_EQ(values_from<float>(out[program.checks[1].actual]), two);
  EXPECT_EQ(values_from<float>(out[program.checks[1].expected]), one);
}

TEST(check, operations_of_the_check_dialect_carry_their_constants_and_tolerances) {
  const auto program = compile::splitChecks(R"(func.func @test() {
    %0 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf64>
    check.expect_eq_const %0, dense<[1.0, 3.0]> : tensor<2xf64>
    check.expect_almost_eq_const %0, dense<[1.0, 2.5]> : tensor<2xf64>
    check.expect_close %0, %0, max_ulp_difference = 1 : tensor<2xf64>, tensor<2xf64>
    return
  })",
                                            "check.mlir");
  ASSERT_EQ(program.checks.size(), 3u);
  EXPECT_EQ(program.checks[0].kind, Check::Kind::Equal);
  EXPECT_EQ(program.checks[1].tolerance, 1e-4);
  EXPECT_EQ(program.checks[2].maxUlps, 1);
  const plan p = compile_text(program.source, program.function);
  const auto out = plan_runner(p).run({});
  EXPECT_EQ(values_from<double>(out[program.checks[0].expected]), (std::vector<double>{1, 3}));
  EXPECT_EQ(values_from<double>(out[program.checks[1].expected]), (std::vector<double>{1, 2.5}));
}

TEST(check, what_a_probe_records_in_each_pass_becomes_a_value) {
  const auto program = compile::splitChecks(R"(func.func @test() {
    %zero = stablehlo.constant dense<0> : tensor<i64>
    %one = stablehlo.constant dense<1> : tensor<i64>
    %two = stablehlo.constant dense<2> : tensor<i64>
    %0:2 = stablehlo.while(%i = %zero, %sum = %zero) : tensor<i64>, tensor<i64>
      cond {
        %p = stablehlo.compare LT, %i, %two : (tensor<i64>, tensor<i64>) -> tensor<i1>
        stablehlo.return %p : tensor<i1>
      } do {
        %1 = stablehlo.add %sum, %two : tensor<i64>
        %2 = interpreter.probe %1, probe_id = "sum" : tensor<i64>
        %3 = stablehlo.add %i, %one : tensor<i64>
        stablehlo.return %3, %2 : tensor<i64>, tensor<i64>
      }
    check.expect_serialized_eq %two, probe_id = "sum" : tensor<i64>
    check.expect_serialized_eq %two, probe_id = "sum", iter = 1 : tensor<i64>
    check.expect_serialized_eq %zero, probe_id = "sum", iter = 2 : tensor<i64>
    return
  })",
                                            "check.mlir");
  const plan p = compile_text(program.source, program.function);
  const auto out = plan_runner(p).run({});
  // For each check: whether the probe ran that often, and the record.
  ASSERT_EQ(program.checks.size(), 6u);
  const auto ran = [&](std::size_t check) {
    return values_from<char>(out[program.checks[check].actual])[0] != 0;
  };
  const auto record = [&](std::size_t check) {
    return values_from<std::int64_t>(out[program.checks[check].actual])[0];
  };
  EXPECT_TRUE(ran(0));
  EXPECT_EQ(record(1), 2);
  EXPECT_TRUE(ran(2));
  EXPECT_EQ(record(3), 4);
  EXPECT_FALSE(ran(4));
}

TEST(check, a_check_of_an_unknown_probe_is_refused_with_its_place) {
  try {
    compile::splitChecks(
        "func.func @main(%a: tensor<2xf32>) {\n  check.expect_serialized_eq %a, probe_id = \"p\" : "
        "tensor<2xf32>\n  return }",
        "check.mlir");
    ADD_FAILURE() << "accepted";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kUnimplemented);
    EXPECT_EQ(std::string(e.what()).substr(0, 13), "check.mlir:2:");
  }
}

}  // namespace
