// BytecodeBuiltin.cpp: attributes and types of builtin and quant in bytecode, by their numbers.
//
// The numbers and payloads are those of MLIR's BuiltinDialectBytecode.td and QuantDialectBytecode.td. MLIR's
// own readers of them reserve memory for as many elements as a file claims to have, and cast what they read.
#include "BytecodeRead.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Location.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

class BuiltinReader {
public:
  explicit BuiltinReader(DialectBytecodeReader &reader) : reader(reader), context(reader.getContext()) {}

  Attribute attribute() {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    switch (code) {
    case 0: {
      SmallVector<Attribute> elements;
      return succeeded(readAttributeList(reader, elements)) ? ArrayAttr::get(context, elements) : Attribute();
    }
    case 1:
      return readDictionary(reader);
    case 2:
    case 3:
      return text(code == 3);
    case 4: {
      StringAttr name;
      return succeeded(reader.readAttribute(name)) ? FlatSymbolRefAttr::get(name) : Attribute();
    }
    case 5:
      return symbol();
    case 6: {
      Type type;
      return succeeded(reader.readType(type)) ? TypeAttr::get(type) : Attribute();
    }
    case 7:
      return UnitAttr::get(context);
    case 8:
      return readInteger(reader);
    case 9:
      return readFloat(reader);
    case 16:
      return resource();
    case 17:
      return array();
    case 18:
      return readTensor(reader);
    case 19:
      return strings();
    case 20:
      return sparse();
    case 21: {
      Attribute inner;
      return succeeded(reader.readAttribute(inner)) ? DistinctAttr::create(inner) : Attribute();
    }
    default:
      return location(code);
    }
  }

  Type type() {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    switch (code) {
    case 0:
      return integerType();
    case 1:
      return IndexType::get(context);
    case 2: {
      SmallVector<Type> inputs, results;
      if (failed(readTypeList(reader, inputs)) || failed(readTypeList(reader, results)))
        return {};
      return FunctionType::get(context, inputs, results);
    }
    case 3:
      return BFloat16Type::get(context);
    case 4:
      return Float16Type::get(context);
    case 5:
      return Float32Type::get(context);
    case 6:
      return Float64Type::get(context);
    case 7:
      return Float80Type::get(context);
    case 8:
      return Float128Type::get(context);
    case 9: {
      Type part;
      return succeeded(reader.readType(part)) ? ComplexType::getChecked(error(), part) : Type();
    }
    case 10:
    case 11:
      return memref(code == 11);
    case 12:
      return NoneType::get(context);
    case 13:
    case 14:
      return tensor(code == 14);
    case 15: {
      SmallVector<Type> parts;
      return succeeded(readTypeList(reader, parts)) ? TupleType::get(context, parts) : Type();
    }
    case 16:
    case 17: {
      Attribute space;
      Type element;
      if ((code == 17 && failed(reader.readAttribute(space))) || failed(reader.readType(element)))
        return {};
      return UnrankedMemRefType::getChecked(error(), element, space);
    }
    case 18: {
      Type element;
      return succeeded(reader.readType(element)) ? UnrankedTensorType::getChecked(error(), element) : Type();
    }
    case 19:
    case 20:
      return vector(code == 20);
    default:
      reader.emitError() << "there is no builtin type of number " << code;
      return {};
    }
  }

private:
  /// What the checked constructors of attributes and types call.
  std::function<InFlightDiagnostic()> error() {
    return [this] { return reader.emitError(); };
  }

  Attribute text(bool hasType) {
    StringRef text;
    Type type;
    if (failed(reader.readString(text)) || (hasType && failed(reader.readType(type))))
      return {};
    return hasType ? StringAttr::get(text, type) : StringAttr::get(context, text);
  }

  Attribute symbol() {
    StringAttr root;
    SmallVector<FlatSymbolRefAttr> nested;
    if (failed(reader.readAttribute(root)) ||
        failed(readEach(reader, [&] { return reader.readAttribute(nested.emplace_back()); })))
      return {};
    return SymbolRefAttr::get(root, nested);
  }

  Attribute resource() {
    ShapedType type;
    if (failed(reader.readType(type)))
      return {};
    const auto handle = reader.readResourceHandle<DenseResourceElementsHandle>();
    if (failed(handle))
      return {};
    if (!type.hasStaticShape()) {
      reader.emitError() << "a constant of type " << type;
      return {};
    }
    return DenseResourceElementsAttr::get(type, *handle);
  }

  Attribute array() {
    Type element;
    uint64_t size = 0;
    ArrayRef<char> bytes;
    if (failed(reader.readType(element)) || failed(reader.readVarInt(size)) || failed(reader.readBlob(bytes)))
      return {};
    if (size > bytes.size()) {
      reader.emitError() << "an array of " << size << " elements has " << bytes.size() << " bytes";
      return {};
    }
    return DenseArrayAttr::getChecked(error(), element, static_cast<int64_t>(size), bytes);
  }

  Attribute strings() {
    ShapedType type;
    uint64_t isSplat = 0;
    if (failed(reader.readType(type)) || failed(reader.readVarInt(isSplat)))
      return {};
    if (!isa<RankedTensorType, VectorType>(type) || !type.hasStaticShape()) {
      reader.emitError() << "a constant of type " << type;
      return {};
    }
    SmallVector<StringRef> texts;
    for (int64_t left = isSplat != 0 ? 1 : type.getNumElements(); left > 0; --left)
      if (failed(reader.readString(texts.emplace_back())))
        return {};
    return DenseStringElementsAttr::get(type, texts);
  }

