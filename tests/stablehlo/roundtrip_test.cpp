// roundtrip_test.cpp: every program of the shared test data survives printing and reading again.
//
// A file is split at `// -----`. Each part is parsed and verified, printed in the pretty form, parsed
// again, and both modules are compared in the generic form, which leaves nothing out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OperationSupport.h"
#include "stablehlo/Parse.h"

namespace {

namespace fs = std::filesystem;

fs::path shared_folder() {
  if (const char* given = std::getenv("WHERRY_SHARED")) return given;
  return fs::path(WHERRY_SOURCE_DIR) / ".." / "shared";
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> split(std::string_view text) {
  constexpr std::string_view mark = "// -----";
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(mark);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + mark.size());
  }
}

std::string print(mlir::ModuleOp module, bool generic) {
  std::string text;
  llvm::raw_string_ostream out(text);
  mlir::OpPrintingFlags flags;
  flags.printGenericOpForm(generic);
  module->print(out, flags);
  return text;
}

// What is wrong with one part; empty if it survives.
std::string round_trip(const std::string& text, const std::string& name) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  std::string diagnostics;
  const auto first = mlir::stablehlo::parseStablehlo(context, text, name, diagnostics);
  if (!first) return diagnostics;
  const std::string pretty = print(*first, false);
  const auto second = mlir::stablehlo::parseStablehlo(context, pretty, name + " (printed)", diagnostics);
  if (!second) return diagnostics + pretty.substr(0, 2000);
  if (print(*first, true) != print(*second, true))
    return name + ": the printed program differs from the original";
  if (pretty != print(*second, false)) return name + ": printing is not stable";
  return {};
}

class round_trip_of : public testing::TestWithParam<const char*> {};

TEST_P(round_trip_of, every_program_is_read_printed_and_read_again_without_loss) {
  const fs::path folder = shared_folder() / GetParam();
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " does not exist: set WHERRY_SHARED to the shared data";
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".mlir") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  EXPECT_FALSE(files.empty()) << folder;
  int failures = 0;
  for (const auto& file : files) {
    int number = 0;
    for (const std::string& part : split(read(file))) {
      const std::string name = file.filename().string() + "#" + std::to_string(number++);
      const std::string problem = round_trip(part, name);
      if (problem.empty()) continue;
      ADD_FAILURE() << problem;
      if (++failures == 40) FAIL() << "more failures are not shown";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(shared, round_trip_of,
                         testing::Values("testdata/stablehlo/testdata", "testdata/stablehlo/interpret",
                                         "testdata/stablehlo/math", "programs"),
                         [](const auto& info) {
                           std::string name = info.param;
                           return name.substr(name.rfind('/') + 1);
                         });

}  // namespace
