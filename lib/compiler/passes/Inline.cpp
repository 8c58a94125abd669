// Inline.cpp: calls become the bodies they name, or the functions of chlo that they stand for.
#include "compiler/passes/Passes.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/DeepStack.h"
#include "stablehlo/Dialect.h"
#include "stablehlo/Parse.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// Functions of chlo that have a rule of their own; anything else is computed as its decomposition says.
constexpr llvm::StringRef functions[] = {
    "acos",       "acosh", "asin",      "asinh", "atan",   "atanh",   "bessel_i1e",
    "conj",       "cosh",  "digamma",   "erf",   "erfc",   "erf_inv", "lgamma",
    "next_after", "mulhi", "polygamma", "sinh",  "square", "tan",     "zeta"};

/// The chlo operation that a composite or custom call stands for, by its name without the dialect's.
std::optional<llvm::StringRef> functionOf(Operation* call) {
  llvm::StringRef name;
  bool isOurs = false;
  if (auto composite = dyn_cast<stablehlo::CompositeOp>(call)) {
    name = composite.getName();
    isOurs = name.consume_front("chlo.");
  } else if (auto custom = dyn_cast<stablehlo::CustomCallOp>(call)) {
    name = custom.getCallTargetName();
    isOurs = name.consume_front("mhlo.") || name.consume_front("chlo.");
  }
  if (!isOurs || !llvm::is_contained(functions, name)) return std::nullopt;
  return name;
}

/// The function whose body a custom call names, if it has the call's types.
func::FuncOp bodyOf(Operation* call, const SymbolTable& symbols) {
  auto custom = dyn_cast<stablehlo::CustomCallOp>(call);
  if (!custom || !custom.getCallTargetName().starts_with("chlo.")) return nullptr;
  const ArrayAttr bodies = custom.getCalledComputations();
  if (!bodies || bodies.size() != 1) return nullptr;
  auto body = symbols.lookup<func::FuncOp>(cast<FlatSymbolRefAttr>(bodies[0]).getValue());
  const bool fits = body && body.getArgumentTypes() == call->getOperandTypes() &&
                    body.getResultTypes() == call->getResultTypes();
  return fits ? body : nullptr;
}

class Inliner {
 public:
  explicit Inliner(ModuleOp module) : symbols(module) {}

  LogicalResult run(func::FuncOp function, unsigned depth = 0) {
    const auto [it, isNew] = state.try_emplace(function, State::Active);
    if (!isNew) return success();
    llvm::SmallVector<Operation*> calls;
    function.walk([&](Operation* op) {
      if (isa<func::CallOp, stablehlo::CompositeOp>(op) || functionOf(op) || bodyOf(op, symbols))
        calls.push_back(op);
    });
    for (Operation* call : calls)
      if (failed(expand(call, depth))) return failure();
    state[function] = State::Done;
    nesting[function] = stablehlo::nestingOf(function);
    return success();
  }

 private:
  enum class State { Active, Done };

  /// Replaces `call` by an operation of chlo, if it is one with the types that operation takes.
  static bool becomesFunction(Operation* call) {
    const auto name = functionOf(call);
    if (!name || call->getNumResults() != 1) return false;
    call->getContext()->loadDialect<chlo::CHLODialect>();  // nothing may have needed it so far
    OpBuilder builder(call);
    OperationState state(call->getLoc(), ("chlo." + *name).str(), call->getOperands(),
                         call->getResultTypes());
    Operation* op = builder.create(state);
    bool isValid;
    {
      ScopedDiagnosticHandler quiet(call->getContext(), [](Diagnostic&) { return success(); });
      isValid = succeeded(verify(op));
    }
    if (!isValid) {
      op->erase();
      return false;
    }
    call->replaceAllUsesWith(op);
    call->erase();
    return true;
  }

  LogicalResult expand(Operation* call, unsigned depth) {
    // Calls follow each other by recursion here; a chain this long is no program that somebody wrote.
    constexpr unsigned maxDepth = 1000;
    if (depth > maxDepth) return call->emitError() << "calls nest deeper than " << maxDepth << " levels";
    if (becomesFunction(call)) return success();
    llvm::StringRef name;
    if (auto plain = dyn_cast<func::CallOp>(call))
      name = plain.getCallee();
    else if (auto composite = dyn_cast<stablehlo::CompositeOp>(call))
      name = composite.getDecomposition();
    else if (auto body = bodyOf(call, symbols))
      name = body.getName();
    else
      return call->emitError() << "does not have the types of the function it names";
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

    unsigned regions = nesting[callee];
    for (Operation* around = call; around; around = around->getParentOp()) ++regions;
    if (regions > stablehlo::maximumNesting)
      return call->emitError() << "inlining calls nests regions deeper than " << stablehlo::maximumNesting
                               << " levels";

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
  /// How deep regions nest in a function once its calls are inlined.
  llvm::DenseMap<Operation*, unsigned> nesting;
  size_t inlined = 0;
};

}  // namespace

LogicalResult inlineCalls(func::FuncOp entry) {
  return Inliner(entry->getParentOfType<ModuleOp>()).run(entry);
}

}  // namespace wherry::compile
