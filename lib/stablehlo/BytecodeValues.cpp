// BytecodeValues.cpp: see BytecodeValues.h.
#include "BytecodeValues.h"

#include "BytecodeRead.h"
#include "Source.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "stablehlo/Parse.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

/// What a dialect reads its attributes, types and properties from.
class PayloadReader final : public DialectBytecodeReader {
public:
  PayloadReader(const BytecodeFile &file, BytecodeValues &values, ByteStream &stream)
      : file(file), values(values), stream(stream) {}

  InFlightDiagnostic emitError(const Twine &message) const override {
    InFlightDiagnostic diagnostic = stream.emitError();
    diagnostic << message;
    return diagnostic;
  }
  FailureOr<const DialectVersion *> getDialectVersion(StringRef) const override { return failure(); }
  MLIRContext *getContext() const override { return file.location->getContext(); }
  uint64_t getBytecodeVersion() const override { return file.version; }

  LogicalResult readAttribute(Attribute &result) override { return values.readAttribute(stream, result); }
  LogicalResult readOptionalAttribute(Attribute &result) override {
    uint64_t index = 0;
    bool isPresent = false;
    if (failed(stream.readFlagged(index, isPresent)))
      return failure();
    result = isPresent ? values.attribute(index, stream) : Attribute();
    return success(!isPresent || result);
  }
  LogicalResult readType(Type &result) override { return values.readType(stream, result); }
  LogicalResult readVarInt(uint64_t &result) override { return stream.readNumber(result); }
  LogicalResult readSignedVarInt(int64_t &result) override { return stream.readSigned(result); }

  FailureOr<APInt> readAPIntWithKnownWidth(unsigned width) override {
    if (width <= 8) {
      uint8_t byte = 0;
      if (failed(stream.readByte(byte)))
        return failure();
      return APInt(width, byte, /*isSigned=*/false, /*implicitTrunc=*/true);
    }
    uint64_t count = 1;
    SmallVector<uint64_t> words;
    if (width > 64 && failed(stream.readCount(count, "words of a number")))
      return failure();
    for (; count > 0; --count) {
      int64_t word = 0;
      if (failed(stream.readSigned(word)))
        return failure();
      words.push_back(static_cast<uint64_t>(word));
    }
    if (words.empty())
      return APInt::getZero(width);
    return width > 64 ? APInt(width, words) : APInt(width, words[0], false, true);
  }
  FailureOr<APFloat> readAPFloatWithKnownSemantics(const llvm::fltSemantics &semantics) override {
    const FailureOr<APInt> bits = readAPIntWithKnownWidth(APFloat::getSizeInBits(semantics));
    if (failed(bits))
      return failure();
    return APFloat(semantics, *bits);
  }
  LogicalResult readString(StringRef &result) override { return file.readString(stream, result); }
  LogicalResult readBlob(ArrayRef<char> &result) override {
    uint64_t size = 0;
    ArrayRef<uint8_t> bytes;
    if (failed(stream.readNumber(size)) || failed(stream.readBytes(size, bytes)))
      return failure();
    result = {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
    return success();
  }
  LogicalResult readBool(bool &result) override {
    uint8_t byte = 0;
    if (failed(stream.readByte(byte)))
      return failure();
    result = byte != 0;
    return success();
  }

private:
  FailureOr<AsmDialectResourceHandle> readResourceHandle() override {
    uint64_t index = 0;
    if (failed(stream.readIndex(index, file.resources.size(), "resource")))
      return failure();
    return file.resources[index];
  }

  const BytecodeFile &file;
  BytecodeValues &values;
  ByteStream &stream;
};

} // namespace

BytecodeValues::BytecodeValues(const BytecodeFile &file)
    : file(file), attributes(file.attributes.size()), types(file.types.size()) {}

template <typename Value>
Value BytecodeValues::read(ArrayRef<BytecodeEntry> entries, std::vector<Slot<Value>> &slots, uint64_t index,
                           const ByteStream &stream, StringRef what) {
  if (failed(ByteStream(stream).checkIndex(index, slots.size(), what)))
    return {};
  Slot<Value> &slot = slots[index];
  if (!slot.value) {
    if (slot.isOpen || depth >= maximumNesting) {
      stream.emitError() << what << " " << index
                         << (slot.isOpen ? " contains itself" : " nests deeper than other ones may");
      return {};
    }
    slot.isOpen = true;
    ++depth;
    const uint32_t outside = std::exchange(weight, 1);
    slot.value = readEntry<Value>(entries[index]);
    slot.weight = std::exchange(weight, outside);
    --depth;
    // One that cannot be read stays open; whoever asked for it fails, too.
    if (!slot.value)
      return {};
    slot.isOpen = false;
  }
  // Each of a few tuples that contains the one before it twice doubles what is to be walked and printed.
  constexpr uint32_t maximumWeight = 1 << 20;
  weight += slot.weight;
  if (depth > 0 && weight > maximumWeight) {
    stream.emitError() << what << " " << index << " is part of one that consists of more than "
                       << maximumWeight << " parts";
    return {};
  }
  return slot.value;
}

