// Assemble.h: from the simplified entry function to the steps, slots and kernels of a plan.
#pragma once

#include <string>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/plan.hpp>

#include "compiler/Kernels.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace wherry::compile {

class KernelTable;

/// Writes the plan of `entry`, but for the code: kernels are added to `kernels`. `clusters`, unless null,
/// receives the clusters as text. Fails with a diagnostic.
mlir::LogicalResult assemble(mlir::func::FuncOp entry, const target& target, KernelTable& kernels,
                             plan& result, std::string* clusters = nullptr);

}  // namespace wherry::compile
