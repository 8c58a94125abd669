// OpModel.h: what clustering knows about an operation: how it reads its operands and what an element costs.
//
// The unit of cost is one simple vector instruction per vector of elements; the numbers rank operations
// and decide where recomputing beats storing, so only their order of magnitude matters.
#pragma once

#include "mlir/IR/Operation.h"

namespace wherry::compile {

enum class OpKind {
  Constant,     // stablehlo.constant
  Elementwise,  // element i of the result needs element i of every operand (or an operand of rank 0)
  Movement,     // elements are moved by an index map: reshape, broadcast, slice, pad, iota, ...
  Gather,       // like Movement, but the first operand is read at places that data decides
  Reduce,       // loops over its operands for each element of the result
  Heavy,        // a kernel of its own: dot_general, convolution, sort, scatter, ...
  Control,      // while, case
  Terminator,   // return
};

struct OpModel {
  OpKind kind = OpKind::Heavy;
  double cost = 1;  // per element of the result; Reduce: per element that is combined
};

/// Returns the model of `op`; an operation nobody knows is Heavy.
OpModel modelOf(mlir::Operation* op);

/// Elements of the ranked, static tensor type of `value`.
int64_t elementsOf(mlir::Value value);

/// Bytes of `value` in memory, with the storage types of Kernels.h.
uint64_t bytesOf(mlir::Type type);

/// Follows reshapes, which share the memory of their operand.
mlir::Value memoryOf(mlir::Value value);

/// True for a constant of one repeated element, which kernels hold as an immediate.
bool isSplatConstant(mlir::Operation* op);

}  // namespace wherry::compile
