// Convolution.cpp: every convolution as a plain one (Convolution.h) or as a dot.
//
// Padding and dilation of the input become a pad, reversal becomes a reverse of the kernel. What has no
// window is a dot: each spatial dimension then is a contracting dimension (one position) or a free one (a
// window of one element). Narrow operands of more than a little work are widened first, so that no element is
// decoded again for each product.
#include "compiler/Convolution.h"

#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// Products from which on operands are converted once, in memory.
constexpr int64_t littleWork = 4096;

// Elements of the padded input.
constexpr int64_t mostPadded = int64_t{1} << 31;

using Dims = llvm::SmallVector<int64_t>;

stablehlo::ConvolutionOp plainConvolution(Build& build, stablehlo::ConvolutionOp like, Value lhs, Value rhs,
                                          Type element) {
  const Convolution c(like);
  Dims strides, dilations;
  for (const auto& s : c.spatial) {
    strides.push_back(s.stride);
    dilations.push_back(s.dilation);
  }
  OperationState state(like.getLoc(), like->getName());
  state.addOperands({lhs, rhs});
  state.addTypes(cast<RankedTensorType>(like.getType()).clone(element));
  state.addAttributes(like->getAttrs());
  auto op = cast<stablehlo::ConvolutionOp>(build.b.create(state));
  op.setWindowStridesAttr(build.b.getDenseI64ArrayAttr(strides));
  op.setRhsDilationAttr(build.b.getDenseI64ArrayAttr(dilations));
  op.removePaddingAttr();
  op.removeLhsDilationAttr();
  op.removeWindowReversalAttr();
  return op;
}

/// The input of the plain convolution: as many elements as its windows see. Null, with a diagnostic, where
/// padding makes it larger than anything that can be computed.
Value paddedInput(Build& build, Operation* op, const Convolution& c, Value lhs) {
  const Build::Shape shape = Build::shapeOf(lhs);
  Dims low(shape.size(), 0), high(shape.size(), 0), interior(shape.size(), 0);
  bool changes = false;
  double elements = static_cast<double>(shape[c.lhsBatch]) * static_cast<double>(shape[c.lhsFeature]);
  for (const auto& s : c.spatial) {
    const int64_t seen = (s.positions - 1) * s.stride + (s.window - 1) * s.dilation + 1;
    const int64_t dilated = s.input == 0 ? 0 : (s.input - 1) * s.inputDilation + 1;
    low[s.lhs] = s.low;
    high[s.lhs] = seen - s.low - dilated;
    interior[s.lhs] = s.inputDilation - 1;
    changes |= low[s.lhs] != 0 || high[s.lhs] != 0 || s.inputDilation != 1;
    elements *= static_cast<double>(seen);
  }
  if (!changes) return lhs;
  if (elements > static_cast<double>(mostPadded)) {
    op->emitError() << "the padded input would have more than " << mostPadded << " elements";
    return Value();
  }
  return build.pad(lhs, build.scalar(Build::elementOf(lhs), 0), low, high, interior);
}

/// The type in which sums are taken, if no operand has it and every number of the operands is one of its.
Type sumType(Type lhs, Type rhs, Type result) {
  const auto isHalf = [](Type type) { return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 16; };
  const auto isNarrower = [&](Type type) {
    const auto integer = dyn_cast<IntegerType>(type), into = dyn_cast<IntegerType>(result);
    return integer && into && integer.getWidth() < into.getWidth() &&
           (integer.isUnsigned() || !into.isUnsigned());
  };
  if (isHalf(lhs) && isHalf(rhs) && isa<FloatType>(result))
    return result.isF64() ? result : Float32Type::get(result.getContext());
  return isNarrower(lhs) && isNarrower(rhs) ? result : Type();
}

Value forwardKernel(Build& build, const Convolution& c, Value rhs) {
  Dims reversed;
  for (const auto& s : c.spatial)
    if (s.reversed && s.window > 1) reversed.push_back(s.rhs);
  return reversed.empty() ? rhs : build.reverse(rhs, reversed);
}

bool isDot(const Convolution& c) {
  return c.groups() == 1 &&
         llvm::all_of(c.spatial, [](const auto& s) { return s.positions == 1 || s.window == 1; });
}

