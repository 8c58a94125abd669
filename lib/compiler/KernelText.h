// KernelText.h: what a cluster computes as text, by which its kernel is found again in other programs.
//
// One writer serves one context: the text of attributes and types, which take long to print, is kept.
#pragma once

#include <optional>
#include <string>

#include "compiler/Kernels.h"
#include "llvm/ADT/DenseMap.h"

namespace wherry::compile {

class KernelText {
 public:
  /// Returns a text that is equal for clusters of which one kernel does the work, in whatever program they
  /// are; nothing for a cluster that would take too long to write, one with a large constant.
  std::optional<std::string> of(const Cluster& cluster);

 private:
  bool isSmall(mlir::Attribute attribute);
  const std::string& textOf(mlir::Attribute attribute);
  const std::string& textOf(mlir::Type type);

  llvm::DenseMap<const void*, std::string> texts;
};

}  // namespace wherry::compile
