// Convert.cpp: conversions between element types.
#include "compiler/emit/Element.h"

using namespace mlir;

namespace wherry::compile {

namespace {

using Kind = Element::Kind;

/// f64 to f32, keeping in the last bit that something was lost: rounding that again to fewer bits is
/// then as good as rounding once.
Value toOdd(KernelBuilder& b, Value x) {
  const Type i32 = IntegerType::get(b.context(), 32);
  const Type f32 = Float32Type::get(b.context());
  const Value y = b.cast<arith::TruncFOp>(x, f32);
  const Value back = b.cast<arith::ExtFOp>(y, Float64Type::get(b.context()));
  const Value bits = b.cast<arith::BitcastOp>(y, i32);
  const Value inexact = b.cmpf(arith::CmpFPredicate::ONE, back, x);
  const Value even = b.cmpi(arith::CmpIPredicate::eq, b.binary<arith::AndIOp>(bits, 1), 0);
  const Value low = b.cmpf(arith::CmpFPredicate::OLT, b.unary<math::AbsFOp>(back), b.unary<math::AbsFOp>(x));
  const Value step = b.select(low, b.constantInt(i32, 1), b.constantInt(i32, ~uint64_t{0}));
  const Value moved = b.binary<arith::AddIOp>(bits, step);
  const Value adjust = b.binary<arith::AndIOp>(inexact, even);
  return b.cast<arith::BitcastOp>(b.select(adjust, moved, bits), f32);
}

Value floatToInt(KernelBuilder& b, const Element& to, Value x) {
  const unsigned width = to.bits;
  const bool isUnsigned = to.isUnsigned();
  const double high = std::ldexp(1.0, static_cast<int>(isUnsigned ? width : width - 1));
  const Value belowTop = b.cmpf(arith::CmpFPredicate::OLT, x, high);
  const Value aboveBottom =
      isUnsigned ? b.cmpf(arith::CmpFPredicate::OGT, x, -1.0) : b.cmpf(arith::CmpFPredicate::OGE, x, -high);
  const Value inside = b.binary<arith::AndIOp>(belowTop, aboveBottom);
  const Type scalar = getElementTypeOrSelf(x.getType());
  const Value safe = b.select(inside, x, b.constantFloat(scalar, 0.0));
  const Type wide = IntegerType::get(b.context(), width > 32 || (isUnsigned && width == 32) ? 64 : 32);
  Value result =
      isUnsigned && width == 64 ? b.cast<arith::FPToUIOp>(safe, wide) : b.cast<arith::FPToSIOp>(safe, wide);
  if (wide != to.compute) result = b.cast<arith::TruncIOp>(result, to.compute);
  const Value isHigh = b.cmpf(arith::CmpFPredicate::OGE, x, high);
  result = b.select(isHigh, extremeOf(b, to, true), result);
  if (!isUnsigned)
    result = b.select(b.cmpf(arith::CmpFPredicate::OLT, x, -high), extremeOf(b, to, false), result);
  return result;
}

Value intToFloat(KernelBuilder& b, const Element& from, const Element& to, Value x) {
  if (from.kind == Kind::Bool)
    return b.select(x, b.constantFloat(to.compute, 1.0), b.constantFloat(to.compute, 0.0));
  const auto plain = [&](Value v, Type type) {
    return from.isUnsigned() ? b.cast<arith::UIToFPOp>(v, type) : b.cast<arith::SIToFPOp>(v, type);
  };
  if (from.bits < 32) {  // through i32: exact in f32, and vectors of i32 convert in one instruction
    const Type i32 = IntegerType::get(b.context(), 32);
    x = from.isUnsigned() ? b.cast<arith::ExtUIOp>(x, i32) : b.cast<arith::ExtSIOp>(x, i32);
    return rounded(b, to, b.cast<arith::SIToFPOp>(x, to.compute));
  }
  if (!to.isNarrow()) return plain(x, to.compute);
  // More bits than f32 holds: the first rounding must not decide the second.
  const Type f64 = Float64Type::get(b.context());
  if (from.bits == 64) {
    // Magnitudes of 2^53 and above keep their lost low bits as one sticky bit.
    const Type i64 = IntegerType::get(b.context(), 64);
    const Value zero = b.constantInt(i64, 0);
    const Value negative = from.isUnsigned() ? Value() : b.cmpi(arith::CmpIPredicate::slt, x, 0);
    const Value size = negative ? b.select(negative, b.binary<arith::SubIOp>(zero, x), x) : x;
    const Value rest = b.binary<arith::AndIOp>(size, 0x7FF);
    const Value kept = b.binary<arith::AndIOp>(size, ~int64_t{0x7FF});
    const Value lost = b.cmpi(arith::CmpIPredicate::ne, rest, 0);
    const Value sticky = b.binary<arith::OrIOp>(kept, b.select(lost, b.constantInt(i64, 0x800), zero));
    const Value large = b.cmpi(arith::CmpIPredicate::uge, size, int64_t{1} << 53);
    Value real = b.cast<arith::UIToFPOp>(b.select(large, sticky, size), f64);
    if (negative) real = b.select(negative, b.unary<arith::NegFOp>(real), real);
    return rounded(b, to, toOdd(b, real));
  }
  return rounded(b, to, toOdd(b, plain(x, f64)));
}

Value intToInt(KernelBuilder& b, const Element& from, const Element& to, Value x) {
  const unsigned have = from.compute.getIntOrFloatBitWidth(), want = to.compute.getIntOrFloatBitWidth();
  if (want > have)
    x = from.isUnsigned() ? b.cast<arith::ExtUIOp>(x, to.compute) : b.cast<arith::ExtSIOp>(x, to.compute);
  else if (want < have)
    x = b.cast<arith::TruncIOp>(x, to.compute);
  return rounded(b, to, x);
}

Value realConverted(KernelBuilder& b, const Element& from, const Element& to, Value x) {
  if (from == to) return x;
  if (to.kind == Kind::Bool) {
    if (from.isFloat()) return b.cmpf(arith::CmpFPredicate::UNE, x, 0.0);
    return b.cmpi(arith::CmpIPredicate::ne, x, 0);
  }
  if (!from.isFloat()) return to.isFloat() ? intToFloat(b, from, to, x) : intToInt(b, from, to, x);
  if (!to.isFloat()) return floatToInt(b, to, x);
  if (from.compute == to.compute) {  // both held in f32, or the same
    // A wider type's value fits unless the target has less precision or range; rounding is then the identity.
    return rounded(b, to, x);
  }
  if (to.bits == 64) return b.cast<arith::ExtFOp>(x, to.compute);
  return to.isNarrow() ? rounded(b, to, toOdd(b, x)) : b.cast<arith::TruncFOp>(x, to.compute);
}

}  // namespace

Val converted(KernelBuilder& b, const Element& from, const Element& to, Val x) {
  if (from == to) return x;
  const Element fromPart = from.part(), toPart = to.part();
  Val result{realConverted(b, fromPart, toPart, x.re), Value()};
  if (to.isComplex())
    result.im =
        from.isComplex() ? realConverted(b, fromPart, toPart, x.im) : b.constantFloat(to.compute, 0.0);
  return result;
}

}  // namespace wherry::compile
