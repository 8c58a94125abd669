// parse_test.cpp: what the parser accepts and refuses before it looks at operations.
#include "stablehlo/Parse.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "llvm/Support/raw_ostream.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "stablehlo/Dialect.h"

namespace {

struct parsed {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::string diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  explicit parsed(std::string_view text)
      : module(mlir::stablehlo::parseStablehlo(context, text, "p.mlir", diagnostics)) {}

  std::string text() {
    std::string out;
    llvm::raw_string_ostream stream(out);
    module->print(stream);
    return out;
  }
  std::vector<bool> booleans() {
    std::vector<bool> values;
    module->walk([&](mlir::stablehlo::ConstantOp op) {
      for (const bool value : llvm::cast<mlir::DenseElementsAttr>(op.getValue()).getValues<bool>())
        values.push_back(value);
    });
    return values;
  }
};

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(parse, a_program_of_any_nesting_that_text_can_have_is_read_or_refused_but_never_overflows_the_stack) {
  parsed attributes("module attributes {a = " + repeat("[", 100000) + repeat("]", 100000) + "} {}");
  EXPECT_FALSE(attributes.module);
  EXPECT_EQ(attributes.diagnostics,
            "p.mlir:1:1024: error: brackets and regions nest deeper than 1000 levels\n");
  parsed regions(repeat("module {\n", 1200) + repeat("}\n", 1200));
  EXPECT_FALSE(regions.module);
  EXPECT_EQ(regions.diagnostics, "p.mlir:1001:8: error: brackets and regions nest deeper than 1000 levels\n");
  parsed fine(repeat("module {\n", 100) + repeat("}\n", 100));
  EXPECT_TRUE(fine.module) << fine.diagnostics;
}

TEST(parse, brackets_in_strings_and_comments_and_arrows_do_not_count_as_nesting) {
  parsed p("module attributes {wherry.a = \"" + repeat("[", 1400) + "\\\"" + repeat("{", 1400) +
           "\"} {\n// " + repeat("(", 1400) + "\n}\n");
  EXPECT_TRUE(p.module) << p.diagnostics;
  std::string functions;
  for (int i = 0; i < 1400; ++i)
    functions += "func.func private @f" + std::to_string(i) + "(tensor<f32>) -> tensor<f32>\n";
  parsed arrows(functions);
  EXPECT_TRUE(arrows.module) << arrows.diagnostics;
}

TEST(parse, boolean_constants_are_read_with_eight_elements_a_byte_and_with_one) {
  const std::vector<bool> expected = {true, false, true, true, false, false, false, false, false, true};
  EXPECT_EQ(parsed("%0 = stablehlo.constant dense<\"0x0D02\"> : tensor<10xi1>").booleans(), expected);
  EXPECT_EQ(parsed("%0 = stablehlo.constant dense<\"0x01000101000000000001\"> : tensor<2x5xi1>").booleans(),
            expected);
  EXPECT_EQ(parsed("%0 = stablehlo.constant dense<\"0x01\"> : tensor<10xi1>").booleans(),
            std::vector<bool>(10, true));
  parsed bytes("%0 = stablehlo.constant dense<\"0x0100\"> : tensor<2xi8>");
  ASSERT_TRUE(bytes.module) << bytes.diagnostics;
  EXPECT_NE(bytes.text().find("dense<[1, 0]> : tensor<2xi8>"), std::string::npos) << bytes.text();
}

TEST(parse, a_rewritten_constant_moves_no_later_diagnostic) {
  parsed p(
      "%0 = stablehlo.constant dense<\"0x01000101\"> : tensor<4xi1> %1 = stablehlo.bad %0 : tensor<4xi1>");
  EXPECT_FALSE(p.module);
  EXPECT_EQ(p.diagnostics.rfind("p.mlir:1:65: error: ", 0), 0u) << p.diagnostics;
}

TEST(parse, a_syntax_error_names_the_file_the_line_and_the_column) {
  parsed p("func.func @main() {\n  %0 = stablehlo.constant dense<1> tensor<i32>\n}\n");
  EXPECT_FALSE(p.module);
  EXPECT_EQ(p.diagnostics.rfind("p.mlir:2:35: error: ", 0), 0u) << p.diagnostics;
}

TEST(parse, attributes_of_unknown_dialects_are_kept_and_their_operations_refused) {
  parsed kept(
      "func.func @main(%a: tensor<2xf32> {sdy.sharding = #sdy.sharding<@m, [{}]>, jax.x = 1 : i32}) { return "
      "}");
  ASSERT_TRUE(kept.module) << kept.diagnostics;
  EXPECT_NE(kept.text().find("#sdy.sharding<@m, [{}]>"), std::string::npos) << kept.text();
  parsed refused("\n  \"mpmd.mesh\"() : () -> ()");
  EXPECT_FALSE(refused.module);
  EXPECT_EQ(refused.diagnostics, "p.mlir:2:3: error: unknown operation `mpmd.mesh`\n");
}

TEST(parse, bytecode_is_read_as_text_is) {
  parsed p(
      "func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {\n  %0 = stablehlo.add %a, %a : tensor<2xf32>\n"
      "  return %0 : tensor<2xf32>\n}\n");
  ASSERT_TRUE(p.module) << p.diagnostics;
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  ASSERT_TRUE(mlir::succeeded(mlir::writeBytecodeToFile(*p.module, stream)));
  parsed again(bytes);
  ASSERT_TRUE(again.module) << again.diagnostics;
  EXPECT_EQ(again.text(), p.text());
  bytes.resize(bytes.size() / 2);
  parsed half(bytes);
  EXPECT_FALSE(half.module);
  EXPECT_NE(half.diagnostics.find("error: "), std::string::npos);
}

TEST(parse, structures_take_their_fields_in_any_order) {
  parsed p(
      "func.func @main(%a: tensor<2x3xf32>, %n: tensor<4xi32>) {\n"
      "  %0 = \"stablehlo.gather\"(%a, %n) {slice_sizes = array<i64: 1, 3>, dimension_numbers = "
      "#stablehlo.gather<index_vector_dim = 1, start_index_map = [0], collapsed_slice_dims = [0], "
      "offset_dims = "
      "[1]>} : (tensor<2x3xf32>, tensor<4xi32>) -> tensor<4x3xf32>\n  return\n}\n");
  ASSERT_TRUE(p.module) << p.diagnostics;
  EXPECT_NE(
      p.text().find("#stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], "
                    "index_vector_dim = 1>"),
      std::string::npos)
      << p.text();
}

TEST(parse, bounds_of_dynamic_dimensions_are_read_in_both_spellings) {
  parsed p(
      "func.func private @f(tensor<?x3xf32, #stablehlo.bounds<4, ?>>, "
      "tensor<?x3xf32, #stablehlo.type_extensions<bounds = [4, ?]>>)");
  ASSERT_TRUE(p.module) << p.diagnostics;
  EXPECT_NE(
      p.text().find("(tensor<?x3xf32, #stablehlo.bounds<4, ?>>, tensor<?x3xf32, #stablehlo.bounds<4, ?>>)"),
      std::string::npos)
      << p.text();
  EXPECT_FALSE(parsed("func.func private @f(tensor<?x3xf32, #stablehlo.bounds<4>>)").module);
}

}  // namespace
