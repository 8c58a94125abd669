// KernelTable.h: the kernels of one program, each emitted once however often it is used.
//
// Two clusters are the same kernel when their operations, attributes and types agree one by one and are
// connected in the same way. Kernels are spread over a few modules that the native exit compiles at the same
// time; the text of a module is the input of either exit. A native kernel that is in the store, from another
// program or an earlier process, is not even emitted.
#pragma once

#include <string>
#include <vector>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/plan.hpp>

#include "compiler/KernelText.h"
#include "compiler/Kernels.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/IR/OwningOpRef.h"

namespace wherry::compile {

class KernelTable {
 public:
  /// `store`: where native kernels are looked for, and go; null: nowhere. `scope`: of its keys, everything
  /// but the kernel that its code depends on. `oneThread`: code is generated on the calling thread only.
  KernelTable(mlir::MLIRContext& context, const target& target, bool oneThread = false,
              kernel_store* store = nullptr, std::string scope = {});

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
  // A native kernel: found in the store, or on its way there.
  struct Stored {
    std::string key;  // empty: it is not stored
    int64_t extent = 1;
    double unitCostNs = 0;
    NativeImage image;  // empty until its code is there
  };

  mlir::LogicalResult finishNative(plan& result);
  mlir::LogicalResult generateMissing();
  bool load(llvm::StringRef name, Stored& entry);
  void save(const Stored& entry);
  void mergeModules();
  void nameByContent(plan& result) const;

  mlir::MLIRContext& context;
  const target& device;
  EmitOptions options;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
  std::vector<size_t> sizes;  // operations emitted into each module
  std::vector<kernel> kernels;
  llvm::StringMap<Use> known;
  kernel_store* store;
  std::string scope;
  KernelText keys;
  llvm::StringMap<Stored> stored;  // native kernels by name
};

}  // namespace wherry::compile
