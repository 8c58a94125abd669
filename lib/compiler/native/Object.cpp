// Object.cpp: LLVM IR to an ELF object in memory.

#include <mutex>

#include "Native.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace wherry::compile::native {
namespace {

// The only process-wide state: LLVM's registry of targets, filled once.
const Target* x86Target(const Triple& triple, std::string& why) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  return TargetRegistry::lookupTarget(triple, why);
}

// Loop strength reduction is a third of code generation (0.4 of 1.3 ms for a small kernel), and kernels come
// with their addresses as base plus index, which is what x86 wants: it waits for level 2. The gate
// belongs to an LLVMContext; LLVM's own switch for the pass would be one for the whole process.
struct WithoutStrengthReduction : OptPassGate {
  bool isEnabled() const override { return true; }
  bool shouldRunPass(StringRef pass, StringRef) const override { return pass != "Loop Strength Reduction"; }
};

}  // namespace

Expected<SmallVector<char, 0>> emitObject(Module& module, const Cpu& cpu, unsigned optLevel) {
  const Triple triple("x86_64-unknown-linux-gnu");
  std::string why;
  const Target* target = x86Target(triple, why);
  if (!target) return createStringError("internal error: " + why);

  TargetOptions options;
  options.FunctionSections = true;               // an image takes what its kernels reach
  options.AllowFPOpFusion = FPOpFusion::Strict;  // only an explicit fma fuses: both exits agree
  const auto level = CodeGenOpt::getLevel(static_cast<int>(optLevel)).value_or(CodeGenOptLevel::Aggressive);
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, cpu.level, "", options, Reloc::PIC_, std::nullopt, level));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  for (Function& function : module) {
    function.addFnAttr("target-cpu", cpu.level);
    function.addFnAttr("tune-cpu", cpu.tune);
    // The level's own tuning prefers 256 bits; kernels ask for the width they want.
    if (cpu.wide()) function.addFnAttr("prefer-vector-width", "512");
  }

  static WithoutStrengthReduction gate;
  module.getContext().setOptPassGate(optLevel < 2 ? gate : getGlobalPassGate());

  SmallVector<char, 0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager passes;
  MCContext* context = nullptr;
  if (machine->addPassesToEmitMC(passes, context, stream, /*DisableVerify=*/true))
    return createStringError("internal error: LLVM's X86 back end cannot emit an object");
  passes.run(module);
  return object;
}

}  // namespace wherry::compile::native
