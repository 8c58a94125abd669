// variant.cpp: the kernels of one instruction set; compiled once for each, with its own flags.
#include "compute.hpp"
#include "contract_compute.hpp"
#include "dot.hpp"
#include "pack.hpp"
#include "variants.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

const kernel_functions& functions() {
  static constexpr kernel_functions table = {
      {pack<float>, compute<float>, dot<float>, contract_pack<float>, contract<float>},
      {pack<double>, compute<double>, dot<double>, contract_pack<double>, contract<double>},
  };
  return table;
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
