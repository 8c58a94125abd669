// Element.h: element types, and values of them as a kernel computes with them.
//
// Three types belong to an element: its own (bf16, ui4, complex<f32>), the one it is computed in (f32 for
// every narrower float, i8 for 2- and 4-bit integers) and the one it has in memory (Kernels.h). A value
// is always exactly representable in its own type: operations on narrow types round after every step.
// Conversions between a narrow float and its bits are integer arithmetic, so both exits give the same bits.
#pragma once

#include <cmath>

#include "compiler/emit/KernelBuilder.h"
#include "mlir/IR/BuiltinTypes.h"

namespace wherry::compile {

struct Element {
  enum class Kind { Bool, Signed, Unsigned, Float, Complex };
  Kind kind = Kind::Float;
  unsigned bits = 32;  // of the type itself; of one part for complex
  mlir::Type type;     // as written; of one part for complex
  mlir::Type compute;  // i1, i8, ..., f32, f64; of one part for complex
  mlir::Type storage;  // of one memref element

  /// The element type of a tensor (or the type itself); `compute` is null for a type nobody can emit.
  static Element of(mlir::Type type);

  bool valid() const { return static_cast<bool>(compute); }
  bool isComplex() const { return kind == Kind::Complex; }
  bool isFloat() const { return kind == Kind::Float; }
  bool isInteger() const { return kind == Kind::Signed || kind == Kind::Unsigned; }
  bool isUnsigned() const { return kind == Kind::Unsigned || kind == Kind::Bool; }
  /// True where computing is wider than the type, so that results are rounded or wrapped.
  bool isNarrow() const { return bits < compute.getIntOrFloatBitWidth() && kind != Kind::Bool; }
  unsigned parts() const { return isComplex() ? 2 : 1; }
  /// One part of a complex type; the type itself otherwise.
  Element part() const;
  friend bool operator==(const Element& a, const Element& b) { return a.kind == b.kind && a.type == b.type; }
};

/// One element, or one per lane. `im` is set for complex types only.
struct Val {
  mlir::Value re, im;
  explicit operator bool() const { return static_cast<bool>(re); }
};

/// Rounds (floats) or wraps (integers) a value of the computing type to `element`.
mlir::Value rounded(KernelBuilder& b, const Element& element, mlir::Value x);
Val rounded(KernelBuilder& b, const Element& element, Val x);

/// Between memory and the computing type. `element` is not complex; `encoded` takes a rounded value.
mlir::Value decoded(KernelBuilder& b, const Element& element, mlir::Value stored);
mlir::Value encoded(KernelBuilder& b, const Element& element, mlir::Value x);

/// stablehlo.convert: floats to integers truncate and saturate, NaN gives 0; others round to nearest even.
Val converted(KernelBuilder& b, const Element& from, const Element& to, Val x);

/// The bits of a (not complex) element as an integer of exactly its storage width, and back.
mlir::Value bitsOf(KernelBuilder& b, const Element& element, mlir::Value x);
mlir::Value fromBits(KernelBuilder& b, const Element& element, mlir::Value bits);

/// The same number in every lane, as `element` holds it.
Val constantOf(KernelBuilder& b, const Element& element, double value);
/// The attribute of a splat constant as a value; null if it is of an unknown kind.
Val constantOf(KernelBuilder& b, const Element& element, mlir::Attribute value);
/// The least (`most` false) or greatest value: infinities for floats.
mlir::Value extremeOf(KernelBuilder& b, const Element& element, bool most);

}  // namespace wherry::compile
