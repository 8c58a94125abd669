// Flatten.cpp: tuples as the values in them, and tokens as nothing.
//
// A tuple stands for its elements, depth first; a token, which only orders effects, for no value: the order
// of the program is kept anyway. Arguments and results of the entry function, what control flow carries and
// the operands of custom calls are flattened alike.
#include "compiler/Call.h"
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Values = llvm::SmallVector<Value>;

bool isFlat(Type type) { return !isa<TupleType, stablehlo::TokenType>(type); }

void flatten(Type type, llvm::SmallVectorImpl<Type>& into) {
  if (const auto tuple = dyn_cast<TupleType>(type))
    for (const Type element : tuple.getTypes()) flatten(element, into);
  else if (!isa<stablehlo::TokenType>(type))
    into.push_back(type);
}

llvm::SmallVector<Type> flattened(TypeRange types) {
  llvm::SmallVector<Type> flat;
  for (const Type type : types) flatten(type, flat);
  return flat;
}

bool isFlat(Operation* op) {
  const auto flat = [](Type type) { return isFlat(type); };
  if (!llvm::all_of(op->getOperandTypes(), flat) || !llvm::all_of(op->getResultTypes(), flat)) return false;
  for (Region& region : op->getRegions())
    for (Block& block : region)
      if (!llvm::all_of(block.getArgumentTypes(), flat)) return false;
  return true;
}

class Flattener {
 public:
  explicit Flattener(func::FuncOp entry) : entry(entry) {}

  LogicalResult run() {
    const WalkResult found = entry.walk(
        [](Operation* op) { return isFlat(op) ? WalkResult::advance() : WalkResult::interrupt(); });
    if (!found.wasInterrupted()) return success();
    const llvm::SmallVector<Type> arguments(entry.getArgumentTypes()), results(entry.getResultTypes());
    if (failed(flattenBlock(entry.getBody().front()))) return failure();
    // In reverse: an operation goes before what it uses.
    for (Operation* op : llvm::reverse(replaced)) op->erase();
    for (const auto& [block, indices] : dropped) block->eraseArguments(indices);
    changeSignature(arguments, results);
    return success();
  }

 private:
  const Values& valuesOf(Value value) {
    auto [it, isNew] = flat.try_emplace(value);
    if (isNew) it->second = {value};
    return it->second;
  }

  Values valuesOf(ValueRange range) {
    Values all;
    for (const Value value : range) llvm::append_range(all, valuesOf(value));
    return all;
  }

  LogicalResult flattenBlock(Block& block) {
    llvm::BitVector drop(block.getNumArguments());
    for (unsigned i = 0, end = block.getNumArguments(); i < end; ++i) {
      BlockArgument argument = block.getArgument(i);
      if (isFlat(argument.getType()) && drop.none()) continue;
      // Later arguments move behind the new ones, so that the order stays.
      Values values;
      llvm::SmallVector<Type> types;
      flatten(argument.getType(), types);
      for (const Type type : types) values.push_back(block.addArgument(type, argument.getLoc()));
      if (isFlat(argument.getType())) argument.replaceAllUsesWith(values.front());
      flat[argument] = values;
      drop.set(i);
    }
    for (Operation& op : llvm::make_early_inc_range(block))
      if (failed(flattenOp(&op))) return failure();
    if (drop.any()) {
      drop.resize(block.getNumArguments());
      dropped.emplace_back(&block, drop);
    }
    return success();
  }

