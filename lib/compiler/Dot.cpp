// Dot.cpp: see Dot.h.
#include "compiler/Dot.h"

#include "compiler/Convolution.h"
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

bool isLargeDot(Operation* op) {
  if (!isa<stablehlo::DotGeneralOp, stablehlo::ConvolutionOp>(op)) return false;
  const auto lhs = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  const auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!lhs || !result || !lhs.hasStaticShape() || !result.hasStaticShape()) return false;
  const Type element = result.getElementType();
  if (lhs.getElementType() != element ||
      cast<ShapedType>(op->getOperand(1).getType()).getElementType() != element)
    return false;
  const std::optional<dtype> type = dtypeOf(element);
  if (!type || !kernels::gemm_supports(*type)) return false;
  int64_t work = result.getNumElements();
  if (auto dot = dyn_cast<stablehlo::DotGeneralOp>(op))
    for (int64_t dim : dot.getDotDimensionNumbers().getLhsContractingDimensions())
      work *= lhs.getDimSize(dim);
  else
    work *= Convolution(cast<stablehlo::ConvolutionOp>(op)).depth();
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

static kernels::contract_problem problemOf(stablehlo::DotGeneralOp op) {
  const auto numbers = op.getDotDimensionNumbers();
  const auto lhs = denseStrides(cast<ShapedType>(op.getLhs().getType()).getShape()),
             rhs = denseStrides(cast<ShapedType>(op.getRhs().getType()).getShape());
  const ArrayRef<int64_t> shape = cast<ShapedType>(op.getType()).getShape();
  const auto result = denseStrides(shape);
  kernels::contract_problem problem;
  const auto lhsBatch = numbers.getLhsBatchingDimensions(), rhsBatch = numbers.getRhsBatchingDimensions();
  const auto lhsSum = numbers.getLhsContractingDimensions(), rhsSum = numbers.getRhsContractingDimensions();
  size_t next = 0;
  for (const auto [left, right] : llvm::zip(lhsBatch, rhsBatch)) {
    problem.batch.push_back({shape[next], lhs[left], rhs[right], result[next]});
    ++next;
  }
  for (const int64_t dim : freeDims(lhs.size(), lhsBatch, lhsSum)) {
    problem.rows.push_back({shape[next], lhs[dim], 0, result[next]});
    ++next;
  }
  for (const int64_t dim : freeDims(rhs.size(), rhsBatch, rhsSum)) {
    problem.columns.push_back({shape[next], 0, rhs[dim], result[next]});
    ++next;
  }
  for (const auto [left, right] : llvm::zip(lhsSum, rhsSum))
    problem.depth.push_back(
        {cast<ShapedType>(op.getLhs().getType()).getDimSize(left), lhs[left], rhs[right], 0});
  return problem;
}

static kernels::contract_problem problemOf(stablehlo::ConvolutionOp op) {
  const Convolution c(op);
  const auto lhs = denseStrides(cast<ShapedType>(op.getLhs().getType()).getShape()),
             rhs = denseStrides(cast<ShapedType>(op.getRhs().getType()).getShape()),
             result = denseStrides(cast<ShapedType>(op.getType()).getShape());
  kernels::contract_problem problem;
  const int64_t outputs = c.outputs / c.groups();
  const int64_t inGroup = c.batchGroups > 1 ? c.batch * lhs[c.lhsBatch] : c.inputs * lhs[c.lhsFeature];
  problem.batch.push_back(
      {c.groups(), inGroup, outputs * rhs[c.rhsOutput], outputs * result[c.resultFeature]});
  problem.rows.push_back({c.batch, lhs[c.lhsBatch], 0, result[c.resultBatch]});
  problem.columns.push_back({outputs, 0, rhs[c.rhsOutput], result[c.resultFeature]});
  for (const auto& s : c.spatial) {
    problem.rows.push_back({s.positions, s.stride * lhs[s.lhs], 0, result[s.result]});
    problem.depth.push_back({s.window, s.dilation * lhs[s.lhs], rhs[s.rhs], 0});
  }
  problem.depth.push_back({c.inputs, lhs[c.lhsFeature], rhs[c.rhsInput], 0});
  return problem;
}

std::optional<kernels::contract_problem> contractOf(Operation* op) {
  kernels::contract_problem problem;
  if (auto dot = dyn_cast<stablehlo::DotGeneralOp>(op)) {
    problem = problemOf(dot);
  } else {
    auto convolution = cast<stablehlo::ConvolutionOp>(op);
    if (!Convolution(convolution).isPlain()) return std::nullopt;
    problem = problemOf(convolution);
  }
  problem.element = *dtypeOf(cast<ShapedType>(op->getResult(0).getType()).getElementType());
  // Rows in the order of the result; the sum in the order of the left operand, which is the larger as a rule.
  llvm::sort(problem.rows, [](const auto& x, const auto& y) { return x.c > y.c; });
  llvm::sort(problem.depth, [](const auto& x, const auto& y) { return x.a > y.a; });
  if (!kernels::contract_supports(problem)) return std::nullopt;
  return problem;
}

bool usesPrebuiltDot(Operation* op) {
  if (!isLargeDot(op)) return false;
  auto dot = dyn_cast<stablehlo::DotGeneralOp>(op);
  return (dot && gemmOf(dot)) || contractOf(op);
}

kernels::gemm_plan planPrebuiltDot(Operation* op) {
  if (auto dot = dyn_cast<stablehlo::DotGeneralOp>(op))
    if (const auto problem = gemmOf(dot)) return kernels::plan_gemm(*problem);
  return kernels::plan_contract(*contractOf(op));
}

}  // namespace wherry::compile
