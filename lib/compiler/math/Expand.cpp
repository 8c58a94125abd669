// Expand.cpp: from the name of a function to its expansion.
#include "Expand.h"

#include <cassert>

#include "Functions.h"

namespace wherry::compile {

unsigned arity(ElementaryFn fn) {
  switch (fn) {
    case ElementaryFn::pow:
    case ElementaryFn::atan2:
    case ElementaryFn::rem:
    case ElementaryFn::polygamma:
    case ElementaryFn::zeta:
      return 2;
    default:
      return 1;
  }
}

llvm::StringRef nameOf(ElementaryFn fn) {
  switch (fn) {
#define WHERRY_NAME(name)  \
  case ElementaryFn::name: \
    return #name;
    WHERRY_NAME(exp)
    WHERRY_NAME(expm1)
    WHERRY_NAME(log)
    WHERRY_NAME(log1p)
    WHERRY_NAME(logistic)
    WHERRY_NAME(tanh)
    WHERRY_NAME(sin)
    WHERRY_NAME(cos)
    WHERRY_NAME(tan)
    WHERRY_NAME(sqrt)
    WHERRY_NAME(rsqrt)
    WHERRY_NAME(cbrt)
    WHERRY_NAME(pow)
    WHERRY_NAME(atan2)
    WHERRY_NAME(atan)
    WHERRY_NAME(asin)
    WHERRY_NAME(acos)
    WHERRY_NAME(sinh)
    WHERRY_NAME(cosh)
    WHERRY_NAME(asinh)
    WHERRY_NAME(acosh)
    WHERRY_NAME(atanh)
    WHERRY_NAME(erf)
    WHERRY_NAME(erfc)
    WHERRY_NAME(erf_inv)
    WHERRY_NAME(rem)
    WHERRY_NAME(lgamma)
    WHERRY_NAME(digamma)
    WHERRY_NAME(polygamma)
    WHERRY_NAME(zeta)
    WHERRY_NAME(bessel_i1e)
#undef WHERRY_NAME
  }
  llvm_unreachable("not an elementary function");
}

mlir::Value expand(mlir::OpBuilder& builder, mlir::Location loc, ElementaryFn fn,
                   llvm::ArrayRef<mlir::Value> args) {
  assert(args.size() == arity(fn) && "expand: wrong number of arguments");
  math::lanes at(builder, loc, args[0].getType());
  const math::real x = at.wrap(args[0]);
  const math::real y = at.wrap(args.back());
  switch (fn) {
    case ElementaryFn::exp:
      return math::exp(x).value;
    case ElementaryFn::expm1:
      return math::expm1(x).value;
    case ElementaryFn::log:
      return math::log(x).value;
    case ElementaryFn::log1p:
      return math::log1p(x).value;
    case ElementaryFn::logistic:
      return math::logistic(x).value;
    case ElementaryFn::tanh:
      return math::tanh(x).value;
    case ElementaryFn::sin:
      return math::sin(x).value;
    case ElementaryFn::cos:
      return math::cos(x).value;
    case ElementaryFn::tan:
      return math::tan(x).value;
    case ElementaryFn::sqrt:
      return math::sqrt(x).value;
    case ElementaryFn::rsqrt:
      return math::rsqrt(x).value;
    case ElementaryFn::cbrt:
      return math::cbrt(x).value;
    case ElementaryFn::pow:
      return math::pow(x, y).value;
    case ElementaryFn::atan2:
      return math::atan2(x, y).value;
    case ElementaryFn::atan:
      return math::atan(x).value;
    case ElementaryFn::asin:
      return math::asin(x).value;
    case ElementaryFn::acos:
      return math::acos(x).value;
    case ElementaryFn::sinh:
      return math::sinh(x).value;
    case ElementaryFn::cosh:
      return math::cosh(x).value;
    case ElementaryFn::asinh:
      return math::asinh(x).value;
    case ElementaryFn::acosh:
      return math::acosh(x).value;
    case ElementaryFn::atanh:
      return math::atanh(x).value;
    case ElementaryFn::erf:
      return math::erf(x).value;
    case ElementaryFn::erfc:
      return math::erfc(x).value;
    case ElementaryFn::erf_inv:
      return math::erf_inv(x).value;
    case ElementaryFn::rem:
      return math::rem(x, y).value;
    case ElementaryFn::lgamma:
      return math::lgamma(x).value;
    case ElementaryFn::digamma:
      return math::digamma(x).value;
    case ElementaryFn::polygamma:
      return math::polygamma(x, y).value;
    case ElementaryFn::zeta:
      return math::zeta(x, y).value;
    case ElementaryFn::bessel_i1e:
      return math::bessel_i1e(x).value;
  }
  llvm_unreachable("not an elementary function");
}

}  // namespace wherry::compile
