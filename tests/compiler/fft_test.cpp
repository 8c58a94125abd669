// fft_test.cpp: Fourier transforms of lengths of every kind, compared with their definition.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "compiler/plan_runner.hpp"

namespace {

using namespace wherry;
using std::int64_t;
using wherry::testing::compile_text;
using wherry::testing::plan_runner;
using wide = std::complex<long double>;

/// Transforms a row-major array along one dimension: `inner` elements apart, `n` of them.
std::vector<wide> transformed(const std::vector<wide>& x, int64_t n, int64_t inner, int sign) {
  std::vector<wide> roots, result(x.size());
  for (int64_t k = 0; k < n; ++k)
    roots.push_back(std::polar(1.0L, sign * 2 * std::numbers::pi_v<long double> *
                                         static_cast<long double>(k) / static_cast<long double>(n)));
  const auto at = [](int64_t i) { return static_cast<std::size_t>(i); };
  for (int64_t i = 0; i < static_cast<int64_t>(x.size()); ++i) {
    const int64_t k = i / inner % n, base = i - k * inner;
    for (int64_t j = 0; j < n; ++j) result[at(i)] += x[at(base + j * inner)] * roots[at(j * k % n)];
  }
  return result;
}

std::string tensor_of(const std::vector<int64_t>& shape, const std::string& element) {
  std::string text = "tensor<";
  for (const int64_t extent : shape) text += std::to_string(extent) + "x";
  return text + element + ">";
}

enum class kind { forward, inverse, from_real, to_real };

template <class T>
std::vector<std::byte> bytes_of(const std::vector<wide>& x, bool is_complex) {
  std::vector<T> parts;
  for (const wide& value : x) {
    parts.push_back(static_cast<T>(value.real()));
    if (is_complex) parts.push_back(static_cast<T>(value.imag()));
  }
  std::vector<std::byte> bytes(parts.size() * sizeof(T));
  std::memcpy(bytes.data(), parts.data(), bytes.size());
  return bytes;
}

/// `lengths` are the last dimensions, after one of `batch`.
template <class T>
void expect_right(kind what, int64_t batch, const std::vector<int64_t>& lengths) {
  const bool from_real = what == kind::from_real, to_real = what == kind::to_real;
  std::vector<int64_t> whole{batch}, half;
  whole.insert(whole.end(), lengths.begin(), lengths.end());
  half = whole;
  half.back() = lengths.back() / 2 + 1;
  int64_t count = 1, n = 1;
  for (const int64_t extent : whole) count *= extent;
  for (const int64_t length : lengths) n *= length;

  // The definition, over the whole array.
  std::mt19937 random(11);
  std::uniform_real_distribution<T> values(-1, 1);
  std::vector<wide> x(static_cast<std::size_t>(count));
  for (wide& value : x) value = {values(random), from_real || to_real ? T{0} : values(random)};
  const int sign = what == kind::inverse ? 1 : -1;
  std::vector<wide> y = x;
  int64_t inner = 1;
  for (std::size_t d = lengths.size(); d-- > 0; inner *= lengths[d])
    y = transformed(y, lengths[d], inner, sign);
  if (what == kind::inverse)
    for (wide& value : y) value /= static_cast<long double>(n);
  const auto halved = [&](const std::vector<wide>& all) {
    std::vector<wide> result;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (static_cast<int64_t>(i) % whole.back() < half.back()) result.push_back(all[i]);
    return result;
  };
  // The inverse of a spectrum of real numbers gives them back.
  const std::vector<wide> in = to_real ? halved(y) : x, out = to_real ? x : from_real ? halved(y) : y;

  const std::string real = sizeof(T) == 4 ? "f32" : "f64", complex = "complex<" + real + ">";
  const std::string from = tensor_of(to_real ? half : whole, from_real ? real : complex),
                    to = tensor_of(from_real ? half : whole, to_real ? real : complex);
  const char* const names[] = {"FFT", "IFFT", "RFFT", "IRFFT"};
  std::string text = "func.func @main(%a: " + from + ") -> " + to +
                     " {\n  %r = stablehlo.fft %a, type = " + names[static_cast<int>(what)] + ", length = [";
  for (std::size_t d = 0; d < lengths.size(); ++d) text += (d ? ", " : "") + std::to_string(lengths[d]);
  text += "] : (" + from + ") -> " + to + "\n  return %r : " + to + "\n}";
  SCOPED_TRACE(text);

  const auto outputs = plan_runner(compile_text(text)).run({bytes_of<T>(in, !from_real)});
  const std::size_t parts = to_real ? 1 : 2;
  std::vector<T> got(out.size() * parts);
  ASSERT_EQ(outputs[0].size(), got.size() * sizeof(T));
  std::memcpy(got.data(), outputs[0].data(), outputs[0].size());
  long double largest = 0;
  for (const wide& value : out) largest = std::max(largest, std::abs(value));
  const long double bound = 4 * std::max(1.0L, std::log2(static_cast<long double>(n))) *
                            std::numeric_limits<T>::epsilon() * largest;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const wide value = to_real ? wide(got[i]) : wide(got[2 * i], got[2 * i + 1]);
    ASSERT_LE(std::abs(value - out[i]), bound) << "element " << i;
  }
}

