// Dialect.cpp: registration of the stablehlo dialect.
#include "stablehlo/Dialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::stablehlo;

#include "stablehlo/Dialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "stablehlo/Types.cpp.inc"

void StableHLODialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "stablehlo/Types.cpp.inc"
      >();
  registerAttributes();
  registerBytecode();
  registerStableHLODialectOperations(this);
}

Operation *StableHLODialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                                 Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || !isa<RankedTensorType>(type))
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}
