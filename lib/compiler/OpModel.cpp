// OpModel.cpp: the table behind OpModel.h.
#include "compiler/OpModel.h"

#include <initializer_list>

#include "compiler/Window.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

static llvm::StringMap<OpModel> makeTable() {
  llvm::StringMap<OpModel> table;
  const auto add = [&](OpKind kind, double cost, std::initializer_list<const char*> names) {
    for (const char* name : names) table[name] = {kind, cost};
  };
  add(OpKind::Constant, 0, {"stablehlo.constant"});
  add(OpKind::Elementwise, 1,
      {"stablehlo.abs",
       "stablehlo.add",
       "stablehlo.and",
       "stablehlo.bitcast_convert",
       "stablehlo.ceil",
       "stablehlo.clamp",
       "stablehlo.compare",
       "stablehlo.complex",
       "stablehlo.convert",
       "stablehlo.floor",
       "stablehlo.imag",
       "stablehlo.is_finite",
       "stablehlo.maximum",
       "stablehlo.minimum",
       "stablehlo.multiply",
       "stablehlo.negate",
       "stablehlo.not",
       "stablehlo.or",
       "stablehlo.real",
       "stablehlo.reduce_precision",
       "stablehlo.round_nearest_afz",
       "stablehlo.round_nearest_even",
       "stablehlo.select",
       "stablehlo.shift_left",
       "stablehlo.shift_right_arithmetic",
       "stablehlo.shift_right_logical",
       "stablehlo.sign",
       "stablehlo.subtract",
       "stablehlo.xor"});
  add(OpKind::Elementwise, 4, {"stablehlo.popcnt", "stablehlo.count_leading_zeros", "chlo.next_after"});
  add(OpKind::Elementwise, 6, {"stablehlo.divide", "stablehlo.sqrt", "stablehlo.rsqrt"});
  add(OpKind::Elementwise, 16,
      {"stablehlo.exponential", "stablehlo.log", "stablehlo.log_plus_one", "stablehlo.exponential_minus_one",
       "stablehlo.logistic", "stablehlo.tanh", "stablehlo.cbrt", "stablehlo.remainder"});
  add(OpKind::Elementwise, 40,
      {"stablehlo.sine",  "stablehlo.cosine", "stablehlo.tan",   "stablehlo.atan2", "stablehlo.power",
       "stablehlo.map",   "chlo.acos",        "chlo.acosh",      "chlo.asin",       "chlo.asinh",
       "chlo.atan",       "chlo.atanh",       "chlo.bessel_i1e", "chlo.cosh",       "chlo.digamma",
       "chlo.erf",        "chlo.erfc",        "chlo.erf_inv",    "chlo.is_inf",     "chlo.is_neg_inf",
       "chlo.is_pos_inf", "chlo.lgamma",      "chlo.polygamma",  "chlo.sinh",       "chlo.square",
       "chlo.tan",        "chlo.zeta",        "chlo.mulhi"});
  add(OpKind::Movement, 0,
      {"stablehlo.reshape", "stablehlo.broadcast_in_dim", "stablehlo.broadcast", "stablehlo.slice"});
  add(OpKind::Movement, 1,
      {"stablehlo.iota", "stablehlo.transpose", "stablehlo.pad", "stablehlo.concatenate", "stablehlo.reverse",
       "stablehlo.dynamic_slice", "stablehlo.dynamic_update_slice"});
  add(OpKind::Gather, 4, {"stablehlo.gather"});
  add(OpKind::Reduce, 1, {"stablehlo.reduce", "stablehlo.reduce_window"});
  add(OpKind::Control, 0, {"stablehlo.while", "stablehlo.case"});
  add(OpKind::Terminator, 0, {"stablehlo.return", "func.return"});
  return table;
}

OpModel modelOf(Operation* op) {
  static const llvm::StringMap<OpModel> table = makeTable();
  const auto it = table.find(op->getName().getStringRef());
  if (it == table.end()) return {OpKind::Heavy, 1};
  // A bitcast between widths regroups elements, so it is no longer element by element.
  if (isa<stablehlo::BitcastConvertOp>(op) && op->getOperand(0).getType() != op->getResult(0).getType() &&
      elementsOf(op->getOperand(0)) != elementsOf(op->getResult(0)))
    return {OpKind::Heavy, 1};
  if (auto window = dyn_cast<stablehlo::ReduceWindowOp>(op); window && prefixScanOf(window))
    return {OpKind::Heavy, 1};
  return it->second;
}

int64_t elementsOf(Value value) {
  const auto type = dyn_cast<ShapedType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 1;
}

uint64_t bytesOf(Type type) {
  const auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasStaticShape()) return 0;
  const auto scalarBytes = [](Type element) -> uint64_t { return (element.getIntOrFloatBitWidth() + 7) / 8; };
  const Type element = shaped.getElementType();
  uint64_t each = 0;
  if (const auto complex = dyn_cast<ComplexType>(element))
    each = 2 * scalarBytes(complex.getElementType());
  else
    each = scalarBytes(element);
  return each * static_cast<uint64_t>(shaped.getNumElements());
}

Value memoryOf(Value value) {
  while (auto reshape = value.getDefiningOp<stablehlo::ReshapeOp>()) value = reshape.getOperand();
  return value;
}

bool isSplatConstant(Operation* op) {
  auto constant = dyn_cast_or_null<stablehlo::ConstantOp>(op);
  if (!constant) return false;
  const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  return elements && elements.isSplat();
}

}  // namespace wherry::compile