  LogicalResult flattenOp(Operation* op) {
    const bool rebuild = !isFlat(op);
    if (!rebuild) {
      for (Region& region : op->getRegions())
        for (Block& block : region)
          if (failed(flattenBlock(block))) return failure();
      return success();
    }
    if (isa<stablehlo::TupleOp>(op)) {
      flat[op->getResult(0)] = valuesOf(op->getOperands());
    } else if (auto element = dyn_cast<stablehlo::GetTupleElementOp>(op)) {
      const auto type = cast<TupleType>(element.getOperand().getType());
      llvm::SmallVector<Type> before, own;
      for (const Type earlier : type.getTypes().take_front(element.getIndex())) flatten(earlier, before);
      flatten(type.getType(element.getIndex()), own);
      const Values all = valuesOf(element.getOperand());
      const Values picked(llvm::ArrayRef(all).slice(before.size(), own.size()));
      if (isFlat(element.getType())) element.getResult().replaceAllUsesWith(picked.front());
      flat[element.getResult()] = picked;
    } else if (isa<stablehlo::AfterAllOp, stablehlo::CreateTokenOp>(op)) {
      flat[op->getResult(0)] = {};
    } else if (op->hasTrait<OpTrait::IsTerminator>()) {
      op->setOperands(valuesOf(op->getOperands()));
      return success();
    } else if (isa<stablehlo::WhileOp, stablehlo::CaseOp, stablehlo::IfOp, stablehlo::OptimizationBarrierOp,
                   stablehlo::CustomCallOp>(op)) {
      return rebuildOp(op);
    } else {
      return op->emitError() << op->getName() << " of tuples or tokens is not supported";
    }
    replaced.push_back(op);
    return success();
  }

  LogicalResult rebuildOp(Operation* op) {
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(valuesOf(op->getOperands()));
    state.addTypes(flattened(op->getResultTypes()));
    state.addAttributes(op->getAttrs());
    if (auto call = dyn_cast<stablehlo::CustomCallOp>(op)) flattenCall(call, state.attributes);
    for (Region& region : op->getRegions()) {
      for (Block& block : region)
        if (failed(flattenBlock(block))) return failure();
      state.addRegion()->takeBody(region);
    }
    OpBuilder builder(op);
    Operation* flatOp = builder.create(state);
    unsigned next = 0;
    for (OpResult result : op->getResults()) {
      Values values;
      llvm::SmallVector<Type> types;
      flatten(result.getType(), types);
      for (size_t i = 0; i < types.size(); ++i) values.push_back(flatOp->getResult(next++));
      if (isFlat(result.getType())) result.replaceAllUsesWith(values.front());
      flat[result] = values;
    }
    replaced.push_back(op);
    return success();
  }

  /// Gives each flattened argument and result the attributes of what it was part of; an alias between an
  /// argument and a result stays where both are one tensor.
  void changeSignature(ArrayRef<Type> arguments, ArrayRef<Type> results) {
    llvm::SmallVector<int64_t> place;  // of each old result among the new ones; -1: not one tensor
    int64_t next = 0;
    for (const Type type : results) {
      const auto parts = static_cast<int64_t>(flattened(TypeRange(type)).size());
      place.push_back(parts == 1 && isFlat(type) ? next : -1);
      next += parts;
    }
    const auto spread = [&](ArrayAttr attributes, ArrayRef<Type> types) {
      llvm::SmallVector<Attribute> all;
      for (const auto [attribute, type] : llvm::zip(attributes, types)) {
        NamedAttrList list(cast<DictionaryAttr>(attribute));
        if (const auto alias = list.get("tf.aliasing_output")) {
          const int64_t to = cast<IntegerAttr>(alias).getInt();
          list.erase("tf.aliasing_output");
          if (isFlat(type) && to >= 0 && to < static_cast<int64_t>(place.size()) && place[to] >= 0)
            list.set("tf.aliasing_output", IntegerAttr::get(cast<IntegerAttr>(alias).getType(), place[to]));
        }
        all.append(flattened(TypeRange(type)).size(), list.getDictionary(entry.getContext()));
      }
      return ArrayAttr::get(entry.getContext(), all);
    };
    if (const ArrayAttr attributes = entry.getArgAttrsAttr())
      entry.setArgAttrsAttr(spread(attributes, arguments));
    if (const ArrayAttr attributes = entry.getResAttrsAttr())
      entry.setResAttrsAttr(spread(attributes, results));
    entry.setFunctionType(FunctionType::get(entry.getContext(), flattened(arguments), flattened(results)));
  }

  func::FuncOp entry;
  llvm::DenseMap<Value, Values> flat;
  llvm::SmallVector<Operation*> replaced;
  llvm::SmallVector<std::pair<Block*, llvm::BitVector>> dropped;
};

}  // namespace

LogicalResult flattenValues(func::FuncOp entry) { return Flattener(entry).run(); }

}  // namespace wherry::compile
