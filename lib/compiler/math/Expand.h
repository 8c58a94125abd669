// Expand.h: elementary functions as straight-line arithmetic.
//
// StableHLO asks for exp, sin, pow and their like; kernels may not call a library (their image is
// position-independent code without symbols, and OpenCL devices differ by up to 16 ULP). `expand` writes a
// function out where it is used, once for both exits: the same operations in the same order, with explicit
// fma, so the native code and OpenCL C agree bit for bit wherever the device divides and takes square roots
// correctly rounded and keeps subnormals.
//
// Accuracy: at most 3 ULP in the result's own type over all arguments, subnormals and huge ones included
// (most functions stay within 1 or 2); `rem` and `sqrt` are exact. NaN, infinities and signed zeros follow
// IEEE 754-2019 section 9.2 (`pow`, `atan2` included) and C's fmod for `rem`. f32 expansions never compute in
// f64, so devices without fp64 take them too.
//
// Emitted operations: arith; math.fma, sqrt, absf, copysign, floor, trunc; vector.reduction
// of masks; scf.if for huge arguments of sin, cos, tan, and scf.while for rem. Both regions run for a whole
// vector when any of its lanes needs them, lanes that do not are masked by selects.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "mlir/IR/Builders.h"

namespace wherry::compile {

enum class ElementaryFn {
  exp,
  expm1,
  log,
  log1p,
  logistic,
  tanh,
  sin,
  cos,
  tan,
  sqrt,
  rsqrt,
  cbrt,
  pow,    // (base, exponent)
  atan2,  // (y, x)
  atan,
  asin,
  acos,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  erf,
  erfc,
  erf_inv,
  rem,  // (dividend, divisor): C's fmod, exact
  lgamma,
  digamma,
  polygamma,  // (order, x)
  zeta,       // (x, q): Hurwitz's
  bessel_i1e,
};

/// The number of arguments `fn` takes: 1 or 2.
unsigned arity(ElementaryFn fn);

/// The enumerator's name.
llvm::StringRef nameOf(ElementaryFn fn);

/// Returns `fn(args...)` in the type of the arguments, written at the builder's insertion point.
/// Precondition: `args` are `arity(fn)` values of one type: f32, f64 or a 1-D vector of them of any number of
/// lanes.
mlir::Value expand(mlir::OpBuilder& builder, mlir::Location loc, ElementaryFn fn,
                   llvm::ArrayRef<mlir::Value> args);

enum class ComplexFn {
  exp,
  expm1,
  log,
  log1p,
  logistic,
  sqrt,
  rsqrt,
  cbrt,
  pow,  // (base, exponent)
  sin,
  cos,
  tan,
  sinh,
  cosh,
  tanh,
  asin,
  acos,
  atan,
  asinh,
  acosh,
  atanh,
  quotient,  // (dividend, divisor)
};

unsigned arity(ComplexFn fn);
llvm::StringRef nameOf(ComplexFn fn);

/// The parts of a complex value.
struct ComplexParts {
  mlir::Value re, im;
};

/// As `expand`, for complex numbers; parts are within 3 ULP of the exact ones. f32 parts are computed in f64,
/// but for `quotient`.
ComplexParts expand(mlir::OpBuilder& builder, mlir::Location loc, ComplexFn fn,
                    llvm::ArrayRef<ComplexParts> args);

}  // namespace wherry::compile
