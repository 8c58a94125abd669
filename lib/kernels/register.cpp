// register.cpp: gives the kernels of this processor's instruction set their public names.
//
// Linked as an object file, not from an archive: nothing refers to it, and a linker takes from an
// archive only what something refers to.
#include <wherry/exec/kernel_registry.hpp>

#include "variants.hpp"

namespace {

using namespace wherry::kernels;

void add(const char* name, kernel_function function, instruction_set set) {
  wherry::kernel_registry::instance().add({name, function, name_of(set)});
}

[[maybe_unused]] const bool registered = [] {
  const instruction_set set = best_instruction_set();
  const kernel_functions& table = functions_of(set);
  add("gemm_f32.pack", table.f32.pack, set);
  add("gemm_f32.compute", table.f32.compute, set);
  add("gemm_f32.dot", table.f32.dot, set);
  add("contract_f32.pack", table.f32.contract_pack, set);
  add("contract_f32.compute", table.f32.contract, set);
  add("gemm_f64.pack", table.f64.pack, set);
  add("gemm_f64.compute", table.f64.compute, set);
  add("gemm_f64.dot", table.f64.dot, set);
  add("contract_f64.pack", table.f64.contract_pack, set);
  add("contract_f64.compute", table.f64.contract, set);
  return true;
}();

}  // namespace
