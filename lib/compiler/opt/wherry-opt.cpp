// wherry-opt: runs single rewrites of the compiler on StableHLO text, for the lit tests.
//
//   wherry-opt [--split-input-file] --simplify FILE
#include "compiler/passes/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "stablehlo/Parse.h"

int main(int argc, char** argv) {
  mlir::DialectRegistry registry;
  mlir::stablehlo::registerStablehloDialects(registry);
  wherry::compile::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "StableHLO rewrites of wherry\n", registry));
}
