// Element.cpp: what an element type is, and its bits.
#include "compiler/emit/Element.h"

using namespace mlir;

namespace wherry::compile {

Element Element::of(Type type) {
  Element e;
  if (const auto shaped = dyn_cast<ShapedType>(type)) type = shaped.getElementType();
  if (const auto complex = dyn_cast<ComplexType>(type)) {
    e.kind = Kind::Complex;
    type = complex.getElementType();
  }
  e.type = type;
  MLIRContext* context = type.getContext();
  if (const auto integer = dyn_cast<IntegerType>(type)) {
    e.bits = integer.getWidth();
    e.kind = e.bits == 1 ? Kind::Bool : integer.isUnsigned() ? Kind::Unsigned : Kind::Signed;
    if (e.bits > 64 || (e.bits & (e.bits - 1)) != 0) return e;
    e.storage = IntegerType::get(context, std::max(e.bits, 8u));
    e.compute = e.bits == 1 ? IntegerType::get(context, 1) : e.storage;
  } else if (auto real = dyn_cast<FloatType>(type)) {
    e.bits = real.getWidth();
    if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(real) && e.bits > 8) return e;
    if (!e.isComplex()) e.kind = Kind::Float;
    e.compute = e.bits == 64 ? type : Float32Type::get(context);
    e.storage = e.bits >= 32 ? type : Type(IntegerType::get(context, std::max(e.bits, 8u)));
    if (e.isComplex() && e.bits < 32) e.compute = Type();
  }
  return e;
}

Element Element::part() const {
  Element e = *this;
  if (isComplex()) e.kind = Kind::Float;
  return e;
}

namespace {

/// Layout of a float of 4 to 16 bits. Types without infinities hold NaN in one code, or have none: then NaN
/// becomes -0 and what is too large the greatest number.
struct Narrow {
  unsigned exponentBits, mantissaBits;
  int bias;
  bool infinities;          // the greatest exponent holds infinities and NaN
  bool unsignedZero;        // the code of -0 is the only NaN
  bool finiteOnly = false;  // every code is a number
};

Narrow layoutOf(Type type) {
  if (isa<Float16Type>(type)) return {5, 10, 15, true, false};
  if (isa<BFloat16Type>(type)) return {8, 7, 127, true, false};
  if (isa<Float8E5M2Type>(type)) return {5, 2, 15, true, false};
  if (isa<Float8E4M3Type>(type)) return {4, 3, 7, true, false};
  if (isa<Float8E3M4Type>(type)) return {3, 4, 3, true, false};
  if (isa<Float8E4M3FNType>(type)) return {4, 3, 7, false, false};
  if (isa<Float8E5M2FNUZType>(type)) return {5, 2, 16, false, true};
  if (isa<Float8E4M3FNUZType>(type)) return {4, 3, 8, false, true};
  if (isa<Float6E2M3FNType>(type)) return {2, 3, 1, false, false, true};
  if (isa<Float6E3M2FNType>(type)) return {3, 2, 3, false, false, true};
  if (isa<Float4E2M1FNType>(type)) return {2, 1, 1, false, false, true};
  return {4, 3, 11, false, true};  // Float8E4M3B11FNUZ
}

/// f32 arithmetic on the bits of a value, for conversions.
struct Bits {
  KernelBuilder& b;
  Type i32 = IntegerType::get(b.context(), 32);
  Type f32 = Float32Type::get(b.context());

