// bytecode_test.cpp: programs as bytecode: portable artifacts of several versions, upstream's own, and ours.
//
// The folder `artifacts` has programs as text, and as upstream's tools wrote them (jaxlib, as hexadecimal
// text): NAME_VERSION.hex is the portable artifact of NAME.mlir, NAME_native.hex bytecode of the dialect.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "stablehlo/Dialect.h"
#include "stablehlo/Parse.h"

namespace {

std::string read(const std::string& name) {
  std::ifstream in(std::string(WHERRY_SOURCE_DIR) + "/tests/stablehlo/artifacts/" + name, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string artifact(const std::string& name) {
  std::string digits = read(name + ".hex");
  std::erase_if(digits, [](char c) { return !std::isxdigit(static_cast<unsigned char>(c)); });
  return llvm::fromHex(digits);
}

struct parsed {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::string diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  explicit parsed(std::string_view source)
      : module(mlir::stablehlo::parseStablehlo(context, source, "p", diagnostics)) {}

  std::string text() {
    if (!module) return "does not parse: " + diagnostics;
    std::string out;
    llvm::raw_string_ostream stream(out);
    module->print(stream, mlir::OpPrintingFlags().printGenericOpForm());
    return out;
  }
  std::string bytecode() {
    std::string out;
    llvm::raw_string_ostream stream(out);
    EXPECT_TRUE(mlir::succeeded(mlir::writeBytecodeToFile(*module, stream)));
    return out;
  }
};

/// `text` with the first `from` replaced by `to`, which is as long.
std::string with(std::string text, std::string_view from, std::string_view to) {
  EXPECT_EQ(from.size(), to.size());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

TEST(bytecode, a_portable_artifact_of_any_version_is_the_program_it_was_made_from) {
  for (const std::string name : {"accuracy_1.17.0", "attributes_1.8.0", "attributes_1.17.0", "dynamic_0.9.0",
                                 "dynamic_1.17.0", "quantized_1.17.0"}) {
    parsed text(read(name.substr(0, name.find('_')) + ".mlir")), made(artifact(name));
    EXPECT_EQ(made.text(), text.text()) << name;
  }
}

TEST(bytecode, upstreams_own_bytecode_is_read_too) {
  for (const std::string name : {"accuracy", "dynamic"})
    EXPECT_EQ(parsed(artifact(name + "_native")).text(), parsed(read(name + ".mlir")).text());
}

TEST(bytecode, what_this_library_writes_it_reads) {
  for (const char* const name : {"accuracy", "attributes", "dynamic", "quantized", "sharded"}) {
    parsed text(read(std::string(name) + ".mlir"));
    ASSERT_TRUE(text.module) << text.diagnostics;
    EXPECT_EQ(parsed(text.bytecode()).text(), text.text()) << name;
  }
}

TEST(bytecode, shardings_for_one_device_mean_nothing) {
  for (const std::string& source : {read("sharded.mlir"), artifact("sharded_1.17.0")}) {
    parsed p(source);
    ASSERT_TRUE(p.module) << p.diagnostics;
    std::string operations;
    p.module->walk([&](mlir::Operation* op) { operations += op->getName().getStringRef().str() + " "; });
    EXPECT_EQ(operations, "stablehlo.custom_call stablehlo.add func.return func.func builtin.module ");
  }
}

TEST(bytecode, a_manual_computation_on_parts_is_refused) {
  parsed p(
      "sdy.mesh @mesh = <[\"x\"=2]>\n"
      "func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {\n"
      "  %0 = sdy.manual_computation(%x) in_shardings=[<@mesh, [{\"x\"}]>] out_shardings=[<@mesh, "
      "[{\"x\"}]>] "
      "manual_axes={\"x\"} (%y: tensor<4xf32>) {\n    sdy.return %y : tensor<4xf32>\n"
      "  } : (tensor<8xf32>) -> tensor<8xf32>\n  return %0 : tensor<8xf32>\n}\n");
  EXPECT_FALSE(p.module);
  EXPECT_EQ(p.diagnostics,
            "p:3:8: error: sdy.manual_computation that gives each device a part needs several devices\n");
}

TEST(bytecode, an_operation_of_a_newer_version_is_refused_by_name) {
  const std::string newer = with(
      with(artifact("attributes_1.17.0"), "StableHLO_v1.17.0", "StableHLO_v1.99.0"), "tanh_v2", "tanh_v9");
  parsed p(newer);
  EXPECT_FALSE(p.module);
  EXPECT_NE(p.diagnostics.find("unknown operation `vhlo.tanh_v9`"), std::string::npos) << p.diagnostics;
  EXPECT_NE(p.diagnostics.find("the artifact is one of StableHLO_v1.99.0; versions up to 1.20 are known"),
            std::string::npos)
      << p.diagnostics;
}

TEST(bytecode, every_beginning_of_an_artifact_is_refused_with_a_message) {
  const std::string whole = artifact("attributes_1.17.0");
  for (std::size_t size = 4; size < whole.size(); size += 7) {
    parsed p(std::string_view(whole).substr(0, size));
    EXPECT_FALSE(p.module) << size;
    EXPECT_NE(p.diagnostics.find("error: "), std::string::npos) << size;
  }
}

}  // namespace
