// Spelling.h: types, literals and casts of kernels in OpenCL C.
//
// Integers of every width and `index` are unsigned types, because signless arithmetic wraps and signed
// overflow is undefined in C; operations that mean signed numbers cast to `int` and back. A scalar i1 is
// a `bool`; a vector of i1 is a vector of `char` holding 0 or -1, converted to the width that `select`
// wants where it is used. A vector of one lane is a scalar.
#pragma once

#include <string>

#include "llvm/ADT/StringRef.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace wherry::compile::opencl {

/// The shape of a value: element kind, width in bits and lanes (1: a scalar).
struct Shape {
  enum class Kind { integer, mask, real };
  Kind kind = Kind::integer;
  unsigned width = 32;
  unsigned lanes = 1;

  bool isVector() const { return lanes > 1; }
  bool isMask() const { return kind == Kind::mask; }
  bool isReal() const { return kind == Kind::real; }
  Shape with(Kind other, unsigned bits) const { return {other, bits, lanes}; }
  Shape scalar() const { return {kind, width, 1}; }
  Shape half() const { return {kind, width, lanes / 2}; }
};

/// Returns the shape of `type`: i1 to i64 (1, 8, 16, 32 or 64 bits), index, f32, f64, or a 1-D vector of
/// 1, 2, 4, 8 or 16 of them. Fails for anything else.
mlir::FailureOr<Shape> shapeOf(mlir::Type type);

/// Returns `float4`, `uint`, `char16`, `bool`, ...
std::string spell(Shape shape);
/// The signed counterpart of an integer shape: `int4`.
std::string spellSigned(Shape shape);

/// Returns `text` as a value of the signed counterpart, or back as `shape`.
std::string asSigned(Shape shape, llvm::StringRef text);
std::string asUnsigned(Shape shape, llvm::StringRef text);

/// The type of one lane as it is stored: `float`, `uint`, and `char` for a vector of masks.
std::string spellLane(Shape shape);

/// Converts between a lane of `shape` as it is stored and a scalar: they differ for masks.
std::string toLane(Shape shape, const std::string& scalar);
std::string fromLane(Shape shape, const std::string& lane);

/// Returns `.s0` to `.sF`, or nothing for a scalar.
std::string lane(Shape shape, unsigned index);

/// Returns the vector `(float4)(a, b, c, d)`; with one part, a splat.
std::string build(Shape shape, llvm::ArrayRef<std::string> parts);

/// Returns `text`, a mask, as a vector of integers of `bits` bits that hold 0 or -1.
std::string widenMask(Shape mask, unsigned bits, llvm::StringRef text);

/// Returns the literal of one element: `as_float(0x3f800000u)`, `7u`, `true`; in a vector, -1 for true.
std::string literal(Shape shape, const llvm::APInt& bits);

/// Returns the literal of a constant of type `shape`. Fails when it is not dense.
mlir::FailureOr<std::string> literal(Shape shape, mlir::Attribute value);

}  // namespace wherry::compile::opencl
