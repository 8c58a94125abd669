// Check.h: the check and interpreter dialects for C++ code: programs that test themselves.
#pragma once

#include "stablehlo/Dialect.h"

#include "stablehlo/CheckDialect.h.inc"
#include "stablehlo/InterpreterDialect.h.inc"
#define GET_OP_CLASSES
#include "stablehlo/CheckOps.h.inc"
#define GET_OP_CLASSES
#include "stablehlo/InterpreterOps.h.inc"
