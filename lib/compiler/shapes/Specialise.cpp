// Specialise.cpp: see Shapes.h.
#include "compiler/passes/Passes.h"
#include "compiler/shapes/Shapes.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Transforms/CSE.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

bool isUnknown(Type type) {
  if (const auto tuple = dyn_cast<TupleType>(type)) return llvm::any_of(tuple.getTypes(), isUnknown);
  const auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.hasStaticShape();
}

/// Walks forwards through a function, so that every operation sees the final types of its operands.
class Walker {
 public:
  LogicalResult run(Block& block) {
    for (Operation& op : llvm::make_early_inc_range(block.without_terminator()))
      if (failed(run(&op))) return failure();
    return success();
  }

 private:
  LogicalResult run(Operation* op) {
    if (isa<stablehlo::WhileOp>(op)) {
      if (failed(runLoop(op))) return failure();
    } else if (isa<stablehlo::CaseOp, stablehlo::IfOp>(op)) {
      if (failed(runBranches(op))) return failure();
    } else if (failed(refineResults(op))) {
      return failure();
    }
    const FailureOr<Operation*> made = makeStatic(op, integers);
    if (failed(made) || !*made) return made;
    integers.learn(*made);
    for (Value result : (*made)->getResults())
      if (isUnknown(result.getType()))
        return (*made)->emitError() << (*made)->getName() << " has the type " << result.getType()
                                    << ", whose sizes do not follow from those of the arguments";
    return success();
  }

  LogicalResult runLoop(Operation* op) {
    for (Region& region : op->getRegions()) {
      for (auto [argument, operand] : llvm::zip(region.getArguments(), op->getOperands()))
        if (failed(refineType(op, argument, operand.getType()))) return failure();
      if (failed(run(region.front()))) return failure();
    }
    for (auto [result, operand] : llvm::zip(op->getResults(), op->getOperands()))
      if (failed(refineType(op, result, operand.getType()))) return failure();
    Operation* end = op->getRegion(1).front().getTerminator();
    for (const auto [k, value, result] : llvm::enumerate(end->getOperands(), op->getResults()))
      if (value.getType() != result.getType())
        return end->emitError() << "value " << k << " of the loop begins as " << result.getType()
                                << " and becomes " << value.getType();
    return success();
  }

  LogicalResult runBranches(Operation* op) {
    for (Region& region : op->getRegions()) {
      if (failed(run(region.front()))) return failure();
      for (auto [result, value] : llvm::zip(op->getResults(), region.front().getTerminator()->getOperands()))
        if (failed(refineType(op, result, value.getType()))) return failure();
    }
    return success();
  }

  KnownIntegers integers;
};

LogicalResult checkArgument(func::FuncOp entry, unsigned k, Type known) {
  const auto written = dyn_cast<RankedTensorType>(entry.getArgument(k).getType());
  const auto given = dyn_cast<RankedTensorType>(known);
  if (!written || !given) {
    if (entry.getArgument(k).getType() == known) return success();
    return entry.emitError() << "argument " << k << " is " << entry.getArgument(k).getType() << ", got "
                             << known;
  }
  bool fits = written.getRank() == given.getRank() && written.getElementType() == given.getElementType();
  for (int64_t d = 0; fits && d < given.getRank(); ++d)
    fits =
        given.getDimSize(d) >= 0 && (written.isDynamicDim(d) || written.getDimSize(d) == given.getDimSize(d));
  if (!fits) return entry.emitError() << "argument " << k << " is " << written << ", got " << known;
  if (const auto bounds = dyn_cast_or_null<stablehlo::TypeExtensionsAttr>(written.getEncoding()))
    for (const auto [d, bound] : llvm::enumerate(bounds.getBounds()))
      if (!ShapedType::isDynamic(bound) && given.getDimSize(d) > bound)
        return entry.emitError() << "argument " << k << " is " << written << ", got " << known
                                 << ", which is larger";
  return success();
}

