// Lanes.h: arithmetic on values of the program that is being written.
//
// `lanes` writes operations at a builder's insertion point; `real`, `bits` and `mask` are the floating-point,
// integer and boolean values that they yield, with operators, so that an expansion reads like the formula it
// is. One expansion serves f32 and f64, scalars and vectors; `pick` chooses what differs between the two
// precisions.
//
// A double operand becomes a constant of the value's own type. Nothing is reassociated or contracted: a fused
// operation is written `fma`.
#pragma once

#include <cstdint>
#include <limits>

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace wherry::compile::math {

class lanes;

struct real {
  lanes* at = nullptr;
  mlir::Value value;
};

/// An integer as wide as the element type.
struct bits {
  lanes* at = nullptr;
  mlir::Value value;
};

struct mask {
  lanes* at = nullptr;
  mlir::Value value;
};

class lanes {
 public:
  /// Writes for values of `type`: f32, f64 or a 1-D vector of them.
  lanes(mlir::OpBuilder& builder, mlir::Location loc, mlir::Type type);

  bool single() const { return single_; }
  template <class T>
  T pick(T in_f32, T in_f64) const {
    return single_ ? in_f32 : in_f64;
  }

  // The format: 24 or 53 significant bits.
  int mantissa_bits() const { return single_ ? 23 : 52; }
  int64_t bias() const { return single_ ? 127 : 1023; }
  double min_normal() const { return pick<double>(0x1p-126, 0x1p-1022); }
  double infinity() const { return std::numeric_limits<double>::infinity(); }
  int64_t sign_bit() const { return pick<int64_t>(int64_t{INT32_MIN}, INT64_MIN); }

  real wrap(mlir::Value v) { return {this, v}; }
  real number(double v);    // rounded to the element type
  bits integer(int64_t v);  // truncated to the element's width
  real nan() { return number(std::numeric_limits<double>::quiet_NaN()); }

  mlir::OpBuilder& builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  mlir::Type real_type() const { return real_type_; }
  mlir::Type bits_type() const { return bits_type_; }

  /// True when the lane of `m` is true for any lane; an i1.
  mlir::Value any(mask m);

  /// Returns what `body` returns if any lane of `when` is true, `otherwise` if none is. `body` runs for all
  /// lanes.
  llvm::SmallVector<mlir::Value> if_any(mask when, llvm::ArrayRef<mlir::Value> otherwise,
                                        llvm::function_ref<llvm::SmallVector<mlir::Value>()> body);

  /// Runs `body` on `state` while any lane of `more(state)` is true; returns the last state.
  llvm::SmallVector<mlir::Value> while_any(
      llvm::ArrayRef<mlir::Value> state, llvm::function_ref<mask(llvm::ArrayRef<mlir::Value>)> more,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(llvm::ArrayRef<mlir::Value>)> body);

 private:
  mlir::Value constant(mlir::Type type, mlir::TypedAttr element);

  mlir::OpBuilder& builder_;
  mlir::Location loc_;
  bool single_;
  mlir::Type real_type_, bits_type_;
  llvm::SmallVector<std::pair<mlir::TypedAttr, mlir::Value>> constants_;  // usable at the insertion point
};

real operator+(real a, real b);
real operator-(real a, real b);
real operator*(real a, real b);
real operator/(real a, real b);
real operator-(real a);
inline real operator+(real a, double b) { return a + a.at->number(b); }
inline real operator-(real a, double b) { return a - a.at->number(b); }
inline real operator*(real a, double b) { return a * a.at->number(b); }
inline real operator+(double a, real b) { return b.at->number(a) + b; }
inline real operator-(double a, real b) { return b.at->number(a) - b; }
inline real operator*(double a, real b) { return b.at->number(a) * b; }
inline real operator/(double a, real b) { return b.at->number(a) / b; }

/// a * b + c, rounded once.
real fma(real a, real b, real c);
inline real fma(real a, double b, real c) { return fma(a, a.at->number(b), c); }
inline real fma(real a, real b, double c) { return fma(a, b, a.at->number(c)); }
inline real fma(real a, double b, double c) { return fma(a, a.at->number(b), a.at->number(c)); }

real abs(real a);
real sqrt(real a);
real floor(real a);
real trunc(real a);
real copysign(real magnitude, real sign);

// Ordered comparisons, false for NaN, except `!=` and `is_nan`.
mask compare(mlir::arith::CmpFPredicate predicate, real a, real b);
inline mask operator<(real a, real b) { return compare(mlir::arith::CmpFPredicate::OLT, a, b); }
inline mask operator>(real a, real b) { return compare(mlir::arith::CmpFPredicate::OGT, a, b); }
inline mask operator<=(real a, real b) { return compare(mlir::arith::CmpFPredicate::OLE, a, b); }
inline mask operator>=(real a, real b) { return compare(mlir::arith::CmpFPredicate::OGE, a, b); }
inline mask operator==(real a, real b) { return compare(mlir::arith::CmpFPredicate::OEQ, a, b); }
inline mask operator!=(real a, real b) { return compare(mlir::arith::CmpFPredicate::UNE, a, b); }
inline mask operator<(real a, double b) { return a < a.at->number(b); }
inline mask operator>(real a, double b) { return a > a.at->number(b); }
inline mask operator<=(real a, double b) { return a <= a.at->number(b); }
inline mask operator>=(real a, double b) { return a >= a.at->number(b); }
inline mask operator==(real a, double b) { return a == a.at->number(b); }
inline mask operator!=(real a, double b) { return a != a.at->number(b); }
inline mask is_nan(real a) { return compare(mlir::arith::CmpFPredicate::UNO, a, a); }

mask operator&(mask a, mask b);
mask operator|(mask a, mask b);
mask operator^(mask a, mask b);
mask operator!(mask a);

real select(mask m, real a, real b);
bits select(mask m, bits a, bits b);
inline real select(mask m, double a, real b) { return select(m, b.at->number(a), b); }
inline real select(mask m, real a, double b) { return select(m, a, a.at->number(b)); }
inline real select(mask m, double a, double b) { return select(m, m.at->number(a), m.at->number(b)); }

/// min(max(x, low), high); NaN stays NaN.
inline real clamp(real x, double low, double high) {
  const real up = select(x < low, low, x);
  return select(up > high, high, up);
}

bits operator+(bits a, bits b);
bits operator-(bits a, bits b);
bits operator*(bits a, bits b);
bits operator&(bits a, bits b);
bits operator|(bits a, bits b);
bits operator^(bits a, bits b);
bits operator<<(bits a, bits b);
bits operator>>(bits a, bits b);  // arithmetic
bits shift_logical(bits a, bits b);
inline bits operator+(bits a, int64_t b) { return a + a.at->integer(b); }
inline bits operator-(bits a, int64_t b) { return a - a.at->integer(b); }
inline bits operator-(int64_t a, bits b) { return b.at->integer(a) - b; }
inline bits operator&(bits a, int64_t b) { return a & a.at->integer(b); }
inline bits operator<<(bits a, int64_t b) { return a << a.at->integer(b); }
inline bits operator>>(bits a, int64_t b) { return a >> a.at->integer(b); }
inline bits shift_logical(bits a, int64_t b) { return shift_logical(a, a.at->integer(b)); }
mask compare(mlir::arith::CmpIPredicate predicate, bits a, bits b);
inline mask operator<(bits a, int64_t b) {
  return compare(mlir::arith::CmpIPredicate::slt, a, a.at->integer(b));
}
inline mask operator>(bits a, int64_t b) {
  return compare(mlir::arith::CmpIPredicate::sgt, a, a.at->integer(b));
}
inline mask operator!=(bits a, int64_t b) {
  return compare(mlir::arith::CmpIPredicate::ne, a, a.at->integer(b));
}

/// Computes `body` of f32 values in f64; rounds its result.
real in_double(llvm::ArrayRef<real> arguments, llvm::function_ref<real(llvm::ArrayRef<real>)> body);

/// The same bits in the other type.
bits as_bits(real a);
real as_real(bits a);

/// The nearest number to a signed integer.
real to_real(bits a);

/// 2^k. Precondition: the result is normal.
real power_of_two(bits k);

/// `a` as a number. Precondition: |a| < 2^21. Two additions, where 64-bit conversions are missing from AVX2.
real small_to_real(bits a);

/// c[0] + c[1] x + ... , by Horner's rule with fma.
real polynomial(real x, llvm::ArrayRef<double> c);

}  // namespace wherry::compile::math
