// robustness_test.cpp: input that nobody should write is refused with a place, and costs neither time nor
// memory.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "stablehlo/Parse.h"

namespace {

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

/// What is said about `source`; empty if it is accepted.
std::string refusal(std::string_view source) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics;
  const auto module = mlir::stablehlo::parseStablehlo(context, source, "p.mlir", diagnostics);
  if (module) return {};
  return diagnostics.empty() ? "nothing is said" : diagnostics;
}

std::string in_main(const std::string& body) {
  return "func.func @main(%a: tensor<4xf32>, %i: tensor<2xi32>) {\n" + body + "\nreturn\n}\n";
}

TEST(robustness, what_would_overflow_the_parsers_stack_is_refused_at_once) {
  const std::vector<std::string> sources = {
      repeat("module {\n", 10000) + repeat("}\n", 10000),
      "func.func @main(%a: " + repeat("tuple<", 10000) + "tensor<f32>" + repeat(">", 10000) + ")",
      "module attributes {mhlo.a = " + repeat("[", 10000) + repeat("]", 10000) + "} {}",
      "module attributes {mhlo.a = affine_map<(d0) -> (" + repeat("-", 100000) + "d0)>} {}",
      "module attributes {mhlo.a = affine_map<(d0) -> (d0" + repeat(" + d0", 100000) + ")>} {}",
      "module attributes {mhlo.a = affine_map<(d0) -> (" + repeat("(", 10000) + "d0" + repeat(")", 10000) +
          ")>} {}",
      "module {} loc(" + repeat("callsite(\"a\" at ", 5000) + "\"b\"" + repeat(")", 5000) + ")",
  };
  for (const std::string& source : sources) {
    const std::string said = refusal(source);
    EXPECT_EQ(said.rfind("p.mlir:", 0), 0u) << said.substr(0, 200);
    EXPECT_NE(said.find("error: "), std::string::npos);
  }
  EXPECT_EQ(refusal("module attributes {mhlo.a = affine_map<(d0) -> (d0 * 2 - 1)>, mhlo.b = -1 : i32} {}"),
            "");
}

/// `depth` branches in each other, in the generic form, or loops in the pretty one.
std::string branches(int depth) {
  return "func.func @main(%p: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {\n" +
         repeat("%r = \"stablehlo.if\"(%p) ({\n", depth) + "stablehlo.return %x : tensor<4xf32>\n" +
         repeat(
             "}, {\nstablehlo.return %x : tensor<4xf32>\n}) : (tensor<i1>) -> tensor<4xf32>\n"
             "stablehlo.return %r : tensor<4xf32>\n",
             depth - 1) +
         "}, {\nstablehlo.return %x : tensor<4xf32>\n}) : (tensor<i1>) -> tensor<4xf32>\n"
         "return %r : tensor<4xf32>\n}\n";
}

TEST(robustness, regions_may_nest_nearly_a_thousand_levels_deep) {
  EXPECT_EQ(refusal(branches(990)), "");
  EXPECT_EQ(refusal(repeat("module {\n", 1000) + repeat("}\n", 1000)), "");
  const std::string said = refusal(branches(1001));
  EXPECT_EQ(said, "p.mlir:1001:26: error: brackets and regions nest deeper than 1000 levels\n");
}

TEST(robustness, a_type_that_doubles_sixty_times_is_refused) {
  std::string text = "!t0 = tuple<i32, i32>\n", harmless = text;
  for (int i = 0; i < 60; ++i)
    text += "!t" + std::to_string(i + 1) + " = tuple<!t" + std::to_string(i) + ", !t" + std::to_string(i) +
            ">  // twice\n";
  EXPECT_EQ(refusal(text + "func.func private @f(!t60)"),
            "p.mlir:21:20: error: a type may consist of at most 1048576 others\n");
  for (int i = 0; i < 1000; ++i) harmless += "func.func private @f" + std::to_string(i) + "(!t0, !t0)\n";
  EXPECT_EQ(refusal(harmless), "");
}