  Value ofFloat(Value x) { return b.cast<arith::BitcastOp>(x, i32); }
  Value toFloat(Value x) { return b.cast<arith::BitcastOp>(x, f32); }
  Value add(Value x, Value y) { return b.binary<arith::AddIOp>(x, y); }
  Value add(Value x, uint32_t y) { return b.binary<arith::AddIOp>(x, y); }
  Value all(Value x, uint32_t y) { return b.binary<arith::AndIOp>(x, y); }
  Value any(Value x, Value y) { return b.binary<arith::OrIOp>(x, y); }
  Value any(Value x, uint32_t y) { return b.binary<arith::OrIOp>(x, y); }
  Value right(Value x, unsigned n) { return b.binary<arith::ShRUIOp>(x, n); }
  Value left(Value x, unsigned n) { return b.binary<arith::ShLIOp>(x, n); }
  Value above(Value x, uint32_t y) { return b.cmpi(arith::CmpIPredicate::ugt, x, y); }
  Value constant(uint32_t x) { return b.constantInt(i32, x); }
  Value nearestEven(Value x, unsigned dropped) {
    const Value odd = all(right(x, dropped), 1);
    const Value sum = add(add(x, (1u << (dropped - 1)) - 1), odd);
    return all(sum, ~((1u << dropped) - 1));
  }
};

uint32_t floatBits(double x) {
  return static_cast<uint32_t>(APFloat(static_cast<float>(x)).bitcastToAPInt().getZExtValue());
}

/// The greatest finite value, as f32.
double greatest(const Narrow& n) {
  const int top = (1 << n.exponentBits) - 1 - n.bias - (n.infinities ? 1 : 0);
  const bool lastIsNan = !n.infinities && !n.unsignedZero && !n.finiteOnly;  // f8E4M3FN
  const double mantissa = 2.0 - std::ldexp(lastIsNan ? 2.0 : 1.0, -static_cast<int>(n.mantissaBits));
  return std::ldexp(mantissa, top);
}

// Float8E8M0FNU holds powers of two: eight bits of exponent, as in f32, and nothing else. Ties go up; what is
// not positive is NaN, the greatest code.

Value encodedExponent(KernelBuilder& b, const Element& element, Value x) {
  Bits bits{b};
  const Value all = bits.ofFloat(x);
  const Value normal = bits.right(bits.add(all, 0x400000u), 23);
  // The least power is a subnormal number of f32.
  const Value isLeast = b.cmpi(arith::CmpIPredicate::ult, all, 0x600000);
  Value code = b.select(b.cmpi(arith::CmpIPredicate::ult, all, 0x800000),
                        b.select(isLeast, bits.constant(0), bits.constant(1)), normal);
  const Value isPositive = b.cmpi(arith::CmpIPredicate::ult, b.binary<arith::SubIOp>(all, 1), 0x7F7FFFFF);
  code = b.select(isPositive, code, bits.constant(0xFF));
  return b.cast<arith::TruncIOp>(code, element.storage);
}

Value decodedExponent(KernelBuilder& b, Value stored) {
  Bits bits{b};
  const Value code = b.cast<arith::ExtUIOp>(stored, bits.i32);
  const Value number =
      b.select(b.cmpi(arith::CmpIPredicate::eq, code, 0), bits.constant(0x400000), bits.left(code, 23));
  return bits.toFloat(
      b.select(b.cmpi(arith::CmpIPredicate::eq, code, 0xFF), bits.constant(0x7FC00000u), number));
}

Value roundedFloat(KernelBuilder& b, const Element& element, Value x) {
  if (isa<Float8E8M0FNUType>(element.type)) return decodedExponent(b, encodedExponent(b, element, x));
  const Narrow n = layoutOf(element.type);
  Bits bits{b};
  const unsigned dropped = 23 - n.mantissaBits;
  const Value all = bits.ofFloat(x);
  constexpr uint32_t infinity = 0x7F800000u;
  if (isa<BFloat16Type>(element.type)) {  // the range of f32: no overflow or underflow of its own
    const Value isNan = b.cmpf(arith::CmpFPredicate::UNO, x, x);
    return bits.toFloat(b.select(isNan, bits.any(all, 0x400000u), bits.nearestEven(all, dropped)));
  }
  const Value sign = bits.all(all, 0x80000000u);
  const Value size = bits.all(all, 0x7FFFFFFFu);
  Value result = bits.nearestEven(size, dropped);
  // Below the least normal number the step is constant: adding a power of two whose own step it is rounds to
  // it.
  const int least = 1 - n.bias;
  const double step = std::ldexp(1.0, least - static_cast<int>(n.mantissaBits));
  const Value magic = b.constantFloat(bits.f32, step * 8388608.0);
  const Value fine = b.binary<arith::SubFOp>(b.binary<arith::AddFOp>(bits.toFloat(size), magic), magic);
  const Value isFine = b.cmpi(arith::CmpIPredicate::ult, size, floatBits(std::ldexp(1.0, least)));
  result = b.select(isFine, bits.ofFloat(fine), result);
  const uint32_t most = floatBits(greatest(n));
  const uint32_t overflow = n.infinities ? infinity : n.finiteOnly ? most : 0x7FC00000u;
  result = b.select(bits.above(result, most), bits.constant(overflow), result);
  if (n.finiteOnly)
    return bits.toFloat(
        b.select(bits.above(size, infinity), bits.constant(0x80000000u), bits.any(result, sign)));
  result = b.select(bits.above(size, infinity), bits.any(size, 0x400000u), result);
  if (n.unsignedZero)  // there is no -0
    return b.select(b.cmpi(arith::CmpIPredicate::eq, result, 0), b.constantFloat(bits.f32, 0.0),
                    bits.toFloat(bits.any(result, sign)));
  return bits.toFloat(bits.any(result, sign));
}

Value decodedFloat(KernelBuilder& b, const Element& element, Value stored) {
  if (isa<Float8E8M0FNUType>(element.type)) return decodedExponent(b, stored);
  const Narrow n = layoutOf(element.type);
  Bits bits{b};
  const Value code = b.cast<arith::ExtUIOp>(stored, bits.i32);
  if (isa<BFloat16Type>(element.type)) return bits.toFloat(bits.left(code, 16));
  const unsigned shift = 23 - n.mantissaBits;
  const uint32_t sizeMask = (1u << (element.bits - 1)) - 1;
  const Value size = bits.all(code, sizeMask);
  const Value sign = bits.left(bits.all(code, 1u << (element.bits - 1)), 32 - element.bits);
  const Value moved = bits.left(size, shift);
  Value result = bits.add(moved, static_cast<uint32_t>(127 - n.bias) << 23);
  // Subnormal codes: as if the exponent were 1, less that power of two.
  const Value one = b.constantFloat(bits.f32, std::ldexp(1.0, 1 - n.bias));
  const Value fine =
      b.binary<arith::SubFOp>(bits.toFloat(bits.add(moved, static_cast<uint32_t>(128 - n.bias) << 23)), one);
  result =
      b.select(b.cmpi(arith::CmpIPredicate::ult, size, 1u << n.mantissaBits), bits.ofFloat(fine), result);
  if (n.infinities) {
    const uint32_t special = ((1u << n.exponentBits) - 1) << n.mantissaBits;
    result = b.select(b.cmpi(arith::CmpIPredicate::uge, size, special), bits.any(moved, 0x7F800000u), result);
  } else if (!n.unsignedZero && !n.finiteOnly) {
    result = b.select(b.cmpi(arith::CmpIPredicate::eq, size, sizeMask), bits.constant(0x7FC00000u), result);
  }
  result = bits.any(result, sign);
  if (n.unsignedZero)
    result = b.select(b.cmpi(arith::CmpIPredicate::eq, code, 1u << (element.bits - 1)),
                      bits.constant(0x7FC00000u), result);
  return bits.toFloat(result);
}

Value encodedFloat(KernelBuilder& b, const Element& element, Value x) {
  if (isa<Float8E8M0FNUType>(element.type)) return encodedExponent(b, element, x);
  const Narrow n = layoutOf(element.type);
  Bits bits{b};
  const Value all = bits.ofFloat(x);
  if (isa<BFloat16Type>(element.type)) return b.cast<arith::TruncIOp>(bits.right(all, 16), element.storage);
  const unsigned shift = 23 - n.mantissaBits;
  const uint32_t sizeMask = (1u << (element.bits - 1)) - 1;
  const Value sign = bits.all(bits.right(all, 32 - element.bits), 1u << (element.bits - 1));
  const Value size = bits.all(all, 0x7FFFFFFFu);
  Value result = bits.right(bits.add(size, 0u - (static_cast<uint32_t>(127 - n.bias) << 23)), shift);
  const double step = std::ldexp(1.0, 1 - n.bias - static_cast<int>(n.mantissaBits));
  const Value magic = b.constantFloat(bits.f32, step * 8388608.0);
  const Value sum = b.binary<arith::AddFOp>(bits.toFloat(size), magic);
  const Value fine = bits.add(bits.ofFloat(sum), 0u - floatBits(step * 8388608.0));
  result =
      b.select(b.cmpi(arith::CmpIPredicate::ult, size, floatBits(std::ldexp(1.0, 1 - n.bias))), fine, result);
  const Value isNan = bits.above(size, 0x7F800000u);
  if (n.infinities) {
    const uint32_t special = ((1u << n.exponentBits) - 1) << n.mantissaBits;
    const Value payload = bits.all(bits.right(size, shift), (1u << n.mantissaBits) - 1);
    result =
        b.select(b.cmpi(arith::CmpIPredicate::uge, size, 0x7F800000u), bits.any(payload, special), result);
  } else if (!n.unsignedZero && !n.finiteOnly) {
    result = b.select(isNan, bits.constant(sizeMask), result);
  }
  result = bits.any(result, sign);
  if (n.unsignedZero) result = b.select(isNan, bits.constant(1u << (element.bits - 1)), result);
  return b.cast<arith::TruncIOp>(result, element.storage);
}

}  // namespace

