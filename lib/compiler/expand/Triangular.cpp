// Triangular.cpp: triangular_solve and cholesky as loops over blocks of rows.
//
// Both compute a matrix from its first row on, each row from those before it. Rows come in blocks: what the
// earlier blocks contribute to a block is one matrix product, and inside a block a loop goes from row to row.
// So nearly all of the arithmetic of a large matrix is in large products, the code is the same for any size,
// and each number is computed as substitution and Cholesky's recurrence define it, without the inverse of
// anything.
//
// Every variant is brought to one: a solution with a lower triangular matrix at the left, and the upper
// factor (whose rows are contiguous). Halves narrower than f32 are computed in f32.
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

constexpr int64_t blockRows = 32;

/// How the rows of a matrix are cut into blocks of one size; the last may stand over.
struct Blocks {
  explicit Blocks(int64_t rows) {
    count = std::max<int64_t>(1, (rows + blockRows - 1) / blockRows);
    size = std::max<int64_t>(1, (rows + count - 1) / count);
  }
  int64_t count, size;
  int64_t rows() const { return count * size; }
};

/// Matrices of shape [batch, rows, columns], of one element type.
class Matrices {
 public:
  Matrices(Build& build, Type element) : b(build), element(element) {}

  Build& b;
  Type element;  // of the computation

  /// All batching dimensions as one, in the computation's type.
  Value in(Value x) {
    const Build::Shape shape = Build::shapeOf(x);
    int64_t batch = 1;
    for (const int64_t d : shape.drop_back(2)) batch *= d;
    return b.convert(b.reshape(x, {batch, shape[shape.size() - 2], shape.back()}), element);
  }

  Value transposed(Value x) { return b.transpose(x, {0, 2, 1}); }

  Value padded(Value x, int64_t rows, int64_t columns) {
    const Build::Shape shape = Build::shapeOf(x);
    if (shape[1] == rows && shape[2] == columns) return x;
    return b.pad(x, b.scalar(element, 0), {0, 0, 0}, {0, rows - shape[1], columns - shape[2]});
  }

  Value cut(Value x, int64_t rows, int64_t columns) {
    const Build::Shape shape = Build::shapeOf(x);
    if (shape[1] == rows && shape[2] == columns) return x;
    return b.slice(x, {0, 0, 0}, {shape[0], rows, columns});
  }

  /// `x` where its row and column compare as `direction`, else `otherwise`.
  Value where(stablehlo::ComparisonDirection direction, Value x, Value otherwise) {
    const Build::Shape shape = Build::shapeOf(x);
    const Type i32 = b.b.getI32Type();
    return b.select(b.compare(direction, b.iota(shape, i32, 1), b.iota(shape, i32, 2)), x, otherwise);
  }

  /// Rows `at` (null: 0) to `at + rows` - 1.
  Value rowsOf(Value x, Value at, int64_t rows) {
    const Build::Shape shape = Build::shapeOf(x);
    if (shape[1] == rows) return x;
    return b.dynamicSlice(x, {Value(), at, Value()}, {shape[0], rows, shape[2]});
  }
  Value columnsOf(Value x, Value at, int64_t columns) {
    const Build::Shape shape = Build::shapeOf(x);
    if (shape[2] == columns) return x;
    return b.dynamicSlice(x, {Value(), Value(), at}, {shape[0], shape[1], columns});
  }
  Value withRows(Value x, Value rows, Value at) {
    if (Build::shapeOf(x) == Build::shapeOf(rows)) return rows;
    return b.update(x, rows, {Value(), at, Value()});
  }

  /// The sums over dimension `dx` of `x` and `dy` of `y`. One matrix is multiplied as one, not as a batch.
  Value product(Value x, Value y, int64_t dx, int64_t dy) {
    const llvm::SmallVector<int64_t> first(Build::shapeOf(x)), second(Build::shapeOf(y));
    if (first[0] != 1) return b.dot(x, y, {dx}, {dy}, {0}, {0});
    const Value result =
        b.dot(b.reshape(x, {first[1], first[2]}), b.reshape(y, {second[1], second[2]}), {dx - 1}, {dy - 1});
    const llvm::SmallVector<int64_t> shape(Build::shapeOf(result));
    return b.reshape(result, {1, shape[0], shape[1]});
  }

