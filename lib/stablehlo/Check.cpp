// Check.cpp: registration of the check and interpreter dialects.
#include "stablehlo/Check.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "stablehlo/CheckDialect.cpp.inc"
#include "stablehlo/InterpreterDialect.cpp.inc"
#define GET_OP_CLASSES
#include "stablehlo/CheckOps.cpp.inc"
#define GET_OP_CLASSES
#include "stablehlo/InterpreterOps.cpp.inc"

void check::CheckDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "stablehlo/CheckOps.cpp.inc"
      >();
}

void interpreter::InterpreterDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "stablehlo/InterpreterOps.cpp.inc"
      >();
}