Value rounded(KernelBuilder& b, const Element& element, Value x) {
  if (!element.isNarrow()) return x;
  if (element.isFloat()) return roundedFloat(b, element, x);
  const int64_t spare = element.compute.getIntOrFloatBitWidth() - element.bits;
  if (element.isUnsigned()) return b.binary<arith::AndIOp>(x, (int64_t{1} << element.bits) - 1);
  return b.binary<arith::ShRSIOp>(b.binary<arith::ShLIOp>(x, spare), spare);
}

Val rounded(KernelBuilder& b, const Element& element, Val x) {
  const Element part = element.part();
  return {rounded(b, part, x.re), x.im ? rounded(b, part, x.im) : Value()};
}

Value decoded(KernelBuilder& b, const Element& element, Value stored) {
  if (element.kind == Element::Kind::Bool) return b.cmpi(arith::CmpIPredicate::ne, stored, 0);
  if (!element.isNarrow()) return stored;
  // The unused bits of a byte may hold anything.
  return element.isFloat() ? decodedFloat(b, element, stored) : rounded(b, element, stored);
}

Value encoded(KernelBuilder& b, const Element& element, Value x) {
  if (element.kind == Element::Kind::Bool) return b.cast<arith::ExtUIOp>(x, element.storage);
  return element.isFloat() && element.isNarrow() ? encodedFloat(b, element, x) : x;
}

