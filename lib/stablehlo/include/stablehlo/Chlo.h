// Chlo.h: the chlo dialect for C++ code.
#pragma once

#include "stablehlo/Dialect.h"

#include "stablehlo/ChloDialect.h.inc"
#include "stablehlo/ChloEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "stablehlo/ChloAttrs.h.inc"
#define GET_OP_CLASSES
#include "stablehlo/ChloOps.h.inc"
