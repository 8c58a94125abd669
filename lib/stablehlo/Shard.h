// Shard.h: what the generated operation classes need in scope.
#pragma once

#include "Assembly.h"

#include "mlir/IR/Builders.h"
#include "stablehlo/Dialect.h"
