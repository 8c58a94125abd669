// Spelling.cpp: types, literals and casts of kernels in OpenCL C.

#include "Spelling.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace wherry::compile::opencl {
namespace {

std::string integerName(bool isSigned, unsigned width) {
  const char* name = width == 8 ? "char" : width == 16 ? "short" : width == 32 ? "int" : "long";
  return (isSigned ? "" : "u") + std::string(name);
}

std::string withLanes(std::string name, unsigned lanes) {
  return lanes > 1 ? name + std::to_string(lanes) : name;
}

}  // namespace

FailureOr<Shape> shapeOf(Type type) {
  Shape shape;
  if (auto vector = dyn_cast<VectorType>(type)) {
    const int64_t lanes = vector.getRank() == 1 && !vector.isScalable() ? vector.getDimSize(0) : 0;
    if (lanes != 1 && lanes != 2 && lanes != 4 && lanes != 8 && lanes != 16) return failure();
    shape.lanes = static_cast<unsigned>(lanes);
    type = vector.getElementType();
  }
  if (isa<IndexType>(type)) {
    shape.width = 64;
    return shape;
  }
  if (isa<Float32Type, Float64Type>(type)) {
    shape.kind = Shape::Kind::real;
    shape.width = type.getIntOrFloatBitWidth();
    return shape;
  }
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer) return failure();
  shape.width = integer.getWidth();
  if (shape.width == 1) shape.kind = Shape::Kind::mask;
  const bool known =
      shape.width == 1 || shape.width == 8 || shape.width == 16 || shape.width == 32 || shape.width == 64;
  if (!known) return failure();
  return shape;
}

std::string spell(Shape shape) {
  switch (shape.kind) {
    case Shape::Kind::mask:
      return shape.isVector() ? withLanes("char", shape.lanes) : "bool";
    case Shape::Kind::real:
      return withLanes(shape.width == 32 ? "float" : "double", shape.lanes);
    case Shape::Kind::integer:
      break;
  }
  return withLanes(integerName(/*isSigned=*/false, shape.width), shape.lanes);
}

std::string spellSigned(Shape shape) {
  return withLanes(integerName(/*isSigned=*/true, shape.width), shape.lanes);
}

std::string asSigned(Shape shape, llvm::StringRef text) {
  if (shape.isVector()) return "as_" + spellSigned(shape) + "(" + text.str() + ")";
  return "(" + spellSigned(shape) + ")" + text.str();
}

std::string asUnsigned(Shape shape, llvm::StringRef text) {
  if (shape.isVector()) return "as_" + spell(shape) + "(" + text.str() + ")";
  return "(" + spell(shape) + ")(" + text.str() + ")";
}

std::string spellLane(Shape shape) {
  return shape.isMask() && shape.isVector() ? "char" : spell(shape.scalar());
}

std::string toLane(Shape shape, const std::string& scalar) {
  return shape.isMask() && shape.isVector() ? "-(char)(" + scalar + ")" : scalar;
}

std::string fromLane(Shape shape, const std::string& lane) {
  return shape.isMask() && shape.isVector() ? lane + " != 0" : lane;
}

std::string lane(Shape shape, unsigned index) {
  if (!shape.isVector()) return "";
  return std::string(".s") + "0123456789ABCDEF"[index];
}

std::string build(Shape shape, llvm::ArrayRef<std::string> parts) {
  if (!shape.isVector()) return parts.front();
  return "(" + spell(shape) + ")(" + llvm::join(parts, ", ") + ")";
}

std::string widenMask(Shape mask, unsigned bits, llvm::StringRef text) {
  if (bits == 8) return text.str();
  return "convert_" + spellSigned(mask.with(Shape::Kind::integer, bits)) + "(" + text.str() + ")";
}

std::string literal(Shape shape, const llvm::APInt& bits) {
  const std::string hex = "0x" + llvm::utohexstr(bits.getZExtValue(), /*LowerCase=*/true);
  switch (shape.kind) {
    case Shape::Kind::mask:
      if (shape.isVector()) return bits.isZero() ? "0" : "-1";
      return bits.isZero() ? "false" : "true";
    case Shape::Kind::real:
      return shape.width == 32 ? "as_float(" + hex + "u)" : "as_double(" + hex + "ul)";
    case Shape::Kind::integer:
      break;
  }
  const std::string decimal = std::to_string(bits.getZExtValue());
  if (shape.width == 64) return decimal + "ul";
  if (shape.width == 32) return decimal + "u";
  return "(" + spell(shape.scalar()) + ")" + decimal;
}

FailureOr<std::string> literal(Shape shape, Attribute value) {
  if (auto integer = dyn_cast<IntegerAttr>(value)) return literal(shape, integer.getValue());
  if (auto real = dyn_cast<FloatAttr>(value)) return literal(shape, real.getValue().bitcastToAPInt());
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense) return failure();
  auto element = [&](const auto& bits) { return literal(shape, bits); };
  SmallVector<std::string> parts;
  if (isa<FloatType>(dense.getElementType())) {
    for (const llvm::APFloat& v : dense.getValues<llvm::APFloat>()) {
      parts.push_back(element(v.bitcastToAPInt()));
      if (dense.isSplat()) break;
    }
  } else {
    for (const llvm::APInt& v : dense.getValues<llvm::APInt>()) {
      parts.push_back(element(v));
      if (dense.isSplat()) break;
    }
  }
  return build(shape, parts);
}

}  // namespace wherry::compile::opencl
