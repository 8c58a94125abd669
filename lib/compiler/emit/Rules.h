// Rules.h: what operations on elements compute.
//
// A rule takes the operands of one element (or of one per lane) and gives the result. Narrow types are
// rounded after every operation; `combine`, the step of a reduction, leaves rounding to its caller.
#pragma once

#include <optional>

#include "compiler/emit/Element.h"
#include "compiler/math/Expand.h"
#include "mlir/IR/Operation.h"

namespace wherry::compile {

/// True if element i of the result needs just element i of the operands (or an operand of rank 0).
bool isElementwise(mlir::Operation* op);

/// The result of an elementwise operation (not map). Null for what no rule covers.
Val elementwise(KernelBuilder& b, mlir::Operation* op, llvm::ArrayRef<Val> operands);
/// The operations on complex numbers among them.
Val complexElementwise(KernelBuilder& b, mlir::Operation* op, const Element& element,
                       llvm::ArrayRef<Val> operands);
/// The function of Expand.h that an operation on complex numbers is, if it is one.
std::optional<ComplexFn> complexFunctionOf(mlir::Operation* op);

/// True if `elementwise` covers the operation with these types.
bool hasElementwiseRule(mlir::Operation* op);

enum class Combiner { Add, Mul, Max, Min, And, Or, Xor };

/// The operation that a region of two scalar arguments applies to them, if it does nothing else.
std::optional<Combiner> combinerOf(mlir::Region& region);
Val combine(KernelBuilder& b, Combiner combiner, const Element& element, Val x, Val y);
/// The value that changes nothing: -0 for sums of floats.
Val identityOf(KernelBuilder& b, Combiner combiner, const Element& element);
/// All lanes of `x` combined, halving; the same order on every device.
Val acrossLanes(KernelBuilder& b, Combiner combiner, const Element& element, Val x);
/// x * y + z, fused for real floats.
Val multiplyAdd(KernelBuilder& b, const Element& element, Val x, Val y, Val z);

/// A function of Expand.h, placed as pure operations are.
mlir::Value elementary(KernelBuilder& b, ElementaryFn fn, llvm::ArrayRef<mlir::Value> args);
Val elementary(KernelBuilder& b, ComplexFn fn, llvm::ArrayRef<Val> args);

Val select(KernelBuilder& b, mlir::Value condition, Val yes, Val no);

}  // namespace wherry::compile
