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

} // namespace mlir::stablehlo
