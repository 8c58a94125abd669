// RaggedDot.cpp: dots whose left operand falls into groups along one dimension.
//
// The groups are spread along a new first dimension of the left operand, with zeros outside of each:
//   a ragged free dimension:         [g, b, m, k], [g, b, k, n] sums over g and k, giving [b, m, n];
//   a ragged contracting dimension:  [g, b, m, k] and the right operand for every g give [g, b, m, n];
//   a ragged batch dimension:        the groups change nothing, [b, m, k], [b, k, n] give [b, m, n].
// The sizes of groups are one list, or one for each position in the dimensions before the ragged one.
#include "compiler/expand/Expand.h"
#include "stablehlo/Chlo.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Dims = llvm::SmallVector<int64_t>;

Dims shifted(ArrayRef<int64_t> dims) {
  Dims result;
  for (const int64_t d : dims) result.push_back(d + 1);
  return result;
}

Dims range(int64_t first, int64_t count) {
  Dims result;
  for (int64_t i = 0; i < count; ++i) result.push_back(first + i);
  return result;
}

Value dot(Build& build, chlo::RaggedDotOp op, Value lhs, Value rhs, ArrayRef<int64_t> lhsBatch,
          ArrayRef<int64_t> rhsBatch, ArrayRef<int64_t> lhsSum, ArrayRef<int64_t> rhsSum) {
  const auto numbers =
      stablehlo::DotDimensionNumbersAttr::get(op.getContext(), lhsBatch, rhsBatch, lhsSum, rhsSum);
  OperationState state(build.loc(), stablehlo::DotGeneralOp::getOperationName(), {lhs, rhs}, {op.getType()});
  state.addAttribute("dot_dimension_numbers", numbers);
  return build.b.create(state)->getResult(0);
}

/// The dimensions of the left operand that lists of group sizes differ in.
Dims dimsOfLists(chlo::RaggedDotDimensionNumbersAttr numbers, int64_t rank, int64_t ragged) {
  const auto batch = numbers.getLhsBatchingDimensions(), sum = numbers.getLhsContractingDimensions();
  Dims result, same;  // `same`: the dimensions of the ragged one's kind
  if (llvm::is_contained(sum, ragged)) {
    result.assign(batch.begin(), batch.end());
    same.assign(sum.begin(), sum.end());
  } else {
    result.assign(batch.begin(), batch.end());
    for (int64_t d = 0; d < rank; ++d)
      if (!llvm::is_contained(batch, d) && !llvm::is_contained(sum, d)) same.push_back(d);
  }
  for (const int64_t d : same) {
    if (d == ragged) break;
    result.push_back(d);
  }
  return result;
}

/// The left operand with groups as its first dimension.
Value grouped(Build& build, chlo::RaggedDotOp op, int64_t ragged) {
  const Value lhs = op.getLhs(), sizes = op.getGroupSizes();
  const Build::Shape shape = Build::shapeOf(lhs), listed = Build::shapeOf(sizes);
  const int64_t lists = static_cast<int64_t>(listed.size()) - 1, groups = listed.back();
  // ends[..., g] is the sum of sizes[..., h] over h <= g.
  llvm::SmallVector<int64_t> square(listed);
  square.push_back(groups);
  const Type number = Build::elementOf(sizes);
  const Value counts = build.compare(stablehlo::ComparisonDirection::LE, build.iota(square, number, lists),
                                     build.iota(square, number, lists + 1));
  const Value spread = build.broadcast(sizes, square, range(0, lists + 1));
  const Value ends = build.sum(build.select(counts, spread, build.splatLike(spread, 0)), {lists});
  const Value starts = build.sub(ends, sizes);

  llvm::SmallVector<int64_t> full{groups};
  full.append(shape.begin(), shape.end());
  Dims places;
  if (lists > 0)
    places =
        shifted(dimsOfLists(op.getRaggedDotDimensionNumbers(), static_cast<int64_t>(shape.size()), ragged));
  places.push_back(0);
  // Dimensions of a broadcast come in ascending order.
  Dims order = range(0, lists + 1);
  llvm::sort(order, [&](int64_t a, int64_t b) { return places[a] < places[b]; });
  Dims sorted;
  for (const int64_t d : order) sorted.push_back(places[d]);
  const auto placed = [&](Value bounds) {
    return build.broadcast(build.transpose(bounds, order), full, sorted);
  };
  const Value position = build.iota(full, number, ragged + 1);
  const Value inside =
      build.logicalAnd(build.compare(stablehlo::ComparisonDirection::LE, placed(starts), position),
                       build.compare(stablehlo::ComparisonDirection::LT, position, placed(ends)));
  const Value copies = build.broadcast(lhs, full, range(1, static_cast<int64_t>(shape.size())));
  return build.select(inside, copies, build.splatLike(copies, 0));
}

}  // namespace

