// BytecodeFile.cpp: see BytecodeFile.h.
#include "BytecodeFile.h"

#include "mlir/Bytecode/Encoding.h"
#include "mlir/IR/AsmState.h"

using namespace mlir;
using namespace mlir::stablehlo;
namespace Section = mlir::bytecode::Section;

namespace {

ArrayRef<uint8_t> bytesOf(StringRef text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// One resource of a dialect, whose value `parseResource` of the dialect asks for.
class Resource final : public AsmParsedResourceEntry {
public:
  Resource(StringRef key, uint8_t kind, ByteStream &value, const BytecodeFile &file)
      : key(key), kind(kind), value(value), file(file) {}

  StringRef getKey() const override { return key; }
  InFlightDiagnostic emitError() const override { return value.emitError(); }
  AsmResourceEntryKind getKind() const override { return static_cast<AsmResourceEntryKind>(kind); }

  FailureOr<bool> parseAsBool() const override {
    uint8_t byte = 0;
    if (failed(expect(AsmResourceEntryKind::Bool)) || failed(value.readByte(byte)))
      return failure();
    return byte != 0;
  }
  FailureOr<std::string> parseAsString() const override {
    StringRef text;
    if (failed(expect(AsmResourceEntryKind::String)) || failed(file.readString(value, text)))
      return failure();
    return text.str();
  }
  FailureOr<AsmResourceBlob> parseAsBlob(BlobAllocatorFn allocate) const override {
    // As far as a page: what asks for more than that is damaged.
    constexpr uint64_t mostAligned = 4096;
    uint64_t alignment = 0, size = 0;
    ArrayRef<uint8_t> bytes;
    if (failed(expect(AsmResourceEntryKind::Blob)) || failed(value.readNumber(alignment)) ||
        failed(value.readNumber(size)))
      return failure();
    if (alignment > mostAligned)
      return value.emitError() << "a resource is aligned to " << alignment << " bytes";
    if (failed(value.align(alignment)) || failed(value.readBytes(size, bytes)))
      return failure();
    AsmResourceBlob blob = allocate(bytes.size(), alignment);
    llvm::copy(bytes, reinterpret_cast<uint8_t *>(blob.getMutableData().data()));
    return blob;
  }

private:
  LogicalResult expect(AsmResourceEntryKind wanted) const {
    if (getKind() != wanted)
      return emitError() << "resource `" << key << "` is one of another kind";
    return success();
  }

  StringRef key;
  uint8_t kind;
  ByteStream &value;
  const BytecodeFile &file;
};

} // namespace

BytecodeFile::BytecodeFile(StringRef bytecode, Location location)
    : location(location), program({}, bytesOf(bytecode).data(), location),
      file(bytesOf(bytecode), bytesOf(bytecode).data(), location) {}

ByteStream BytecodeFile::section(unsigned id) const {
  return file.at(sections[id].value_or(ArrayRef<uint8_t>()));
}

LogicalResult BytecodeFile::readString(ByteStream &stream, StringRef &text) const {
  uint64_t index = 0;
  if (failed(stream.readIndex(index, strings.size(), "string")))
    return failure();
  text = strings[index];
  return success();
}

LogicalResult BytecodeFile::read() {
  ByteStream stream = file;
  ArrayRef<uint8_t> magic;
  StringRef producer;
  if (failed(stream.readBytes(4, magic)) || failed(stream.readNumber(version)))
    return failure();
  if (version > bytecode::kVersion)
    return stream.emitError() << "version " << version << " of the format; versions up to "
                              << unsigned{bytecode::kVersion} << " are known";
  if (failed(stream.readText(producer)) || failed(readSections(stream)) || failed(readStrings()) ||
      failed(readDialects()) || failed(readProperties()) || failed(readEntries()) || failed(readResources()))
    return failure();
  program = section(Section::kIR);
  return success();
}

LogicalResult BytecodeFile::readSections(ByteStream &stream) {
  while (!stream.empty()) {
    uint8_t id = 0;
    ArrayRef<uint8_t> bytes;
    if (failed(stream.readSection(id, bytes)))
      return failure();
    if (sections[id])
      return stream.emitError() << "there are two sections of number " << unsigned{id};
    sections[id] = bytes;
  }
  SmallVector<unsigned> needed = {Section::kString, Section::kDialect, Section::kAttrType,
                                  Section::kAttrTypeOffset, Section::kIR};
  if (version >= bytecode::kNativePropertiesEncoding)
    needed.push_back(Section::kProperties);
  for (const unsigned id : needed)
    if (!sections[id])
      return stream.emitError() << "there is no section of number " << id;
  return success();
}

LogicalResult BytecodeFile::readStrings() {
  ByteStream stream = section(Section::kString);
  const ArrayRef<uint8_t> all = stream.remaining();
  uint64_t count = 0;
  if (failed(stream.readCount(count, "strings")))
    return failure();
  strings.resize(count);
  // The lengths come first, that of the last string before the others; the strings lie at the end.
  size_t end = all.size();
  for (StringRef &text : llvm::reverse(strings)) {
    uint64_t length = 0;
    if (failed(stream.readNumber(length)))
      return failure();
    if (length == 0 || length > end || all[end - 1] != 0)
      return stream.emitError() << "a string of " << length << " bytes, its end included";
    text = StringRef(reinterpret_cast<const char *>(all.data()) + end - length, length - 1);
    end -= length;
  }
  if (stream.size() != all.size() - end)
    return stream.emitError() << "the strings take " << all.size() - end << " bytes, there are "
                              << stream.size();
  return success();
}

LogicalResult BytecodeFile::readGroups(ByteStream &stream, function_ref<bool()> isEnd,
                                       function_ref<LogicalResult(StringRef)> readOne) {
  while (!isEnd()) {
    uint64_t dialect = 0, count = 0;
    if (failed(stream.readIndex(dialect, dialects.size(), "dialect")) ||
        failed(stream.readCount(count, "entries")))
      return failure();
    for (; count > 0; --count)
      if (isEnd())
        return stream.emitError() << "a group has " << count << " entries too many";
      else if (failed(readOne(dialects[dialect])))
        return failure();
  }
  return success();
}

LogicalResult BytecodeFile::readDialects() {
  ByteStream stream = section(Section::kDialect);
  uint64_t count = 0;
  if (failed(stream.readCount(count, "dialects")))
    return failure();
  for (; count > 0; --count) {
    uint64_t name = 0;
    bool hasVersion = false;
    // What the version of a dialect would change is told apart by numbers and names here, see Vhlo.h.
    uint8_t id = 0;
    ArrayRef<uint8_t> unused;
    if (failed(version < bytecode::kDialectVersioning ? stream.readNumber(name)
                                                      : stream.readFlagged(name, hasVersion)) ||
        failed(stream.checkIndex(name, strings.size(), "string")) ||
        (hasVersion && failed(stream.readSection(id, unused))))
      return failure();
    if (hasVersion && id != Section::kDialectVersions)
      return stream.emitError() << "section " << unsigned{id}
                                << " where the version of a dialect is expected";
    if (strings[name].empty())
      return stream.emitError() << "a dialect without a name";
    dialects.push_back(strings[name]);
    location->getContext()->getOrLoadDialect(dialects.back());
  }
  if (version >= bytecode::kElideUnknownBlockArgLocation && failed(stream.readNumber(count)))
    return failure();
  return readGroups(
      stream, [&] { return stream.empty(); },
      [&](StringRef dialect) -> LogicalResult {
        uint64_t index = 0;
        bool flag = false;
        const bool hasFlag = version >= bytecode::kNativePropertiesEncoding;
        if (failed(hasFlag ? stream.readFlagged(index, flag) : stream.readNumber(index)) ||
            failed(stream.checkIndex(index, strings.size(), "string")))
          return failure();
        std::string name = dialect.str();
        if (!strings[index].empty())
          name += "." + strings[index].str();
        operations.push_back(
            {OperationName(name, location->getContext()), hasFlag ? std::optional(flag) : std::nullopt});
        return success();
      });
}

LogicalResult BytecodeFile::readProperties() {
  ByteStream stream = section(Section::kProperties);
  uint64_t count = 0;
  if (!sections[Section::kProperties])
    return success();
  if (failed(stream.readCount(count, "properties")))
    return failure();
  for (; count > 0; --count) {
    uint64_t size = 0;
    if (failed(stream.readNumber(size)) || failed(stream.readBytes(size, properties.emplace_back())))
      return failure();
  }
  return stream.expectEnd("the properties");
}

LogicalResult BytecodeFile::readEntries() {
  ByteStream offsets = section(Section::kAttrTypeOffset), data = section(Section::kAttrType);
  uint64_t attributeCount = 0, typeCount = 0;
  if (failed(offsets.readCount(attributeCount, "attributes")) ||
      failed(offsets.readCount(typeCount, "types")))
    return failure();
  const auto readAll = [&](SmallVectorImpl<BytecodeEntry> &entries, size_t count) {
    return readGroups(
        offsets, [&] { return entries.size() == count; },
        [&](StringRef dialect) -> LogicalResult {
          BytecodeEntry entry{dialect, {}};
          uint64_t size = 0;
          if (failed(offsets.readFlagged(size, entry.isEncoded)) || failed(data.readBytes(size, entry.bytes)))
            return failure();
          entries.push_back(entry);
          return success();
        });
  };
  return failure(failed(readAll(attributes, attributeCount)) || failed(readAll(types, typeCount)) ||
                 failed(offsets.expectEnd("the sizes of attributes and types")) ||
                 failed(data.expectEnd("the attributes and types")));
}

LogicalResult BytecodeFile::readResources() {
  ByteStream offsets = section(Section::kResourceOffset), data = section(Section::kResource);
  if (!sections[Section::kResourceOffset])
    return data.expectEnd("no resources");
  uint64_t foreign = 0;
  if (failed(offsets.readCount(foreign, "groups of resources")))
    return failure();
  for (; foreign > 0; --foreign) {
    StringRef key;
    if (failed(readString(offsets, key)) || failed(readResourceGroup(offsets, data, nullptr)))
      return failure();
  }
  while (!offsets.empty()) {
    uint64_t index = 0;
    if (failed(offsets.readIndex(index, dialects.size(), "dialect")))
      return failure();
    Dialect *dialect = location->getContext()->getLoadedDialect(dialects[index]);
    const auto *interface = dialect ? dialect->getRegisteredInterface<OpAsmDialectInterface>() : nullptr;
    if (!interface)
      return offsets.emitError() << "dialect `" << dialects[index] << "` has no resources";
    if (failed(readResourceGroup(offsets, data, interface)))
      return failure();
  }
  return data.expectEnd("the resources");
}

LogicalResult BytecodeFile::readResourceGroup(ByteStream &offsets, ByteStream &data,
                                              const OpAsmDialectInterface *interface) {
  uint64_t count = 0;
  if (failed(offsets.readCount(count, "resources")))
    return failure();
  for (; count > 0; --count) {
    StringRef key;
    uint64_t size = 0;
    uint8_t kind = 0;
    ArrayRef<uint8_t> bytes;
    if (failed(readString(offsets, key)) || failed(offsets.readNumber(size)) ||
        failed(offsets.readByte(kind)) || failed(data.readBytes(size, bytes)))
      return failure();
    if (!interface)
      continue;
    const FailureOr<AsmDialectResourceHandle> handle = interface->declareResource(key);
    if (failed(handle))
      return offsets.emitError() << "resource `" << key << "` is not known";
    resources.push_back(*handle);
    if (bytes.empty())
      continue;
    // The dialect may have given it another name, if it had one of that name.
    const std::string renamed = interface->getResourceKey(*handle);
    ByteStream value = file.at(bytes);
    Resource resource(renamed, kind, value, *this);
    if (failed(interface->parseResource(resource)) || failed(value.expectEnd("a resource")))
      return failure();
  }
  return success();
}
