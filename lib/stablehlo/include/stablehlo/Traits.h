// Traits.h: what whole families of stablehlo operations verify.
//
// `SameShapes`: all operands and results have compatible shapes. `SameElements`: they have the same
// element type; for quantized numbers, the same expressed type. The messages name the operand or result
// that differs and both types.
#pragma once

#include "mlir/IR/OpDefinition.h"

namespace mlir::stablehlo {

/// True if the types agree pairwise: equal, or tensors of compatible shapes and element types.
bool compatibleTypes(TypeRange a, TypeRange b);

LogicalResult verifySameShapes(Operation *op);
LogicalResult verifySameElements(Operation *op);

namespace trait {

template <typename ConcreteType> class SameShapes : public OpTrait::TraitBase<ConcreteType, SameShapes> {
public:
  static LogicalResult verifyTrait(Operation *op) { return verifySameShapes(op); }
};

template <typename ConcreteType> class SameElements : public OpTrait::TraitBase<ConcreteType, SameElements> {
public:
  static LogicalResult verifyTrait(Operation *op) { return verifySameElements(op); }
};

} // namespace trait
} // namespace mlir::stablehlo
