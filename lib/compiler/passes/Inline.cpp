// Inline.cpp: calls become the bodies they name.
#include "compiler/passes/Passes.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

class Inliner {
 public:
  explicit Inliner(ModuleOp module) : symbols(module) {}

  LogicalResult run(func::FuncOp function, unsigned depth = 0) {
    const auto [it, isNew] = state.try_emplace(function, State::Active);
    if (!isNew) return success();
    llvm::SmallVector<Operation*> calls;
    function.walk([&](Operation* op) {
      if (isa<func::CallOp, stablehlo::CompositeOp>(op)) calls.push_back(op);
    });
    for (Operation* call : calls)
      if (failed(expand(call, depth))) return failure();
    state[function] = State::Done;
    return success();
  }

 private:
  enum class State { Active, Done };

  LogicalResult expand(Operation* call, unsigned depth) {
    // Calls follow each other by recursion here; a chain this long is no program that somebody wrote.
    constexpr unsigned maxDepth = 1000;
    if (depth > maxDepth) return call->emitError() << "calls nest deeper than " << maxDepth << " levels";
    const auto name = isa<func::CallOp>(call) ? cast<func::CallOp>(call).getCallee()
                                              : cast<stablehlo::CompositeOp>(call).getDecomposition();
    auto callee = symbols.lookup<func::FuncOp>(name);
    if (!callee || callee.isExternal())
      return call->emitError() << "calls '" << name << "', which has no body";
    const auto it = state.find(callee);
    if (it != state.end() && it->second == State::Active)
      return call->emitError() << "recursion: '" << name << "' calls itself";
    if (failed(run(callee, depth + 1))) return failure();
    if (!callee.getBody().hasOneBlock())
      return call->emitError() << "'" << name << "' has more than one block, which is not supported";
    if (callee.getNumArguments() != call->getNumOperands() ||
        callee.getResultTypes() != call->getResultTypes())
      return call->emitError() << "calls '" << name << "' with other types than it has";

    OpBuilder builder(call);
    IRMapping mapping;
    mapping.map(callee.getArguments(), call->getOperands());
    Block& body = callee.getBody().front();
    // Each of a few functions that calls the one before it twice doubles the program.
    constexpr size_t maxOperations = 500'000;
    callee.walk([&](Operation*) { ++inlined; });
    if (inlined > maxOperations)
      return call->emitError() << "inlining calls makes more than " << maxOperations << " operations";
    for (Operation& op : body.without_terminator()) builder.clone(op, mapping);
    llvm::SmallVector<Value> results;
    for (Value value : body.getTerminator()->getOperands()) results.push_back(mapping.lookupOrDefault(value));
    call->replaceAllUsesWith(results);
    call->erase();
    return success();
  }

  SymbolTable symbols;
  llvm::DenseMap<Operation*, State> state;
  size_t inlined = 0;
};

}  // namespace

LogicalResult inlineCalls(func::FuncOp entry) {
  return Inliner(entry->getParentOfType<ModuleOp>()).run(entry);
}

}  // namespace wherry::compile
