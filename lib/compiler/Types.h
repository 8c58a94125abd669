// Types.h: MLIR's tensor types as the runtime spells them.
#pragma once

#include <optional>
#include <wherry/array/shape.hpp>

#include "mlir/IR/Types.h"

namespace wherry::compile {

/// Returns the dtype of an element type, or nothing for a type that no buffer can hold.
std::optional<dtype> dtypeOf(mlir::Type element);

/// Returns the type of a ranked tensor of static shape, or nothing.
std::optional<tensor_type> tensorTypeOf(mlir::Type type);

}  // namespace wherry::compile
