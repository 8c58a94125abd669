// Elementwise.cpp: the rules for real elements.
#include "compiler/emit/Rules.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

namespace {

using Kind = Element::Kind;
using IntPredicate = arith::CmpIPredicate;
using FloatPredicate = arith::CmpFPredicate;

std::optional<ElementaryFn> functionOf(Operation* op) {
  return llvm::TypeSwitch<Operation*, std::optional<ElementaryFn>>(op)
      .Case([](stablehlo::ExpOp) { return ElementaryFn::exp; })
      .Case([](stablehlo::Expm1Op) { return ElementaryFn::expm1; })
      .Case([](stablehlo::LogOp) { return ElementaryFn::log; })
      .Case([](stablehlo::Log1pOp) { return ElementaryFn::log1p; })
      .Case([](stablehlo::LogisticOp) { return ElementaryFn::logistic; })
      .Case([](stablehlo::TanhOp) { return ElementaryFn::tanh; })
      .Case([](stablehlo::SineOp) { return ElementaryFn::sin; })
      .Case([](stablehlo::CosineOp) { return ElementaryFn::cos; })
      .Case([](stablehlo::TanOp) { return ElementaryFn::tan; })
      .Case([](stablehlo::SqrtOp) { return ElementaryFn::sqrt; })
      .Case([](stablehlo::RsqrtOp) { return ElementaryFn::rsqrt; })
      .Case([](stablehlo::CbrtOp) { return ElementaryFn::cbrt; })
      .Case([](stablehlo::PowOp) { return ElementaryFn::pow; })
      .Case([](stablehlo::Atan2Op) { return ElementaryFn::atan2; })
      .Case([](stablehlo::RemOp) { return ElementaryFn::rem; })
      .Case([](chlo::AcosOp) { return ElementaryFn::acos; })
      .Case([](chlo::AcoshOp) { return ElementaryFn::acosh; })
      .Case([](chlo::AsinOp) { return ElementaryFn::asin; })
      .Case([](chlo::AsinhOp) { return ElementaryFn::asinh; })
      .Case([](chlo::AtanOp) { return ElementaryFn::atan; })
      .Case([](chlo::AtanhOp) { return ElementaryFn::atanh; })
      .Case([](chlo::CoshOp) { return ElementaryFn::cosh; })
      .Case([](chlo::SinhOp) { return ElementaryFn::sinh; })
      .Case([](chlo::TanOp) { return ElementaryFn::tan; })
      .Case([](chlo::ErfOp) { return ElementaryFn::erf; })
      .Case([](chlo::ErfcOp) { return ElementaryFn::erfc; })
      .Case([](chlo::ErfInvOp) { return ElementaryFn::erf_inv; })
      .Case([](chlo::LgammaOp) { return ElementaryFn::lgamma; })
      .Case([](chlo::DigammaOp) { return ElementaryFn::digamma; })
      .Case([](chlo::PolygammaOp) { return ElementaryFn::polygamma; })
      .Case([](chlo::ZetaOp) { return ElementaryFn::zeta; })
      .Case([](chlo::BesselI1eOp) { return ElementaryFn::bessel_i1e; })
      .Default([](Operation*) { return std::nullopt; });
}

/// Quotient, or remainder, of integers. x / 0 has all bits set (-1), x % 0 is x; the least signed number
/// over -1 is itself, remainder 0.
Value divide(KernelBuilder& b, const Element& e, Value x, Value y, bool wantsRest) {
  const Value byZero = b.cmpi(IntPredicate::eq, y, 0);
  Value unsafe = byZero;
  if (!e.isUnsigned()) {
    const Value minusOne = b.cmpi(IntPredicate::eq, y, -1);
    const Value least = b.cmpi(
        IntPredicate::eq, x,
        b.constantInt(e.compute, APInt::getSignedMinValue(e.compute.getIntOrFloatBitWidth()).getZExtValue()));
    unsafe = b.binary<arith::OrIOp>(byZero, b.binary<arith::AndIOp>(minusOne, least));
  }
  const Value divisor = b.select(unsafe, b.constantInt(e.compute, 1), y);
  if (wantsRest) {
    const Value rest =
        e.isUnsigned() ? b.binary<arith::RemUIOp>(x, divisor) : b.binary<arith::RemSIOp>(x, divisor);
    return b.select(byZero, x, rest);
  }
  const Value quotient =
      e.isUnsigned() ? b.binary<arith::DivUIOp>(x, divisor) : b.binary<arith::DivSIOp>(x, divisor);
  return b.select(byZero, rounded(b, e, b.constantInt(e.compute, ~uint64_t{0})), quotient);
}

/// The upper half of the product of two integers.
Value multiplyHigh(KernelBuilder& b, const Element& e, Value x, Value y) {
  if (e.bits < 64) {
    const Type wide = IntegerType::get(b.context(), 64);
    const auto widened = [&](Value v) {
      return e.isUnsigned() ? b.cast<arith::ExtUIOp>(v, wide) : b.cast<arith::ExtSIOp>(v, wide);
    };
    const Value product = b.binary<arith::MulIOp>(widened(x), widened(y));
    return b.cast<arith::TruncIOp>(b.binary<arith::ShRSIOp>(product, e.bits), e.compute);
  }
  // By halves of 32 bits; a negative factor counts 2^64 too much, so it takes the other off the upper half.
  const auto low = [&](Value v) { return b.binary<arith::AndIOp>(v, int64_t{0xffffffff}); };
  const auto high = [&](Value v) { return b.binary<arith::ShRUIOp>(v, 32); };
  const auto times = [&](Value v, Value w) { return b.binary<arith::MulIOp>(v, w); };
  const auto plus = [&](Value v, Value w) { return b.binary<arith::AddIOp>(v, w); };
  const Value cross = plus(times(low(x), high(y)), high(times(low(x), low(y))));
  const Value other = plus(times(high(x), low(y)), low(cross));
  Value result = plus(plus(times(high(x), high(y)), high(cross)), high(other));
  if (e.isUnsigned()) return result;
  for (const auto& [factor, rest] : {std::pair(x, y), std::pair(y, x)})
    result =
        b.binary<arith::SubIOp>(result, b.binary<arith::AndIOp>(b.binary<arith::ShRSIOp>(factor, 63), rest));
  return result;
}

enum class Shift { Left, Arithmetic, Logical };

/// Amounts of the width or more (also negative ones) shift everything out.
Value shift(KernelBuilder& b, const Element& e, Shift kind, Value x, Value amount) {
  if (e.bits < 8 && !e.isUnsigned()) amount = b.binary<arith::AndIOp>(amount, 0xFF);
  const Value fits = b.cmpi(IntPredicate::ult, amount, e.bits);
  if (kind == Shift::Arithmetic) {
    const Value bounded = b.select(fits, amount, b.constantInt(e.compute, e.bits - 1));
    if (e.isUnsigned() && e.bits < 8) {  // the sign is bit e.bits - 1
      const int64_t spare = 8 - e.bits;
      x = b.binary<arith::ShRSIOp>(b.binary<arith::ShLIOp>(x, spare), spare);
    }
    return b.binary<arith::ShRSIOp>(x, bounded);
  }
  const Value zero = b.constantInt(e.compute, 0);
  const Value bounded = b.select(fits, amount, zero);
  if (kind == Shift::Left) return b.select(fits, b.binary<arith::ShLIOp>(x, bounded), zero);
  if (e.isNarrow()) x = b.binary<arith::AndIOp>(x, (int64_t{1} << e.bits) - 1);
  return b.select(fits, b.binary<arith::ShRUIOp>(x, bounded), zero);
}

/// base to the power of exponent by squaring, modulo the type. Negative exponents give 0 but for base 1 and
/// -1.
Value integerPower(KernelBuilder& b, const Element& e, Value base, Value exponent) {
  Value both[] = {base, exponent};
  b.unify(both);
  unsigned depth = std::min(b.depth(), 1u);
  for (const Value value : both) depth = std::max(depth, b.depthOf(value));
  const KernelBuilder::Outside outside(b, depth);
  const Value one = b.splat(b.constantInt(e.compute, 1), KernelBuilder::lanesOf(both[0]));
  const Value low = b.constantIndex(0), high = b.constantIndex(e.bits), step = b.constantIndex(1);
  OpBuilder builder = b.here();
  auto loop = scf::ForOp::create(builder, b.loc(), low, high, step, ValueRange{one, both[0], both[1]});
  b.push(loop.getBody(), loop);
  const Value product = loop.getRegionIterArg(0), square = loop.getRegionIterArg(1),
              rest = loop.getRegionIterArg(2);
  const Value isOdd = b.cmpi(IntPredicate::ne, b.binary<arith::AndIOp>(rest, 1), 0);
  const Value next = b.select(isOdd, b.binary<arith::MulIOp>(product, square), product);
  const Value squared = b.binary<arith::MulIOp>(square, square);
  const Value halved = b.binary<arith::ShRUIOp>(rest, 1);
  builder = b.here();
  scf::YieldOp::create(builder, b.loc(), ValueRange{next, squared, halved});
  b.pop();
  const Value power = loop.getResult(0);
  if (e.isUnsigned()) return power;
  // What remains of a negative exponent is the parity that decides the sign of a power of -1.
  const Value isNegative = b.cmpi(IntPredicate::slt, both[1], 0);
  const Value size = b.select(b.cmpi(IntPredicate::slt, both[0], 0),
                              b.binary<arith::SubIOp>(b.constantInt(e.compute, 0), both[0]), both[0]);
  const Value vanishes = b.binary<arith::AndIOp>(isNegative, b.cmpi(IntPredicate::ne, size, 1));
  return b.select(vanishes, b.constantInt(e.compute, 0), power);
}

Value sign(KernelBuilder& b, const Element& e, Value x) {
  if (e.isFloat()) {
    const Value one = b.binary<math::CopySignOp>(b.constantFloat(e.compute, 1.0), x);
    const Value keeps = b.cmpf(FloatPredicate::UEQ, x, 0.0);  // zeros with their sign, and NaN
    return b.select(keeps, x, one);
  }
  const Value zero = b.constantInt(e.compute, 0), one = b.constantInt(e.compute, 1);
  const Value positive =
      b.select(b.cmpi(e.isUnsigned() ? IntPredicate::ugt : IntPredicate::sgt, x, zero), one, zero);
  if (e.isUnsigned()) return positive;
  return b.select(b.cmpi(IntPredicate::slt, x, zero), b.constantInt(e.compute, ~uint64_t{0}), positive);
}

Value roundAwayFromZero(KernelBuilder& b, const Element& e, Value x) {
  const Value whole = b.unary<math::TruncOp>(x);
  const Value rest = b.unary<math::AbsFOp>(b.binary<arith::SubFOp>(x, whole));
  const Value one = b.binary<math::CopySignOp>(b.constantFloat(e.compute, 1.0), x);
  return b.select(b.cmpf(FloatPredicate::OGE, rest, 0.5), b.binary<arith::AddFOp>(whole, one), whole);
}

/// A signed integer that orders as totalOrder does.
Value totalOrderKey(KernelBuilder& b, const Element& e, Value x) {
  const Type integer = IntegerType::get(b.context(), e.compute.getIntOrFloatBitWidth());
  const Value bits = b.cast<arith::BitcastOp>(x, integer);
  const unsigned width = integer.getIntOrFloatBitWidth();
  const Value flip = b.binary<arith::ShRUIOp>(b.binary<arith::ShRSIOp>(bits, width - 1), 1);
  return b.binary<arith::XOrIOp>(bits, flip);
}

Value compare(KernelBuilder& b, stablehlo::CompareOp op, const Element& e, Val x, Val y) {
  using Direction = stablehlo::ComparisonDirection;
  const Direction direction = op.getComparisonDirection();
  if (e.isComplex()) {
    const bool isEqual = direction == Direction::EQ;
    const FloatPredicate predicate = isEqual ? FloatPredicate::OEQ : FloatPredicate::UNE;
    const Value re = b.cmpf(predicate, x.re, y.re), im = b.cmpf(predicate, x.im, y.im);
    return isEqual ? b.binary<arith::AndIOp>(re, im) : b.binary<arith::OrIOp>(re, im);
  }
  const bool isTotal = op.getCompareType() == stablehlo::ComparisonType::TOTALORDER;
  if (e.isFloat() && !isTotal) {
    switch (direction) {
      case Direction::EQ:
        return b.cmpf(FloatPredicate::OEQ, x.re, y.re);
      case Direction::NE:
        return b.cmpf(FloatPredicate::UNE, x.re, y.re);
      case Direction::GE:
        return b.cmpf(FloatPredicate::OGE, x.re, y.re);
      case Direction::GT:
        return b.cmpf(FloatPredicate::OGT, x.re, y.re);
      case Direction::LE:
        return b.cmpf(FloatPredicate::OLE, x.re, y.re);
      case Direction::LT:
        return b.cmpf(FloatPredicate::OLT, x.re, y.re);
    }
  }
  if (e.isFloat()) {
    x.re = totalOrderKey(b, e, x.re);
    y.re = totalOrderKey(b, e, y.re);
  }
  const bool isUnsigned = e.isUnsigned();
  switch (direction) {
    case Direction::EQ:
      return b.cmpi(IntPredicate::eq, x.re, y.re);
    case Direction::NE:
      return b.cmpi(IntPredicate::ne, x.re, y.re);
    case Direction::GE:
      return b.cmpi(isUnsigned ? IntPredicate::uge : IntPredicate::sge, x.re, y.re);
    case Direction::GT:
      return b.cmpi(isUnsigned ? IntPredicate::ugt : IntPredicate::sgt, x.re, y.re);
    case Direction::LE:
      return b.cmpi(isUnsigned ? IntPredicate::ule : IntPredicate::sle, x.re, y.re);
    case Direction::LT:
      return b.cmpi(isUnsigned ? IntPredicate::ult : IntPredicate::slt, x.re, y.re);
  }
  llvm_unreachable("every direction is above");
}

/// Rounds to a float of fewer bits, kept in the type: too large becomes infinite, too small zero.
Value reducePrecision(KernelBuilder& b, stablehlo::ReducePrecisionOp op, const Element& e, Value x) {
  const unsigned width = e.compute.getIntOrFloatBitWidth();
  const Type integer = IntegerType::get(b.context(), width);
  const int mantissa = width == 64 ? 52 : 23, bias = width == 64 ? 1023 : 127;
  const int wantMantissa = std::min<int>(mantissa, op.getMantissaBits());
  const int exponentBits = op.getExponentBits();
  const auto constant = [&](uint64_t value) { return b.constantInt(integer, value); };
  const uint64_t signMask = uint64_t{1} << (width - 1);
  const uint64_t infinity = ((uint64_t{1} << (width - 1 - mantissa)) - 1) << mantissa;
  const Value all = b.cast<arith::BitcastOp>(x, integer);
  const Value signBit = b.binary<arith::AndIOp>(all, constant(signMask));
  Value size = b.binary<arith::AndIOp>(all, constant(~signMask & (width == 64 ? ~uint64_t{0} : 0xFFFFFFFFu)));
  if (const int dropped = mantissa - wantMantissa; dropped > 0) {
    const Value odd = b.binary<arith::AndIOp>(b.binary<arith::ShRUIOp>(size, dropped), 1);
    const Value sum = b.binary<arith::AddIOp>(
        b.binary<arith::AddIOp>(size, constant((uint64_t{1} << (dropped - 1)) - 1)), odd);
    size = b.binary<arith::AndIOp>(sum, constant(~((uint64_t{1} << dropped) - 1)));
  }
  if (exponentBits < static_cast<int>(width) - 1 - mantissa) {
    const int wantBias = (1 << (exponentBits - 1)) - 1;
    const uint64_t top = (static_cast<uint64_t>(bias + wantBias + 1)) << mantissa;
    const uint64_t bottom = (static_cast<uint64_t>(bias - wantBias + 1)) << mantissa;
    size = b.select(b.cmpi(IntPredicate::uge, size, constant(top)), constant(infinity), size);
    size = b.select(b.cmpi(IntPredicate::ult, size, constant(bottom)), constant(0), size);
  }
  const Value result = b.cast<arith::BitcastOp>(b.binary<arith::OrIOp>(size, signBit), e.compute);
  const Value isNan = b.cmpf(FloatPredicate::UNO, x, x);
  return b.select(isNan, op.getMantissaBits() > 0 ? x : extremeOf(b, e, true), result);
}

/// The neighbour of x towards y in the element's own type.
Value nextAfter(KernelBuilder& b, const Element& e, Value x, Value y) {
  const Type integer = IntegerType::get(b.context(), e.bits);
  const auto constant = [&](uint64_t value) { return b.constantInt(integer, value); };
  const Value bits = bitsOf(b, e, x);
  const Value sign = b.binary<arith::AndIOp>(bits, constant(uint64_t{1} << (e.bits - 1)));
  // Away from zero is one more in the bits of the magnitude; from zero it is the least number of y's sign.
  const Value isNegative = b.cmpi(IntPredicate::ne, sign, constant(0));
  const Value goesUp = b.cmpf(FloatPredicate::OLT, x, y);
  const Value grows = b.cmpi(IntPredicate::ne, goesUp, isNegative);
  const Value moved = b.binary<arith::AddIOp>(bits, b.select(grows, constant(1), constant(~uint64_t{0})));
  const Value signOfY = b.binary<arith::AndIOp>(bitsOf(b, e, y), constant(uint64_t{1} << (e.bits - 1)));
  const Value fromZero = b.binary<arith::OrIOp>(signOfY, constant(1));
  const Value isZero = b.cmpf(FloatPredicate::OEQ, x, 0.0);
  const Value next = fromBits(b, e, b.select(isZero, fromZero, moved));
  const Value isNan = b.cmpf(FloatPredicate::UNO, x, y);
  const Value same = b.cmpf(FloatPredicate::OEQ, x, y);
  return b.select(isNan, b.binary<arith::AddFOp>(x, y), b.select(same, y, next));
}

Value countLeadingZeros(KernelBuilder& b, const Element& e, Value x) {
  if (!e.isNarrow()) return b.unary<math::CountLeadingZerosOp>(x);
  x = b.binary<arith::AndIOp>(x, (int64_t{1} << e.bits) - 1);
  return b.binary<arith::SubIOp>(b.unary<math::CountLeadingZerosOp>(x), 8 - e.bits);
}

Value real(KernelBuilder& b, Operation* op, const Element& e, ArrayRef<Val> v) {
  const bool isFloat = e.isFloat();
  if (const auto fn = functionOf(op); fn && isFloat) {
    if (v.size() == 2) return elementary(b, *fn, {v[0].re, v[1].re});
    return *fn == ElementaryFn::sqrt ? b.unary<math::SqrtOp>(v[0].re) : elementary(b, *fn, {v[0].re});
  }
  const Value x = v[0].re, y = v.size() > 1 ? v[1].re : Value();
  const auto combined = [&](Combiner combiner) { return combine(b, combiner, e, v[0], v[1]).re; };
  return llvm::TypeSwitch<Operation*, Value>(op)
      .Case([&](stablehlo::AddOp) { return combined(Combiner::Add); })
      .Case([&](stablehlo::MulOp) { return combined(Combiner::Mul); })
      .Case([&](stablehlo::MaxOp) { return combined(Combiner::Max); })
      .Case([&](stablehlo::MinOp) { return combined(Combiner::Min); })
      .Case([&](stablehlo::AndOp) { return combined(Combiner::And); })
      .Case([&](stablehlo::OrOp) { return combined(Combiner::Or); })
      .Case([&](stablehlo::XorOp) { return combined(Combiner::Xor); })
      .Case([&](stablehlo::SubtractOp) {
        return isFloat ? b.binary<arith::SubFOp>(x, y) : b.binary<arith::SubIOp>(x, y);
      })
      .Case([&](stablehlo::DivOp) {
        return isFloat ? b.binary<arith::DivFOp>(x, y) : divide(b, e, x, y, false);
      })
      .Case([&](stablehlo::RemOp) { return divide(b, e, x, y, true); })
      .Case([&](stablehlo::PowOp) { return integerPower(b, e, x, y); })
      .Case([&](stablehlo::ShiftLeftOp) { return shift(b, e, Shift::Left, x, y); })
      .Case([&](stablehlo::ShiftRightArithmeticOp) { return shift(b, e, Shift::Arithmetic, x, y); })
      .Case([&](stablehlo::ShiftRightLogicalOp) { return shift(b, e, Shift::Logical, x, y); })
      .Case([&](stablehlo::AbsOp) {
        if (isFloat) return b.unary<math::AbsFOp>(x);
        const Value negative = b.binary<arith::SubIOp>(b.constantInt(e.compute, 0), x);
        return e.isUnsigned() ? x : b.select(b.cmpi(IntPredicate::slt, x, 0), negative, x);
      })
      .Case([&](stablehlo::NegOp) {
        return isFloat ? b.unary<arith::NegFOp>(x) : b.binary<arith::SubIOp>(b.constantInt(e.compute, 0), x);
      })
      .Case([&](stablehlo::NotOp) {
        return b.binary<arith::XOrIOp>(x, b.constantInt(e.compute, ~uint64_t{0}));
      })
      .Case([&](stablehlo::SignOp) { return sign(b, e, x); })
      .Case([&](stablehlo::PopulationCountOp) {
        return b.unary<math::CtPopOp>(e.isNarrow() ? b.binary<arith::AndIOp>(x, (int64_t{1} << e.bits) - 1)
                                                   : x);
      })
      .Case([&](stablehlo::ClzOp) { return countLeadingZeros(b, e, x); })
      .Case([&](stablehlo::CeilOp) { return b.unary<math::CeilOp>(x); })
      .Case([&](stablehlo::FloorOp) { return b.unary<math::FloorOp>(x); })
      .Case([&](stablehlo::RoundOp) { return roundAwayFromZero(b, e, x); })
      .Case([&](stablehlo::RoundNearestEvenOp) { return b.unary<math::RoundEvenOp>(x); })
      .Case([&](chlo::SquareOp) { return combine(b, Combiner::Mul, e, v[0], v[0]).re; })
      .Case([&](chlo::MulhiOp) { return multiplyHigh(b, e, x, y); })
      .Case([&](chlo::ConjOp) { return x; })
      .Case([&](chlo::NextAfterOp) { return nextAfter(b, e, x, y); })
      .Case([&](stablehlo::RealOp) { return x; })
      .Case([&](stablehlo::ImagOp) { return b.constantFloat(e.compute, 0.0); })
      .Case([&](stablehlo::ReducePrecisionOp reduce) { return reducePrecision(b, reduce, e, x); })
      .Case([&](stablehlo::ClampOp) {
        const Val low = combine(b, Combiner::Max, e, v[1], v[0]);
        return combine(b, Combiner::Min, e, low, v[2]).re;
      })
      .Default([](Operation*) { return Value(); });
}

}  // namespace

