// BytecodeRead.cpp: see BytecodeRead.h.
#include "BytecodeRead.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::stablehlo;

Attribute mlir::stablehlo::readInteger(DialectBytecodeReader &reader) {
  Type type;
  if (failed(reader.readType(type)))
    return {};
  if (!type.isIntOrIndex()) {
    reader.emitError() << "an integer of type " << type;
    return {};
  }
  const unsigned width = type.isIndex() ? IndexType::kInternalStorageBitWidth : type.getIntOrFloatBitWidth();
  const FailureOr<APInt> value = reader.readAPIntWithKnownWidth(width);
  return succeeded(value) ? IntegerAttr::get(type, *value) : Attribute();
}

Attribute mlir::stablehlo::readFloat(DialectBytecodeReader &reader) {
  FloatType type;
  if (failed(reader.readType(type)))
    return {};
  const FailureOr<APFloat> value = reader.readAPFloatWithKnownSemantics(type.getFloatSemantics());
  return succeeded(value) ? FloatAttr::get(type, *value) : Attribute();
}

Attribute mlir::stablehlo::readDictionary(DialectBytecodeReader &reader) {
  NamedAttrList entries;
  const auto entry = [&]() -> LogicalResult {
    StringAttr name;
    Attribute value;
    if (failed(reader.readAttribute(name)) || failed(reader.readAttribute(value)))
      return failure();
    if (name.empty())
      return reader.emitError() << "a dictionary has an empty name";
    entries.push_back({name, value});
    return success();
  };
  if (failed(readEach(reader, entry)))
    return {};
  if (const auto twice = entries.findDuplicate()) {
    reader.emitError() << "a dictionary has two entries " << twice->getName();
    return {};
  }
  return entries.getDictionary(reader.getContext());
}

Attribute mlir::stablehlo::readTensor(DialectBytecodeReader &reader) {
  ShapedType type;
  ArrayRef<char> bytes;
  if (failed(reader.readType(type)) || failed(reader.readBlob(bytes)))
    return {};
  const auto complex = dyn_cast<ComplexType>(type.getElementType());
  const Type part = complex ? complex.getElementType() : type.getElementType();
  if (!isa<RankedTensorType, VectorType>(type) || !type.hasStaticShape() || !part.isIntOrIndexOrFloat()) {
    reader.emitError() << "a constant of type " << type;
    return {};
  }
  bool isSplat = false;
  SmallVector<char> packed;
  if (part.isInteger(1) && bytes.size() > 1 && static_cast<int64_t>(bytes.size()) == type.getNumElements()) {
    // Written by a newer MLIR: a byte for each boolean instead of a bit.
    packed.resize(llvm::divideCeil(bytes.size(), 8));
    for (const auto [i, byte] : llvm::enumerate(bytes))
      if (byte)
        packed[i / 8] = static_cast<char>(packed[i / 8] | (1 << (i % 8)));
    bytes = packed;
  }
  if (!DenseElementsAttr::isValidRawBuffer(type, bytes, isSplat)) {
    reader.emitError() << bytes.size() << " bytes for a constant of type " << type;
    return {};
  }
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

LogicalResult mlir::stablehlo::readShape(DialectBytecodeReader &reader, SmallVectorImpl<int64_t> &sizes) {
  if (failed(readNumbers(reader, sizes)))
    return failure();
  for (const int64_t size : sizes)
    if (size < 0 && !ShapedType::isDynamic(size))
      return reader.emitError() << "a dimension of size " << size;
  return success();
}
