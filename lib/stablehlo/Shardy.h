// Shardy.h: the dialect sdy, which says how arrays are spread over devices. One device has nothing to spread.
//
// Programs for one device carry it all the same: meshes, constraints, rules for custom calls. They are read,
// in text and in bytecode, and thrown away: `dropShardings` replaces an operation that only constrains its
// operand by the operand. Operations that need several devices stay and are refused as unknown.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ExtensibleDialect.h"

namespace mlir::stablehlo {

class ShardyDialect : public ExtensibleDialect {
public:
  explicit ShardyDialect(MLIRContext *context);
  static constexpr StringLiteral getDialectNamespace() { return "sdy"; }
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ShardyDialect)

  Attribute parseAttribute(DialectAsmParser &parser, Type type) const override;
  void printAttribute(Attribute attribute, DialectAsmPrinter &printer) const override;
};

/// Removes all operations of sdy below `module` that mean nothing on one device. Fails, with a diagnostic, at
/// one that does.
LogicalResult dropShardings(ModuleOp module);

/// Removes the attributes `sdy.*` below `module` whose value bytecode had and nobody kept.
void dropShardingAttributes(ModuleOp module);

} // namespace mlir::stablehlo
