// Complex.cpp: the rules for complex elements.
#include "compiler/emit/Rules.h"
#include "llvm/ADT/TypeSwitch.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {

namespace {

/// |x + iy| without overflow or underflow on the way: the larger part times sqrt(1 + ratio^2).
Value magnitude(KernelBuilder& b, const Element& e, Val z) {
  const Value x = b.unary<math::AbsFOp>(z.re), y = b.unary<math::AbsFOp>(z.im);
  const Value high = b.binary<arith::MaximumFOp>(x, y), low = b.binary<arith::MinimumFOp>(x, y);
  const Value zero = b.constantFloat(e.compute, 0.0), one = b.constantFloat(e.compute, 1.0);
  const Value isZero = b.cmpf(arith::CmpFPredicate::OEQ, high, zero);
  const Value ratio = b.binary<arith::DivFOp>(low, b.select(isZero, one, high));
  const Value size = b.binary<arith::MulFOp>(high, b.unary<math::SqrtOp>(b.fma(ratio, ratio, one)));
  const Value infinity = extremeOf(b, e.part(), true);
  const Value isInfinite = b.binary<arith::OrIOp>(b.cmpf(arith::CmpFPredicate::OEQ, x, infinity),
                                                  b.cmpf(arith::CmpFPredicate::OEQ, y, infinity));
  return b.select(isInfinite, infinity, size);
}

/// x / y with the divisor scaled by its larger part, so that no product overflows where the quotient does
/// not.
Val quotient(KernelBuilder& b, Val x, Val y) {
  const Value high = b.binary<arith::MaximumFOp>(b.unary<math::AbsFOp>(y.re), b.unary<math::AbsFOp>(y.im));
  const Value c = b.binary<arith::DivFOp>(y.re, high), d = b.binary<arith::DivFOp>(y.im, high);
  const Value size = b.fma(y.re, c, b.binary<arith::MulFOp>(y.im, d));
  const Value re = b.fma(x.re, c, b.binary<arith::MulFOp>(x.im, d));
  const Value im = b.fma(x.im, c, b.unary<arith::NegFOp>(b.binary<arith::MulFOp>(x.re, d)));
  return {b.binary<arith::DivFOp>(re, size), b.binary<arith::DivFOp>(im, size)};
}

}  // namespace

Val complexElementwise(KernelBuilder& b, Operation* op, const Element& e, ArrayRef<Val> v) {
  return llvm::TypeSwitch<Operation*, Val>(op)
      .Case([&](stablehlo::AddOp) { return combine(b, Combiner::Add, e, v[0], v[1]); })
      .Case([&](stablehlo::MulOp) { return combine(b, Combiner::Mul, e, v[0], v[1]); })
      .Case([&](chlo::SquareOp) {
        // (x - y) (x + y) has no cancellation of rounded squares; equal magnitudes give 0 however large.
        const Value x = v[0].re, y = v[0].im;
        const Value product =
            b.binary<arith::MulFOp>(b.binary<arith::SubFOp>(x, y), b.binary<arith::AddFOp>(x, y));
        const Value size = b.unary<math::AbsFOp>(x);
        const Value equal =
            b.binary<arith::AndIOp>(b.cmpf(arith::CmpFPredicate::OEQ, size, b.unary<math::AbsFOp>(y)),
                                    b.cmpf(arith::CmpFPredicate::OLT, size, extremeOf(b, e.part(), true)));
        const Value xy = b.binary<arith::MulFOp>(x, y);
        return Val{b.select(equal, b.constantFloat(e.compute, 0.0), product),
                   b.binary<arith::AddFOp>(xy, xy)};
      })
      .Case([&](chlo::ConjOp) { return Val{v[0].re, b.unary<arith::NegFOp>(v[0].im)}; })
      .Case([&](stablehlo::SubtractOp) {
        return Val{b.binary<arith::SubFOp>(v[0].re, v[1].re), b.binary<arith::SubFOp>(v[0].im, v[1].im)};
      })
      .Case([&](stablehlo::DivOp) { return quotient(b, v[0], v[1]); })
      .Case([&](stablehlo::NegOp) {
        return Val{b.unary<arith::NegFOp>(v[0].re), b.unary<arith::NegFOp>(v[0].im)};
      })
      .Case([&](stablehlo::AbsOp) { return Val{magnitude(b, e, v[0]), Value()}; })
      .Case([&](stablehlo::SignOp) {
        const Value size = magnitude(b, e, v[0]);
        const Value keeps = b.cmpf(arith::CmpFPredicate::UEQ, size, 0.0);
        const Value divisor = b.select(keeps, b.constantFloat(e.compute, 1.0), size);
        return Val{b.binary<arith::DivFOp>(v[0].re, divisor), b.binary<arith::DivFOp>(v[0].im, divisor)};
      })
      .Case([&](stablehlo::RealOp) { return Val{v[0].re, Value()}; })
      .Case([&](stablehlo::ImagOp) { return Val{v[0].im, Value()}; })
      .Default([](Operation*) { return Val(); });
}

}  // namespace wherry::compile
