// KernelTable.h: the kernels of one program, each emitted once however often it is used.
//
// Two clusters are the same kernel when their operations, attributes and types agree one by one and are
// connected in the same way. Kernels are spread over a few modules that the native exit compiles at the same
// time; the text of a module is the input of either exit.
#pragma once

#include <string>
#include <vector>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/plan.hpp>

#include "compiler/Kernels.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/IR/OwningOpRef.h"

namespace wherry::compile {

class KernelTable {
 public:
  KernelTable(mlir::MLIRContext& context, const target& target);

  struct Use {
    unsigned kernel = 0;  // index into plan::kernels
    int64_t extent = 1;
    double unitCostNs = 0;
  };

  /// Returns the kernel of `cluster`, emitting it when it is new. Fails with a diagnostic.
  mlir::FailureOr<Use> use(const Cluster& cluster);

  /// Returns the prebuilt kernel called `name`.
  unsigned prebuilt(llvm::StringRef name);

  /// Compiles what was emitted and moves it into `result`: kernels, image or OpenCL C.
  mlir::LogicalResult finish(plan& result);

  /// The kernels as MLIR text, before either exit.
  std::string text();

  /// The kernels as LLVM IR; consumes them.
  mlir::FailureOr<std::string> llvmText();

 private:
  mlir::LogicalResult finishNative(plan& result);
  void mergeModules();

  mlir::MLIRContext& context;
  const target& device;
  EmitOptions options;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
  std::vector<size_t> sizes;  // operations emitted into each module
  std::vector<kernel> kernels;
  std::vector<unsigned> moduleOf;  // by kernel
  llvm::StringMap<Use> known;
};

}  // namespace wherry::compile
