// Inverse.cpp: atan, atan2, asin, acos by odd polynomials on a reduced argument.
#include "Coefficients.h"
#include "Functions.h"

namespace wherry::compile::math {

namespace {

using namespace coefficients;

double quarter_pi(lanes& at) { return at.pick<double>(0x1.921fb6p-1, 0x1.921fb54442d18p-1); }
double quarter_pi_low(lanes& at) { return at.pick<double>(-0x1.777a5cp-26, 0x1.1a62633145c07p-55); }

/// atan(t) - t for |t| <= tan(pi / 8).
real atan_tail(real t) {
  const real z = t * t;
  const real p =
      polynomial(z, t.at->single() ? llvm::ArrayRef<double>(atan_f32) : llvm::ArrayRef<double>(atan_f64));
  return t * z * p;
}

}  // namespace

real atan(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const real quarter = at.number(quarter_pi(at));
  const mask far = a > 0x1.3504f3p1, middle = a > 0x1.a8279ap-2;
  // far: -1 / a; middle: (a - 1) / (a + 1); else a.
  const real top = select(far, -1.0, select(middle, a - 1.0, a));
  const real bottom = select(far, a, select(middle, a + 1.0, at.number(1.0)));
  const real t = top / bottom;
  const real base = select(far, quarter + quarter, select(middle, quarter, 0.0));
  const double low = quarter_pi_low(at);
  const real base_low = select(far, 2 * low, select(middle, at.number(low), 0.0));
  return copysign(base + (t + (base_low + atan_tail(t))), x);
}

// The point is moved into the first octant: |y| and |x| sorted, then turned by -pi/4 if that makes the ratio
// smaller. The angle is then eighths * pi/4 + atan(t), and each mirroring back changes both.
real atan2(real y, real x) {
  lanes& at = *x.at;
  const real a = abs(y), b = abs(x);
  const mask steep = a > b, behind = as_bits(x) < 0;
  real larger = select(steep, a, b), smaller = select(steep, b, a);
  const mask huge = larger > at.pick<double>(0x1p126, 0x1p1022);
  const real factor = select(huge, at.number(0.25), 1.0);  // keeps the sum below finite
  larger = larger * factor;
  smaller = smaller * factor;
  const mask equal = smaller == larger;                        // 0 / 0 and infinity / infinity among them
  const mask near_diagonal = smaller * 0x1.3504f3p1 > larger;  // 1 + sqrt(2)
  const real top = select(near_diagonal, smaller - larger, smaller);
  const real bottom = select(near_diagonal, smaller + larger, larger);
  real t = select(equal, 0.0, top / bottom);
  real eighths = select(near_diagonal | (equal & (larger > 0.0)), at.number(1.0), 0.0);
  eighths = select(steep, 2.0 - eighths, eighths);
  eighths = select(behind, 4.0 - eighths, eighths);
  t = select(steep ^ behind, -t, t);
  const real first = eighths * quarter_pi(at);
  const real lost = fma(eighths, quarter_pi(at), -first);  // 3 pi/4 is not a multiple of pi/4 as rounded
  const real rest = fma(eighths, quarter_pi_low(at), lost) + atan_tail(t);
  return copysign(first + (t + rest), y);
}

namespace {

real asin_tail(real x, real z) {
  const real p =
      polynomial(z, x.at->single() ? llvm::ArrayRef<double>(asin_f32) : llvm::ArrayRef<double>(asin_f64));
  return x * z * p;
}

}  // namespace

// Above 1/2: asin x = pi/2 - 2 asin(sqrt((1 - x) / 2)); beyond 1 the square root is NaN.
real asin(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const mask high = a > 0.5;
  const real z = select(high, fma(a, -0.5, 0.5), a * a);
  const real s = select(high, sqrt(z), a);
  const real tail = asin_tail(s, z);
  const real folded = 2.0 * quarter_pi(at) - (s + (tail - quarter_pi_low(at))) * 2.0;
  return copysign(select(high, folded, s + tail), x);
}

real acos(real x) {
  lanes& at = *x.at;
  const real a = abs(x);
  const mask high = a > 0.5;
  const real z = select(high, fma(a, -0.5, 0.5), x * x);
  const real s = select(high, sqrt(z), x);
  const real tail = asin_tail(s, z);
  const double first = quarter_pi(at), second = quarter_pi_low(at);
  const real near_one = (s + tail) * 2.0;
  const real near_minus_one = 4.0 * first - ((s + (tail - 2.0 * second)) * 2.0);
  const real middle = 2.0 * first - (s + (tail - 2.0 * second));
  return select(high, select(x < 0.0, near_minus_one, near_one), middle);
}

}  // namespace wherry::compile::math