  Value position(Value block, int64_t size) {
    return b.mul(block, b.scalar(b.b.getI64Type(), static_cast<double>(size)));
  }

  /// `block(at, rows)` returns the rows from `at` on (null: the first of one block), given what is known of
  /// the result, which is zero elsewhere.
  Value byBlocks(const Blocks& blocks, Build::Shape shape,
                 llvm::function_ref<Value(Value at, Value known)> block) {
    const Value zero = b.splat(shape, element, 0);
    if (blocks.count == 1) return block(Value(), Value());
    return b.loop(blocks.count, zero, [&](Build&, Value i, ValueRange carried) {
      const Value at = position(i, blocks.size);
      return Build::Values{withRows(carried[0], block(at, carried[0]), at)};
    })[0];
  }
};

Type computedIn(Build& build, Value x) {
  const Type element = Build::elementOf(x);
  if (isa<ComplexType>(element) || element.getIntOrFloatBitWidth() >= 32) return element;
  return build.b.getF32Type();
}

/// The solution of `lower` * X = `right`. `lower` is [batch, n, n] with anything above its diagonal.
Value solved(Matrices& m, Value lower, Value right, bool unitDiagonal) {
  Build& b = m.b;
  const llvm::SmallVector<int64_t> shape(Build::shapeOf(right));
  const int64_t batch = shape[0], n = shape[1], columns = shape[2];
  const Blocks blocks(n);
  const int64_t size = blocks.size;
  using stablehlo::ComparisonDirection;
  const Value below =
      m.padded(m.where(ComparisonDirection::GT, lower, b.splatLike(lower, 0)), blocks.rows(), blocks.rows());
  right = m.padded(right, blocks.rows(), columns);
  Value diagonal;
  if (!unitDiagonal) {
    // As a column [batch, rows, 1]; rows beyond the matrix divide by one.
    const Value only = m.where(ComparisonDirection::EQ, lower, b.splatLike(lower, 0));
    diagonal = b.reshape(b.sum(only, {2}), {batch, n, 1});
    if (blocks.rows() != n)
      diagonal = b.pad(diagonal, b.scalar(m.element, 1), {0, 0, 0}, {0, blocks.rows() - n, 0});
  }
  const Value all = m.byBlocks(blocks, {batch, blocks.rows(), columns}, [&](Value at, Value known) {
    const Value left = m.rowsOf(below, at, size);
    Value rest = m.rowsOf(right, at, size);
    if (known) rest = b.sub(rest, m.product(left, known, 2, 1));
    const Value own = m.columnsOf(left, at, size),
                divisors = diagonal ? m.rowsOf(diagonal, at, size) : Value();
    return b.loop(size, b.splat({batch, size, columns}, m.element, 0), [&](Build&, Value row, ValueRange x) {
      const Value sums = m.product(m.rowsOf(own, row, 1), x[0], 2, 1);
      Value next = b.sub(m.rowsOf(rest, row, 1), sums);
      if (divisors)
        next = b.div(next,
                     b.broadcast(b.reshape(m.rowsOf(divisors, row, 1), {batch}), {batch, 1, columns}, {0}));
      return Build::Values{m.withRows(x[0], next, row)};
    })[0];
  });
  return m.cut(all, n, columns);
}