/// The dot_general of a convolution without windows, over operands of the plain one.
Value asDot(Build& build, stablehlo::ConvolutionOp op, const Convolution& c, Value lhs, Value rhs) {
  const size_t rank = Build::shapeOf(lhs).size();
  Dims start(rank, 0), limit(Build::shapeOf(lhs)), steps(rank, 1);
  Dims lhsSum{c.lhsFeature}, rhsSum{c.rhsInput}, target(rank, -1), keptRhs(Build::shapeOf(rhs));
  target[c.lhsBatch] = c.resultBatch;
  llvm::SmallVector<bool> dropped(rank, false);  // dimensions of the kernel
  for (const auto& s : c.spatial) {
    const bool contracts = s.positions == 1 && s.window != 1;
    const int64_t count = contracts ? s.window : s.positions;
    steps[s.lhs] = contracts ? s.dilation : s.stride;
    limit[s.lhs] = (count - 1) * steps[s.lhs] + 1;
    if (contracts) {
      lhsSum.push_back(s.lhs);
      rhsSum.push_back(s.rhs);
    } else {
      target[s.lhs] = s.result;
      dropped[s.rhs] = true;
    }
  }
  if (limit != Dims(Build::shapeOf(lhs)) || llvm::any_of(steps, [](int64_t s) { return s != 1; }))
    lhs = build.slice(lhs, start, limit, steps);
  Dims shape;
  for (size_t d = 0; d < rank; ++d)
    if (!dropped[d]) shape.push_back(Build::shapeOf(rhs)[d]);
  rhs = build.reshape(rhs, shape);
  for (int64_t& dim : rhsSum) dim -= llvm::count(ArrayRef(dropped).take_front(dim), true);

  // Dimensions of the result as the dot has them, then as they should be.
  const auto type = cast<RankedTensorType>(op.getType());
  Dims from, product, permutation;
  for (size_t d = 0; d < rank; ++d)
    if (target[d] >= 0) from.push_back(target[d]);
  from.push_back(c.resultFeature);
  for (const int64_t dim : from) product.push_back(type.getDimSize(dim));
  for (int64_t dim = 0; dim < static_cast<int64_t>(rank); ++dim)
    if (const auto it = llvm::find(from, dim); it != from.end()) permutation.push_back(it - from.begin());
  const auto numbers = stablehlo::DotDimensionNumbersAttr::get(op.getContext(), {}, {}, lhsSum, rhsSum);
  OperationState state(op.getLoc(), stablehlo::DotGeneralOp::getOperationName());
  state.addOperands({lhs, rhs});
  state.addTypes(type.clone(product));
  state.addAttribute("dot_dimension_numbers", numbers);
  const Value dot = build.b.create(state)->getResult(0);
  return build.reshape(build.transpose(dot, permutation), type.getShape());
}

}  // namespace

Expanded expandConvolution(Build& build, Operation* operation) {
  auto op = cast<stablehlo::ConvolutionOp>(operation);
  const auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type || !type.hasStaticShape() || !Build::typeOf(op.getLhs()).hasStaticShape() ||
      !Build::typeOf(op.getRhs()).hasStaticShape()) {
    op->emitError() << "needs static shapes";
    return failure();
  }
  const Convolution c(op);
  if (type.getNumElements() == 0 || c.depth() == 0)
    return Expanded({build.splat(type.getShape(), type.getElementType(), 0)});

  Value lhs = op.getLhs(), rhs = op.getRhs();
  if (llvm::any_of(c.spatial, [](const auto& s) { return s.reversed && s.inputDilation > 1; })) {
    auto forward = cast<stablehlo::ConvolutionOp>(build.b.clone(*operation));
    forward.getRhsMutable().assign(forwardKernel(build, c, rhs));
    forward.removeWindowReversalAttr();
    return Expanded({forward.getResult()});
  }
  if (hasDilatedInput(c)) return Expanded({withoutDilation(build, op, c)});
  Type element = type.getElementType();
  const Type wide = sumType(Build::elementOf(lhs), Build::elementOf(rhs), element);
  if (wide && type.getNumElements() * c.depth() > littleWork) {
    lhs = build.convert(lhs, wide);
    rhs = build.convert(rhs, wide);
    element = wide;
  }
  if (c.isPlain() && !isDot(c) && lhs == op.getLhs()) return Expanded(llvm::SmallVector<Value>());
  lhs = paddedInput(build, op, c, lhs);
  if (!lhs) return failure();
  rhs = forwardKernel(build, c, rhs);
  auto plain = plainConvolution(build, op, lhs, rhs, element);
  Value result = plain.getResult();
  if (isDot(c)) {
    result = asDot(build, plain, c, lhs, rhs);
    plain->erase();
  }
  return Expanded({build.convert(result, type.getElementType())});
}

}  // namespace wherry::compile
