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

/// x > y in the order of parts, the real one first.
Value isGreater(KernelBuilder& b, Val x, Val y) {
  const Value tie = b.binary<arith::AndIOp>(b.cmpf(arith::CmpFPredicate::OEQ, x.re, y.re),
                                            b.cmpf(arith::CmpFPredicate::OGT, x.im, y.im));
  return b.binary<arith::OrIOp>(b.cmpf(arith::CmpFPredicate::OGT, x.re, y.re), tie);
}

}  // namespace

std::optional<ComplexFn> complexFunctionOf(Operation* op) {
  return llvm::TypeSwitch<Operation*, std::optional<ComplexFn>>(op)
      .Case([](stablehlo::ExpOp) { return ComplexFn::exp; })
      .Case([](stablehlo::Expm1Op) { return ComplexFn::expm1; })
      .Case([](stablehlo::LogOp) { return ComplexFn::log; })
      .Case([](stablehlo::Log1pOp) { return ComplexFn::log1p; })
      .Case([](stablehlo::LogisticOp) { return ComplexFn::logistic; })
      .Case([](stablehlo::SqrtOp) { return ComplexFn::sqrt; })
      .Case([](stablehlo::RsqrtOp) { return ComplexFn::rsqrt; })
      .Case([](stablehlo::CbrtOp) { return ComplexFn::cbrt; })
      .Case([](stablehlo::PowOp) { return ComplexFn::pow; })
      .Case([](stablehlo::DivOp) { return ComplexFn::quotient; })
      .Case([](stablehlo::SineOp) { return ComplexFn::sin; })
      .Case([](stablehlo::CosineOp) { return ComplexFn::cos; })
      .Case([](stablehlo::TanhOp) { return ComplexFn::tanh; })
      .Case<stablehlo::TanOp, chlo::TanOp>([](Operation*) { return ComplexFn::tan; })
      .Case([](chlo::SinhOp) { return ComplexFn::sinh; })
      .Case([](chlo::CoshOp) { return ComplexFn::cosh; })
      .Case([](chlo::AsinOp) { return ComplexFn::asin; })
      .Case([](chlo::AcosOp) { return ComplexFn::acos; })
      .Case([](chlo::AtanOp) { return ComplexFn::atan; })
      .Case([](chlo::AsinhOp) { return ComplexFn::asinh; })
      .Case([](chlo::AcoshOp) { return ComplexFn::acosh; })
      .Case([](chlo::AtanhOp) { return ComplexFn::atanh; })
      .Default([](Operation*) { return std::nullopt; });
}

Val complexElementwise(KernelBuilder& b, Operation* op, const Element& e, ArrayRef<Val> v) {
  if (const auto fn = complexFunctionOf(op)) return elementary(b, *fn, v);
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
      .Case([&](stablehlo::MaxOp) { return select(b, isGreater(b, v[0], v[1]), v[0], v[1]); })
      .Case([&](stablehlo::MinOp) { return select(b, isGreater(b, v[1], v[0]), v[0], v[1]); })
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