TEST(robustness, types_with_more_elements_than_can_be_counted_are_refused_where_they_stand) {
  EXPECT_EQ(refusal("func.func @main() {\n  %0 = stablehlo.iota dim = 0 : "
                    "tensor<4294967296x4294967296x2xf32>\n  return\n}"),
            "p.mlir:2:40: error: a type may have at most 72057594037927936 elements\n");
  EXPECT_NE(refusal("func.func private @f(tensor<0x4294967296x4294967296xf32>)"), "");
  EXPECT_NE(refusal("func.func private @f(tensor<99999999999999999999999xf32>)"), "");
  EXPECT_NE(refusal("func.func private @f(tensor<-4xf32>)"), "");
  EXPECT_EQ(refusal("func.func private @f(tensor<4294967296x?x4xf32>)"), "");
}

TEST(robustness, constants_that_do_not_fit_their_type_are_refused) {
  for (const char* const value :
       {"dense<\"0x0011\"> : tensor<4xf32>", "dense<\"0x001\"> : tensor<4xi8>",
        "dense<\"0xZZ\"> : tensor<1xi8>", "dense<\"0x0011> : tensor<4xf32>",
        "dense<\"0x010\"> : tensor<10xi1>", "dense<[1, 2, 3]> : tensor<4xi32>",
        "dense<[[1, 2], [3]]> : tensor<2x2xi32>", "dense<99999999999999999999> : tensor<4xi32>",
        "dense<1> : tensor<?xi32>", "sparse<[[99]], [1.0]> : tensor<4xf32>"}) {
    const std::string said = refusal(in_main(std::string("%0 = stablehlo.constant ") + value));
    EXPECT_EQ(said.rfind("p.mlir:2:", 0), 0u) << value << ": " << said;
  }
  EXPECT_EQ(refusal("func.func @main() -> tensor<4xf32> {\n  %0 = stablehlo.constant dense_resource<blob> : "
                    "tensor<4xf32>\n"
                    "  return %0 : tensor<4xf32>\n}\n{-#\n  dialect_resources: { builtin: { blob: "
                    "\"0x0400000000000000\" } }\n#-}\n"),
            "p.mlir:2:8: error: a constant of type 'tensor<4xf32>' needs a resource of 16 bytes, got 4\n");
}

