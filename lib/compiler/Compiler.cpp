// Compiler.cpp: see Compiler.h.
#include "compiler/Compiler.h"

#include <algorithm>
#include <string>
#include <vector>

#include "compiler/Assemble.h"
#include "compiler/KernelTable.h"
#include "compiler/Names.h"
#include "compiler/Program.h"
#include "compiler/Revision.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"
#include "stablehlo/Parse.h"

namespace wherry::compile {
namespace {

class StablehloCompiler final : public compiler {
 public:
  plan compile(const compile_request& request) override {
    Program program(request.source, request.source_name);
    plan result;
    program.run([&] { result = compile(program, request); });
    return result;
  }

  std::optional<std::string> stage(const compile_request& request, std::string_view name) override {
    return emitStage(request, name);
  }
  std::optional<std::string> text_of(const plan& p) override { return textOf(p); }

  std::string revision() const override {
    std::vector<std::string> features;
    for (const auto& feature : llvm::sys::getHostCPUFeatures())
      if (feature.second) features.push_back(feature.first().str());
    std::sort(features.begin(), features.end());
    std::string text = "wherry " WHERRY_COMPILER_REVISION " llvm " LLVM_VERSION_STRING " " +
                       llvm::sys::getHostCPUName().str();
    for (const std::string& feature : features) text += "+" + feature;
    return text;
  }

  std::map<std::string, std::string> attributes() const override {
    const auto text = [](const unsigned (&v)[2]) {
      return std::to_string(v[0]) + "." + std::to_string(v[1]) + ".0";
    };
    return {{"llvm_version", LLVM_VERSION_STRING},
            {"stablehlo_current_version", text(mlir::stablehlo::newestVhloVersion)},
            {"stablehlo_minimum_version", text(mlir::stablehlo::oldestVhloVersion)}};
  }

 private:
  static plan compile(Program& program, const compile_request& request) {
    mlir::func::FuncOp entry = program.entry(request.function);
    program.flatten(entry);
    plan result;
    const std::vector<std::string> inputNames = argumentNames(entry, request.source);
    const std::vector<std::string> outputNames = resultNames(entry);
    if (request.arguments.empty())
      if (std::optional<plan> open = program.openPlan(entry)) result = std::move(*open);
    result.name = entry.getName() == "main" && program.module().getName() ? program.module().getName()->str()
                                                                          : entry.getName().str();
    result.input_names = inputNames;
    result.output_names = outputNames;
    if (result.open) return result;
    program.prepare(entry, request.arguments);
    KernelTable kernels(program.context(), request.target);
    if (mlir::failed(assemble(entry, request.target, kernels, result)))
      program.raise(absl::StatusCode::kUnimplemented, "the program is not supported");
    if (mlir::failed(kernels.finish(result)))
      program.raise(absl::StatusCode::kInternal, "code generation failed");
    return result;
  }
};

}  // namespace

void install() {
  static StablehloCompiler instance;
  compiler::install(&instance);
}

}  // namespace wherry::compile

// Named by the link options of wherry::compiler, so that this object is part of every program that links it.
extern "C" {
extern const bool wherry_compiler_registration;
const bool wherry_compiler_registration = (wherry::compile::install(), true);
}