/// The upper triangular R with R^H * R = `a`, of whose elements only those on and above the diagonal are
/// used.
Value upperFactor(Matrices& m, Value a) {
  Build& b = m.b;
  const llvm::SmallVector<int64_t> shape(Build::shapeOf(a));
  const int64_t batch = shape[0], n = shape[1];
  const Blocks blocks(n);
  const int64_t size = blocks.size, rows = blocks.rows();
  using stablehlo::ComparisonDirection;
  a = m.padded(m.where(ComparisonDirection::LE, a, b.splatLike(a, 0)), rows, rows);
  const Type i64 = b.b.getI64Type();
  const Value all = m.byBlocks(blocks, {batch, rows, rows}, [&](Value at, Value known) {
    Value rest = m.rowsOf(a, at, size);
    if (known) rest = b.sub(rest, m.product(b.conjugate(m.columnsOf(known, at, size)), known, 1, 1));
    return b.loop(size, b.splat({batch, size, rows}, m.element, 0), [&](Build&, Value row, ValueRange x) {
      const Value place = at ? b.add(at, row) : row;
      const Value factors = b.conjugate(m.columnsOf(x[0], place, 1));
      const Value next = b.sub(m.rowsOf(rest, row, 1), m.product(factors, x[0], 1, 1));
      // The root of the diagonal element, whose imaginary part is zero or noise.
      const Value root = b.unary<stablehlo::SqrtOp>(b.real(m.columnsOf(next, place, 1)));
      const Value divisor =
          b.broadcast(b.reshape(b.convert(root, m.element), {batch}), {batch, 1, rows}, {0});
      const Value column = b.iota({batch, 1, rows}, i64, 2), diagonal = b.fill(place, {batch, 1, rows});
      const Value quotient =
          b.select(b.compare(ComparisonDirection::EQ, column, diagonal), divisor, b.div(next, divisor));
      // Rows beyond the matrix have no root; they stay zero.
      Value isKept = b.compare(ComparisonDirection::GE, column, diagonal);
      if (rows != n) {
        const Value isInside =
            b.compare(ComparisonDirection::LT, diagonal, b.splatLike(diagonal, static_cast<double>(n)));
        isKept = b.logicalAnd(isKept, isInside);
      }
      return Build::Values{m.withRows(x[0], b.select(isKept, quotient, b.splatLike(quotient, 0)), row)};
    })[0];
  });
  return m.cut(all, n, n);
}

}  // namespace

Expanded expandTriangularSolve(Build& build, Operation* operation) {
  auto op = cast<stablehlo::TriangularSolveOp>(operation);
  Matrices m(build, computedIn(build, op.getA()));
  if (cast<ShapedType>(op.getType()).getNumElements() == 0) return Expanded({op.getB()});
  Value a = m.in(op.getA()), right = m.in(op.getB());
  const auto how = op.getTransposeA();
  // X * op(A) = B is op(A)^T * X^T = B^T.
  const bool isTransposed = (how != stablehlo::Transpose::NO_TRANSPOSE) == op.getLeftSide();
  if (isTransposed) a = m.transposed(a);
  if (how == stablehlo::Transpose::ADJOINT) a = build.conjugate(a);
  if (!op.getLeftSide()) right = m.transposed(right);
  // An upper triangular matrix read backwards is a lower one.
  const bool isBackward = op.getLower() == isTransposed;
  if (isBackward) {
    a = build.reverse(a, {1, 2});
    right = build.reverse(right, {1});
  }
  Value x = solved(m, a, right, op.getUnitDiagonal());
  if (isBackward) x = build.reverse(x, {1});
  if (!op.getLeftSide()) x = m.transposed(x);
  return Expanded({build.reshape(build.convert(x, Build::elementOf(op.getB())), Build::shapeOf(op.getB()))});
}

Expanded expandCholesky(Build& build, Operation* operation) {
  auto op = cast<stablehlo::CholeskyOp>(operation);
  const Value a = op.getOperand();
  Matrices m(build, computedIn(build, a));
  if (cast<ShapedType>(op.getType()).getNumElements() == 0) return Expanded({a});
  // A = L * L^H with L = R^H; the lower half of A is the conjugate transpose of its upper one.
  Value half = m.in(a);
  if (op.getLower()) half = build.conjugate(m.transposed(half));
  Value factor = upperFactor(m, half);
  if (op.getLower()) factor = build.conjugate(m.transposed(factor));
  return Expanded({build.reshape(build.convert(factor, Build::elementOf(a)), Build::shapeOf(a))});
}

}  // namespace wherry::compile