TEST(robustness, wrong_regions_and_attributes_are_refused_not_followed) {
  for (const char* const operation : {
           "%0 = \"stablehlo.reduce\"(%a, %a) <{dimensions = array<i64: 0>}> : (tensor<4xf32>, "
           "tensor<4xf32>) -> tensor<f32>",
           "%0 = \"stablehlo.reduce\"(%a, %a) <{dimensions = array<i64: 0>}> ({}) : (tensor<4xf32>, "
           "tensor<4xf32>) -> tensor<f32>",
           "%0 = \"stablehlo.while\"(%a) ({\n^bb0(%x: tensor<4xf32>):\n}, {\n^bb0(%x: tensor<4xf32>):\n}) : "
           "(tensor<4xf32>) -> tensor<4xf32>",
           "%0 = \"stablehlo.while\"(%a) : (tensor<4xf32>) -> tensor<4xf32>",
           "%0 = \"stablehlo.case\"(%i) : (tensor<2xi32>) -> tensor<4xf32>",
           "\"stablehlo.sort\"() <{dimension = 0 : i64}> ({\nstablehlo.return\n}) : () -> ()",
           "\"stablehlo.reduce\"() <{dimensions = array<i64: 0>}> ({\nstablehlo.return\n}) : () -> ()",
           "%0 = \"stablehlo.iota\"() : () -> tensor<4xf32>",
           "%0 = stablehlo.iota dim = 5 : tensor<4xf32>",
           "%0 = \"stablehlo.transpose\"(%a) <{permutation = array<i64: 9>}> : (tensor<4xf32>) -> "
           "tensor<4xf32>",
           "%0 = \"stablehlo.broadcast_in_dim\"(%a) <{broadcast_dimensions = array<i64: -1>}> : "
           "(tensor<4xf32>) -> tensor<4xf32>",
           "%0 = \"stablehlo.concatenate\"() <{dimension = 0 : i64}> : () -> tensor<4xf32>",
           "%0 = \"stablehlo.slice\"(%a) <{start_indices = array<i64: 0>, limit_indices = array<i64: 4>, "
           "strides = array<i64: 0>}> : (tensor<4xf32>) -> tensor<4xf32>",
           "%0 = \"stablehlo.dot_general\"(%a, %a) <{dot_dimension_numbers = "
           "#stablehlo.dot<lhs_contracting_dimensions = [9], rhs_contracting_dimensions = [-9]>}> : "
           "(tensor<4xf32>, tensor<4xf32>) -> tensor<f32>",
           "%0 = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [7], "
           "collapsed_slice_dims = [9], start_index_map = [-4], index_vector_dim = 99>, slice_sizes = "
           "array<i64: -1>}> : (tensor<4xf32>, tensor<2xi32>) -> tensor<2xf32>",
           "%0 = call @nowhere() : () -> tensor<4xf32>",
       }) {
    const std::string said = refusal(in_main(operation));
    EXPECT_EQ(said.rfind("p.mlir:", 0), 0u) << operation << ": " << said;
    EXPECT_NE(said.find(": error: "), std::string::npos) << operation << ": " << said;
  }
  EXPECT_EQ(
      refusal("func.func @main(%a: tensor<f32>) -> tensor<f32> {\n  stablehlo.return %a : tensor<f32>\n}\n"),
      "p.mlir:2:3: error: a function ends in func.return\n");
}

TEST(robustness, aliases_that_are_chained_repeated_or_circular_are_no_trouble) {
  std::string chain = "#a0 = 1 : i32\n", doubling = "#a0 = [1, 2]\n";
  for (int i = 0; i < 200; ++i) chain += "#a" + std::to_string(i + 1) + " = [#a" + std::to_string(i) + "]\n";
  for (int i = 0; i < 60; ++i)
    doubling +=
        "#a" + std::to_string(i + 1) + " = [#a" + std::to_string(i) + ", #a" + std::to_string(i) + "]\n";
  EXPECT_EQ(refusal(chain + "module attributes {mhlo.x = #a200} {}"), "");
  EXPECT_EQ(refusal(doubling + "module attributes {mhlo.x = #a60} {}"), "");
  EXPECT_NE(refusal("#a = #b\n#b = #a\nmodule attributes {mhlo.x = #a} {}"), "");
  EXPECT_NE(refusal("!a = tuple<!a>\nfunc.func private @f(!a)"), "");
  EXPECT_EQ(refusal("#l0 = loc(\"a.py\":1:2)\n#l1 = loc(\"name\"(#l0))\nfunc.func @main() {\n  return "
                    "loc(#l1)\n} loc(#l1)\n"),
            "");
}

TEST(robustness, text_that_is_cut_anywhere_is_refused_with_a_place) {
  const std::string whole =
      "module @m attributes {mhlo.a = [1, \"x\"]} {\n  func.func @main(%a: tensor<4xf32>) -> tensor<f32> {\n"
      "    %z = stablehlo.constant dense<\"0x00000000\"> : tensor<f32>\n"
      "    %r = stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [0] : "
      "(tensor<4xf32>, "
      "tensor<f32>) -> tensor<f32>\n    return %r : tensor<f32>\n  }\n}";
  ASSERT_EQ(refusal(whole), "");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const std::string said = refusal(std::string_view(whole).substr(0, size));
    EXPECT_EQ(said.rfind("p.mlir:", 0), 0u) << size << ": " << said;
  }
}

}  // namespace
