// Program.h: a source program read into MLIR and brought into the form that is clustered.
//
// One context per program, without threads: contexts never free attributes, and one program compiles on
// one thread until code generation. Diagnostics are collected as lines `file:line:col: error: ...`.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <wherry/exec/compiler.hpp>
#include <wherry/status/error.hpp>

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace wherry::compile {

class Program {
 public:
  /// Reads `source`. Throws `error` (invalid_argument) with all diagnostics where it does not parse or
  /// verify.
  Program(std::string_view source, std::string_view name);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  mlir::MLIRContext& context() { return *owned; }
  mlir::ModuleOp module() { return *parsed; }

  /// Returns the function called `name`; without a name `main`, else the only public function. Throws
  /// `error` (invalid_argument) when there is none, or it is not one block.
  mlir::func::FuncOp entry(std::string_view name);

  /// Inlines the calls of `entry`, and shares what it computes sizes from. Throws `error` (invalid_argument)
  /// for recursion and the like.
  void flatten(mlir::func::FuncOp entry);

  /// Returns the open plan of `entry`, which has been flattened, if its shapes depend on arguments.
  std::optional<plan> openPlan(mlir::func::FuncOp entry);

  /// Specialises `entry`, which has been flattened, for `arguments` (none: as it is written), simplifies and
  /// normalises it. Throws `error`: unimplemented, naming the first
  /// operation or type that is not supported; invalid_argument for arguments and shapes that do not fit.
  void prepare(mlir::func::FuncOp entry, std::span<const known_argument> arguments = {});

  /// Runs `work`, on a thread with a large stack if the program nests deeply.
  void run(llvm::function_ref<void()> work);

  /// Throws what was diagnosed since the last call as `code`, or `otherwise` if nothing was.
  [[noreturn]] void raise(absl::StatusCode code, const char* otherwise);

 private:
  std::unique_ptr<mlir::MLIRContext> owned;
  mlir::OwningOpRef<mlir::ModuleOp> parsed;
  std::string diagnostics;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
  std::string sourceName;
};

}  // namespace wherry::compile
