// Prebuilt.cpp: the kernels of wherry::kernels as images, for artifacts, which run where they are not linked.
//
// The objects that lib/kernels is made of are part of this one, as data; a kernel's code is the same bytes
// here and in the process.

#include <array>

#include "Native.h"

// WHERRY_PREBUILT: the folder of the objects.
#define WHERRY_EMBED(set)                                                              \
  asm(".pushsection .rodata\n"                                                         \
      ".balign 16\n"                                                                   \
      ".hidden wherry_prebuilt_" #set                                                  \
      "\n"                                                                             \
      ".globl wherry_prebuilt_" #set                                                   \
      "\n"                                                                             \
      "wherry_prebuilt_" #set                                                          \
      ":\n"                                                                            \
      ".incbin \"" WHERRY_PREBUILT "/" #set                                            \
      ".o\"\n"                                                                         \
      ".hidden wherry_prebuilt_" #set                                                  \
      "_end\n"                                                                         \
      ".globl wherry_prebuilt_" #set                                                   \
      "_end\n"                                                                         \
      "wherry_prebuilt_" #set                                                          \
      "_end:\n"                                                                        \
      ".popsection");                                                                  \
  extern "C" __attribute__((visibility("hidden"))) const char wherry_prebuilt_##set[]; \
  extern "C" __attribute__((visibility("hidden"))) const char wherry_prebuilt_##set##_end[]

WHERRY_EMBED(generic);
WHERRY_EMBED(avx2);
WHERRY_EMBED(avx512);

using namespace llvm;

namespace wherry::compile::native {
namespace {

struct Variant {
  StringRef level;
  StringRef set;
  const char* begin;
  const char* end;
};

// `begin` of an object is aligned as ELF wants it.
const std::array<Variant, 3> variants = {
    {{"x86-64-v2", "generic", wherry_prebuilt_generic, wherry_prebuilt_generic_end},
     {"x86-64-v3", "avx2", wherry_prebuilt_avx2, wherry_prebuilt_avx2_end},
     {"x86-64-v4", "avx512", wherry_prebuilt_avx512, wherry_prebuilt_avx512_end}}};

}  // namespace

Expected<NativeImage> prebuiltImage(StringRef level, ArrayRef<std::string> names) {
  const auto* variant = llvm::find_if(variants, [&](const Variant& v) { return v.level == level; });
  if (variant == variants.end())
    return createStringError("there are no prebuilt kernels for '" + level + "'");
  // gemm_f32.compute is gemm_f32_compute_avx2 there; see lib/kernels/variant.cpp.
  std::vector<std::string> symbols;
  for (const std::string& name : names) {
    std::string symbol = name;
    llvm::replace(symbol, '.', '_');
    symbols.push_back(symbol + "_" + variant->set.str());
  }
  auto image = linkImage(ArrayRef(variant->begin, variant->end), symbols);
  if (!image) return image.takeError();
  for (auto [entry, name] : zip_equal(image->entries, names)) entry.first = name;
  image->cpuFeatures = level.str();
  return image;
}

}  // namespace wherry::compile::native
