// Compiler.h: StableHLO to plans: the compiler that linking `wherry::compiler` registers.
//
// parse, inline, simplify -> clusters (Clustering.h) -> steps and slots (Assemble.h) with one kernel per
// cluster (KernelTable.h) -> code by one of the two exits (Kernels.h).
#pragma once

#include <string>
#include <string_view>
#include <wherry/exec/compiler.hpp>

namespace wherry::compile {

/// Registers the compiler. Called before `main` in every program that links it; calling it again does
/// nothing.
void install();

/// Returns one stage of `request` as text: `stablehlo` (simplified), `clusters`, `kernels`, `llvm`,
/// `opencl` or `plan`. Throws as `compiler::compile` does, and invalid_argument for another name.
std::string emitStage(const compile_request& request, std::string_view stage);

/// Returns steps, slots and kernels of a plan as text, one line each.
std::string textOf(const plan& plan);

}  // namespace wherry::compile
