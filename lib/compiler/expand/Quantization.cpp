// Quantization.cpp: see Quantization.h.
#include "compiler/expand/Quantization.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;

namespace wherry::compile {
namespace {

Type integerOf(quant::QuantizedType type) {
  return IntegerType::get(type.getContext(), type.getStorageTypeIntegralWidth(),
                          type.isSigned() ? IntegerType::Signless : IntegerType::Unsigned);
}

Attribute numberOf(Type element, double value) {
  if (isa<FloatType>(element)) return FloatAttr::get(element, value);
  return IntegerAttr::get(
      element, APInt(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(static_cast<int64_t>(value)),
                     /*isSigned=*/true, /*implicitTrunc=*/true));
}

/// `values` along a dimension of the shape of `like` (one value: everywhere), in the type `element`.
Value parameter(Build& build, Value like, Type element, ArrayRef<double> values,
                std::optional<int64_t> along) {
  const Build::Shape shape = Build::shapeOf(like);
  if (values.size() == 1 || !along) return build.splat(shape, element, values.front());
  llvm::SmallVector<Attribute> all;
  for (const double value : values) all.push_back(numberOf(element, value));
  const auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, element);
  const Value list = stablehlo::ConstantOp::create(build.b, build.loc(), DenseElementsAttr::get(type, all));
  return build.broadcast(list, shape, {*along});
}

llvm::SmallVector<double> asDoubles(ArrayRef<int64_t> values) {
  return llvm::SmallVector<double>(values.begin(), values.end());
}

bool isAll(ArrayRef<double> values, double what) {
  return llvm::all_of(values, [&](double value) { return value == what; });
}

Value clamped(Build& build, Value x, double low, double high) {
  return stablehlo::ClampOp::create(build.b, build.loc(), x.getType(), build.scalar(Build::elementOf(x), low),
                                    x, build.scalar(Build::elementOf(x), high));
}

}  // namespace

bool isQuantized(Type type) { return isa<quant::QuantizedType>(getElementTypeOrSelf(type)); }

Type storageTypeOf(Type type) {
  auto tensor = dyn_cast<ShapedType>(type);
  const auto element =
      tensor ? dyn_cast<quant::QuantizedType>(tensor.getElementType()) : quant::QuantizedType();
  return element ? Type(tensor.clone(integerOf(element))) : type;
}

std::optional<Quantization> Quantization::of(Type type) {
  const Type element = getElementTypeOrSelf(type);
  const auto any = dyn_cast<quant::QuantizedType>(element);
  if (!any || !isa<FloatType>(any.getExpressedType())) return std::nullopt;
  Quantization q;
  q.storage = integerOf(any);
  q.expressed = cast<FloatType>(any.getExpressedType());
  q.low = any.getStorageTypeMin();
  q.high = any.getStorageTypeMax();
  if (const auto uniform = dyn_cast<quant::UniformQuantizedType>(element)) {
    q.scales = {uniform.getScale()};
    q.zeroPoints = {uniform.getZeroPoint()};
  } else if (const auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element)) {
    q.axis = perAxis.getQuantizedDimension();
    q.scales = llvm::SmallVector<double>(perAxis.getScales());
    q.zeroPoints = llvm::SmallVector<int64_t>(perAxis.getZeroPoints());
  } else if (const auto perBlock = dyn_cast<quant::UniformQuantizedSubChannelType>(element)) {
    q.grid = llvm::SmallVector<int64_t>(perBlock.getScales().getType().getShape());
    for (const APFloat& scale : perBlock.getScales().getValues<APFloat>()) {
      bool isInexact = false;
      APFloat wide = scale;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &isInexact);
      q.scales.push_back(wide.convertToDouble());
    }
    for (const APInt& zero : perBlock.getZeroPoints().getValues<APInt>())
      q.zeroPoints.push_back(any.isSigned() ? zero.getSExtValue()
                                            : static_cast<int64_t>(zero.getZExtValue()));
  } else {
    return std::nullopt;
  }
  return q;
}

