// Dot.cpp: see Dot.h.
#include "compiler/Dot.h"

#include "compiler/Types.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// Below this many multiplications the emitted loops win: no packing, no further launches.
constexpr int64_t largeDot = 32 * 1024;

struct Extent {
  int64_t size = 1;
  int64_t stride = 0;
};

llvm::SmallVector<int64_t> denseStrides(ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Sees dimensions `dims`, in this order, as one dimension.
std::optional<Extent> collapse(ArrayRef<int64_t> shape, ArrayRef<int64_t> dims) {
  const auto strides = denseStrides(shape);
  Extent result;
  for (size_t i = dims.size(); i-- > 0;) {
    const int64_t size = shape[dims[i]];
    if (size == 1) continue;
    if (result.size == 1) {
      result = {size, strides[dims[i]]};
      continue;
    }
    if (strides[dims[i]] != result.size * result.stride) return std::nullopt;
    result.size *= size;
  }
  return result;
}

llvm::SmallVector<int64_t> freeDims(size_t rank, ArrayRef<int64_t> batch, ArrayRef<int64_t> contracting) {
  llvm::SmallVector<int64_t> dims;
  for (int64_t i = 0; i < static_cast<int64_t>(rank); ++i)
    if (!llvm::is_contained(batch, i) && !llvm::is_contained(contracting, i)) dims.push_back(i);
  return dims;
}

}  // namespace

bool isLargeDot(stablehlo::DotGeneralOp op) {
  const auto lhs = dyn_cast<RankedTensorType>(op.getLhs().getType());
  const auto result = dyn_cast<RankedTensorType>(op.getType());
  if (!lhs || !result || !lhs.hasStaticShape() || !result.hasStaticShape()) return false;
  const Type element = result.getElementType();
  if (lhs.getElementType() != element || cast<ShapedType>(op.getRhs().getType()).getElementType() != element)
    return false;
  const std::optional<dtype> type = dtypeOf(element);
  if (!type || !kernels::gemm_supports(*type)) return false;
  int64_t work = result.getNumElements();
  for (int64_t dim : op.getDotDimensionNumbers().getLhsContractingDimensions()) work *= lhs.getDimSize(dim);
  return work >= largeDot;
}

std::optional<kernels::gemm_problem> gemmOf(stablehlo::DotGeneralOp op) {
  const auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  const auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  const auto numbers = op.getDotDimensionNumbers();
  const auto lhsBatch = collapse(lhs.getShape(), numbers.getLhsBatchingDimensions());
  const auto rhsBatch = collapse(rhs.getShape(), numbers.getRhsBatchingDimensions());
  const auto lhsInner = collapse(lhs.getShape(), numbers.getLhsContractingDimensions());
  const auto rhsInner = collapse(rhs.getShape(), numbers.getRhsContractingDimensions());
  const auto rows = collapse(lhs.getShape(), freeDims(lhs.getRank(), numbers.getLhsBatchingDimensions(),
                                                      numbers.getLhsContractingDimensions()));
  const auto columns = collapse(rhs.getShape(), freeDims(rhs.getRank(), numbers.getRhsBatchingDimensions(),
                                                         numbers.getRhsContractingDimensions()));
  if (!lhsBatch || !rhsBatch || !lhsInner || !rhsInner || !rows || !columns) return std::nullopt;
  kernels::gemm_problem problem;
  problem.element = *dtypeOf(lhs.getElementType());
  problem.m = rows->size;
  problem.n = columns->size;
  problem.k = lhsInner->size;
  problem.batch = lhsBatch->size;
  problem.a = {rows->stride, lhsInner->stride, lhsBatch->stride};
  problem.b = {rhsInner->stride, columns->stride, rhsBatch->stride};
  problem.c = {problem.n, 1, problem.m * problem.n};
  return problem;
}

bool usesPrebuiltDot(Operation* op) {
  const auto dot = dyn_cast<stablehlo::DotGeneralOp>(op);
  return dot && isLargeDot(dot) && gemmOf(dot);
}

}  // namespace wherry::compile
