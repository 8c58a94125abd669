// Names.h: what the arguments and results of a program are called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace wherry::compile {

/// Returns a name for each argument of `entry`: what the attribute `jax.arg_info` says, else its location
/// (`loc("x")`), else how `source` spells it where it is text (`%x`). One that has none of these, or that
/// shares its name with another, is called by its number: `arg0`.
std::vector<std::string> argumentNames(mlir::func::FuncOp entry, std::string_view source);

/// Returns a name for each result: what the attribute `jax.result_info` says, else `out0`, as above.
std::vector<std::string> resultNames(mlir::func::FuncOp entry);

}  // namespace wherry::compile