  Attribute sparse() {
    ShapedType type;
    DenseIntElementsAttr indices;
    DenseElementsAttr values;
    if (failed(reader.readType(type)) || failed(reader.readAttribute(indices)) ||
        failed(reader.readAttribute(values)))
      return {};
    if (!isa<RankedTensorType, VectorType>(type) || !type.hasStaticShape() ||
        !indices.getElementType().isInteger(64) || values.getElementType() != type.getElementType()) {
      reader.emitError() << "a constant of type " << type << " with positions of type " << indices.getType()
                         << " and values of type " << values.getType();
      return {};
    }
    return SparseElementsAttr::getChecked(error(), type, indices, values);
  }

  Attribute location(uint64_t code) {
    switch (code) {
    case 10: {
      LocationAttr callee, caller;
      if (failed(reader.readAttribute(callee)) || failed(reader.readAttribute(caller)))
        return {};
      return CallSiteLoc::get(callee, caller);
    }
    case 11: {
      StringAttr name;
      uint64_t line = 0, column = 0;
      if (failed(reader.readAttribute(name)) || failed(reader.readVarInt(line)) ||
          failed(reader.readVarInt(column)))
        return {};
      return FileLineColLoc::get(name, static_cast<unsigned>(line), static_cast<unsigned>(column));
    }
    case 12:
    case 13: {
      SmallVector<Location> parts;
      Attribute metadata;
      const auto part = [&] {
        LocationAttr read;
        if (failed(reader.readAttribute(read)))
          return failure();
        parts.push_back(read);
        return success();
      };
      if (failed(readEach(reader, part)) || (code == 13 && failed(reader.readAttribute(metadata))))
        return {};
      return FusedLoc::get(context, parts, metadata);
    }
    case 14: {
      StringAttr name;
      LocationAttr inner;
      if (failed(reader.readAttribute(name)) || failed(reader.readAttribute(inner)))
        return {};
      return NameLoc::get(name, inner);
    }
    case 15:
      return UnknownLoc::get(context);
    case 22:
      return range();
    default:
      reader.emitError() << "there is no builtin attribute of number " << code;
      return {};
    }
  }

  /// A file and up to four numbers: line, column, end column, end line.
  Attribute range() {
    StringAttr name;
    SmallVector<unsigned> places;
    const auto place = [&] {
      uint64_t number = 0;
      if (failed(reader.readVarInt(number)))
        return failure();
      places.push_back(static_cast<unsigned>(number));
      return success();
    };
    if (failed(reader.readAttribute(name)) || failed(readEach(reader, place)))
      return {};
    switch (places.size()) {
    case 0:
      return FileLineColRange::get(name);
    case 1:
      return FileLineColRange::get(name, places[0]);
    case 2:
      return FileLineColRange::get(name, places[0], places[1]);
    case 3:
      return FileLineColRange::get(name, places[0], places[1], places[2]);
    case 4:
      return FileLineColRange::get(name, places[0], places[1], places[3], places[2]);
    default:
      reader.emitError() << "a place in a file has " << places.size() << " numbers";
      return {};
    }
  }

  Type integerType() {
    uint64_t packed = 0;
    if (failed(reader.readVarInt(packed)))
      return {};
    const uint64_t width = packed >> 2, sign = packed & 3;
    if (sign > IntegerType::Unsigned || width > IntegerType::kMaxWidth) {
      reader.emitError() << "an integer type of " << width << " bits and signedness " << sign;
      return {};
    }
    return IntegerType::get(context, static_cast<unsigned>(width),
                            static_cast<IntegerType::SignednessSemantics>(sign));
  }

  Type memref(bool hasSpace) {
    Attribute space;
    SmallVector<int64_t> sizes;
    Type element;
    MemRefLayoutAttrInterface layout;
    if ((hasSpace && failed(reader.readAttribute(space))) || failed(readShape(reader, sizes)) ||
        failed(reader.readType(element)) || failed(reader.readAttribute(layout)))
      return {};
    return MemRefType::getChecked(error(), sizes, element, layout, space);
  }

  Type tensor(bool hasEncoding) {
    Attribute encoding;
    SmallVector<int64_t> sizes;
    Type element;
    if ((hasEncoding && failed(reader.readAttribute(encoding))) || failed(readShape(reader, sizes)) ||
        failed(reader.readType(element)))
      return {};
    return RankedTensorType::getChecked(error(), sizes, element, encoding);
  }

  Type vector(bool hasScalable) {
    SmallVector<bool> scalable;
    SmallVector<int64_t> sizes;
    Type element;
    const auto flag = [&] { return reader.readBool(scalable.emplace_back()); };
    if ((hasScalable && failed(readEach(reader, flag))) || failed(readShape(reader, sizes)) ||
        failed(reader.readType(element)))
      return {};
    scalable.resize(hasScalable ? scalable.size() : sizes.size(), false);
    if (scalable.size() != sizes.size()) {
      reader.emitError() << "a vector of rank " << sizes.size() << " has " << scalable.size()
                         << " flags for its sizes";
      return {};
    }
    return VectorType::getChecked(error(), sizes, element, scalable);
  }

  DialectBytecodeReader &reader;
  MLIRContext *context;
};

} // namespace

Attribute mlir::stablehlo::readBuiltinAttribute(DialectBytecodeReader &reader) {
  return BuiltinReader(reader).attribute();
}

Type mlir::stablehlo::readBuiltinType(DialectBytecodeReader &reader) { return BuiltinReader(reader).type(); }
