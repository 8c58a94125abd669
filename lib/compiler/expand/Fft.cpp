// Fft.cpp: fft as products with small matrices of roots, and multiplications with roots between them.
//
// Real and imaginary parts are planes of one real array [2, outer, n, inner]. A length n = r * m is
// transformed in stages (Stockham's order, so that nothing is reordered at the end): the element at
// q + s * (p + m * k) goes to q + s * (r * p + j), k being replaced by j in a product with the r x r matrix
// of roots, then a factor w_n^(p * j), then the same for m with s * r for s. Such a product is one real dot
// of depth 2 r, which the fastest kernels do. A large prime length is a convolution (Bluestein), in which
// squares are reduced modulo 2 n before they become angles.
//
// Real operands enter the first product as one plane; real results leave the last one as one plane.
#include "compiler/expand/Expand.h"
#include "compiler/expand/Fourier.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Dims = llvm::SmallVector<int64_t>;

// Factors between stages are one table up to this size, and products of entries of two small ones beyond.
constexpr int64_t largestTable = 1 << 16;

class Transform {
 public:
  Transform(Build& build, Type real, bool inverse) : b(build), real(real), sign(inverse ? 1 : -1) {}

  /// Transforms `x` [planes, outer, n, inner]; one plane is the real part of real numbers. Returns
  /// `planesOut` planes.
  Value along(Value x, int64_t planesOut) {
    const Dims shape(Build::shapeOf(x));
    const int64_t outer = shape[1], n = shape[2], inner = shape[3];
    int64_t current = n, s = inner;
    for (const int64_t r : stagesOf(n, outer * n * inner)) {
      const int64_t m = current / r;
      const int64_t out = m == 1 ? planesOut : 2;
      if (r > largestMatrix) {
        const Value y = firstPlanes(byConvolution(b.reshape(withPlanes(x, 2), {2, outer, r, m * s})), out);
        x = m == 1 ? y : turned(b.transpose(y, {0, 2, 1, 3}), current, r, m, s);
      } else if (s == 1) {
        x = turnedRows(rowStage(x, outer, r, m, out), current, r, m);
      } else {
        const Value y = columnStage(x, outer, r, m * s, out);
        x = m == 1 ? b.transpose(y, {0, 2, 1, 3}) : turned(y, current, r, m, s);
      }
      current = m;
      s *= r;
    }
    return b.reshape(withPlanes(firstPlanes(x, planesOut), planesOut), {planesOut, outer, n, inner});
  }

  Value plane(Value x, int64_t index) {
    Dims start(Build::shapeOf(x).size(), 0), limit(Build::shapeOf(x));
    start[0] = index;
    limit[0] = index + 1;
    return b.slice(x, start, limit);
  }

  Value stacked(Value re, Value im) { return b.concatenate({re, im}, 0); }

 private:
  Value withPlanes(Value x, int64_t planes) {
    return Build::shapeOf(x)[0] < planes ? stacked(x, b.splatLike(x, 0)) : x;
  }

  Value firstPlanes(Value x, int64_t planes) { return Build::shapeOf(x)[0] > planes ? plane(x, 0) : x; }

  Value constant(Build::Shape shape, ArrayRef<long double> values) {
    const auto type = RankedTensorType::get(shape, real);
    if (real.isF64()) {
      llvm::SmallVector<double> numbers(values.begin(), values.end());
      return stablehlo::ConstantOp::create(b.b, b.loc(), DenseElementsAttr::get(type, ArrayRef(numbers)));
    }
    llvm::SmallVector<float> numbers(values.begin(), values.end());
    return stablehlo::ConstantOp::create(b.b, b.loc(), DenseElementsAttr::get(type, ArrayRef(numbers)));
  }

  /// The matrix of roots of order r, from [in, k] to [out, j]: entry (out, j, in, k) of the four is the part
  /// of w^(j * k) that takes plane `in` to plane `out`. `byRows`: as [out, j] x [in, k], else as [in, k] x
  /// [out, j].
  Value rootMatrix(int64_t r, int64_t in, int64_t out, bool byRows, Build::Shape shape) {
    ComplexTable roots;
    for (int64_t k = 0; k < r; ++k) pushRoot(roots, sign, k, r);
    std::vector<long double> entries;
    for (int64_t row = 0; row < (byRows ? out : in) * r; ++row)
      for (int64_t column = 0; column < (byRows ? in : out) * r; ++column) {
        const int64_t root = (row % r) * (column % r) % r;
        const int64_t to = (byRows ? row : column) / r, from = (byRows ? column : row) / r;
        entries.push_back(to == from ? roots.re[root] : to == 1 ? roots.im[root] : -roots.im[root]);
      }
    return constant(shape, entries);
  }

  Value dot(Value lhs, Value rhs, ArrayRef<int64_t> lhsSum, ArrayRef<int64_t> rhsSum, Build::Shape shape) {
    OperationState state(b.loc(), stablehlo::DotGeneralOp::getOperationName());
    state.addOperands({lhs, rhs});
    state.addTypes(RankedTensorType::get(shape, real));
    state.addAttribute("dot_dimension_numbers",
                       stablehlo::DotDimensionNumbersAttr::get(b.b.getContext(), {}, {}, lhsSum, rhsSum));
    return b.b.create(state)->getResult(0);
  }

