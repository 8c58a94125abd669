// BytecodeStream.cpp: see BytecodeStream.h.
#include "BytecodeStream.h"

#include "mlir/Bytecode/Encoding.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::stablehlo;

InFlightDiagnostic ByteStream::emitError() const {
  return mlir::emitError(location) << "the bytecode is damaged at byte " << (rest.data() - file) << ": ";
}

LogicalResult ByteStream::readByte(uint8_t &byte) {
  if (rest.empty())
    return emitError() << "it ends in the middle of something";
  byte = rest.front();
  rest = rest.drop_front();
  return success();
}

LogicalResult ByteStream::readNumber(uint64_t &number) {
  uint8_t first = 0;
  if (failed(readByte(first)))
    return failure();
  const unsigned more = first == 0 ? 8 : static_cast<unsigned>(llvm::countr_zero(first));
  ArrayRef<uint8_t> bytes;
  if (failed(readBytes(more, bytes)))
    return failure();
  uint64_t high = 0;
  for (const uint8_t byte : llvm::reverse(bytes))
    high = high << 8 | byte;
  number = more == 8 ? high : (high << 8 | first) >> (more + 1);
  return success();
}

LogicalResult ByteStream::readSigned(int64_t &number) {
  uint64_t folded = 0;
  if (failed(readNumber(folded)))
    return failure();
  number = static_cast<int64_t>((folded >> 1) ^ (~(folded & 1) + 1));
  return success();
}

LogicalResult ByteStream::readFlagged(uint64_t &number, bool &flag) {
  if (failed(readNumber(number)))
    return failure();
  flag = (number & 1) != 0;
  number >>= 1;
  return success();
}

LogicalResult ByteStream::readCount(uint64_t &count, StringRef what) {
  return failure(failed(readNumber(count)) || failed(checkCount(count, what)));
}

LogicalResult ByteStream::checkCount(uint64_t count, StringRef what) {
  if (count > rest.size())
    return emitError() << count << " " << what << " do not fit the " << rest.size() << " bytes that are left";
  return success();
}

LogicalResult ByteStream::readIndex(uint64_t &index, size_t size, StringRef what) {
  return failure(failed(readNumber(index)) || failed(checkIndex(index, size, what)));
}

LogicalResult ByteStream::checkIndex(uint64_t index, size_t size, StringRef what) {
  if (index >= size)
    return emitError() << "there is no " << what << " of number " << index << ", only " << size;
  return success();
}

LogicalResult ByteStream::readBytes(uint64_t count, ArrayRef<uint8_t> &bytes) {
  if (failed(checkCount(count, "bytes")))
    return failure();
  bytes = rest.take_front(count);
  rest = rest.drop_front(count);
  return success();
}

LogicalResult ByteStream::readText(StringRef &text) {
  const StringRef all(reinterpret_cast<const char *>(rest.data()), rest.size());
  const size_t end = all.find('\0');
  if (end == StringRef::npos)
    return emitError() << "a text does not end";
  text = all.take_front(end);
  rest = rest.drop_front(end + 1);
  return success();
}

LogicalResult ByteStream::align(uint64_t alignment) {
  if (!llvm::isPowerOf2_64(alignment))
    return emitError() << "an alignment of " << alignment << " bytes, which is no power of two";
  uint8_t filling = 0;
  while (static_cast<uint64_t>(rest.data() - file) % alignment != 0)
    if (failed(readByte(filling)))
      return failure();
    else if (filling != bytecode::kAlignmentByte)
      return emitError() << "the filling in front of what is aligned has a byte " << unsigned{filling};
  return success();
}

LogicalResult ByteStream::readSection(uint8_t &id, ArrayRef<uint8_t> &bytes) {
  uint64_t length = 0;
  if (failed(readByte(id)) || failed(readNumber(length)))
    return failure();
  const bool isAligned = (id & 0x80) != 0;
  id &= 0x7f;
  if (id >= bytecode::Section::kNumSections)
    return emitError() << "there is no section of number " << unsigned{id};
  uint64_t alignment = 1;
  if (isAligned && (failed(readNumber(alignment)) || failed(align(alignment))))
    return failure();
  return readBytes(length, bytes);
}

LogicalResult ByteStream::expectEnd(StringRef what) {
  if (!rest.empty())
    return emitError() << rest.size() << " bytes are left after the end of " << what;
  return success();
}
