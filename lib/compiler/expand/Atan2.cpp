// Atan2.cpp: the angle of complex coordinates.
#include "compiler/expand/Expand.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;

namespace wherry::compile {

// atan2(y, x) = -i log((x + i y) / sqrt(x^2 + y^2)). A real one has a rule of its own.
Expanded expandAtan2(Build& build, Operation* op) {
  const Value y = op->getOperand(0), x = op->getOperand(1);
  const auto element = dyn_cast<ComplexType>(Build::elementOf(x));
  if (!element) return Expanded(llvm::SmallVector<Value>());
  const auto part = [&](bool imaginary, Value z) -> Value {
    const auto type = Build::typeOf(z).clone(element.getElementType());
    if (imaginary) return stablehlo::ImagOp::create(build.b, build.loc(), type, z);
    return stablehlo::RealOp::create(build.b, build.loc(), type, z);
  };
  const auto complex = [&](Value re, Value im) -> Value {
    return stablehlo::ComplexOp::create(build.b, build.loc(), x.getType(), re, im);
  };
  const auto negate = [&](Value v) { return build.unary<stablehlo::NegOp>(v); };
  const Value turned = complex(negate(part(true, y)), part(false, y));  // i y
  const Value size = build.unary<stablehlo::SqrtOp>(build.add(build.mul(x, x), build.mul(y, y)));
  const Value log = build.unary<stablehlo::LogOp>(build.div(build.add(x, turned), size));
  return Expanded({complex(part(true, log), negate(part(false, log)))});
}

}  // namespace wherry::compile
