// CustomCall.cpp: what a call out of the program may do beyond computing its results.
#include "stablehlo/Dialect.h"

using namespace mlir;
using namespace mlir::stablehlo;

// A call that claims no side effect may be removed or repeated; any other reads and writes what we cannot
// see.
void CustomCallOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!getHasSideEffect())
    return;
  effects.emplace_back(MemoryEffects::Read::get());
  effects.emplace_back(MemoryEffects::Write::get());
}
