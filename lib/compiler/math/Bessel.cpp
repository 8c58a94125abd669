// Bessel.cpp: the modified Bessel function of order one, scaled.
//
// Up to 8 x / (1 + |x|) times a polynomial that varies little, beyond a polynomial in 1 / |x|
// over the square root.
#include "Coefficients.h"
#include "Functions.h"

namespace wherry::compile::math {

real bessel_i1e(real x) {
  using namespace coefficients;
  lanes& at = *x.at;
  const real a = abs(x);
  const mask far = a > 8.0;
  const real t = select(far, 16.0 / a - 1.0, fma(a, 0.25, -1.0));
  const real near_value = a / (a + 1.0) *
                          polynomial(t, at.single() ? llvm::ArrayRef<double>(bessel_near_f32)
                                                    : llvm::ArrayRef<double>(bessel_near_f64));
  const real far_value = polynomial(t, at.single() ? llvm::ArrayRef<double>(bessel_far_f32)
                                                   : llvm::ArrayRef<double>(bessel_far_f64)) /
                         sqrt(a);
  return copysign(select(far, far_value, near_value), x);
}

}  // namespace wherry::compile::math
