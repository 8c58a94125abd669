// damaged_bytecode_test.cpp: bytecode that is not what it says is refused with the byte where that shows, and
// costs neither time nor memory.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "stablehlo/Parse.h"

namespace {

std::string artifact(const std::string& name) {
  std::ifstream in(std::string(WHERRY_SOURCE_DIR) + "/tests/stablehlo/artifacts/" + name + ".hex");
  std::ostringstream text;
  text << in.rdbuf();
  std::string digits = text.str();
  std::erase_if(digits, [](char c) { return !std::isxdigit(static_cast<unsigned char>(c)); });
  return llvm::fromHex(digits);
}

/// What is said about `bytecode`; empty if it is accepted.
std::string refusal(std::string_view bytecode) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics;
  const auto module = mlir::stablehlo::parseStablehlo(context, bytecode, "p", diagnostics);
  if (module) return {};
  return diagnostics.empty() ? "nothing is said" : diagnostics;
}

/// The bytecode of a program, in a version of the format.
std::string written(std::string_view text, int version = 6) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics, out;
  const auto module = mlir::stablehlo::parseStablehlo(context, text, "p", diagnostics);
  EXPECT_TRUE(module) << diagnostics;
  llvm::raw_string_ostream stream(out);
  mlir::BytecodeWriterConfig config;
  config.setDesiredBytecodeVersion(version);
  EXPECT_TRUE(mlir::succeeded(mlir::writeBytecodeToFile(*module, stream, config)));
  return out;
}

