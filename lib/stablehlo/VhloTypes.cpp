// VhloTypes.cpp: the types of portable artifacts, by their numbers.
//
// The numbers and payloads are those of upstream's VhloBytecode.cpp; they never change.
#include "Vhlo.h"

#include "BytecodeRead.h"
#include "stablehlo/Dialect.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

class TypeReader {
public:
  explicit TypeReader(DialectBytecodeReader &reader) : reader(reader), context(reader.getContext()) {}

  Type read() {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    if (Type number = numberType(code))
      return number;
    switch (code) {
    case 1:
      return wrapped(
          [](Type part) { return isa<Float32Type, Float64Type>(part) ? ComplexType::get(part) : Type(); });
    case 8:
      return functionType();
    case 20:
      return tensorType(false);
    case 21:
      return tensorType(true);
    case 22:
      return TokenType::get(context);
    case 23: {
      SmallVector<Type> parts;
      return succeeded(readTypeList(reader, parts)) ? TupleType::get(context, parts) : Type();
    }
    case 24:
      return readUniformQuantized(reader);
    case 25:
      return wrapped([](Type part) {
        return UnrankedTensorType::isValidElementType(part) ? UnrankedTensorType::get(part) : Type();
      });
    case 30:
      return readUniformQuantizedPerAxis(reader);
    case 41:
      return bufferType();
    case 42: {
      SmallVector<Type> parts;
      return succeeded(readTypeList(reader, parts)) ? FutureType::get(context, parts) : Type();
    }
    default:
      reader.emitError() << "the artifact has a type of number " << code << ", which is not known";
      return {};
    }
  }

private:
  Type numberType(uint64_t code) {
    const auto integer = [&](unsigned width, bool isUnsigned = false) {
      return IntegerType::get(context, width, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
    };
    switch (code) {
    case 0:
      return integer(1);
    case 2:
      return BFloat16Type::get(context);
    case 3:
      return Float16Type::get(context);
    case 4:
      return Float32Type::get(context);
    case 5:
      return Float64Type::get(context);
    case 6:
      return Float8E4M3FNType::get(context);
    case 7:
      return Float8E5M2Type::get(context);
    case 9:
      return IndexType::get(context);
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
      return integer(4u << (code - 10));
    case 15:
    case 16:
    case 17:
    case 18:
    case 19:
      return integer(4u << (code - 15), true);
    case 27:
      return Float8E4M3FNUZType::get(context);
    case 28:
      return Float8E5M2FNUZType::get(context);
    case 29:
      return Float8E4M3B11FNUZType::get(context);
    case 31:
      return integer(2);
    case 32:
      return integer(2, true);
    case 33:
      return NoneType::get(context);
    case 34:
      return FloatTF32Type::get(context);
    case 35:
      return Float8E4M3Type::get(context);
    case 36:
      return Float8E3M4Type::get(context);
    case 37:
      return Float4E2M1FNType::get(context);
    case 38:
      return Float6E2M3FNType::get(context);
    case 39:
      return Float6E3M2FNType::get(context);
    case 40:
      return Float8E8M0FNUType::get(context);
    default:
      return {};
    }
  }

  /// A type around one other; `make` returns null for a part that it cannot have.
  Type wrapped(function_ref<Type(Type)> make) {
    Type part;
    if (failed(reader.readType(part)))
      return {};
    const Type whole = make(part);
    if (!whole)
      reader.emitError() << "the artifact has a type that cannot be made of " << part;
    return whole;
  }

  Type functionType() {
    SmallVector<Type> inputs, results;
    if (failed(readTypeList(reader, inputs)) || failed(readTypeList(reader, results)))
      return {};
    return FunctionType::get(context, inputs, results);
  }

  Type tensorType(bool hasEncoding) {
    Attribute encoding;
    SmallVector<int64_t> sizes;
    Type element;
    if ((hasEncoding && failed(reader.readAttribute(encoding))) || failed(readShape(reader, sizes)) ||
        failed(reader.readType(element)))
      return {};
    return RankedTensorType::getChecked([&] { return reader.emitError(); }, sizes, element, encoding);
  }

  Type bufferType() {
    SmallVector<int64_t> sizes;
    Type element;
    if (failed(readShape(reader, sizes)) || failed(reader.readType(element)))
      return {};
    return MemRefType::getChecked([&] { return reader.emitError(); }, sizes, element,
                                  MemRefLayoutAttrInterface());
  }

  DialectBytecodeReader &reader;
  MLIRContext *context;
};

} // namespace

Type mlir::stablehlo::readVhloType(DialectBytecodeReader &reader) { return TypeReader(reader).read(); }