  /// From [in, outer, r, rest] to [out, r, outer, rest]: contiguous along the rest before and after.
  Value columnStage(Value x, int64_t outer, int64_t r, int64_t rest, int64_t out) {
    const int64_t in = Build::shapeOf(x)[0];
    Value y;
    if (outer == 1) {  // both sides are plain matrices
      const Value matrix = rootMatrix(r, in, out, true, {out * r, in * r});
      y = dot(matrix, b.reshape(x, {in * r, rest}), {1}, {0}, {out * r, rest});
    } else {
      const Value matrix = rootMatrix(r, in, out, true, {out * r, in, r});
      y = dot(matrix, b.reshape(x, {in, outer, r, rest}), {1, 2}, {0, 2}, {out * r, outer, rest});
    }
    return b.reshape(y, {out, r, outer, rest});
  }

  /// From [in, outer, r, m] to [out, outer, m, r]: with nothing inside, the product itself exchanges r and m.
  Value rowStage(Value x, int64_t outer, int64_t r, int64_t m, int64_t out) {
    const int64_t in = Build::shapeOf(x)[0];
    Value y;
    if (outer == 1) {
      const Value matrix = rootMatrix(r, in, out, false, {in * r, out * r});
      y = dot(b.reshape(x, {in * r, m}), matrix, {0}, {0}, {m, out * r});
    } else {
      const Value matrix = rootMatrix(r, in, out, false, {in, r, out * r});
      y = dot(b.reshape(x, {in, outer, r, m}), matrix, {0, 2}, {0, 1}, {outer, m, out * r});
    }
    return b.transpose(b.reshape(y, {outer, m, out, r}), {2, 0, 1, 3});
  }

  /// Multiplies y [planes, outer, m, r] by w_n^(p * j).
  Value turnedRows(Value y, int64_t n, int64_t r, int64_t m) {
    if (m == 1) return y;
    const int64_t outer = Build::shapeOf(y)[1], low = fineCount(r, m), high = m / low;
    y = b.reshape(y, {2, outer, high, low, r});
    ComplexTable fine, coarse;
    for (int64_t p = 0; p < low; ++p)
      for (int64_t j = 0; j < r; ++j) pushRoot(fine, sign, p * j, n);
    for (int64_t p = 0; p < high; ++p)
      for (int64_t j = 0; j < r; ++j) pushRoot(coarse, sign, p * j, n / low);
    if (high > 1) y = times(y, coarse, {high, r}, {2, 4});
    return b.reshape(times(y, fine, {low, r}, {3, 4}), {2, outer, m, r});
  }

  /// p = high * fineCount + rest, when a table for all p would be too large.
  static int64_t fineCount(int64_t r, int64_t m) {
    if (r * m <= largestTable) return m;
    int64_t low = 1;
    for (int64_t d = 1; d * d <= m; ++d)
      if (m % d == 0) low = d;
    return low;
  }

  /// Multiplies y [2, r, outer, m * s] by w_n^(p * j) and brings it to [2, outer, m, r, s].
  Value turned(Value y, int64_t n, int64_t r, int64_t m, int64_t s) {
    const int64_t outer = Build::shapeOf(y)[2], low = fineCount(r, m), high = m / low;
    y = b.reshape(y, {2, r, outer, high, low, s});
    ComplexTable fine, coarse;
    for (int64_t j = 0; j < r; ++j) {
      for (int64_t p = 0; p < low; ++p) pushRoot(fine, sign, p * j, n);
      for (int64_t p = 0; p < high; ++p) pushRoot(coarse, sign, p * j, n / low);
    }
    if (high > 1) y = times(y, coarse, {r, high}, {1, 3});
    y = times(y, fine, {r, low}, {1, 4});
    return b.reshape(b.transpose(y, {0, 2, 3, 4, 1, 5}), {2, outer, m * r, s});
  }

  /// Multiplies the two planes of `x` by the complex numbers of `table`, whose dimensions are `dims` of x.
  Value times(Value x, const ComplexTable& table, Build::Shape shape, ArrayRef<int64_t> dims) {
    const Value xr = plane(x, 0), xi = plane(x, 1);
    const Value re = b.broadcast(constant(shape, table.re), Build::shapeOf(xr), dims);
    const Value im = b.broadcast(constant(shape, table.im), Build::shapeOf(xr), dims);
    return stacked(b.sub(b.mul(xr, re), b.mul(xi, im)), b.add(b.mul(xr, im), b.mul(xi, re)));
  }