void expect_every_kind(int64_t batch, const std::vector<int64_t>& lengths) {
  for (const kind what : {kind::forward, kind::inverse, kind::from_real, kind::to_real}) {
    expect_right<float>(what, batch, lengths);
    expect_right<double>(what, batch, lengths);
  }
}

TEST(fft, short_lengths) {
  for (const int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 31}) expect_every_kind(3, {n});
}

TEST(fft, lengths_of_several_stages) {
  for (const int64_t n : {128, 360, 1000, 1024}) expect_every_kind(2, {n});
}

TEST(fft, prime_lengths) {
  for (const int64_t n : {127, 131, 509}) expect_every_kind(2, {n});
  expect_right<float>(kind::forward, 1, {2 * 257});
  expect_right<double>(kind::inverse, 1, {3 * 131});
}

TEST(fft, several_dimensions) {
  expect_every_kind(2, {6, 10});
  expect_every_kind(2, {1, 9});
  expect_every_kind(2, {4, 3, 5});
  expect_every_kind(1, {40, 1, 24});
}

TEST(fft, factors_of_a_long_transform_are_products_of_two_tables) {
  constexpr int64_t n = 1 << 18;
  const std::string type = tensor_of({n}, "complex<f32>");
  const plan compiled = compile_text("func.func @main(%a: " + type + ") -> " + type +
                                     " {\n  %r = stablehlo.fft %a, type = FFT, length = [262144] : (" + type +
                                     ") -> " + type + "\n  return %r : " + type + "\n}");
  EXPECT_LT(compiled.constants.size(), std::size_t{1} << 20);
  // A single 1 at position 5 becomes the powers of a root.
  std::vector<wide> x(n);
  x[5] = 1;
  const auto outputs = plan_runner(compiled).run({bytes_of<float>(x, true)});
  std::vector<float> got(2 * n);
  std::memcpy(got.data(), outputs[0].data(), outputs[0].size());
  for (std::size_t k = 0; k < n; k += 997) {
    const auto root = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(5 * k % n) / n);
    ASSERT_NEAR(got[2 * k], root.real(), 1e-6) << k;
    ASSERT_NEAR(got[2 * k + 1], root.imag(), 1e-6) << k;
  }
}

TEST(fft, nothing_becomes_nothing) {
  const plan compiled = compile_text(
      "func.func @main(%a: tensor<2x0xf32>) -> tensor<2x0xcomplex<f32>> {\n"
      "  %r = stablehlo.fft %a, type = RFFT, length = [0] : (tensor<2x0xf32>) -> tensor<2x0xcomplex<f32>>\n"
      "  return %r : tensor<2x0xcomplex<f32>>\n}");
  EXPECT_TRUE(plan_runner(compiled).run({{}})[0].empty());
}

}  // namespace
