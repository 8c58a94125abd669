// BytecodeFile.h: the container that MLIR's bytecode is: a header, then sections with tables.
//
// The format is that of MLIR's documentation "MLIR Bytecode Format", versions 0 to 6. This library reads it
// itself, because MLIR's reader believes counts and references of a damaged file: it crashes, hangs or runs
// out of memory.
#pragma once

#include "BytecodeStream.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <optional>

namespace mlir::stablehlo {

/// An attribute or a type that has not been read yet.
struct BytecodeEntry {
  StringRef dialect;
  ArrayRef<uint8_t> bytes;
  /// The dialect knows what the bytes mean; otherwise they are the text of it.
  bool isEncoded = false;
};

struct BytecodeOperation {
  OperationName name;
  /// It was known to who wrote the file; nothing before version 5 of the format.
  std::optional<bool> wasRegistered;
};

class BytecodeFile {
public:
  BytecodeFile(StringRef bytecode, Location location);
  /// Reads everything but the program. Fails with a diagnostic.
  LogicalResult read();

  Location location;
  uint64_t version = 0;
  SmallVector<StringRef> strings;
  SmallVector<BytecodeOperation> operations;
  SmallVector<BytecodeEntry> attributes, types;
  /// The properties of operations.
  SmallVector<ArrayRef<uint8_t>> properties;
  SmallVector<AsmDialectResourceHandle> resources;
  /// The program.
  ByteStream program;

  LogicalResult readString(ByteStream &stream, StringRef &text) const;

private:
  LogicalResult readSections(ByteStream &stream);
  LogicalResult readStrings();
  LogicalResult readDialects();
  LogicalResult readProperties();
  LogicalResult readResources();
  LogicalResult readResourceGroup(ByteStream &offsets, ByteStream &data,
                                  const OpAsmDialectInterface *interface);
  LogicalResult readEntries();
  /// Reads groups, each of a dialect and a number of entries, until `isEnd`.
  LogicalResult readGroups(ByteStream &stream, function_ref<bool()> isEnd,
                           function_ref<LogicalResult(StringRef dialect)> readOne);
  ByteStream section(unsigned id) const;

  ByteStream file;
  std::array<std::optional<ArrayRef<uint8_t>>, 9> sections;
  SmallVector<StringRef> dialects;
};

} // namespace mlir::stablehlo
