// Fourier.h: discrete Fourier transforms of lengths that are known, on the host: roots, tables, factors.
//
// Tables are in long double, whose rounding does not show in any element type.
#pragma once

#include <cstdint>
#include <vector>

#include "llvm/ADT/SmallVector.h"

namespace wherry::compile {

/// Real and imaginary parts of equally many numbers.
struct ComplexTable {
  std::vector<long double> re, im;
  void push(long double r, long double i) {
    re.push_back(r);
    im.push_back(i);
  }
};

/// Appends exp(sign * 2 pi i * k / n). The angle is reduced exactly, to at most an eighth of a turn.
void pushRoot(ComplexTable& table, int sign, uint64_t k, uint64_t n);

/// The transform of `x` with exp(-2 pi i / n), for lengths with small prime factors.
ComplexTable transformed(const ComplexTable& x);

/// Lengths whose product is `n`, each transformed by a matrix or, where it is a prime above
/// `largestMatrix`, by a convolution. `elements`: how many numbers a stage works on.
llvm::SmallVector<int64_t> stagesOf(int64_t n, int64_t elements);
constexpr int64_t largestMatrix = 127;

/// The cheapest length of at least `n` for a convolution.
int64_t smoothLength(int64_t n);

}  // namespace wherry::compile
