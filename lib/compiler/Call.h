// Call.h: calls out of the program: `stablehlo.custom_call` of a target that the compiler does not know.
//
// The runtime finds the target by its name when it loads the plan, so nothing here depends on what is
// registered. Operands and results lie in memory as the call's layouts say: the compiler transposes around
// the call, which leaves nothing to do where the layouts are row-major or the values come from transposes.
#pragma once

#include <wherry/exec/custom_call.hpp>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "stablehlo/Dialect.h"

namespace wherry::compile {

/// True for a call that the plan makes.
bool isPlanCall(mlir::Operation* op);

/// True if `op` is a call with side effects, or contains one: such operations keep their order.
bool hasCallEffect(mlir::Operation* op);

/// Brings the calls below `entry` into the form of plans: operands and results have the dimensions of the
/// memory, in its order. Fails, with a diagnostic, for types that no plan holds and for wrong layouts.
mlir::LogicalResult layOutCalls(mlir::func::FuncOp entry);

/// Changes the layouts and aliases of `call`, whose operands or results were tuples or tokens, to those of
/// its flattened values.
void flattenCall(mlir::stablehlo::CustomCallOp call, mlir::NamedAttrList& attributes);

/// The result that shares the memory of each operand, or -1.
llvm::SmallVector<int64_t> aliasesOf(mlir::stablehlo::CustomCallOp call);

/// Returns the call as plans keep it. Precondition: it has been laid out.
custom_call planCallOf(mlir::stablehlo::CustomCallOp call);

}  // namespace wherry::compile
