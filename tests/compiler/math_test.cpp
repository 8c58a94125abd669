// math_test.cpp: every elementary function against long double references.
//
// Each function is expanded into one kernel per element type, compiled by the native exit and run on samples
// of its whole domain. The references are the C library's long double functions (64 significant bits).
// WHERRY_MATH_DENSITY=100 takes a hundred times as many samples (minutes); WHERRY_MATH_REPORT=1 prints the
// largest error of each function.
#include "mlir/Dialect/Math/IR/Math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>
#include <wherry/exec/image.hpp>

#include "compiler/Kernels.h"
#include "compiler/math/Expand.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/MLIRContext.h"

namespace {

using wherry::compile::ElementaryFn;

constexpr int64_t block = 4096;  // elements per call of a kernel

constexpr ElementaryFn all_functions[] = {
    ElementaryFn::exp,   ElementaryFn::expm1, ElementaryFn::log,  ElementaryFn::log1p, ElementaryFn::logistic,
    ElementaryFn::tanh,  ElementaryFn::sin,   ElementaryFn::cos,  ElementaryFn::tan,   ElementaryFn::sqrt,
    ElementaryFn::rsqrt, ElementaryFn::cbrt,  ElementaryFn::pow,  ElementaryFn::atan2, ElementaryFn::atan,
    ElementaryFn::asin,  ElementaryFn::acos,  ElementaryFn::sinh, ElementaryFn::cosh,  ElementaryFn::asinh,
    ElementaryFn::acosh, ElementaryFn::atanh, ElementaryFn::erf,  ElementaryFn::erfc,  ElementaryFn::erf_inv,
    ElementaryFn::rem};

// The functions as compiled kernels of `lanes` lanes each.
class compiled {
 public:
  explicit compiled(int lanes, std::string cpu = "native") {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect,
                        mlir::memref::MemRefDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
    mlir::OpBuilder builder(&context);
    auto module = mlir::OwningOpRef<mlir::ModuleOp>(mlir::ModuleOp::create(builder.getUnknownLoc()));
    for (ElementaryFn fn : all_functions) {
      write_kernel(builder, *module, fn, builder.getF32Type(), lanes);
      write_kernel(builder, *module, fn, builder.getF64Type(), lanes == 16 ? 8 : lanes);
    }
    auto image = wherry::compile::emitNative(*module, {.cpu = std::move(cpu)});
    if (mlir::failed(image)) throw std::runtime_error("the kernels of elementary functions do not compile");
    code_ = std::make_unique<wherry::image>(image->bytes, image->cpuFeatures);
    for (const auto& [name, offset] : image->entries) kernels_[name] = code_->entry(offset);
  }

  /// Computes `block` elements: slots are x, y and the result.
  wherry::native_kernel kernel(ElementaryFn fn, bool single) const {
    return kernels_.at(kernel_name(fn, single));
  }

  /// Applies `fn` to whole blocks of `x` and `y`.
  template <class T>
  std::vector<T> run(ElementaryFn fn, std::vector<T> x, std::vector<T> y) const {
    const size_t count = x.size();
    x.resize((count + block - 1) / block * block, T(1));
    y.resize(x.size(), T(1));
    std::vector<T> result(x.size());
    for (size_t i = 0; i < x.size(); i += block) {
      void* slots[] = {&x[i], &y[i], &result[i]};
      kernel(fn, sizeof(T) == 4)(slots, 0, 1);
    }
    result.resize(count);
    return result;
  }

 private:
  static std::string kernel_name(ElementaryFn fn, bool single) {
    return wherry::compile::nameOf(fn).str() + (single ? "_f32" : "_f64");
  }

