// Splats.cpp: large constants of one repeated element are written by a kernel, not kept in the plan.
//
// A constant that a cluster uses is an immediate. One that must be in memory (the start of a loop, a result)
// would be stored with all its elements; as a broadcast it becomes a kernel, which often writes it straight
// to where the loop carries it.
#include "compiler/Dot.h"
#include "compiler/OpModel.h"
#include "compiler/passes/Passes.h"
#include "mlir/IR/Builders.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

// Constants up to this size stay in the plan: reading them costs less than one more launch.
static constexpr uint64_t smallBytes = 4096;

void expandSplats(func::FuncOp entry) {
  llvm::SmallVector<OpOperand*> uses;
  entry.walk([&](Operation* op) {
    const OpKind kind = modelOf(op).kind;
    // A scatter fills its result itself.
    const bool isHeavy = kind == OpKind::Heavy && !isa<stablehlo::ScatterOp>(op);
    const bool inMemory = kind == OpKind::Control || isHeavy || usesPrebuiltDot(op) ||
                          (kind == OpKind::Terminator &&
                           isa<func::FuncOp, stablehlo::WhileOp, stablehlo::CaseOp>(op->getParentOp()));
    if (!inMemory) return;
    for (OpOperand& use : op->getOpOperands())
      if (isSplatConstant(use.get().getDefiningOp()) && bytesOf(use.get().getType()) > smallBytes)
        uses.push_back(&use);
  });
  for (OpOperand* use : uses) {
    OpBuilder builder(use->getOwner());
    auto constant = use->get().getDefiningOp<stablehlo::ConstantOp>();
    const auto type = cast<RankedTensorType>(constant.getType());
    const auto scalar = RankedTensorType::get({}, type.getElementType());
    const auto element = cast<DenseElementsAttr>(constant.getValue()).resizeSplat(scalar);
    const Value one = stablehlo::ConstantOp::create(builder, constant.getLoc(), element);
    use->set(stablehlo::BroadcastInDimOp::create(builder, constant.getLoc(), type, one,
                                                 builder.getDenseI64ArrayAttr({})));
  }
}

}  // namespace wherry::compile
