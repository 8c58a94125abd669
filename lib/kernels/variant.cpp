// variant.cpp: the kernels of one instruction set; compiled once for each, with its own flags.
//
// Each kernel is a function with a plain name, `gemm_f32_compute_avx2` for gemm_f32.compute: artifacts get a
// copy of its code, which the compiler finds in this object by that name.
#include "compute.hpp"
#include "contract_compute.hpp"
#include "dot.hpp"
#include "pack.hpp"
#include "variants.hpp"

// Twice, so that the instruction set is expanded before it is joined.
#define WHERRY_JOIN_EXPANDED(name, set) name##_##set
#define WHERRY_JOIN(name, set) WHERRY_JOIN_EXPANDED(name, set)
#define WHERRY_KERNEL(name, ...)                                                                  \
  extern "C" void WHERRY_JOIN(name, WHERRY_KERNELS_ISA)(void* const* slots, index lo, index hi) { \
    __VA_ARGS__(slots, lo, hi);                                                                   \
  }
#define WHERRY_KERNELS(type, T)                           \
  WHERRY_KERNEL(gemm_##type##_pack, pack<T>)              \
  WHERRY_KERNEL(gemm_##type##_compute, compute<T>)        \
  WHERRY_KERNEL(gemm_##type##_dot, dot<T>)                \
  WHERRY_KERNEL(contract_##type##_pack, contract_pack<T>) \
  WHERRY_KERNEL(contract_##type##_compute, contract<T>)
#define WHERRY_TABLE(type)                                  \
  {WHERRY_JOIN(gemm_##type##_pack, WHERRY_KERNELS_ISA),     \
   WHERRY_JOIN(gemm_##type##_compute, WHERRY_KERNELS_ISA),  \
   WHERRY_JOIN(gemm_##type##_dot, WHERRY_KERNELS_ISA),      \
   WHERRY_JOIN(contract_##type##_pack, WHERRY_KERNELS_ISA), \
   WHERRY_JOIN(contract_##type##_compute, WHERRY_KERNELS_ISA)}

namespace wherry::kernels::WHERRY_KERNELS_ISA {

WHERRY_KERNELS(f32, float)
WHERRY_KERNELS(f64, double)

const kernel_functions& functions() {
  static constexpr kernel_functions table = {WHERRY_TABLE(f32), WHERRY_TABLE(f64)};
  return table;
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
