// ExpandComplex.cpp: from the name of a function of complex numbers to its expansion.
#include <cassert>

#include "Complex.h"
#include "Expand.h"
#include "mlir/IR/TypeUtilities.h"

namespace wherry::compile {

namespace {

using math::complex;

template <class N>
complex apply(ComplexFn fn, complex x, complex y) {
  switch (fn) {
    case ComplexFn::exp:
      return math::exp<N>(x);
    case ComplexFn::expm1:
      return math::expm1<N>(x);
    case ComplexFn::log:
      return math::log<N>(x);
    case ComplexFn::log1p:
      return math::log1p<N>(x);
    case ComplexFn::logistic:
      return math::logistic<N>(x);
    case ComplexFn::sqrt:
      return math::sqrt<N>(x);
    case ComplexFn::rsqrt:
      return math::rsqrt<N>(x);
    case ComplexFn::cbrt:
      return math::cbrt<N>(x);
    case ComplexFn::sin:
      return math::sin<N>(x);
    case ComplexFn::cos:
      return math::cos<N>(x);
    case ComplexFn::tan:
      return math::tan<N>(x);
    case ComplexFn::sinh:
      return math::sinh<N>(x);
    case ComplexFn::cosh:
      return math::cosh<N>(x);
    case ComplexFn::tanh:
      return math::tanh<N>(x);
    case ComplexFn::asin:
      return math::asin<N>(x);
    case ComplexFn::acos:
      return math::acos<N>(x);
    case ComplexFn::atan:
      return math::atan<N>(x);
    case ComplexFn::asinh:
      return math::asinh<N>(x);
    case ComplexFn::acosh:
      return math::acosh<N>(x);
    case ComplexFn::atanh:
      return math::atanh<N>(x);
    case ComplexFn::pow:
      return math::pow<N>(x, y);
    case ComplexFn::quotient:
      return math::quotient(x, y);
  }
  llvm_unreachable("not a function of complex numbers");
}

}  // namespace

unsigned arity(ComplexFn fn) { return fn == ComplexFn::pow || fn == ComplexFn::quotient ? 2 : 1; }

llvm::StringRef nameOf(ComplexFn fn) {
  switch (fn) {
#define WHERRY_NAME(name) \
  case ComplexFn::name:   \
    return #name;
    WHERRY_NAME(exp)
    WHERRY_NAME(expm1)
    WHERRY_NAME(log)
    WHERRY_NAME(log1p)
    WHERRY_NAME(logistic)
    WHERRY_NAME(sqrt)
    WHERRY_NAME(rsqrt)
    WHERRY_NAME(cbrt)
    WHERRY_NAME(pow)
    WHERRY_NAME(sin)
    WHERRY_NAME(cos)
    WHERRY_NAME(tan)
    WHERRY_NAME(sinh)
    WHERRY_NAME(cosh)
    WHERRY_NAME(tanh)
    WHERRY_NAME(asin)
    WHERRY_NAME(acos)
    WHERRY_NAME(atan)
    WHERRY_NAME(asinh)
    WHERRY_NAME(acosh)
    WHERRY_NAME(atanh)
    WHERRY_NAME(quotient)
#undef WHERRY_NAME
  }
  llvm_unreachable("not a function of complex numbers");
}

ComplexParts expand(mlir::OpBuilder& builder, mlir::Location loc, ComplexFn fn,
                    llvm::ArrayRef<ComplexParts> args) {
  assert(args.size() == arity(fn) && "expand: wrong number of arguments");
  const mlir::Type own = args[0].re.getType();
  const bool widens = mlir::getElementTypeOrSelf(own).isF32() && fn != ComplexFn::quotient;
  mlir::Type type = own;
  if (widens) {
    type = builder.getF64Type();
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(own)) type = vector.clone(type);
  }
  math::lanes at(builder, loc, type);
  const auto wide = [&](mlir::Value v) -> mlir::Value {
    return widens ? mlir::arith::ExtFOp::create(builder, loc, type, v).getResult() : v;
  };
  const auto argument = [&](const ComplexParts& z) {
    return complex{at.wrap(wide(z.re)), at.wrap(wide(z.im))};
  };
  const complex x = argument(args[0]), y = args.size() > 1 ? argument(args[1]) : x;
  const complex z = widens ? apply<math::real>(fn, x, y) : apply<math::twofold>(fn, x, y);
  if (!widens) return {z.re.value, z.im.value};
  return {mlir::arith::TruncFOp::create(builder, loc, own, z.re.value),
          mlir::arith::TruncFOp::create(builder, loc, own, z.im.value)};
}

}  // namespace wherry::compile
