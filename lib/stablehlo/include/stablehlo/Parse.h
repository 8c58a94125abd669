// Parse.h: from the text or bytecode of a program to a verified module.
//
// Refuses nesting of brackets and regions deeper than `maximumNesting`, which would overflow the stack of
// MLIR's recursive parser; what nests deeply is parsed on a thread with a large stack. Accepts large i1
// constants in both of their hexadecimal forms, packed (eight to a byte) and unpacked (one to a byte).
//
// Threads: any, one context each.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir::stablehlo {

/// The newest version of portable artifacts that is read, 1.20.
inline constexpr unsigned newestVhloVersion[] = {1, 20};
/// The oldest one: all since then have been compatible.
inline constexpr unsigned oldestVhloVersion[] = {0, 9};

/// The deepest nesting of `{`, and of `( [ <`, that a program may have, or of regions, types and attributes
/// in bytecode.
inline constexpr unsigned maximumNesting = 1000;

/// Adds the dialects that a program may use: stablehlo, chlo, check, interpreter, func and quant.
void registerStablehloDialects(DialectRegistry &registry);

/// Returns the module of `text`, parsed and verified, with locations in `name`. Loads the dialects it
/// needs into `context`. Returns null when the program is refused; `diagnostics` then holds one line per
/// finding, `name:line:column: error: ...`, each ending in a newline.
OwningOpRef<ModuleOp> parseStablehlo(MLIRContext &context, llvm::StringRef text, llvm::StringRef name,
                                     std::string &diagnostics);

} // namespace mlir::stablehlo
