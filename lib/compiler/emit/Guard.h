// Guard.h: conditions under which a position is inside a tensor.
#pragma once

#include <algorithm>

#include "compiler/emit/Index.h"

namespace wherry::compile {

/// Conditions joined by "and": one for all lanes, one that differs between them; null: always true.
struct Conditions {
  KernelBuilder& b;
  mlir::Value all, lanes;
  void add(mlir::Value condition) {
    if (!condition) return;
    mlir::Value& into = KernelBuilder::lanesOf(condition) > 1 ? lanes : all;
    into = into ? b.binary<mlir::arith::AndIOp>(into, condition) : condition;
  }
};

/// The bounds of a position where it is known to be inside.
inline Index assumed(IndexMath& math, Index x, int64_t low, int64_t high) {
  if (!x.isUniform()) return math.clamp(x, low, high);
  x.min = std::clamp(x.min, low, high);
  x.max = std::clamp(x.max, low, high);
  return x;
}

}  // namespace wherry::compile
