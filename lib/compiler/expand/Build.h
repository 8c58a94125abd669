// Build.h: short names for writing stablehlo operations.
//
// Result types follow from the operands. Shapes must agree as the operations demand; scalars are spread with
// `fill`.
#pragma once

#include "mlir/IR/Builders.h"
#include "stablehlo/Dialect.h"

namespace wherry::compile {

class Build {
 public:
  using Shape = llvm::ArrayRef<int64_t>;

  /// Writes at the insertion point of `builder`, with location `loc`.
  Build(mlir::OpBuilder builder, mlir::Location loc) : b(builder), loc_(loc) {}

  mlir::OpBuilder b;
  mlir::Location loc() const { return loc_; }

  static mlir::RankedTensorType typeOf(mlir::Value value);
  static Shape shapeOf(mlir::Value value) { return typeOf(value).getShape(); }
  static mlir::Type elementOf(mlir::Value value) { return typeOf(value).getElementType(); }

  /// A tensor whose elements are all `value`, in an integer, float or complex (real) type.
  mlir::Value splat(Shape shape, mlir::Type element, double value);
  mlir::Value scalar(mlir::Type element, double value) { return splat({}, element, value); }
  /// A tensor of the shape and type of `like`.
  mlir::Value splatLike(mlir::Value like, double value) {
    return splat(shapeOf(like), elementOf(like), value);
  }

  /// An operation of two operands of one type, with that type.
  template <class Op>
  mlir::Value binary(mlir::Value x, mlir::Value y) {
    return Op::create(b, loc_, x.getType(), x, y);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::AddOp>(x, y); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::SubtractOp>(x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::MulOp>(x, y); }
  mlir::Value div(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::DivOp>(x, y); }
  mlir::Value rem(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::RemOp>(x, y); }
  mlir::Value max(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::MaxOp>(x, y); }
  mlir::Value min(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::MinOp>(x, y); }
  mlir::Value logicalAnd(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::AndOp>(x, y); }
  mlir::Value logicalOr(mlir::Value x, mlir::Value y) { return binary<mlir::stablehlo::OrOp>(x, y); }
  /// An operation of one operand, with its type.
  template <class Op>
  mlir::Value unary(mlir::Value x) {
    return Op::create(b, loc_, x.getType(), x);
  }
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no);
  /// Compares by the rules of the operands' element type; floats never in total order.
  mlir::Value compare(mlir::stablehlo::ComparisonDirection direction, mlir::Value x, mlir::Value y);
  mlir::Value convert(mlir::Value x, mlir::Type element);

  mlir::Value iota(Shape shape, mlir::Type element, int64_t dimension);
  mlir::Value reshape(mlir::Value x, Shape shape);
  /// Dimension i of `x` becomes dimension `dimensions[i]` of the result.
  mlir::Value broadcast(mlir::Value x, Shape shape, llvm::ArrayRef<int64_t> dimensions);
  /// Spreads a scalar.
  mlir::Value fill(mlir::Value x, Shape shape) { return broadcast(x, shape, {}); }
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);
  mlir::Value reverse(mlir::Value x, llvm::ArrayRef<int64_t> dimensions);
  mlir::Value slice(mlir::Value x, llvm::ArrayRef<int64_t> start, llvm::ArrayRef<int64_t> limit,
                    llvm::ArrayRef<int64_t> strides = {});
  mlir::Value concatenate(mlir::ValueRange parts, int64_t dimension);
  mlir::Value pad(mlir::Value x, mlir::Value scalar, llvm::ArrayRef<int64_t> low,
                  llvm::ArrayRef<int64_t> high, llvm::ArrayRef<int64_t> interior = {});
  /// The sum over `dimensions`, from zero.
  mlir::Value sum(mlir::Value x, llvm::ArrayRef<int64_t> dimensions);

  /// The real part of complex numbers, and their conjugates; real numbers as they are.
  mlir::Value real(mlir::Value x);
  mlir::Value conjugate(mlir::Value x);
  /// Batching dimensions first, then the free ones of `x`, then those of `y`.
  mlir::Value dot(mlir::Value x, mlir::Value y, llvm::ArrayRef<int64_t> xContracting,
                  llvm::ArrayRef<int64_t> yContracting, llvm::ArrayRef<int64_t> xBatching = {},
                  llvm::ArrayRef<int64_t> yBatching = {});
  /// `start` are scalars of one integer type, a null one is 0.
  mlir::Value dynamicSlice(mlir::Value x, llvm::ArrayRef<mlir::Value> start, Shape sizes);
  mlir::Value update(mlir::Value x, mlir::Value window, llvm::ArrayRef<mlir::Value> start);

  using Values = llvm::SmallVector<mlir::Value>;
  /// Runs `body` for i = 0 to `trips` - 1; it gets i (i64) and the carried values and returns their
  /// successors.
  Values loop(int64_t trips, mlir::ValueRange carried,
              llvm::function_ref<Values(Build& build, mlir::Value i, mlir::ValueRange carried)> body);

 private:
  Values starts(llvm::ArrayRef<mlir::Value> start);

  mlir::Location loc_;
};

}  // namespace wherry::compile
