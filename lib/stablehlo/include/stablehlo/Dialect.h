// Dialect.h: the stablehlo dialect for C++ code: operations, attributes, types and enumerations.
//
// Classes and accessors have upstream's names (`DotGeneralOp::getDotDimensionNumbers()`); tensors are
// always ranked, so `getType()` of an operand or result is a RankedTensorType. Operations whose result
// types follow from their operands have builders without result types. Link `wherry_stablehlo`; to read
// a program use Parse.h.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "stablehlo/Dialect.h.inc"
#include "stablehlo/Enums.h.inc"
#include "stablehlo/Traits.h"
#define GET_TYPEDEF_CLASSES
#include "stablehlo/Types.h.inc"
#define GET_ATTRDEF_CLASSES
#include "stablehlo/Attrs.h.inc"
#define GET_OP_CLASSES
#include "stablehlo/Ops.h.inc"
