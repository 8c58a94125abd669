// SlotTable.cpp: see SlotTable.h.
#include "compiler/SlotTable.h"

#include <algorithm>
#include <cstring>

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace wherry::compile {

unsigned SlotTable::add(const slot& entry) {
  result.slots.push_back(entry);
  return static_cast<unsigned>(result.slots.size() - 1);
}

unsigned SlotTable::arena(uint64_t bytes) {
  const unsigned index = add({slot::region::arena, 0, 0, bytes});
  lifetimeOf[index] = static_cast<unsigned>(lifetimes.size());
  lifetimes.push_back({bytes, time, time});
  return index;
}

unsigned SlotTable::part(unsigned base, uint64_t offset, uint64_t bytes) {
  const unsigned index = add({slot::region::arena, 0, offset, bytes});
  lifetimeOf[index] = lifetimeOf.lookup(base);
  return index;
}

unsigned SlotTable::constant(llvm::StringRef bytes) {
  const auto [it, isNew] = constants.try_emplace(bytes, 0);
  if (!isNew) return it->second;
  const uint64_t offset = (result.constants.size() + 63) / 64 * 64;
  result.constants.resize(offset + bytes.size());
  std::memcpy(result.constants.data() + offset, bytes.data(), bytes.size());
  it->second = add({slot::region::constant, 0, offset, bytes.size()});
  return it->second;
}

void SlotTable::touch(unsigned slot) {
  const auto it = lifetimeOf.find(slot);
  if (it == lifetimeOf.end()) return;
  Lifetime& life = lifetimes[it->second];
  life.last = std::max(life.last, time);
}

void SlotTable::closeLoop(int64_t start) {
  for (Lifetime& life : lifetimes)
    if (life.first < start && life.last >= start) life.last = time;
}

void SlotTable::finish() {
  const ArenaLayout layout = planArena(lifetimes);
  for (const auto& [slot, life] : lifetimeOf) result.slots[slot].offset += layout.offsets[life];
  result.arena_bytes = layout.bytes;
}

static void appendNumber(std::string& bytes, const APInt& value, unsigned width) {
  const unsigned count = std::max(1u, (width + 7) / 8);
  // Narrow signed integers are stored sign extended, booleans as 0 or 1.
  const APInt wide = width == 1 || width >= 8 ? value.zextOrTrunc(std::max(width, 8u)) : value.sextOrTrunc(8);
  for (unsigned i = 0; i < count; ++i)
    bytes.push_back(static_cast<char>(wide.extractBitsAsZExtValue(8, 8 * i)));
}

FailureOr<std::string> bytesOfConstant(Attribute value) {
  if (const auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    const auto* blob = resource.getRawHandle().getBlob();
    if (!blob || resource.getElementType().isInteger(1)) return failure();
    const ArrayRef<char> data = blob->getData();
    return std::string(data.data(), data.size());
  }
  const auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements) return failure();
  Type element = elements.getElementType();
  const bool isComplex = isa<ComplexType>(element);
  if (isComplex) element = cast<ComplexType>(element).getElementType();
  if (!isa<IntegerType, FloatType>(element)) return failure();
  const unsigned width = element.getIntOrFloatBitWidth();
  std::string bytes;
  if (width >= 8 && !elements.isSplat()) {
    const ArrayRef<char> raw = elements.getRawData();
    return std::string(raw.data(), raw.size());
  }
  const bool isUnsigned = element.isUnsignedInteger();
  const auto append = [&](APInt number) {
    if (isUnsigned && width < 8) number = number.zext(8);
    appendNumber(bytes, number, isUnsigned && width < 8 ? 8 : width);
  };
  const auto appendFloat = [&](const APFloat& number) {
    appendNumber(bytes, number.bitcastToAPInt(), std::max(width, 8u));
  };
  if (isComplex) {
    if (isa<FloatType>(element)) {
      for (const auto& number : elements.getValues<std::complex<APFloat>>()) {
        appendFloat(number.real());
        appendFloat(number.imag());
      }
      return bytes;
    }
    return failure();
  }
  if (isa<FloatType>(element))
    for (const APFloat& number : elements.getValues<APFloat>()) appendFloat(number);
  else
    for (const APInt& number : elements.getValues<APInt>()) append(number);
  return bytes;
}

}  // namespace wherry::compile