bool isElementwise(Operation* op) {
  if (isa<stablehlo::SelectOp, stablehlo::ClampOp, stablehlo::MapOp>(op)) return true;
  if (!op->hasTrait<OpTrait::Elementwise>() || op->getNumOperands() == 0) return false;
  return true;
}

bool hasElementwiseRule(Operation* op) {
  if (!isElementwise(op)) return false;
  const Element e = Element::of(op->getOperand(op->getNumOperands() > 1 ? 1 : 0).getType());
  if (isa<stablehlo::SelectOp, stablehlo::MapOp, stablehlo::ConvertOp, stablehlo::CompareOp,
          stablehlo::ComplexOp, stablehlo::AddOp, stablehlo::SubtractOp, stablehlo::MulOp, stablehlo::DivOp,
          stablehlo::NegOp, stablehlo::AbsOp, stablehlo::SignOp, stablehlo::RealOp, stablehlo::ImagOp,
          chlo::ConjOp, chlo::SquareOp>(op))
    return true;
  if (e.isComplex()) return isa<stablehlo::MaxOp, stablehlo::MinOp>(op) || complexFunctionOf(op);
  if (functionOf(op)) return e.isFloat() || isa<stablehlo::PowOp, stablehlo::RemOp>(op);
  return isa<stablehlo::MaxOp, stablehlo::MinOp, stablehlo::AndOp, stablehlo::OrOp, stablehlo::XorOp,
             stablehlo::NotOp, stablehlo::ShiftLeftOp, stablehlo::ShiftRightArithmeticOp,
             stablehlo::ShiftRightLogicalOp, stablehlo::PopulationCountOp, stablehlo::ClzOp,
             stablehlo::CeilOp, stablehlo::FloorOp, stablehlo::RoundOp, stablehlo::RoundNearestEvenOp,
             stablehlo::ReducePrecisionOp, stablehlo::ClampOp, stablehlo::IsFiniteOp, chlo::IsInfOp,
             chlo::IsPosInfOp, chlo::IsNegInfOp, chlo::NextAfterOp, chlo::MulhiOp>(op);
}

