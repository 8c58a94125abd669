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
#include "compiler/native/Native.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"
#include "stablehlo/Parse.h"

namespace wherry::compile {
namespace {

class StablehloCompiler final : public compiler {
 public:
  /// What the code of a kernel depends on besides what it computes.
  std::string scopeOf(const target& target) const {
    return "kernel " + revision() + " " + target.cpu + " " + std::to_string(target.lanes) + "\n";
  }

  plan compile(const compile_request& request) override {
    requireCpu(request);
    Program program(request.source, request.source_name);
    plan result;
    program.run([&] { result = compile(program, request); });
    return result;
  }

  std::optional<std::string> stage(const compile_request& request, std::string_view name) override {
    return emitStage(request, name);
  }
  std::optional<std::string> text_of(const plan& p) override { return textOf(p); }

  bool embed_prebuilt(plan& p) override {
    std::vector<std::string> names;
    for (const kernel& k : p.kernels)
      if (k.from == kernel::origin::prebuilt) names.push_back(k.name);
    llvm::Expected<NativeImage> code = native::prebuiltImage(p.features, names);
    if (!code) throw error(absl::StatusCode::kInternal, p.name + ": " + llvm::toString(code.takeError()));
    NativeImage all;
    all.bytes = std::move(p.image);
    native::appendImage(all, *code);
    p.image = std::move(all.bytes);
    llvm::StringMap<uint64_t> entries;
    for (const auto& [name, offset] : all.entries) entries[name] = offset;
    for (kernel& k : p.kernels)
      if (k.from == kernel::origin::prebuilt) k = {k.name, kernel::origin::image, entries.lookup(k.name)};
    return true;
  }

  // Asked once: `cpuid` leaves the virtual machine.
  std::string revision() const override {
    static const std::string text = [] {
      std::vector<std::string> features;
      for (const auto& feature : llvm::sys::getHostCPUFeatures())
        if (feature.second) features.push_back(feature.first().str());
      std::sort(features.begin(), features.end());
      std::string all = "wherry " WHERRY_COMPILER_REVISION " llvm " LLVM_VERSION_STRING " " +
                        llvm::sys::getHostCPUName().str();
      for (const std::string& feature : features) all += "+" + feature;
      return all;
    }();
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
  static void requireCpu(const compile_request& request) {
    if (request.target.exit != target::codegen::native) return;
    const bool isHost = request.target.cpu.empty() || request.target.cpu == "native";
    llvm::Expected<native::Cpu> cpu = native::chooseCpu(isHost ? "native" : request.target.cpu);
    if (cpu) return;
    throw error(isHost ? absl::StatusCode::kUnimplemented : absl::StatusCode::kInvalidArgument,
                std::string(request.source_name) + ": " + llvm::toString(cpu.takeError()),
                reason::unsupported);
  }

  plan compile(Program& program, const compile_request& request) const {
    mlir::func::FuncOp entry = program.entry(request.function);
    program.flatten(entry);
    plan result;
    const std::vector<std::string> inputNames = argumentNames(entry, request.source);
    const std::vector<std::string> outputNames = resultNames(entry);
    if (request.arguments.empty())
      if (std::optional<plan> open = program.openPlan(entry)) result = std::move(*open);
    result.opencl = request.target.exit == target::codegen::opencl;
    // A function that was asked for says more than the module it is in, unless it is `main`.
    const bool asksForFunction = !request.function.empty() && request.function != "main";
    const std::optional<llvm::StringRef> moduleName = program.module().getName();
    result.function = entry.getName().str();
    result.name = moduleName && !asksForFunction ? moduleName->str() : result.function;
    result.is_named = moduleName || asksForFunction;
    result.input_names = inputNames;
    result.output_names = outputNames;
    if (result.open) return result;
    program.prepare(entry, request.arguments);
    KernelTable kernels(program.context(), request.target, request.among_others, request.kernels,
                        scopeOf(request.target));
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