Value bitsOf(KernelBuilder& b, const Element& element, Value x) {
  const Value stored = encoded(b, element, x);
  if (!isa<FloatType>(element.storage)) return stored;
  return b.cast<arith::BitcastOp>(stored, IntegerType::get(b.context(), element.bits));
}

Value fromBits(KernelBuilder& b, const Element& element, Value bits) {
  if (isa<FloatType>(element.storage)) bits = b.cast<arith::BitcastOp>(bits, element.storage);
  return decoded(b, element, bits);
}

Val constantOf(KernelBuilder& b, const Element& element, double value) {
  const auto part = [&](double x) {
    return isa<FloatType>(element.compute)
               ? b.constantFloat(element.compute, x)
               : b.constantInt(element.compute, static_cast<uint64_t>(static_cast<int64_t>(x)));
  };
  return {part(value), element.isComplex() ? part(0.0) : Value()};
}

static Value partOf(KernelBuilder& b, const Element& element, const APFloat& value) {
  APFloat wide = value;
  bool loses = false;
  wide.convert(cast<FloatType>(element.compute).getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
  return b.constant(FloatAttr::get(element.compute, wide));
}

Val constantOf(KernelBuilder& b, const Element& element, Attribute value) {
  if (const auto real = dyn_cast<FloatAttr>(value)) return {partOf(b, element, real.getValue()), Value()};
  if (const auto integer = dyn_cast<IntegerAttr>(value)) {
    const APInt bits = integer.getValue();
    const unsigned width = element.compute.getIntOrFloatBitWidth();
    const APInt wide = element.isUnsigned() ? bits.zextOrTrunc(width) : bits.sextOrTrunc(width);
    return {b.constant(IntegerAttr::get(element.compute, wide)), Value()};
  }
  if (const auto parts = dyn_cast<ArrayAttr>(value); parts && parts.size() == 2) {
    const auto re = dyn_cast<FloatAttr>(parts[0]), im = dyn_cast<FloatAttr>(parts[1]);
    if (re && im) return {partOf(b, element, re.getValue()), partOf(b, element, im.getValue())};
  }
  return {};
}

Value extremeOf(KernelBuilder& b, const Element& element, bool most) {
  if (element.isFloat()) {
    const auto& semantics = cast<FloatType>(element.compute).getFloatSemantics();
    return b.constant(FloatAttr::get(element.compute, APFloat::getInf(semantics, !most)));
  }
  const unsigned width = element.compute.getIntOrFloatBitWidth();
  APInt value = element.isUnsigned()
                    ? (most ? APInt::getLowBitsSet(width, element.bits) : APInt(width, 0))
                    : (most ? APInt::getSignedMaxValue(element.bits) : APInt::getSignedMinValue(element.bits))
                          .sext(width);
  return b.constant(IntegerAttr::get(element.compute, value));
}

}  // namespace wherry::compile
