// BytecodeRead.h: parts that the payloads of attributes and types in bytecode are made of.
//
// A list says its length first. None of these believes it before it has read that many elements, each of
// which takes at least a byte: a wrong length ends with a diagnostic at the end of the payload.
#pragma once

#include "mlir/Bytecode/BytecodeImplementation.h"
#include "mlir/IR/Attributes.h"
#include "mlir/IR/Types.h"

#include <optional>

namespace mlir::stablehlo {

/// Calls `element` as often as the number that comes first says.
template <typename Element> LogicalResult readEach(DialectBytecodeReader &reader, Element element) {
  uint64_t count = 0;
  if (failed(reader.readVarInt(count)))
    return failure();
  for (; count > 0; --count)
    if (failed(element()))
      return failure();
  return success();
}

inline LogicalResult readNumbers(DialectBytecodeReader &reader, SmallVectorImpl<int64_t> &numbers) {
  return readEach(reader, [&] { return reader.readSignedVarInt(numbers.emplace_back()); });
}

inline LogicalResult readAttributeList(DialectBytecodeReader &reader, SmallVectorImpl<Attribute> &list) {
  return readEach(reader, [&] { return reader.readAttribute(list.emplace_back()); });
}

inline LogicalResult readTypeList(DialectBytecodeReader &reader, SmallVectorImpl<Type> &list) {
  return readEach(reader, [&] { return reader.readType(list.emplace_back()); });
}

/// Reads the number of an enumeration's case; null, with a diagnostic, if there is no such case.
template <typename EnumAttribute>
Attribute readCase(DialectBytecodeReader &reader,
                   std::optional<decltype(std::declval<EnumAttribute>().getValue())> (*symbolize)(uint32_t)) {
  uint64_t number = 0;
  if (failed(reader.readVarInt(number)))
    return {};
  const auto known = symbolize(static_cast<uint32_t>(number));
  if (number <= UINT32_MAX && known)
    return EnumAttribute::get(reader.getContext(), *known);
  reader.emitError() << "the bytecode has case " << number << " of an enumeration, which is not known";
  return {};
}

/// The attributes and types of builtin and quant whose number comes first. Null, with a diagnostic, if there
/// is no such number or its payload makes no sense.
Attribute readBuiltinAttribute(DialectBytecodeReader &reader);
Type readBuiltinType(DialectBytecodeReader &reader);
Type readQuantizedType(DialectBytecodeReader &reader);

/// An integer or a floating-point number, its type first.
Attribute readInteger(DialectBytecodeReader &reader);
Attribute readFloat(DialectBytecodeReader &reader);
/// A list of names, each with a value.
Attribute readDictionary(DialectBytecodeReader &reader);
/// A type, then the bytes of a tensor's elements, little endian; one element stands for all of them.
Attribute readTensor(DialectBytecodeReader &reader);
/// Reads the sizes of a shape; fails if one is negative.
LogicalResult readShape(DialectBytecodeReader &reader, SmallVectorImpl<int64_t> &sizes);
/// The parts of the quantized types in vhlo and quant, which are the same.
Type readUniformQuantized(DialectBytecodeReader &reader);
Type readUniformQuantizedPerAxis(DialectBytecodeReader &reader);

} // namespace mlir::stablehlo
