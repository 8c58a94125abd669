// BytecodeModule.h: from bytecode to a module that has not been verified yet.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::stablehlo {

/// Returns the module of `bytecode`, of any version that MLIR 22 reads; null, with a diagnostic at `name`
/// that names the byte, if it is damaged or its regions nest deeper than `maximumNesting`. Time and memory
/// are in proportion to its size.
OwningOpRef<ModuleOp> readBytecode(MLIRContext &context, llvm::StringRef bytecode, llvm::StringRef name);

} // namespace mlir::stablehlo
