// Random.cpp: rng as bits of a generator, whose counter the program passes on.
//
// rng has no seed: its numbers are the implementation's affair. Here each call of a program draws the same
// sequence, from Philox with a fixed key, and each rng in it (in each pass of a loop) another part of it.
#include "compiler/expand/Expand.h"
#include "compiler/expand/Thread.h"
#include "stablehlo/Chlo.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// The first bits of pi: nothing up the sleeve.
constexpr double generatorKey = 0x243F6A88;
constexpr double twoPi = 6.28318530717958647692;

class Sampler {
 public:
  Sampler(Build& build, stablehlo::RngOp op) : b(build), op(op), shape(Build::shapeOf(op.getResult())) {
    element = Build::elementOf(op.getResult());
    const bool isWide = !isa<FloatType>(element) || element.getIntOrFloatBitWidth() > 32;
    bitsElement = b.b.getIntegerType(isWide ? 64 : 32, false);
    real = isWide ? Type(b.b.getF64Type()) : Type(b.b.getF32Type());
  }

  LogicalResult run(ThreadedState& state) {
    if (isa<ComplexType>(element)) return op.emitError() << "random complex numbers are not supported";
    const bool isNormal = op.getRngDistribution() == stablehlo::RngDistribution::NORMAL;
    if (isNormal && !isa<FloatType>(element))
      return op.emitError() << "a normal distribution of type " << element << " is not defined";
    const Value result = isNormal                  ? normal(state)
                         : isa<FloatType>(element) ? uniform(state)
                                                   : uniformInteger(state);
    op.replaceAllUsesWith(result);
    op.erase();
    return success();
  }

 private:
  Value bits(ThreadedState& state) {
    const Type u64 = b.b.getIntegerType(64, false);
    const Value start = b.concatenate({b.reshape(b.scalar(u64, generatorKey), {1}),
                                       b.reshape(state.front(), {1}), b.reshape(b.scalar(u64, 0), {1})},
                                      0);
    auto generator = stablehlo::RngBitGeneratorOp::create(
        b.b, b.loc(), TypeRange{start.getType(), RankedTensorType::get(shape, bitsElement)},
        stablehlo::RngAlgorithm::PHILOX, start);
    state.front() = b.reshape(b.slice(generator.getOutputState(), {1}, {2}), {});
    return generator.getOutput();
  }

  /// Numbers from 0 to (not including) 1: the bits become those of a number from 1 to 2.
  Value fraction(ThreadedState& state) {
    const bool isWide = real.isF64();
    const Value all = bits(state);
    const Value mantissa = b.binary<stablehlo::ShiftRightLogicalOp>(all, b.splatLike(all, isWide ? 12 : 9));
    const Value one = b.splatLike(all, isWide ? 0x3FF0000000000000 : 0x3F800000);
    const Value number = stablehlo::BitcastConvertOp::create(b.b, b.loc(), RankedTensorType::get(shape, real),
                                                             b.logicalOr(mantissa, one));
    return b.sub(number, b.splatLike(number, 1));
  }

  Value bound(Value x, Type as) { return b.fill(b.convert(x, as), shape); }

  Value uniform(ThreadedState& state) {
    const Value low = bound(op.getA(), real), high = bound(op.getB(), real);
    const Value number = b.convert(b.add(low, b.mul(fraction(state), b.sub(high, low))), element);
    // Rounding may reach the end, which does not belong to the interval: the number before it does.
    const Value end = b.fill(op.getB(), shape),
                before = chlo::NextAfterOp::create(b.b, b.loc(), op.getA().getType(), op.getB(), op.getA());
    return b.select(b.compare(stablehlo::ComparisonDirection::LT, number, end), number,
                    b.fill(before, shape));
  }

  Value uniformInteger(ThreadedState& state) {
    const Value low = bound(op.getA(), bitsElement), high = bound(op.getB(), bitsElement);
    const Value size = b.max(b.sub(high, low), b.splatLike(low, 1));
    return b.convert(b.add(low, b.rem(bits(state), size)), element);
  }

  /// By Box and Muller; one of the two numbers of each pair is enough.
  Value normal(ThreadedState& state) {
    const Value first = fraction(state), second = fraction(state);
    const Value above = b.sub(b.splatLike(first, 1), first);  // without 0, which has no logarithm
    const Value square = b.mul(b.unary<stablehlo::LogOp>(above), b.splatLike(above, -2));
    const Value angle = b.mul(second, b.splatLike(second, twoPi));
    const Value number = b.mul(b.unary<stablehlo::SqrtOp>(square), b.unary<stablehlo::CosineOp>(angle));
    return b.convert(b.add(bound(op.getA(), real), b.mul(bound(op.getB(), real), number)), element);
  }

  Build& b;
  stablehlo::RngOp op;
  llvm::SmallVector<int64_t> shape;
  Type element, bitsElement, real;
};

}  // namespace

LogicalResult lowerRandom(func::FuncOp entry) {
  const WalkResult found = entry.walk([](stablehlo::RngOp) { return WalkResult::interrupt(); });
  if (!found.wasInterrupted()) return success();
  entry.getContext()->getOrLoadDialect<chlo::CHLODialect>();
  Build build(OpBuilder::atBlockBegin(&entry.getBody().front()), entry.getLoc());
  ThreadedState state{build.scalar(build.b.getIntegerType(64, false), 0)};
  const Thread thread{[](Operation* op) { return isa<stablehlo::RngOp>(op); },
                      [](Operation* op, ThreadedState& current) {
                        Build at(OpBuilder(op), op->getLoc());
                        return Sampler(at, cast<stablehlo::RngOp>(op)).run(current);
                      }};
  return threadState(entry.getBody().front(), state, thread);
}

}  // namespace wherry::compile
