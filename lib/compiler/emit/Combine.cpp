// Combine.cpp: the steps of reductions.
#include "compiler/emit/Rules.h"
#include "llvm/ADT/TypeSwitch.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

std::optional<Combiner> combinerOf(Region& region) {
  Block& block = region.front();
  if (block.getNumArguments() != 2 || !llvm::hasNItems(block, 2)) return std::nullopt;
  Operation& op = block.front();
  if (op.getNumOperands() != 2 || op.getNumResults() != 1 || block.back().getNumOperands() != 1 ||
      block.back().getOperand(0) != op.getResult(0))
    return std::nullopt;
  const Value a = block.getArgument(0), b = block.getArgument(1);
  if (!(op.getOperand(0) == a && op.getOperand(1) == b) && !(op.getOperand(0) == b && op.getOperand(1) == a))
    return std::nullopt;
  if (Element::of(a.getType()).isComplex() && !isa<stablehlo::AddOp, stablehlo::MulOp>(op))
    return std::nullopt;
  return llvm::TypeSwitch<Operation*, std::optional<Combiner>>(&op)
      .Case([](stablehlo::AddOp) { return Combiner::Add; })
      .Case([](stablehlo::MulOp) { return Combiner::Mul; })
      .Case([](stablehlo::MaxOp) { return Combiner::Max; })
      .Case([](stablehlo::MinOp) { return Combiner::Min; })
      .Case([](stablehlo::AndOp) { return Combiner::And; })
      .Case([](stablehlo::OrOp) { return Combiner::Or; })
      .Case([](stablehlo::XorOp) { return Combiner::Xor; })
      .Default([](Operation*) { return std::nullopt; });
}

static Value combineReal(KernelBuilder& b, Combiner combiner, const Element& e, Value x, Value y) {
  const bool isBool = e.kind == Element::Kind::Bool, isFloat = e.isFloat();
  switch (combiner) {
    case Combiner::Add:
      if (isBool) return b.binary<arith::OrIOp>(x, y);
      return isFloat ? b.binary<arith::AddFOp>(x, y) : b.binary<arith::AddIOp>(x, y);
    case Combiner::Mul:
      if (isBool) return b.binary<arith::AndIOp>(x, y);
      return isFloat ? b.binary<arith::MulFOp>(x, y) : b.binary<arith::MulIOp>(x, y);
    case Combiner::Max:
      if (isBool) return b.binary<arith::OrIOp>(x, y);
      if (isFloat) return b.binary<arith::MaximumFOp>(x, y);
      return e.isUnsigned() ? b.binary<arith::MaxUIOp>(x, y) : b.binary<arith::MaxSIOp>(x, y);
    case Combiner::Min:
      if (isBool) return b.binary<arith::AndIOp>(x, y);
      if (isFloat) return b.binary<arith::MinimumFOp>(x, y);
      return e.isUnsigned() ? b.binary<arith::MinUIOp>(x, y) : b.binary<arith::MinSIOp>(x, y);
    case Combiner::And:
      return b.binary<arith::AndIOp>(x, y);
    case Combiner::Or:
      return b.binary<arith::OrIOp>(x, y);
    case Combiner::Xor:
      return b.binary<arith::XOrIOp>(x, y);
  }
  llvm_unreachable("every combiner is above");
}

Val combine(KernelBuilder& b, Combiner combiner, const Element& e, Val x, Val y) {
  if (!e.isComplex()) return {combineReal(b, combiner, e, x.re, y.re), Value()};
  if (combiner == Combiner::Add)
    return {b.binary<arith::AddFOp>(x.re, y.re), b.binary<arith::AddFOp>(x.im, y.im)};
  return {b.binary<arith::SubFOp>(b.binary<arith::MulFOp>(x.re, y.re), b.binary<arith::MulFOp>(x.im, y.im)),
          b.binary<arith::AddFOp>(b.binary<arith::MulFOp>(x.re, y.im), b.binary<arith::MulFOp>(x.im, y.re))};
}

Val identityOf(KernelBuilder& b, Combiner combiner, const Element& e) {
  if (e.isComplex()) {
    const double both = combiner == Combiner::Add ? -0.0 : 1.0;
    return {b.constantFloat(e.compute, both),
            b.constantFloat(e.compute, combiner == Combiner::Add ? -0.0 : 0.0)};
  }
  switch (combiner) {
    case Combiner::Add:
      return {e.isFloat() ? b.constantFloat(e.compute, -0.0) : b.constantInt(e.compute, 0), Value()};
    case Combiner::Mul:
      return constantOf(b, e, 1.0);
    case Combiner::Max:
      return {extremeOf(b, e, false), Value()};
    case Combiner::Min:
      return {extremeOf(b, e, true), Value()};
    case Combiner::And:
      return {rounded(b, e, b.constantInt(e.compute, ~uint64_t{0})), Value()};
    case Combiner::Or:
    case Combiner::Xor:
      return constantOf(b, e, 0.0);
  }
  llvm_unreachable("every combiner is above");
}

Val acrossLanes(KernelBuilder& b, Combiner combiner, const Element& e, Val x) {
  for (unsigned half = KernelBuilder::lanesOf(x.re) / 2; half > 0; half /= 2) {
    SmallVector<int64_t, 8> low, high;
    for (unsigned i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(half + i);
    }
    const auto part = [&](Value v, ArrayRef<int64_t> mask) {
      if (!v) return v;
      if (half == 1) return b.make<vector::ExtractOp>(v, mask[0]);
      return b.shuffle(v, v, mask);
    };
    x = combine(b, combiner, e, {part(x.re, low), part(x.im, low)}, {part(x.re, high), part(x.im, high)});
  }
  return x;
}

Val multiplyAdd(KernelBuilder& b, const Element& e, Val x, Val y, Val z) {
  if (e.isFloat()) return {b.fma(x.re, y.re, z.re), Value()};
  // Complex products are not fused: a fused part would keep the rounding error of the other.
  return combine(b, Combiner::Add, e, combine(b, Combiner::Mul, e, x, y), z);
}

Value elementary(KernelBuilder& b, ElementaryFn fn, ArrayRef<Value> args) {
  SmallVector<Value, 2> values(args);
  b.unify(values);
  unsigned depth = std::min(b.depth(), 1u);
  for (const Value value : values) depth = std::max(depth, b.depthOf(value));
  OpBuilder builder = b.at(depth);
  return expand(builder, b.loc(), fn, values);
}

Val elementary(KernelBuilder& b, ComplexFn fn, ArrayRef<Val> args) {
  SmallVector<Value, 4> values;
  for (const Val& arg : args) values.append({arg.re, arg.im});
  b.unify(values);
  unsigned depth = std::min(b.depth(), 1u);
  for (const Value value : values) depth = std::max(depth, b.depthOf(value));
  OpBuilder builder = b.at(depth);
  SmallVector<ComplexParts, 2> parts;
  for (size_t i = 0; i < values.size(); i += 2) parts.push_back({values[i], values[i + 1]});
  const ComplexParts result = expand(builder, b.loc(), fn, parts);
  return {result.re, result.im};
}

Val select(KernelBuilder& b, Value condition, Val yes, Val no) {
  return {b.select(condition, yes.re, no.re), yes.im ? b.select(condition, yes.im, no.im) : Value()};
}

}  // namespace wherry::compile
