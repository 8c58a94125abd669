// Infer.h: the frame of type inference: each operation writes one function from its adaptor to types.
//
// `INFER(Op) { ... }` defines `Op::inferReturnTypes` from a body that sees `adaptor` (operands and
// attributes by name), `types` (where results go), `context` and `location`, and returns success or
// `refuse<Op>(location, message parts...)`. The interface then compares the inferred with the written
// types; `compatibleTypes` says what agrees. Because inference runs before an operation's own verifier,
// it is the place that checks attributes which decide about shapes.
#pragma once

#include "Verify.h"

#include "stablehlo/Dialect.h"

namespace mlir::stablehlo {

template <typename Op, typename... Parts>
LogicalResult refuse(std::optional<Location> location, Parts &&...parts) {
  return emitOptionalError(location, "'", Op::getOperationName(), "' op ", std::forward<Parts>(parts)...);
}

/// Returns the most static of the compatible types of `values`, with the first one's element type.
RankedTensorType mergeTypes(ValueRange values);

/// Checks that `dims` are distinct dimensions of a tensor of `rank`; `name` is theirs in messages.
LogicalResult checkDims(std::optional<Location> location, llvm::StringRef op, llvm::StringRef name,
                        llvm::ArrayRef<int64_t> dims, int64_t rank);

/// Checks that a list has one entry per dimension.
LogicalResult checkCount(std::optional<Location> location, llvm::StringRef op, llvm::StringRef name,
                         size_t count, int64_t rank);

} // namespace mlir::stablehlo

#define INFER(OpName)                                                                                        \
  static LogicalResult infer##OpName(OpName::Adaptor adaptor, [[maybe_unused]] MLIRContext *context,         \
                                     [[maybe_unused]] std::optional<Location> location,                      \
                                     [[maybe_unused]] SmallVectorImpl<Type> &types);                         \
  LogicalResult OpName::inferReturnTypes(MLIRContext *context, std::optional<Location> location,             \
                                         ValueRange operands, DictionaryAttr attributes,                     \
                                         OpaqueProperties properties, RegionRange regions,                   \
                                         SmallVectorImpl<Type> &types) {                                     \
    return infer##OpName(OpName::Adaptor(operands, attributes, properties, regions), context, location,      \
                         types);                                                                             \
  }                                                                                                          \
  static LogicalResult infer##OpName(                                                                        \
      [[maybe_unused]] OpName::Adaptor adaptor, [[maybe_unused]] MLIRContext *context,                       \
      [[maybe_unused]] std::optional<Location> location, [[maybe_unused]] SmallVectorImpl<Type> &types)
