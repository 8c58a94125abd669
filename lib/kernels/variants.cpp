#include "variants.hpp"

namespace wherry::kernels {

instruction_set best_instruction_set() noexcept {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return instruction_set::avx512;
  if (__builtin_cpu_supports("x86-64-v3")) return instruction_set::avx2;
  return instruction_set::generic;
}

const char* name_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::avx512:
      return "x86-64-v4";
    case instruction_set::avx2:
      return "x86-64-v3";
    default:
      return "x86-64";
  }
}

const kernel_functions& functions_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::avx512:
      return avx512::functions();
    case instruction_set::avx2:
      return avx2::functions();
    default:
      return generic::functions();
  }
}

}  // namespace wherry::kernels
