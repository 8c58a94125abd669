// Vhlo.h: reading portable artifacts: StableHLO in its versioned form, as MLIR bytecode.
//
// An artifact is bytecode whose operations belong to the dialect vhlo: `vhlo.add_v1`. The bytecode says a
// type or an attribute by a number and a payload, and what reads it may return what it likes: `VhloDialect`
// returns builtin and stablehlo types and attributes at once, so vhlo has none of its own here, and values
// need no conversion. Its operations are known by name only (VhloTable.cpp). What is left for
// `convertVhlo` is to rename them and to put attributes together.
//
// All versions from 0.9.0 on can be read: an operation or attribute of a version is never changed again, a
// newer one gets a new name or number.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ExtensibleDialect.h"
#include "stablehlo/Parse.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace mlir {
class DialectBytecodeReader;
}

namespace mlir::stablehlo {

/// How an attribute of a vhlo operation becomes one of the stablehlo operation.
enum class VhloRule : char {
  Keep,    // the same attribute
  Symbol,  // a string becomes a reference to a function, a list of strings a list of them
  Flag,    // a boolean becomes a unit attribute
  NotZero, // left out when it is empty, zero, no type, or the default of its enumeration
  Part,    // a part of a structure that several attributes make
};

struct VhloAttribute {
  StringRef name;
  VhloRule rule;
  /// A tensor or array whose numbers are all this one is left out.
  std::optional<int64_t> leftOut;
  /// A tensor that becomes an array.
  bool isArray = false;
};

/// An operation by its name without `vhlo.`; its attributes are sorted by name, as the bytecode has them.
struct VhloOperation {
  StringRef name;
  SmallVector<VhloAttribute, 4> attributes;
};

/// The operations of all versions; each entry of `vhloTable` describes one.
ArrayRef<StringRef> vhloTable();
VhloOperation parseVhloEntry(StringRef entry);
/// Returns the entry of `name` (without `vhlo.`), or an empty one.
StringRef findVhloEntry(StringRef name);

/// Reads a type or an attribute whose number in the bytecode comes first. Null, with a diagnostic, if there
/// is no such number or its payload makes no sense.
Type readVhloType(DialectBytecodeReader &reader);
Attribute readVhloAttribute(DialectBytecodeReader &reader);

class VhloDialect : public ExtensibleDialect {
public:
  explicit VhloDialect(MLIRContext *context);
  static constexpr StringLiteral getDialectNamespace() { return "vhlo"; }
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VhloDialect)
};

/// Rewrites all vhlo operations below `module` as operations of stablehlo and func. Fails with a diagnostic
/// at the operation that is not known.
LogicalResult convertVhlo(ModuleOp module);

/// Returns who wrote `bytecode`, from its header: `StableHLO_v1.20.0`; empty if that cannot be read.
StringRef producerOf(StringRef bytecode);

} // namespace mlir::stablehlo