/// A number in the form that takes nine bytes.
std::string number(std::uint64_t value) {
  std::string bytes(1, '\0');
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string section(char id, const std::string& bytes) { return id + number(bytes.size()) + bytes; }

/// A file of version 6 with one string, one dialect (builtin), one type and one attribute, in their encoded
/// forms, whose program is `program`.
std::string file(const std::string& attribute, const std::string& type, const std::string& program) {
  const auto one = number(1), none = number(0);
  const std::string text("builtin\0module\0", 15);
  std::string all("ML\xEFR\x0Dtest\0", 10);
  all += section(0, number(2) + number(7) + number(8) + text);
  all += section(1, one + none + one + none + one + number(3));  // dialect 0; operation `builtin.module`
  all += section(2, attribute + type);
  all += section(3, one + one + none + one + number(attribute.size() << 1 | 1) + none + one +
                        number(type.size() << 1 | 1));
  all += section(4, program);
  return all + section(8, none);
}

const std::string unknown_location = number(15), i32_type = number(0) + number(32 << 2);
/// Of an empty block at the top.
const std::string nothing = number(0);

TEST(damaged_bytecode, a_file_put_together_by_hand_is_read) {
  EXPECT_EQ(refusal(file(unknown_location, i32_type, nothing)), "");
  // A module with an empty region: operation 0, regions, location 0, no attributes.
  const std::string module = number(1 << 1) + number(0) + '\x10' + number(0) + number(1 << 1);
  EXPECT_EQ(refusal(file(unknown_location, i32_type, module + number(1) + number(0) + number(0))), "");
}

TEST(damaged_bytecode, counts_and_references_that_do_not_fit_are_refused_where_they_stand) {
  const auto huge = number(std::uint64_t{1} << 60);
  const std::string at = "p:1:1: error: the bytecode is damaged at byte ";
  const struct {
    std::string bytes;
    const char* said;
  } cases[] = {
      {std::string("ML\xEFR", 4), "it ends in the middle of something"},
      {std::string("ML\xEFR\x0Fx\0", 7), "version 7 of the format; versions up to 6 are known"},
      {std::string("ML\xEFR\x0Dproducer", 13), "a text does not end"},
      {std::string("ML\xEFR\x0D\0\x09\x01", 8), "there is no section of number 9"},
      {std::string("ML\xEFR\x0D\0\x01\x01\x01\x01", 10), "there are two sections of number 1"},
      {std::string("ML\xEFR\x0D\0", 6) + section(1, ""), "there is no section of number 0"},
      {std::string("ML\xEFR\x0D\0\x81\x01\x07", 9), "an alignment of 3 bytes, which is no power of two"},
      {std::string("ML\xEFR\x0D\0\x01", 7) + huge, "bytes do not fit the 0 bytes that are left"},
      {file(unknown_location, i32_type, huge), "operations do not fit the 0 bytes that are left"},
      {file(unknown_location, i32_type, number(1) + huge), "arguments do not fit"},
      {file(unknown_location, i32_type, number(1 << 1) + number(1)), "there is no operation of number 1"},
      {file(unknown_location, i32_type, number(1 << 1) + number(0) + '\0' + number(9)),
       "there is no attribute of number 9, only 1"},
      {file(unknown_location, i32_type,
            number(1 << 1) + number(0) + '\x04' + number(0) + number(1) + number(7)),
       "there is no value of number 7, only 0"},
      {file(unknown_location, i32_type,
            number(1 << 1) + number(0) + '\x10' + number(0) + number(1 << 1) + huge),
       "blocks do not fit"},
      {file(unknown_location, i32_type, number(1 << 1) + number(0) + '\x40' + number(0) + number(3)),
       "there is no properties of number 3"},
      {file(unknown_location, i32_type, number(2 << 1)), "2 operations do not fit the 0 bytes"},
      {file(unknown_location, i32_type, nothing + nothing), "9 bytes are left after the end of the regions"},
      // A location that is the call site of itself, and a list that claims to be long.
      {file(number(10) + number(0) + number(0), i32_type, number(1 << 1) + number(0) + '\0' + number(0)),
       "attribute 0 contains itself"},
      {file(number(0) + huge, i32_type, number(1 << 1) + number(0) + '\0' + number(0)),
       "it ends in the middle of something"},
      {file(number(7), i32_type, number(1 << 1) + number(0) + '\0' + number(0)),
       "an attribute of another kind is expected than unit"},
      {file(number(9) + number(0) + number(0), i32_type, number(1 << 1) + number(0) + '\0' + number(0)),
       "but got: 'i32'"},
      {file(unknown_location, number(0) + number(3), number(1) + number(1) + number(0)),
       "an integer type of 0 bits and signedness 3"},
      {file(unknown_location, number(13) + number(1) + number(7) + number(0),
            number(1) + number(1) + number(0)),
       "a dimension of size -4"},
      {file(unknown_location, number(9) + number(0), number(1) + number(1) + number(0)),
       "type 0 contains itself"},
  };
  for (const auto& [bytes, said] : cases) {
    const std::string refused = refusal(bytes);
    EXPECT_EQ(refused.rfind(at, 0), 0u) << refused;
    EXPECT_NE(refused.find(said), std::string::npos) << refused << "\nwanted: " << said;
  }
}

TEST(damaged_bytecode, bytes_that_were_changed_lost_or_put_in_neither_crash_nor_hang) {
  std::vector<std::string> files;
  for (const char* const name : {"accuracy_1.17.0", "attributes_1.8.0", "attributes_1.17.0", "dynamic_0.9.0",
                                 "dynamic_native", "quantized_1.17.0", "sharded_1.17.0"})
    files.push_back(artifact(name));
  for (int version = 0; version <= 6; ++version)
    files.push_back(
        written("module @m attributes {mhlo.a = [1, \"x\", dense<[1, 2]> : tensor<2xi32>]} {\n"
                "func.func @main(%x: tensor<2x3xf32>) -> tensor<2xf32> {\n"
                "  %z = stablehlo.constant dense<0.0> : tensor<f32>\n"
                "  %r = stablehlo.reduce(%x init: %z) applies stablehlo.maximum across dimensions = "
                "[1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>\n"
                "  return %r : tensor<2xf32>\n}\n}",
                version));
  std::mt19937 random(4);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int k = 0; k < 2000; ++k) {
    std::string bytes = files[below(files.size())];
    const auto place = [&] { return 4 + below(bytes.size() - 4); };
    switch (below(5)) {
      case 0:
        bytes.resize(place());
        break;
      case 1:
        bytes.erase(place(), 1 + below(8));
        break;
      case 2:
        bytes.insert(place(), std::string(1 + below(8), static_cast<char>(random())));
        break;
      case 3:
        bytes.insert(place(), files[below(files.size())].substr(below(200), below(64)));
        break;
      default:
        for (auto n = 1 + below(8); n > 0; --n) bytes[place()] = static_cast<char>(random());
    }
    const std::string said = refusal(bytes);
    EXPECT_TRUE(said.empty() || said.find("p:1:1: error: ") != std::string::npos ||
                said.find(": error: ") != std::string::npos)
        << k << ": " << said;
  }
}

TEST(damaged_bytecode, a_type_that_doubles_sixty_times_is_refused) {
  // Tuples of the one before, twice each; the last is the argument's.
  std::string types = i32_type, sizes = number(i32_type.size() << 1 | 1);
  for (int i = 0; i < 60; ++i) {
    const std::string tuple = number(15) + number(2) + number(static_cast<std::uint64_t>(i)) +
                              number(static_cast<std::uint64_t>(i));
    types += tuple;
    sizes += number(tuple.size() << 1 | 1);
  }
  const auto one = number(1), none = number(0);
  std::string all("ML\xEFR\x0Dtest\0", 10);
  all += section(0, number(1) + number(8) + std::string("builtin\0", 8));
  all += section(1, one + none + none);
  all += section(2, unknown_location + types);
  all += section(3, one + number(61) + none + one + number(unknown_location.size() << 1 | 1) + none +
                        number(61) + sizes);
  all += section(4, number(1) + number(1) + number(60 << 1));
  all += section(8, none);
  EXPECT_NE(refusal(all).find("consists of more than 1048576 parts"), std::string::npos) << refusal(all);
}

}  // namespace