  static void write_kernel(mlir::OpBuilder& builder, mlir::ModuleOp module, ElementaryFn fn,
                           mlir::Type element, int lanes) {
    const mlir::Location loc = builder.getUnknownLoc();
    const auto memory = mlir::MemRefType::get({block}, element);
    const mlir::Type index = builder.getIndexType();
    builder.setInsertionPointToEnd(module.getBody());
    auto function =
        mlir::func::FuncOp::create(builder, loc, kernel_name(fn, element.isF32()),
                                   builder.getFunctionType({memory, memory, memory, index, index}, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    const auto constant = [&](int64_t v) { return mlir::arith::ConstantIndexOp::create(builder, loc, v); };
    const mlir::Value zero = constant(0), one = constant(1), step = constant(lanes), end = constant(block);
    auto units =
        mlir::scf::ForOp::create(builder, loc, function.getArgument(3), function.getArgument(4), one);
    units->setAttr("wherry.units", builder.getUnitAttr());
    builder.setInsertionPointToStart(units.getBody());
    auto loop = mlir::scf::ForOp::create(builder, loc, zero, end, step);
    builder.setInsertionPointToStart(loop.getBody());
    const mlir::Value i = loop.getInductionVar();
    const mlir::Type type = lanes == 1 ? element : mlir::VectorType::get({lanes}, element);
    llvm::SmallVector<mlir::Value> args;
    for (unsigned a = 0; a < wherry::compile::arity(fn); ++a) {
      const mlir::Value slot = function.getArgument(a);
      if (lanes == 1)
        args.push_back(mlir::memref::LoadOp::create(builder, loc, slot, i));
      else
        args.push_back(
            mlir::vector::LoadOp::create(builder, loc, llvm::cast<mlir::VectorType>(type), slot, i));
    }
    const mlir::Value result = wherry::compile::expand(builder, loc, fn, args);
    if (lanes == 1)
      mlir::memref::StoreOp::create(builder, loc, result, function.getArgument(2), i);
    else
      mlir::vector::StoreOp::create(builder, loc, result, function.getArgument(2), i);
    builder.setInsertionPointToEnd(&function.getBody().front());
    mlir::func::ReturnOp::create(builder, loc);
  }

  std::unique_ptr<wherry::image> code_;
  std::map<std::string, wherry::native_kernel> kernels_;
};

const compiled& vectors() {
  static const compiled it(16);
  return it;
}

long double reference(ElementaryFn fn, long double x, long double y) {
  switch (fn) {
    case ElementaryFn::exp:
      return std::exp(x);
    case ElementaryFn::expm1:
      return std::expm1(x);
    case ElementaryFn::log:
      return std::log(x);
    case ElementaryFn::log1p:
      return std::log1p(x);
    case ElementaryFn::logistic:
      return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
    case ElementaryFn::tanh:
      return std::tanh(x);
    case ElementaryFn::sin:
      return std::sin(x);
    case ElementaryFn::cos:
      return std::cos(x);
    case ElementaryFn::tan:
      return std::tan(x);
    case ElementaryFn::sqrt:
      return std::sqrt(x);
    case ElementaryFn::rsqrt:
      return 1 / std::sqrt(x);
    case ElementaryFn::cbrt:
      return std::cbrt(x);
    case ElementaryFn::pow:
      return std::pow(x, y);
    case ElementaryFn::atan2:
      return std::atan2(x, y);
    case ElementaryFn::atan:
      return std::atan(x);
    case ElementaryFn::asin:
      return std::asin(x);
    case ElementaryFn::acos:
      return std::acos(x);
    case ElementaryFn::sinh:
      return std::sinh(x);
    case ElementaryFn::cosh:
      return std::cosh(x);
    case ElementaryFn::asinh:
      return std::asinh(x);
    case ElementaryFn::acosh:
      return std::acosh(x);
    case ElementaryFn::atanh:
      return std::atanh(x);
    case ElementaryFn::erf:
      return std::erf(x);
    case ElementaryFn::erfc:
      return std::erfc(x);
    case ElementaryFn::rem:
      return std::fmod(x, y);
    case ElementaryFn::erf_inv:
      break;  // see below
    case ElementaryFn::lgamma:
    case ElementaryFn::digamma:
    case ElementaryFn::polygamma:
    case ElementaryFn::zeta:
    case ElementaryFn::bessel_i1e:
      break;  // see special_math_test.cpp
  }
  return 0;
}

/// The inverse of erf by one step of Newton from `near`, which is good to about 2^-20 at least.
long double erf_inverse_reference(long double x, long double near) {
  const long double a = std::fabs(x);
  if (a == 0) return x;
  if (!(a < 1)) return std::copysign(std::atanh(a), x);  // infinity at 1, NaN beyond
  long double y = std::fabs(near);
  for (int i = 0; i < 3; ++i) {
    const long double excess = a < 0.5L ? std::erf(y) - a : (1 - a) - std::erfc(y);
    const long double slope = std::exp(-y * y) * 1.1283791670955125738961589L;
    const long double step = excess / slope;
    y -= step / (1 + y * step);
  }
  return std::copysign(y, x);
}

/// The distance in representable values, as StableHLO's expect_close counts it.
template <class T>
uint64_t distance(T a, T b) {
  using word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const word x = std::bit_cast<word>(a), y = std::bit_cast<word>(b);
  if (x == y || (std::isnan(a) && std::isnan(b))) return 0;
  if (!std::isfinite(a) || !std::isfinite(b)) return UINT64_MAX;
  const word high = word(1) << (sizeof(T) * 8 - 1);
  const word m = x & ~high, n = y & ~high;
  if ((x ^ y) & high) return uint64_t(m) + n;
  return m > n ? m - n : n - m;
}

unsigned density() {
  const char* text = std::getenv("WHERRY_MATH_DENSITY");
  return text ? static_cast<unsigned>(std::atoi(text)) : 1;
}

template <class T>
std::vector<T> special_values() {
  using limits = std::numeric_limits<T>;
  std::vector<T> result;
  for (T v : {T(0),
              limits::denorm_min(),
              limits::min(),
              std::nextafter(limits::min(), T(0)),
              limits::max(),
              limits::infinity(),
              limits::quiet_NaN(),
              T(1),
              std::nextafter(T(1), T(0)),
              std::nextafter(T(1), T(2)),
              T(0.5),
              T(2),
              T(3),
              T(4),
              T(5),
              T(0.25),
              T(1.5),
              T(2.5),
              T(1e-10),
              T(1e-20),
              T(1e10),
              T(1e20),
              T(88.7),
              T(88.8),
              T(89.4),
              T(103.9),
              T(104.1),
              T(709.7),
              T(709.8),
              T(710.4),
              T(710.5),
              T(745.1),
              T(745.2),
              T(1.5707963267948966),
              T(3.1415926535897932),
              T(6.2831853071795865),
              T(0x1p16),
              T(0x1p28),
              T(0x1p23),
              T(0x1p24),
              T(0x1p52),
              T(0x1p53),
              T(0x1p53 + 2),
              T(0x1p60),
              T(0x1p64),
              T(0x1p70),
              T(0x1p100),
              T(5.319372648326541e+255),
              T(16367173.0 * 0x1p72)})
    result.insert(result.end(), {v, -v});
  return result;
}

/// First arguments: bit patterns of the whole type, and the ranges in which functions are neither constant
/// nor infinite.
template <class T>
std::vector<T> samples() {
  std::vector<T> result = special_values<T>();
  std::mt19937_64 random(20240229);
  if constexpr (sizeof(T) == 4) {
    const uint64_t step = 79699 / density() | 1;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += step)
      result.push_back(std::bit_cast<T>(uint32_t(bits)));
  } else {
    for (unsigned i = 0; i < 40000 * density(); ++i) result.push_back(std::bit_cast<T>(random()));
  }
  for (T range : {T(1), T(4), T(30), T(100), T(800), T(1e6)}) {
    std::uniform_real_distribution<T> uniform(-range, range);
    for (unsigned i = 0; i < 8000 * density(); ++i) result.push_back(uniform(random));
  }
  return result;
}

template <class T>
struct pairs {
  std::vector<T> x, y;
  void add(T a, T b) {
    x.push_back(a);
    y.push_back(b);
  }
};

template <class T>
pairs<T> sample_pairs() {
  pairs<T> result;
  const std::vector<T> special = special_values<T>();
  for (T a : special)
    for (T b : special) result.add(a, b);
  std::mt19937_64 random(42);
  using word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const auto any = [&] { return std::bit_cast<T>(static_cast<word>(random())); };
  std::uniform_real_distribution<T> base(0, 4), exponent(-60, 60), near(T(0.999), T(1.001)),
      large(-30000, 30000);
  for (unsigned i = 0; i < 20000 * density(); ++i) {
    result.add(any(), any());
    result.add(base(random), exponent(random));
    result.add(near(random), large(random));
    result.add(std::fabs(any()), exponent(random) / 30);
    result.add(-base(random), std::round(exponent(random)));
    const T a = any();
    result.add(a, a * base(random));  // near in magnitude
  }
  return result;
}

/// The largest difference between the results of `fn` and the rounded references, in representable values.
template <class T>
uint64_t largest_error(ElementaryFn fn, const std::vector<T>& x, const std::vector<T>& y) {
  const std::vector<T> result = vectors().run(fn, x, y);
  uint64_t worst = 0;
  size_t at = 0;
  double worst_fraction = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    long double exact =
        fn == ElementaryFn::erf_inv ? erf_inverse_reference(x[i], result[i]) : reference(fn, x[i], y[i]);
    const T rounded = fn == ElementaryFn::sqrt ? std::sqrt(x[i]) : static_cast<T>(exact);
    const uint64_t d = distance(result[i], rounded);
    const bool zero_of_wrong_sign =
        result[i] == 0 && rounded == 0 && std::signbit(result[i]) != std::signbit(rounded);
    if (d > worst || zero_of_wrong_sign) {
      worst = zero_of_wrong_sign ? UINT64_MAX : d;
      at = i;
    }
    if (std::isfinite(result[i]) && std::isfinite(exact) && rounded != 0) {
      const T size = std::fabs(rounded), next = std::nextafter(size, std::numeric_limits<T>::infinity());
      const double ulp =
          static_cast<double>(std::fabs((result[i] - exact) / (static_cast<long double>(next) - size)));
      worst_fraction = std::max(worst_fraction, ulp);
    }
  }
  if (worst > 2 || std::getenv("WHERRY_MATH_REPORT")) {
    std::printf("%-10s %s max %llu (%.3f ulp) of %zu, at %.17g (%a), %.17g: %.17g\n",
                wherry::compile::nameOf(fn).str().c_str(), sizeof(T) == 4 ? "f32" : "f64",
                static_cast<unsigned long long>(worst), worst_fraction, x.size(), double(x[at]),
                double(x[at]), double(y[at]), double(result[at]));
  }
  return worst;
}

template <class T>
void check_all() {
  const std::vector<T> x = samples<T>();
  const pairs<T> both = sample_pairs<T>();
  for (ElementaryFn fn : all_functions) {
    const bool binary = wherry::compile::arity(fn) == 2;
    const uint64_t error = binary ? largest_error(fn, both.x, both.y) : largest_error(fn, x, x);
    const bool exact = fn == ElementaryFn::rem || fn == ElementaryFn::sqrt;
    EXPECT_LE(error, exact ? 0u : 2u) << wherry::compile::nameOf(fn).str();
  }
}

TEST(math, every_f32_function_is_within_2_ulp_of_its_reference) { check_all<float>(); }

TEST(math, every_f64_function_is_within_2_ulp_of_its_reference) { check_all<double>(); }

template <class T>
void check_lanes(const compiled& other) {
  const pairs<T> both = sample_pairs<T>();
  for (ElementaryFn fn : all_functions) {
    const std::vector<T> a = vectors().run(fn, both.x, both.y), b = other.run(fn, both.x, both.y);
    size_t differences = 0;
    for (size_t i = 0; i < a.size(); ++i)
      differences += !(std::isnan(a[i]) && std::isnan(b[i])) && std::memcmp(&a[i], &b[i], sizeof(T)) != 0;
    EXPECT_EQ(differences, 0u) << wherry::compile::nameOf(fn).str();
  }
}

TEST(math, scalars_and_vectors_give_the_same_bits) {
  const compiled scalars(1);
  check_lanes<float>(scalars);
  check_lanes<double>(scalars);
}

TEST(math, vectors_of_two_lanes_give_the_same_bits) {
  const compiled narrow(2);
  check_lanes<float>(narrow);
  check_lanes<double>(narrow);
}

TEST(math, code_for_an_older_cpu_gives_the_same_bits) {
  const compiled avx2(8, "x86-64-v3");
  check_lanes<float>(avx2);
  check_lanes<double>(avx2);
}

}  // namespace
