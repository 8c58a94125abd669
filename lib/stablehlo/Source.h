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

/// What MLIR's parser must not see, and where.
struct SourceProblem {
  SourcePlace place;
  std::string message;
};

/// The most elements that a tensor may have, so that sizes in bytes, and of a few tensors together, fit 63
/// bits.
inline constexpr uint64_t maximumElements = uint64_t{1} << 56;

/// Returns the first place in `text`, outside strings and comments, where MLIR's parser would overflow its
/// stack or its arithmetic: braces, or brackets of the other kinds, nested deeper than `limit`, an affine map
/// with more operators than that, a type with more than `maximumElements` elements (zeros not counted) or one
/// that names of types stand for and that consists of more than a million others. If there is none, `deepest`
/// is how deep brackets nest.
std::optional<SourceProblem> findProblem(llvm::StringRef text, unsigned limit, unsigned &deepest);

/// Rewrites i1 constants in hexadecimal with one byte an element, which newer MLIR prints, to eight elements
/// a byte, which MLIR 22 reads. Returns false, and leaves `out` alone, if there are none. Every
/// other character keeps its line and column.
bool packBooleanConstants(llvm::StringRef text, std::string &out);

} // namespace mlir::stablehlo
