// BytecodeValues.h: the attributes and types of a bytecode file, each read when it is first asked for.
#pragma once

#include "BytecodeFile.h"
#include "mlir/Bytecode/BytecodeImplementation.h"

#include <vector>

namespace mlir::stablehlo {

class BytecodeValues {
public:
  explicit BytecodeValues(const BytecodeFile &file);

  /// The attribute or type of a number, null with a diagnostic at `stream` if there is none, if it is
  /// damaged, contains itself, nests deeper than `maximumNesting`, or would be enormous written out.
  Attribute attribute(uint64_t index, const ByteStream &stream);
  Type type(uint64_t index, const ByteStream &stream);

  LogicalResult readAttribute(ByteStream &stream, Attribute &attribute);
  LogicalResult readType(ByteStream &stream, Type &type);
  /// Reads the properties of `state`'s operation.
  LogicalResult readProperties(ArrayRef<uint8_t> bytes, OperationState &state);

private:
  template <typename Value> struct Slot {
    Value value;
    bool isOpen = false;
    /// Of how many attributes and types it consists, those that occur several times counted as often.
    uint32_t weight = 0;
  };
  template <typename Value>
  Value read(ArrayRef<BytecodeEntry> entries, std::vector<Slot<Value>> &slots, uint64_t index,
             const ByteStream &stream, StringRef what);
  template <typename Value> Value readEntry(const BytecodeEntry &entry);
  template <typename Value> Value readEncoded(StringRef dialect, ByteStream &stream);
  template <typename Value> Value parseText(StringRef text, const ByteStream &stream);

  const BytecodeFile &file;
  std::vector<Slot<Attribute>> attributes;
  std::vector<Slot<Type>> types;
  unsigned depth = 0;
  /// The weight of what has been read so far of the innermost open attribute or type.
  uint32_t weight = 0;
};

} // namespace mlir::stablehlo
