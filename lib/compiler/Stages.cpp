// Stages.cpp: what the compiler makes on its way, as text for people.
#include "compiler/Assemble.h"
#include "compiler/Compiler.h"
#include "compiler/KernelTable.h"
#include "compiler/Program.h"
#include "llvm/Support/raw_ostream.h"

namespace wherry::compile {

namespace {

std::string emit(Program& program, const compile_request& request, std::string_view stage) {
  mlir::func::FuncOp entry = program.entry(request.function);
  program.flatten(entry);
  program.prepare(entry, request.arguments);
  std::string text;
  if (stage == "stablehlo") {
    llvm::raw_string_ostream(text) << entry << "\n";
    return text;
  }
  target device = request.target;
  if (stage == "opencl") device.exit = target::codegen::opencl;
  if (stage == "llvm") device.exit = target::codegen::native;
  KernelTable kernels(program.context(), device);
  plan result;
  result.name = entry.getName().str();
  if (mlir::failed(assemble(entry, device, kernels, result, stage == "clusters" ? &text : nullptr)))
    program.raise(absl::StatusCode::kUnimplemented, "the program is not supported");
  if (stage == "clusters") return text;
  if (stage == "kernels") return kernels.text();
  if (stage == "llvm") {
    mlir::FailureOr<std::string> llvmText = kernels.llvmText();
    if (mlir::failed(llvmText)) program.raise(absl::StatusCode::kInternal, "lowering failed");
    return *llvmText;
  }
  if (mlir::failed(kernels.finish(result)))
    program.raise(absl::StatusCode::kInternal, "code generation failed");
  return stage == "opencl" ? result.opencl_source : textOf(result);
}

}  // namespace

std::string emitStage(const compile_request& request, std::string_view stage) {
  const auto isOneOf = [&](auto... names) { return ((stage == names) || ...); };
  if (!isOneOf("stablehlo", "clusters", "kernels", "llvm", "opencl", "plan"))
    throw error(absl::StatusCode::kInvalidArgument, "there is no stage '" + std::string(stage) + "'");
  Program program(request.source, request.source_name);
  std::string text;
  program.run([&] { text = emit(program, request, stage); });
  return text;
}

}  // namespace wherry::compile