Val elementwise(KernelBuilder& b, Operation* op, ArrayRef<Val> v) {
  const Element result = Element::of(op->getResult(0).getType());
  if (isa<stablehlo::SelectOp>(op)) return select(b, v[0].re, v[1], v[2]);
  const Element e = Element::of(op->getOperand(0).getType());
  if (isa<stablehlo::ConvertOp>(op)) return converted(b, e, result, v[0]);
  if (auto comparison = dyn_cast<stablehlo::CompareOp>(op))
    return {compare(b, comparison, e, v[0], v[1]), Value()};
  if (isa<stablehlo::ComplexOp>(op)) return {v[0].re, v[1].re};
  if (isa<stablehlo::IsFiniteOp>(op)) {
    const Value infinity = extremeOf(b, e, true);
    return {b.cmpf(FloatPredicate::OLT, b.unary<math::AbsFOp>(v[0].re), infinity), Value()};
  }
  if (isa<chlo::IsInfOp, chlo::IsPosInfOp, chlo::IsNegInfOp>(op)) {
    const Value x = isa<chlo::IsInfOp>(op) ? b.unary<math::AbsFOp>(v[0].re) : v[0].re;
    return {b.cmpf(FloatPredicate::OEQ, x, extremeOf(b, e, !isa<chlo::IsNegInfOp>(op))), Value()};
  }
  if (e.isComplex()) return complexElementwise(b, op, e, v);
  const Value x = real(b, op, e, v);
  return {x ? rounded(b, e, x) : Value(), Value()};
}

}  // namespace wherry::compile
