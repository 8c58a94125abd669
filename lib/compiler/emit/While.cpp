// While.cpp: loops of unknown length inside the regions of reductions, maps, comparators and the like.
//
// Where the lanes of a vector are different elements, the loop runs as long as any of them goes on. A lane
// that has ended, or that a loop around this one has ended for, keeps its values.
#include "compiler/emit/Emitter.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace wherry::compile {

Emitter::Vals Emitter::whileLoop(stablehlo::WhileOp op) {
  unsigned lanes = 1;
  const auto widen = [&](const Val& value) {
    lanes =
        std::max({lanes, KernelBuilder::lanesOf(value.re), value.im ? KernelBuilder::lanesOf(value.im) : 1});
    return value;
  };
  // What the loop takes from around it is computed in front of it, once.
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (const Value outer : captured)
    if (shapeOf(outer).empty()) widen(value(outer, {}));
  SmallVector<Val> start;
  SmallVector<Element> elements;
  for (const Value operand : op.getOperand()) {
    elements.push_back(Element::of(operand.getType()));
    start.push_back(widen(value(operand, {})));
  }
  const auto spread = [&](ArrayRef<Val> values) {
    SmallVector<Value> parts = flattened(values);
    for (Value& part : parts) part = b.splat(part, lanes);
    return parts;
  };
  const bool hasMask = lanes > 1;
  const Type number = IntegerType::get(b.context(), 32);
  const Element counted = Element::of(number);
  SmallVector<Value> initial = spread(start);
  SmallVector<Type> types = llvm::to_vector(ValueRange(initial).getTypes());
  SmallVector<Type> carried = types;
  if (hasMask) carried.push_back(b.withLanes(number, lanes));

  OpBuilder builder = b.here();
  auto loop = scf::WhileOp::create(builder, b.loc(), carried, initial);
  Block* before =
      builder.createBlock(&loop.getBefore(), {}, types, SmallVector<Location>(types.size(), b.loc()));
  b.push(before, loop);
  Value goesOn = region(op.getCond(), unflattened(before->getArguments(), elements)).front().re;
  SmallVector<Value> passed(before->getArguments());
  if (hasMask) {
    goesOn = b.splat(goesOn, lanes);
    if (active_) goesOn = b.binary<arith::AndIOp>(goesOn, active_);
    passed.push_back(b.select(goesOn, b.constantInt(number, 1), b.constantInt(number, 0)));
    goesOn = b.cmpi(arith::CmpIPredicate::ne,
                    acrossLanes(b, Combiner::Or, counted, {passed.back(), Value()}).re, 0);
  }
  builder = b.here();
  scf::ConditionOp::create(builder, b.loc(), goesOn, passed);
  b.pop();

  Block* after =
      builder.createBlock(&loop.getAfter(), {}, carried, SmallVector<Location>(carried.size(), b.loc()));
  b.push(after, loop);
  SmallVector<Value> now(after->getArguments());
  const Value isActive = hasMask ? b.cmpi(arith::CmpIPredicate::ne, now.pop_back_val(), 0) : Value();
  const Value outside = std::exchange(active_, hasMask ? isActive : active_);
  SmallVector<Value> next = spread(region(op.getBody(), unflattened(now, elements)));
  active_ = outside;
  if (hasMask)
    for (const auto [i, old] : llvm::enumerate(now)) next[i] = b.select(isActive, next[i], old);
  builder = b.here();
  scf::YieldOp::create(builder, b.loc(), next);
  b.pop();
  const SmallVector<Val> results = unflattened(loop.getResults().take_front(types.size()), elements);
  return Vals(results.begin(), results.end());
}

}  // namespace wherry::compile
