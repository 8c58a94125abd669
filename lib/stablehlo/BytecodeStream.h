// BytecodeStream.h: a place in the bytes of a bytecode file, and what can be read there.
//
// Nothing that the bytes say is believed: a length or a count must fit what is left, so that memory stays
// in proportion to the file. Whatever does not is told as an error at the program, naming the byte.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::stablehlo {

class ByteStream {
public:
  /// Reads `bytes`, a part of the file that begins at `file`; `location` names the file.
  ByteStream(ArrayRef<uint8_t> bytes, const uint8_t *file, Location location)
      : rest(bytes), file(file), location(location) {}

  bool empty() const { return rest.empty(); }
  size_t size() const { return rest.size(); }
  ArrayRef<uint8_t> remaining() const { return rest; }
  /// A stream of `bytes` of the same file.
  ByteStream at(ArrayRef<uint8_t> bytes) const { return {bytes, file, location}; }

  /// Says that the bytes before this place are wrong.
  InFlightDiagnostic emitError() const;

  LogicalResult readByte(uint8_t &byte);
  /// A number of up to 64 bits, in one to nine bytes: the zeros at the low end of the first are how many
  /// follow.
  LogicalResult readNumber(uint64_t &number);
  /// Such a number with its sign in the lowest bit.
  LogicalResult readSigned(int64_t &number);
  /// Such a number with a flag in the lowest bit.
  LogicalResult readFlagged(uint64_t &number, bool &flag);
  /// The number of `what`, each of which takes at least a byte of what is left.
  LogicalResult readCount(uint64_t &count, StringRef what);
  LogicalResult checkCount(uint64_t count, StringRef what);
  /// The position of one of `size` things.
  LogicalResult readIndex(uint64_t &index, size_t size, StringRef what);
  LogicalResult checkIndex(uint64_t index, size_t size, StringRef what);
  LogicalResult readBytes(uint64_t count, ArrayRef<uint8_t> &bytes);
  /// Text that ends with a zero, which is not part of it.
  LogicalResult readText(StringRef &text);
  /// Skips the filling up to a multiple of `alignment` from the start of the file.
  LogicalResult align(uint64_t alignment);
  LogicalResult readSection(uint8_t &id, ArrayRef<uint8_t> &bytes);
  /// Fails unless everything has been read; `what` is the whole.
  LogicalResult expectEnd(StringRef what);

private:
  ArrayRef<uint8_t> rest;
  const uint8_t *file;
  Location location;
};

} // namespace mlir::stablehlo
