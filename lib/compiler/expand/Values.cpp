// Values.cpp: operations that return what they are given, or a number that the types tell.
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {

Expanded expandProbe(Build&, Operation* op) { return Expanded({op->getOperand(0)}); }

/// Calls that JAX writes to tell a compiler for several devices where values should be, or how they should
/// lie in memory. For one device they return their operands.
Expanded expandIdentityCall(Build&, Operation* operation) {
  auto call = cast<stablehlo::CustomCallOp>(operation);
  if (call->getOperandTypes() != call->getResultTypes())
    return call.emitError() << "@" << call.getCallTargetName()
                            << " changes a type, which it does not on one device";
  return Expanded(llvm::SmallVector<Value>(call->getOperands()));
}

/// Memory with any contents.
Expanded expandAllocateBuffer(Build& build, Operation* op) {
  llvm::SmallVector<Value> buffers;
  for (const Type type : op->getResultTypes())
    buffers.push_back(build.splat(cast<RankedTensorType>(type).getShape(), getElementTypeOrSelf(type), 0));
  return Expanded(buffers);
}

Expanded expandGetDimensionSize(Build& build, Operation* op) {
  auto size = cast<stablehlo::GetDimensionSizeOp>(op);
  const auto extent = static_cast<double>(Build::shapeOf(size.getOperand())[size.getDimension()]);
  return Expanded({build.splatLike(size, extent)});
}

/// A tensor of static size keeps its elements; a smaller static result is its beginning.
Expanded expandSetDimensionSize(Build& build, Operation* op) {
  auto set = cast<stablehlo::SetDimensionSizeOp>(op);
  const auto from = Build::typeOf(set.getOperand()), to = Build::typeOf(set);
  if (!to.hasStaticShape() || !from.hasStaticShape()) return Expanded(llvm::SmallVector<Value>());
  if (from == to) return Expanded({set.getOperand()});
  for (const auto [have, want] : llvm::zip(from.getShape(), to.getShape()))
    if (want > have) return set.emitError() << "a dimension of " << have << " elements cannot get " << want;
  const llvm::SmallVector<int64_t> start(from.getRank(), 0);
  return Expanded({build.slice(set.getOperand(), start, to.getShape())});
}

}  // namespace wherry::compile