Attribute BytecodeValues::attribute(uint64_t index, const ByteStream &stream) {
  return read(ArrayRef(file.attributes), attributes, index, stream, "attribute");
}

Type BytecodeValues::type(uint64_t index, const ByteStream &stream) {
  return read(ArrayRef(file.types), types, index, stream, "type");
}

LogicalResult BytecodeValues::readAttribute(ByteStream &stream, Attribute &result) {
  uint64_t index = 0;
  if (failed(stream.readNumber(index)))
    return failure();
  result = attribute(index, stream);
  return success(result != nullptr);
}

LogicalResult BytecodeValues::readType(ByteStream &stream, Type &result) {
  uint64_t index = 0;
  if (failed(stream.readNumber(index)))
    return failure();
  result = type(index, stream);
  return success(result != nullptr);
}

template <typename Value> Value BytecodeValues::readEntry(const BytecodeEntry &entry) {
  ByteStream stream = file.program.at(entry.bytes);
  StringRef text;
  Value value;
  if (entry.isEncoded)
    value = readEncoded<Value>(entry.dialect, stream);
  else if (succeeded(stream.readText(text)))
    value = parseText<Value>(text, stream);
  if (!value || failed(stream.expectEnd("an attribute or type")))
    return {};
  return value;
}

template <typename Value> Value BytecodeValues::readEncoded(StringRef dialect, ByteStream &stream) {
  constexpr bool isType = std::is_same_v<Value, Type>;
  PayloadReader reader(file, *this, stream);
  // Other dialects believe the counts that they read.
  if (dialect == "builtin" || dialect == "quant") {
    if constexpr (isType)
      return dialect == "quant" ? readQuantizedType(reader) : readBuiltinType(reader);
    else if (dialect == "builtin")
      return readBuiltinAttribute(reader);
  } else if (dialect == "stablehlo" || dialect == "vhlo" || dialect == "sdy") {
    Dialect *loaded = file.location->getContext()->getLoadedDialect(dialect);
    if (const auto *interface = loaded->getRegisteredInterface<BytecodeDialectInterface>()) {
      if constexpr (isType)
        return interface->readType(reader);
      else
        return interface->readAttribute(reader);
    }
  }
  stream.emitError() << "dialect `" << dialect << "` has no such " << (isType ? "types" : "attributes");
  return {};
}

template <typename Value> Value BytecodeValues::parseText(StringRef text, const ByteStream &stream) {
  unsigned deepest = 0;
  const std::optional<SourceProblem> problem = findProblem(text, maximumNesting, deepest);
  std::string said = problem ? problem->message : "";
  Value value;
  size_t length = 0;
  MLIRContext *context = file.location->getContext();
  if (!problem) {
    // The parser would speak of a line and a column of a text that nobody sees.
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      if (said.empty())
        said = diagnostic.str();
      return success();
    });
    if constexpr (std::is_same_v<Value, Type>)
      value = mlir::parseType(text, context, &length, /*isKnownNullTerminated=*/true);
    else
      value = mlir::parseAttribute(text, context, Type(), &length, /*isKnownNullTerminated=*/true);
    if (value && length != text.size())
      value = {};
  }
  if (!value)
    stream.emitError() << "`" << text.take_front(100) << "` cannot be read" << (said.empty() ? "" : ": ")
                       << said;
  return value;
}

LogicalResult BytecodeValues::readProperties(ArrayRef<uint8_t> bytes, OperationState &state) {
  ByteStream stream = file.program.at(bytes);
  PayloadReader reader(file, *this, stream);
  if (const auto *interface = state.name.getInterface<BytecodeOpInterface>())
    return interface->readProperties(reader, state);
  if (state.name.isRegistered())
    return stream.emitError() << "operation `" << state.name << "` has no properties";
  return readAttribute(stream, state.propertiesAttr);
}
