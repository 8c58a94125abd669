// Fourier.cpp: see Fourier.h.
#include "compiler/expand/Fourier.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

namespace wherry::compile {

void pushRoot(ComplexTable& table, int sign, uint64_t k, uint64_t n) {
  // k / n of a turn is `eighth` eighths and a rest; odd eighths count back from the next one.
  const auto scaled = static_cast<unsigned __int128>(k % n) * 8;
  const auto eighth = static_cast<unsigned>(scaled / n);
  auto rest = static_cast<uint64_t>(scaled % n);
  if (eighth % 2 == 1) rest = n - rest;
  const long double angle =
      std::numbers::pi_v<long double> / 4 * static_cast<long double>(rest) / static_cast<long double>(n);
  long double re = std::cos(angle), im = std::sin(angle);
  if (eighth % 4 == 1 || eighth % 4 == 2) std::swap(re, im);
  if (eighth >= 2 && eighth < 6) re = -re;
  if (eighth >= 4) im = -im;
  table.push(re, sign < 0 ? -im : im);
}

static int64_t smallestFactor(int64_t n) {
  for (int64_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

/// Transforms the elements at first + i * step, of which there are n; `roots` are those of the whole table.
static ComplexTable transformedPart(const ComplexTable& x, const ComplexTable& roots, size_t first,
                                    size_t step) {
  const size_t n = x.re.size() / step;
  ComplexTable result;
  if (n == 1) {
    result.push(x.re[first], x.im[first]);
    return result;
  }
  const auto p = static_cast<size_t>(smallestFactor(static_cast<int64_t>(n))), m = n / p;
  llvm::SmallVector<ComplexTable, 5> parts;
  for (size_t q = 0; q < p; ++q) parts.push_back(transformedPart(x, roots, first + q * step, step * p));
  for (size_t k = 0; k < n; ++k) {
    long double re = 0, im = 0;
    for (size_t q = 0; q < p; ++q) {
      const size_t root = k * q % n * step, i = k % m;
      re += parts[q].re[i] * roots.re[root] - parts[q].im[i] * roots.im[root];
      im += parts[q].re[i] * roots.im[root] + parts[q].im[i] * roots.re[root];
    }
    result.push(re, im);
  }
  return result;
}

ComplexTable transformed(const ComplexTable& x) {
  ComplexTable roots;
  for (size_t k = 0; k < x.re.size(); ++k) pushRoot(roots, -1, k, x.re.size());
  return transformedPart(x, roots, 0, 1);
}

llvm::SmallVector<int64_t> stagesOf(int64_t n, int64_t elements) {
  // Nanoseconds per element: the multiply-adds of a matrix, a pass over memory, and launches.
  constexpr double perTerm = 0.08, perPass = 2.5, launches = 1500, convolution = 200;
  const double fixed = perPass + launches / static_cast<double>(std::max<int64_t>(elements, 1));
  std::vector<int64_t> divisors;
  for (int64_t d = 1; d * d <= n; ++d) {
    if (n % d) continue;
    divisors.push_back(d);
    if (d * d != n) divisors.push_back(n / d);
  }
  llvm::sort(divisors);
  llvm::DenseMap<int64_t, std::pair<double, int64_t>> best;  // cost and last stage of a length
  best[1] = {0.0, 1};
  for (const int64_t d : llvm::drop_begin(divisors)) {
    std::pair<double, int64_t> choice{std::numeric_limits<double>::infinity(), d};
    for (const int64_t r : divisors) {
      if (r == 1 || d % r || (r > largestMatrix && smallestFactor(r) != r)) continue;
      const double own = r > largestMatrix ? convolution : perTerm * static_cast<double>(r);
      const double cost = best[d / r].first + own + fixed;
      if (cost < choice.first) choice = {cost, r};
    }
    best[d] = choice;
  }
  llvm::SmallVector<int64_t> stages;
  for (; n > 1; n /= stages.back()) stages.push_back(best[n].second);
  return stages;
}

int64_t smoothLength(int64_t n) {
  int64_t best = 1;
  while (best < n) best *= 2;
  for (int64_t five = 1; five <= best; five *= 5)
    for (int64_t three = five; three <= best; three *= 3) {
      int64_t length = three;
      while (length < n) length *= 2;
      best = std::min(best, length);
    }
  return best;
}

}  // namespace wherry::compile
