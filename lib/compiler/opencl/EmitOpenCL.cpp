// EmitOpenCL.cpp: the OpenCL C exit: a module of kernels in, one program out.

#include "Printer.h"
#include "compiler/Kernels.h"

namespace wherry::compile {

mlir::FailureOr<std::string> emitOpenCL(mlir::ModuleOp kernels, bool fp64) {
  opencl::Printer printer;
  for (auto kernel : kernels.getOps<mlir::func::FuncOp>()) {
    if (mlir::failed(printer.printKernel(kernel))) return mlir::failure();
    if (printer.usesDoubles() && !fp64)
      return kernel.emitOpError("computes in f64, which the device does not support");
  }
  return printer.takeProgram();
}

}  // namespace wherry::compile