Expanded expandRaggedDot(Build& build, Operation* operation) {
  auto op = cast<chlo::RaggedDotOp>(operation);
  const auto isStatic = [](Type type) {
    const auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  if (!llvm::all_of(op->getOperandTypes(), isStatic) || !isStatic(op.getType()))
    return op.emitError() << "operands of dynamic shapes are not supported";
  const auto numbers = op.getRaggedDotDimensionNumbers();
  const auto lhsBatch = numbers.getLhsBatchingDimensions(), rhsBatch = numbers.getRhsBatchingDimensions(),
             lhsSum = numbers.getLhsContractingDimensions(), rhsSum = numbers.getRhsContractingDimensions(),
             rhsGroup = numbers.getRhsGroupDimensions();
  const Build::Shape lhs = Build::shapeOf(op.getLhs()), rhs = Build::shapeOf(op.getRhs()),
                     sizes = Build::shapeOf(op.getGroupSizes());
  const int64_t lhsRank = static_cast<int64_t>(lhs.size());
  if (numbers.getLhsRaggedDimensions().size() != 1)
    return op.emitError() << "there must be one ragged dimension, got "
                          << numbers.getLhsRaggedDimensions().size();
  const int64_t ragged = numbers.getLhsRaggedDimensions()[0];
  if (ragged < 0 || ragged >= lhsRank)
    return op.emitError() << "the ragged dimension must be in [0, " << lhsRank << "), got " << ragged;
  const bool isBatch = llvm::is_contained(lhsBatch, ragged), isSum = llvm::is_contained(lhsSum, ragged);
  if (rhsGroup.size() != (isBatch || isSum ? 0u : 1u))
    return op.emitError() << "the right operand must have " << (isBatch || isSum ? "no" : "one")
                          << " group dimension, got " << rhsGroup.size();
  if (isBatch)
    return Expanded({dot(build, op, op.getLhs(), op.getRhs(), lhsBatch, rhsBatch, lhsSum, rhsSum)});

  if (sizes.empty()) return op.emitError() << "group sizes must be a list, got a scalar";
  if (sizes.size() > 1) {
    Dims expected;
    for (const int64_t d : dimsOfLists(numbers, lhsRank, ragged)) expected.push_back(lhs[d]);
    if (sizes.drop_back() != ArrayRef<int64_t>(expected))
      return op.emitError() << "group sizes of type " << op.getGroupSizes().getType()
                            << " do not fit the dimensions before the ragged one";
  }
  const Value groups = grouped(build, op, ragged);
  Dims lhsBatchNow = shifted(lhsBatch), lhsSumNow = shifted(lhsSum);
  if (isSum) {
    llvm::SmallVector<int64_t> full{sizes.back()};
    full.append(rhs.begin(), rhs.end());
    const Value copies = build.broadcast(op.getRhs(), full, range(1, static_cast<int64_t>(rhs.size())));
    Dims rhsBatchNow = shifted(rhsBatch);
    lhsBatchNow.insert(lhsBatchNow.begin(), 0);
    rhsBatchNow.insert(rhsBatchNow.begin(), 0);
    return Expanded({dot(build, op, groups, copies, lhsBatchNow, rhsBatchNow, lhsSumNow, shifted(rhsSum))});
  }
  Dims rhsSumNow(rhsSum);
  lhsSumNow.insert(lhsSumNow.begin(), 0);
  rhsSumNow.insert(rhsSumNow.begin(), rhsGroup[0]);
  return Expanded({dot(build, op, groups, op.getRhs(), lhsBatchNow, rhsBatch, lhsSumNow, rhsSumNow)});
}

}  // namespace wherry::compile
