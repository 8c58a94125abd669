// Cpu.cpp: which instruction sets the native exit may use.

#include "Native.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

namespace wherry::compile::native {
namespace {

// The levels of the x86-64 psABI; each includes the one above. Features are in LLVM's spelling.
struct Level {
  llvm::StringRef name;
  llvm::ArrayRef<llvm::StringRef> features;
};

constexpr llvm::StringRef v2[] = {"cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2"};
constexpr llvm::StringRef v3[] = {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"};
constexpr llvm::StringRef v4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
constexpr Level levels[] = {{"x86-64-v2", v2}, {"x86-64-v3", v3}, {"x86-64-v4", v4}};

// Kernels round once where they say so, and call nothing that could do it in software.
constexpr llvm::StringRef lacksFma = "x86-64-v2";

llvm::StringRef hostLevel() {
  const auto host = llvm::sys::getHostCPUFeatures();
  llvm::StringRef best;
  for (const Level& level : levels) {
    for (llvm::StringRef feature : level.features)
      if (!host.lookup(feature)) return best;
    best = level.name;
  }
  return best;
}

}  // namespace

llvm::Expected<Cpu> chooseCpu(llvm::StringRef name) {
  if (name == "native") {
    // Asked once: `cpuid` leaves the virtual machine, and all of it takes 60 us.
    static const Cpu host{hostLevel().str(), llvm::sys::getHostCPUName().str()};
    if (host.level.empty() || host.level == lacksFma)
      return llvm::createStringError("native code needs at least x86-64-v3, which this machine's CPU (" +
                                     host.tune + ") is not; codegen opencl does not");
    return host;
  }
  for (const Level& level : levels)
    if (name == level.name && name != lacksFma) return Cpu{name.str(), "generic"};
  return llvm::createStringError("native code for the CPU '" + name +
                                 "': expected native, x86-64-v3 or x86-64-v4");
}

}  // namespace wherry::compile::native
