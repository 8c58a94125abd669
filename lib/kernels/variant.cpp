// variant.cpp: the kernels of one instruction set; compiled once for each, with its own flags.
#include "compute.hpp"
#include "dot.hpp"
#include "pack.hpp"
#include "variants.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

const kernel_functions& functions() {
  static constexpr kernel_functions table = {
      {pack<float>, compute<float>, dot<float>},
      {pack<double>, compute<double>, dot<double>},
  };
  return table;
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
