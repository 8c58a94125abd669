// Verify.h: what verifiers and type inference share: compatibility of types, and their messages.
//
// Two sizes are compatible if they are equal or one of them is `?`. Two element types are compatible if
// they are equal or, where one is quantized, stand for the same expressed type.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/TypeRange.h"
#include "mlir/IR/TypeUtilities.h"
#include "stablehlo/Traits.h"

namespace mlir::stablehlo {

bool compatibleSizes(int64_t a, int64_t b);
bool compatibleShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b);
bool compatibleElements(Type a, Type b);
bool compatibleTypes(Type a, Type b);

/// Returns the element type that computation happens in: the expressed type of a quantized one.
Type expressedElement(Type type);

} // namespace mlir::stablehlo