  /// Bluestein: X_k = c_k * sum over j of (x_j * c_j) * conj(c_(k - j)), with c_k = w^(k * k / 2).
  Value byConvolution(Value x) {
    const Dims shape(Build::shapeOf(x));
    const int64_t n = shape[2], length = smoothLength(2 * n - 1);
    ComplexTable chirp, filter;
    for (int64_t k = 0; k < n; ++k) pushRoot(chirp, sign, static_cast<uint64_t>(k * k % (2 * n)), 2 * n);
    for (int64_t k = 0; k < length; ++k) {
      const int64_t i = k < n ? k : length - k;
      if (i < n)
        filter.push(chirp.re[i] / length, -chirp.im[i] / length);
      else
        filter.push(0, 0);
    }
    const Value zero = b.scalar(real, 0);
    Value y = b.pad(times(x, chirp, {n}, {2}), zero, {0, 0, 0, 0}, {0, 0, length - n, 0});
    y = Transform(b, real, false).along(y, 2);
    y = times(y, transformed(filter), {length}, {2});
    y = Transform(b, real, true).along(y, 2);
    y = b.slice(y, {0, 0, 0, 0}, {2, shape[1], n, shape[3]});
    return times(y, chirp, {n}, {2});
  }

  Build& b;
  Type real;
  int sign;
};

int64_t product(ArrayRef<int64_t> extents) {
  int64_t count = 1;
  for (const int64_t extent : extents) count *= extent;
  return count;
}

/// The rest of a spectrum of real numbers: element n - k is the conjugate of element k.
Value wholeSpectrum(Build& b, Transform& transform, Value x, int64_t n) {
  const Dims shape(Build::shapeOf(x));  // [2, outer, n / 2 + 1, 1]
  Dims start(shape.size(), 0), limit(shape);
  start[2] = 1;
  limit[2] = n - n / 2;
  const Value mirrored = b.reverse(b.slice(x, start, limit), {2});
  const Value im = transform.plane(mirrored, 1);
  return b.concatenate({x, transform.stacked(transform.plane(mirrored, 0), b.unary<stablehlo::NegOp>(im))},
                       2);
}

}  // namespace

Expanded expandFft(Build& build, Operation* operation) {
  auto op = cast<stablehlo::FftOp>(operation);
  const auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type || !type.hasStaticShape() || !Build::typeOf(op.getOperand()).hasStaticShape()) {
    op->emitError() << "needs static shapes";
    return failure();
  }
  if (type.getNumElements() == 0) return Expanded({build.splat(type.getShape(), type.getElementType(), 0)});
  const ArrayRef<int64_t> lengths = op.getFftLength();
  const bool toReal = op.getFftType() == stablehlo::FftType::IRFFT;
  const bool fromReal = op.getFftType() == stablehlo::FftType::RFFT;
  const bool inverse = toReal || op.getFftType() == stablehlo::FftType::IFFT;
  const Value operand = op.getOperand();
  Dims shape(Build::shapeOf(operand));
  const int64_t rank = static_cast<int64_t>(shape.size()),
                first = rank - static_cast<int64_t>(lengths.size());
  const Type real = toReal     ? type.getElementType()
                    : fromReal ? Build::elementOf(operand)
                               : cast<ComplexType>(type.getElementType()).getElementType();
  if (!real.isF32() && !real.isF64()) {
    op->emitError() << "fft needs numbers of f32 or f64, got " << operand.getType();
    return failure();
  }
  Transform transform(build, real, inverse);
  const auto withPlane = [&](Value x) {
    Dims planes{1};
    llvm::append_range(planes, shape);
    return build.reshape(x, planes);
  };
  const auto partType = Build::typeOf(operand).clone(real);
  Value x;
  if (fromReal)
    x = withPlane(operand);
  else
    x = transform.stacked(withPlane(stablehlo::RealOp::create(build.b, build.loc(), partType, operand)),
                          withPlane(stablehlo::ImagOp::create(build.b, build.loc(), partType, operand)));
  const auto transformAxis = [&](int64_t axis) {
    const bool isHalf = axis == rank - 1;  // the axis along which real numbers have half a spectrum
    const int64_t n = lengths[axis - first], outer = product(ArrayRef(shape).take_front(axis)),
                  inner = product(ArrayRef(shape).drop_front(axis + 1));
    x = build.reshape(x, {Build::shapeOf(x)[0], outer, shape[axis], inner});
    if (isHalf && toReal) x = wholeSpectrum(build, transform, x, n);
    x = transform.along(x, isHalf && toReal ? 1 : 2);
    shape[axis] = n;
    if (isHalf && fromReal) {
      shape[axis] = n / 2 + 1;
      x = build.slice(x, {0, 0, 0, 0}, {2, outer, n / 2 + 1, 1});
    }
  };
  // Real numbers have half a spectrum along the last axis: there they enter first and leave last.
  if (!toReal) transformAxis(rank - 1);
  for (int64_t axis = rank - 2; axis >= first; --axis) transformAxis(axis);
  if (toReal) transformAxis(rank - 1);
  if (inverse) x = build.mul(x, build.splatLike(x, 1.0 / static_cast<double>(product(lengths))));
  const auto part = [&](int64_t index) { return build.reshape(transform.plane(x, index), type.getShape()); };
  if (toReal) return Expanded({part(0)});
  const Value re = part(0), im = part(1);
  return Expanded({stablehlo::ComplexOp::create(build.b, build.loc(), type, re, im).getResult()});
}

}  // namespace wherry::compile