/// Rewrites `entry`, all values that decide about shapes being known.
LogicalResult rewrite(func::FuncOp entry, ArrayRef<KnownArgument> known) {
  OpBuilder builder = OpBuilder::atBlockBegin(&entry.getBody().front());
  for (const unsigned k : sizeArguments(entry)) {
    BlockArgument argument = entry.getArgument(k);
    const auto type = cast<RankedTensorType>(argument.getType());
    const auto width = cast<IntegerType>(type.getElementType()).getWidth();
    const auto value = DenseElementsAttr::get(
        type, APInt(64, static_cast<uint64_t>(known[k].value.value_or(0)), true).sextOrTrunc(width));
    argument.replaceAllUsesWith(stablehlo::ConstantOp::create(builder, entry.getLoc(), value));
  }
  for (const auto [argument, given] : llvm::zip(entry.getArguments(), known)) argument.setType(given.type);
  if (failed(Walker().run(entry.getBody().front()))) return failure();
  entry.setFunctionType(FunctionType::get(entry.getContext(), entry.getBody().front().getArgumentTypes(),
                                          entry.getBody().front().getTerminator()->getOperandTypes()));
  return verify(entry);
}

/// Gives `missing`, the arguments without a value, the first values that make the shapes agree: sizes of
/// other arguments where the program leaves them unknown, in the order of the arguments.
void guess(func::FuncOp entry, ArrayRef<unsigned> missing, llvm::SmallVectorImpl<KnownArgument>& known) {
  llvm::SmallSetVector<int64_t, 8> sizes;
  for (const auto [argument, given] : llvm::zip(entry.getArguments(), known))
    if (const auto written = dyn_cast<RankedTensorType>(argument.getType()))
      for (int64_t d = 0; d < written.getRank(); ++d)
        if (written.isDynamicDim(d)) sizes.insert(cast<RankedTensorType>(given.type).getDimSize(d));
  if (sizes.empty()) sizes.insert(1);
  // Most often the first argument is the first size, and so on.
  constexpr unsigned maxTries = 256;
  const auto set = [&](unsigned number) {
    for (const auto [i, k] : llvm::enumerate(missing)) {
      known[k].value = sizes[(i + number) % sizes.size()];
      number /= sizes.size();
    }
    return number == 0;
  };
  ScopedDiagnosticHandler silence(entry.getContext(), [](Diagnostic&) { return success(); });
  for (unsigned number = 0; number < maxTries && set(number); ++number) {
    func::FuncOp copy = entry.clone();
    entry->getBlock()->push_back(copy);
    const bool fits = succeeded(rewrite(copy, known));
    copy.erase();
    if (fits) return;
  }
  set(0);
}

}  // namespace

bool hasUnknownSizes(func::FuncOp entry) {
  if (llvm::any_of(entry.getArgumentTypes(), isUnknown)) return true;
  return entry
      .walk([](Operation* op) {
        return takesShape(op) || llvm::any_of(op->getResultTypes(), isUnknown) ? WalkResult::interrupt()
                                                                               : WalkResult::advance();
      })
      .wasInterrupted();
}

void shareSizes(func::FuncOp entry) {
  IRRewriter rewriter(entry.getContext());
  DominanceInfo dominance(entry);
  eliminateCommonSubExpressions(rewriter, dominance, entry);
}

llvm::SmallVector<unsigned> sizeArguments(func::FuncOp entry) {
  llvm::SetVector<Value> open;
  entry.walk([&](Operation* op) {
    for (Value operand : shapeOperands(op)) open.insert(operand);
  });
  llvm::SmallVector<unsigned> found;
  for (size_t i = 0; i < open.size(); ++i) {
    if (auto argument = dyn_cast<BlockArgument>(open[i])) {
      const auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (argument.getOwner() == &entry.getBody().front() && type && type.getRank() == 0 &&
          isa<IntegerType>(type.getElementType()))
        found.push_back(argument.getArgNumber());
      continue;
    }
    Operation* op = open[i].getDefiningOp();
    // The size of a value does not depend on its elements.
    if (isa<stablehlo::GetDimensionSizeOp>(op) || op->getNumRegions() != 0) continue;
    for (Value operand : op->getOperands()) open.insert(operand);
  }
  llvm::sort(found);
  return found;
}

LogicalResult specialise(func::FuncOp entry, ArrayRef<KnownArgument> given) {
  if (given.size() != entry.getNumArguments())
    return entry.emitError() << "the program takes " << entry.getNumArguments() << " arguments, got "
                             << given.size();
  llvm::SmallVector<KnownArgument> known(given);
  for (unsigned k = 0; k < known.size(); ++k)
    if (failed(checkArgument(entry, k, known[k].type))) return failure();
  llvm::SmallVector<unsigned> missing;
  for (const unsigned k : sizeArguments(entry))
    if (!known[k].value) missing.push_back(k);
  if (!missing.empty()) guess(entry, missing, known);
  return rewrite(entry, known);
}

}  // namespace wherry::compile
