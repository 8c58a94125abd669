// Native.h: the steps of the native exit, in the order in which emitNative takes them.
//
// kernels (func, scf, arith, math, vector, memref) -> LLVM dialect, in one conversion -> LLVM IR, not
// optimised -> object in memory -> image. Kernels are born vectorised, so the IR optimiser would cost
// three times the compile time and gain nothing; instruction selection at level `Less` is enough.
//
// Threads: `lower` belongs to the thread of the kernels' MLIR context; everything after it is free of
// that context, so one thread can lower several modules and others generate their code meanwhile.
#pragma once

#include <memory>

#include "compiler/Kernels.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm
namespace mlir {
class LLVMTypeConverter;
class RewritePatternSet;
}  // namespace mlir

namespace wherry::compile::native {

/// LLVM IR of a module of kernels, with a context of its own, and the kernels' names in order.
struct Lowered {
  Lowered(std::unique_ptr<llvm::LLVMContext> context, std::unique_ptr<llvm::Module> module,
          std::vector<std::string> names);
  Lowered(Lowered&&) noexcept;
  ~Lowered();

  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::vector<std::string> names;
};

/// The first half of emitNative: consumes `kernels`. Loads the dialects that it needs into their context.
mlir::FailureOr<Lowered> lower(mlir::ModuleOp kernels);

/// The second half, on any thread: most of the time goes here. Returns an image for each kernel, in order.
llvm::Expected<std::vector<NativeImage>> generate(Lowered lowered, const NativeOptions& options);

/// What code generation may use. `level` names the instruction sets ("x86-64-v3"), so code made on one
/// machine runs on every other of that level; `tune` only orders instructions.
struct Cpu {
  std::string level;
  std::string tune;
  bool wide() const { return level == "x86-64-v4"; }  // has 512-bit registers
};

/// Resolves "native", "x86-64-v3" and "x86-64-v4". Fails for other names, and for a host below v3.
llvm::Expected<Cpu> chooseCpu(llvm::StringRef name);

/// Turns every kernel into an `llvm.func` of signature `void(ptr slots, i64 lo, i64 hi)`. Fails with a
/// diagnostic at the op for anything outside the set of Kernels.h.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp kernels);

/// Lowers memory accesses (1-D memrefs as plain pointers), `vector.fma`, `vector.step` and floating
/// reductions. A floating reduction adds halves: lane i and lane i + n/2, then quarters, and so on.
void populateMemoryPatterns(const mlir::LLVMTypeConverter& converter, mlir::RewritePatternSet& patterns);
void populateLanePatterns(const mlir::LLVMTypeConverter& converter, mlir::RewritePatternSet& patterns);

/// Returns an ELF object of `module`. `optLevel` is 0 to 3 (None, Less, Default, Aggressive).
llvm::Expected<llvm::SmallVector<char, 0>> emitObject(llvm::Module& module, const Cpu& cpu,
                                                      unsigned optLevel);

/// Returns an image of the prebuilt kernels `names` ("gemm_f32.compute") for CPUs of `level`, made from the
/// objects of wherry::kernels. Fails for a name that is no prebuilt kernel.
llvm::Expected<NativeImage> prebuiltImage(llvm::StringRef level, llvm::ArrayRef<std::string> names);

/// Lays out the code and constants of `object` that the functions `names` reach, and resolves relocations.
/// `entries` gets the offset of each of `names`. Fails, naming the symbol, if anything outside the object is
/// needed.
llvm::Expected<NativeImage> linkImage(llvm::ArrayRef<char> object, llvm::ArrayRef<std::string> names);

/// As linkImage, an image for each of `names`.
llvm::Expected<std::vector<NativeImage>> linkImages(llvm::ArrayRef<char> object,
                                                    llvm::ArrayRef<std::string> names);

/// Appends `image` to `all`, aligned as an image of its own is.
void appendImage(NativeImage& all, const NativeImage& image);

}  // namespace wherry::compile::native
