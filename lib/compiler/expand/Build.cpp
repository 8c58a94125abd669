// Build.cpp: see Build.h.
#include "compiler/expand/Build.h"

#include <complex>

using namespace mlir;

namespace wherry::compile {

RankedTensorType Build::typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

Value Build::splat(Shape shape, Type element, double value) {
  const auto type = RankedTensorType::get(shape, element);
  const auto real = [&](FloatType of) {
    bool losesInfo;
    APFloat number(value);
    number.convert(of.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return number;
  };
  DenseElementsAttr elements;
  if (const auto complex = dyn_cast<ComplexType>(element)) {
    const APFloat re = real(cast<FloatType>(complex.getElementType()));
    elements = DenseElementsAttr::get(type, std::complex<APFloat>(re, APFloat::getZero(re.getSemantics())));
  } else if (const auto of = dyn_cast<FloatType>(element)) {
    elements = DenseElementsAttr::get(type, real(of));
  } else {
    elements = DenseElementsAttr::get(
        type, APInt(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(static_cast<int64_t>(value)),
                    /*isSigned=*/true, /*implicitTrunc=*/true));
  }
  return stablehlo::ConstantOp::create(b, loc_, elements);
}

Value Build::select(Value condition, Value yes, Value no) {
  return stablehlo::SelectOp::create(b, loc_, yes.getType(), condition, yes, no);
}

Value Build::compare(stablehlo::ComparisonDirection direction, Value x, Value y) {
  const auto type = typeOf(x).clone(b.getI1Type());
  return stablehlo::CompareOp::create(b, loc_, type, x, y, direction, stablehlo::ComparisonTypeAttr());
}

Value Build::convert(Value x, Type element) {
  if (elementOf(x) == element) return x;
  return stablehlo::ConvertOp::create(b, loc_, typeOf(x).clone(element), x);
}

Value Build::iota(Shape shape, Type element, int64_t dimension) {
  return stablehlo::IotaOp::create(b, loc_, RankedTensorType::get(shape, element), dimension);
}

Value Build::reshape(Value x, Shape shape) {
  if (shapeOf(x) == shape) return x;
  return stablehlo::ReshapeOp::create(b, loc_, typeOf(x).clone(shape), x);
}

Value Build::broadcast(Value x, Shape shape, ArrayRef<int64_t> dimensions) {
  if (shapeOf(x) == shape) return x;
  return stablehlo::BroadcastInDimOp::create(b, loc_, typeOf(x).clone(shape), x,
                                             b.getDenseI64ArrayAttr(dimensions));
}

Value Build::transpose(Value x, ArrayRef<int64_t> permutation) {
  llvm::SmallVector<int64_t> shape;
  for (const int64_t dim : permutation) shape.push_back(shapeOf(x)[dim]);
  return stablehlo::TransposeOp::create(b, loc_, typeOf(x).clone(shape), x,
                                        b.getDenseI64ArrayAttr(permutation));
}

Value Build::reverse(Value x, ArrayRef<int64_t> dimensions) {
  return stablehlo::ReverseOp::create(b, loc_, x.getType(), x, b.getDenseI64ArrayAttr(dimensions));
}

Value Build::slice(Value x, ArrayRef<int64_t> start, ArrayRef<int64_t> limit, ArrayRef<int64_t> strides) {
  llvm::SmallVector<int64_t> steps(strides), shape;
  steps.resize(start.size(), 1);
  for (size_t d = 0; d < start.size(); ++d) shape.push_back((limit[d] - start[d] + steps[d] - 1) / steps[d]);
  return stablehlo::SliceOp::create(b, loc_, typeOf(x).clone(shape), x, start, limit, steps);
}

Value Build::concatenate(ValueRange parts, int64_t dimension) {
  llvm::SmallVector<int64_t> shape(shapeOf(parts.front()));
  for (const Value part : parts.drop_front()) shape[dimension] += shapeOf(part)[dimension];
  return stablehlo::ConcatenateOp::create(b, loc_, typeOf(parts.front()).clone(shape), parts, dimension);
}

Value Build::pad(Value x, Value scalar, ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                 ArrayRef<int64_t> interior) {
  llvm::SmallVector<int64_t> between(interior), shape;
  between.resize(low.size(), 0);
  for (size_t d = 0; d < low.size(); ++d) {
    const int64_t size = shapeOf(x)[d];
    shape.push_back(low[d] + size + std::max<int64_t>(size - 1, 0) * between[d] + high[d]);
  }
  return stablehlo::PadOp::create(b, loc_, typeOf(x).clone(shape), x, scalar, low, high, between);
}

Value Build::sum(Value x, ArrayRef<int64_t> dimensions) {
  llvm::SmallVector<int64_t> shape;
  for (int64_t d = 0; d < typeOf(x).getRank(); ++d)
    if (!llvm::is_contained(dimensions, d)) shape.push_back(shapeOf(x)[d]);
  const auto element = RankedTensorType::get({}, elementOf(x));
  auto reduce = stablehlo::ReduceOp::create(b, loc_, TypeRange{typeOf(x).clone(shape)}, ValueRange{x},
                                            ValueRange{scalar(elementOf(x), 0)},
                                            b.getDenseI64ArrayAttr(dimensions));
  OpBuilder::InsertionGuard guard(b);
  Block* body = b.createBlock(&reduce.getBody(), {}, {element, element}, {loc_, loc_});
  stablehlo::ReturnOp::create(b, loc_, add(body->getArgument(0), body->getArgument(1)));
  return reduce.getResult(0);
}

}  // namespace wherry::compile