Value Quantization::spread(Build& build, Value like, Type element, ArrayRef<double> values) const {
  if (!isPerBlock()) return parameter(build, like, element, values, axis);
  // Every number of the grid fills its block.
  const Build::Shape shape = Build::shapeOf(like);
  llvm::SmallVector<Attribute> all;
  for (const double value : values) all.push_back(numberOf(element, value));
  const auto type = RankedTensorType::get(grid, element);
  llvm::SmallVector<int64_t> pairs, firsts;
  for (const auto [blocks, size] : llvm::zip(grid, shape)) {
    firsts.push_back(static_cast<int64_t>(pairs.size()));
    pairs.push_back(blocks);
    pairs.push_back(size / blocks);
  }
  const Value list = stablehlo::ConstantOp::create(build.b, build.loc(), DenseElementsAttr::get(type, all));
  return build.reshape(build.broadcast(list, pairs, firsts), shape);
}

bool Quantization::sameNumbers(const Quantization& other) const {
  return storage == other.storage && expressed == other.expressed && low == other.low && high == other.high &&
         isPerAxis() == other.isPerAxis() && !isPerBlock() && !other.isPerBlock() && scales == other.scales &&
         zeroPoints == other.zeroPoints;
}

Value Quantization::dequantize(Build& build, Value stored) const {
  const llvm::SmallVector<double> zeros = asDoubles(zeroPoints);
  Value x = build.convert(stored, expressed);
  if (!isAll(zeros, 0)) x = build.sub(x, spread(build, x, expressed, zeros));
  return build.mul(x, spread(build, x, expressed, scales));
}

Value Quantization::quantize(Build& build, Value numbers, Type as) const {
  const llvm::SmallVector<double> zeros = asDoubles(zeroPoints);
  Value x = build.div(numbers, spread(build, numbers, expressed, scales));
  if (!isAll(zeros, 0)) x = build.add(x, spread(build, x, expressed, zeros));
  x = clamped(build, x, static_cast<double>(low), static_cast<double>(high));
  return build.convert(build.unary<stablehlo::RoundNearestEvenOp>(x), as);
}

Value Quantization::centred(Build& build, Value stored, Type element) const {
  const llvm::SmallVector<double> zeros = asDoubles(zeroPoints);
  const Value x = build.convert(stored, element);
  return isAll(zeros, 0) ? x : build.sub(x, spread(build, x, element, zeros));
}

Value Quantization::fromSums(Build& build, Value sums, ArrayRef<double> factors, std::optional<int64_t> along,
                             Type as) const {
  llvm::SmallVector<double> ratios;
  for (size_t i = 0; i < std::max(factors.size(), scales.size()); ++i)
    ratios.push_back(factors[factors.size() == 1 ? 0 : i] / scales[scales.size() == 1 ? 0 : i]);
  if (isPerAxis()) along = axis;
  const llvm::SmallVector<double> zeros = asDoubles(zeroPoints);
  const bool isExact = llvm::all_of(ratios, [](double ratio) { return static_cast<float>(ratio) == 1.0F; });
  if (isExact && Build::elementOf(sums).getIntOrFloatBitWidth() >= storage.getIntOrFloatBitWidth()) {
    // The usual case of 32-bit results: their scale is the product of the operands' scales.
    if (!isAll(zeros, 0))
      sums = build.add(sums, parameter(build, sums, Build::elementOf(sums), zeros, along));
    return build.convert(clamped(build, sums, static_cast<double>(low), static_cast<double>(high)), as);
  }
  const Type real = expressed.getIntOrFloatBitWidth() > 32 ? Type(expressed) : Type(build.b.getF32Type());
  Value x = build.convert(sums, real);
  x = build.mul(x, parameter(build, x, real, ratios, along));
  if (!isAll(zeros, 0)) x = build.add(x, parameter(build, x, real, zeros, along));
  x = clamped(build, x, static_cast<double>(low), static_cast<double>(high));
  return build.convert(build.unary<stablehlo::RoundNearestEvenOp>(x), as);
}

}  // namespace wherry::compile
