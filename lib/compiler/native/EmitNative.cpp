// EmitNative.cpp: the native exit: a module of kernels in, an image of machine code out.

#include "Native.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

namespace wherry::compile {
namespace native {
namespace {

void prepare(mlir::MLIRContext& context) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);
  // The lowering creates ops of these; scf, vector and math come with the kernels.
  context.loadDialect<mlir::LLVM::LLVMDialect, mlir::cf::ControlFlowDialect, mlir::arith::ArithDialect>();
}

}  // namespace

Lowered::Lowered(std::unique_ptr<llvm::LLVMContext> c, std::unique_ptr<llvm::Module> m,
                 std::vector<std::string> n)
    : context(std::move(c)), module(std::move(m)), names(std::move(n)) {}
Lowered::Lowered(Lowered&&) noexcept = default;
Lowered::~Lowered() = default;

mlir::FailureOr<Lowered> lower(mlir::ModuleOp kernels) {
  prepare(*kernels.getContext());
  if (mlir::failed(lowerToLLVM(kernels))) return mlir::failure();
  std::vector<std::string> names;
  for (auto function : kernels.getOps<mlir::LLVM::LLVMFuncOp>()) names.push_back(function.getName().str());
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = mlir::translateModuleToLLVMIR(kernels, *context, "kernels", /*disableVerification=*/true);
  if (!module) return mlir::failure();
  return Lowered(std::move(context), std::move(module), std::move(names));
}

llvm::Expected<std::vector<NativeImage>> generate(Lowered lowered, const NativeOptions& options) {
  llvm::Expected<Cpu> cpu = chooseCpu(options.cpu);
  if (!cpu) return cpu.takeError();
  auto object = emitObject(*lowered.module, *cpu, options.optLevel);
  if (!object) return object.takeError();
  auto images = linkImages(*object, lowered.names);
  if (images)
    for (NativeImage& image : *images) image.cpuFeatures = cpu->level;
  return images;
}

}  // namespace native

mlir::FailureOr<NativeImage> emitNative(mlir::ModuleOp kernels, const NativeOptions& options) {
  const mlir::Location loc = kernels.getLoc();
  auto lowered = native::lower(kernels);
  if (mlir::failed(lowered)) return mlir::failure();
  auto images = native::generate(std::move(*lowered), options);
  if (!images) return mlir::emitError(loc) << llvm::toString(images.takeError());
  NativeImage all;
  for (const NativeImage& image : *images) native::appendImage(all, image);
  return all;
}

}  // namespace wherry::compile
