// Source.h: what is done to the text of a program before MLIR's parser sees it.
#pragma once

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace mlir::stablehlo {

/// A place in a text; both count from 1.
struct SourcePlace {
  unsigned line = 1;
  unsigned column = 1;
};

/// Returns where `text` first nests brackets of any kind deeper than `limit`, outside strings and comments.
std::optional<SourcePlace> findNestingBeyond(llvm::StringRef text, unsigned limit);

/// Rewrites i1 constants in hexadecimal with one byte an element, which newer MLIR prints, to eight elements
/// a byte, which MLIR 22 reads. Returns false, and leaves `out` alone, if there are none. Every
/// other character keeps its line and column.
bool packBooleanConstants(llvm::StringRef text, std::string &out);

} // namespace mlir::stablehlo
