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
  auto reduce =
      stablehlo::ReduceOp::create(b, loc_, TypeRange{typeOf(x).clone(shape)}, ValueRange{x},
                                  ValueRange{scalar(elementOf(x), 0)}, b.getDenseI64ArrayAttr(dimensions));
  OpBuilder::InsertionGuard guard(b);
  Block* body = b.createBlock(&reduce.getBody(), {}, {element, element}, {loc_, loc_});
  stablehlo::ReturnOp::create(b, loc_, add(body->getArgument(0), body->getArgument(1)));
  return reduce.getResult(0);
}

Value Build::real(Value x) {
  const auto type = dyn_cast<ComplexType>(elementOf(x));
  return type ? Value(stablehlo::RealOp::create(b, loc_, typeOf(x).clone(type.getElementType()), x)) : x;
}

Value Build::conjugate(Value x) {
  const auto type = dyn_cast<ComplexType>(elementOf(x));
  if (!type) return x;
  const Value imaginary = stablehlo::ImagOp::create(b, loc_, typeOf(x).clone(type.getElementType()), x);
  return stablehlo::ComplexOp::create(b, loc_, x.getType(), real(x), unary<stablehlo::NegOp>(imaginary));
}

Value Build::dot(Value x, Value y, ArrayRef<int64_t> xContracting, ArrayRef<int64_t> yContracting,
                 ArrayRef<int64_t> xBatching, ArrayRef<int64_t> yBatching) {
  llvm::SmallVector<int64_t> shape;
  for (const int64_t d : xBatching) shape.push_back(shapeOf(x)[d]);
  const auto addFree = [&](Value of, ArrayRef<int64_t> contracting, ArrayRef<int64_t> batching) {
    for (int64_t d = 0; d < typeOf(of).getRank(); ++d)
      if (!llvm::is_contained(contracting, d) && !llvm::is_contained(batching, d))
        shape.push_back(shapeOf(of)[d]);
  };
  addFree(x, xContracting, xBatching);
  addFree(y, yContracting, yBatching);
  const auto numbers = stablehlo::DotDimensionNumbersAttr::get(b.getContext(), xBatching, yBatching,
                                                               xContracting, yContracting);
  return stablehlo::DotGeneralOp::create(b, loc_, typeOf(x).clone(shape), x, y, numbers, ArrayAttr(),
                                         stablehlo::DotAlgorithmAttr());
}

Build::Values Build::starts(ArrayRef<Value> start) {
  Type element = b.getI64Type();
  for (const Value value : start)
    if (value) element = elementOf(value);
  Values all;
  for (const Value value : start) all.push_back(value ? value : scalar(element, 0));
  return all;
}

Value Build::dynamicSlice(Value x, ArrayRef<Value> start, Shape sizes) {
  return stablehlo::DynamicSliceOp::create(b, loc_, typeOf(x).clone(sizes), x, starts(start),
                                           b.getDenseI64ArrayAttr(sizes));
}

Value Build::update(Value x, Value window, ArrayRef<Value> start) {
  return stablehlo::DynamicUpdateSliceOp::create(b, loc_, x.getType(), x, window, starts(start));
}

Build::Values Build::loop(int64_t trips, ValueRange carried,
                          llvm::function_ref<Values(Build&, Value, ValueRange)> body) {
  const Type element = b.getI64Type();
  Values initial{scalar(element, 0)};
  llvm::append_range(initial, carried);
  const llvm::SmallVector<Type> types(ValueRange(initial).getTypes());
  const llvm::SmallVector<Location> locations(types.size(), loc_);
  auto loop = stablehlo::WhileOp::create(b, loc_, types, initial);
  OpBuilder::InsertionGuard guard(b);
  Block* cond = b.createBlock(&loop.getCond(), {}, types, locations);
  const Value goesOn = compare(stablehlo::ComparisonDirection::LT, cond->getArgument(0),
                               scalar(element, static_cast<double>(trips)));
  stablehlo::ReturnOp::create(b, loc_, goesOn);
  Block* block = b.createBlock(&loop.getBody(), {}, types, locations);
  const Value i = block->getArgument(0);
  Values next = body(*this, i, block->getArguments().drop_front());
  next.insert(next.begin(), add(i, scalar(element, 1)));
  stablehlo::ReturnOp::create(b, loc_, next);
  return Values(loop->getResults().drop_front());
}

}  // namespace wherry::compile
