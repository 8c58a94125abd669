// Sort.cpp: sorts along the last dimension, of one integer per element where that is enough.
//
// The kernels sort rows (emit/Sort.h). A sort along another dimension is one between transposes. Where the
// comparator compares a key of at most 32 bits (SortKey.h) and rows are long, the rows that are sorted hold
// key * 2^32 + position: comparing these is one instruction, equal keys stay in order, and one operand moves
// instead of all. The positions that come out gather the operands.
#include "compiler/emit/Sort.h"

#include "compiler/expand/Expand.h"
#include "compiler/expand/SortKey.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace wherry::compile {
namespace {

constexpr int64_t longRow = 16;

/// How many elements of each row anybody reads.
int64_t wantedOf(stablehlo::SortOp op, int64_t dimension, int64_t length) {
  if (const auto known = op->getAttrOfType<IntegerAttr>(wantedAttribute))
    return std::clamp<int64_t>(known.getInt(), 0, length);
  int64_t wanted = 0;
  for (const Value result : op->getResults())
    for (Operation* user : result.getUsers()) {
      auto slice = dyn_cast<stablehlo::SliceOp>(user);
      wanted = std::max(wanted, slice ? slice.getLimitIndices()[dimension] : length);
    }
  return wanted;
}

/// A sort along the last dimension whose comparator is still to be written.
stablehlo::SortOp sortLast(Build& b, ValueRange operands, int64_t wanted) {
  const int64_t rank = Build::typeOf(operands.front()).getRank();
  auto sort = stablehlo::SortOp::create(b.b, b.loc(), operands.getTypes(), operands,
                                        static_cast<uint64_t>(rank - 1), /*is_stable=*/true);
  sort->setAttr(wantedAttribute, b.b.getI64IntegerAttr(wanted));
  return sort;
}

/// Sorts ui64 numbers in rows.
Value sortNumbers(Build& b, Value numbers, int64_t wanted) {
  const auto scalar = RankedTensorType::get({}, Build::elementOf(numbers));
  auto sort = sortLast(b, numbers, wanted);
  Block* body = &sort.getComparator().emplaceBlock();
  for (int i = 0; i < 2; ++i) body->addArgument(scalar, b.loc());
  Build inner(OpBuilder::atBlockEnd(body), b.loc());
  const Value less =
      inner.compare(stablehlo::ComparisonDirection::LT, body->getArgument(0), body->getArgument(1));
  stablehlo::ReturnOp::create(inner.b, inner.loc(), less);
  return sort.getResult(0);
}

/// Elements `positions` of each row of `rows`.
Value gatherRows(Build& b, Value rows, Value positions) {
  const auto numbers =
      stablehlo::GatherDimensionNumbersAttr::get(b.b.getContext(), {}, {1}, {0}, {0}, {1}, 2);
  return stablehlo::GatherOp::create(b.b, b.loc(), Build::typeOf(positions).clone(Build::elementOf(rows)),
                                     rows, positions, numbers, ArrayRef<int64_t>{1, 1});
}

llvm::SmallVector<Value> sortByKey(Build& b, stablehlo::SortOp op, const SortKey& key, int64_t wanted) {
  const auto type = Build::typeOf(op.getInputs().front());
  const Build::Shape shape = type.getShape();
  const int64_t length = shape.back(), rows = type.getNumElements() / length, last = type.getRank() - 1;
  const Type ui32 = b.b.getIntegerType(32, false), ui64 = b.b.getIntegerType(64, false);
  const Value keys = b.convert(keysOf(b, op, key), ui64);
  const Value high = b.binary<stablehlo::ShiftLeftOp>(keys, b.splatLike(keys, 32));
  const Value sorted =
      sortNumbers(b, b.reshape(b.logicalOr(high, b.iota(shape, ui64, last)), {rows, length}), wanted);
  const Value positions = b.convert(b.slice(sorted, {0, 0}, {rows, wanted}), ui32);
  llvm::SmallVector<Value> results;
  for (const Value operand : op.getInputs()) {
    auto iota = operand.getDefiningOp<stablehlo::IotaOp>();
    const Type element = Build::elementOf(operand);
    const Value found =
        iota && static_cast<int64_t>(iota.getIotaDimension()) == last && isa<IntegerType>(element)
            ? b.convert(positions, element)
            : gatherRows(b, b.reshape(operand, {rows, length}), positions);
    const Value whole =
        wanted == length ? found : b.pad(found, b.scalar(element, 0), {0, 0}, {0, length - wanted});
    results.push_back(b.reshape(whole, shape));
  }
  return results;
}

/// Sorts by counting, for a comparator that looks things up in a tensor, which the kernels of sorts do not:
/// the rank of an element is the number of those before it, in pairs that are never in memory.
llvm::SmallVector<Value> sortByRank(Build& b, stablehlo::SortOp op) {
  const auto type = Build::typeOf(op.getInputs().front());
  const int64_t length = type.getShape().back(), rows = type.getNumElements() / length;
  const Type i32 = b.b.getI32Type();
  const int64_t pairs[] = {rows, length, length};
  const Value first = b.iota(pairs, i32, 1), second = b.iota(pairs, i32, 2);
  const Value isAfter = b.compare(stablehlo::ComparisonDirection::GT, second, first);
  llvm::SmallVector<Value> compared;
  for (const Value operand : op.getInputs()) {
    const Value flat = b.reshape(operand, {rows, length});
    const Value x = b.broadcast(flat, pairs, {0, 1}), y = b.broadcast(flat, pairs, {0, 2});
    // The later one first: it comes before the earlier one only if the comparator says so.
    compared.push_back(b.select(isAfter, y, x));
    compared.push_back(b.select(isAfter, x, y));
  }
  auto map = stablehlo::MapOp::create(b.b, b.loc(), RankedTensorType::get(pairs, b.b.getI1Type()), compared,
                                      ArrayRef<int64_t>{0, 1, 2});
  map.getComputation().takeBody(op.getComparator());
  const Value isBefore = b.compare(stablehlo::ComparisonDirection::LT, second, first);
  const Value counted = b.binary<stablehlo::XorOp>(map.getResult(), isBefore);
  const Value ranks = b.sum(b.convert(counted, i32), {2});
  // Where rank k is.
  const Value hits = b.compare(stablehlo::ComparisonDirection::EQ, b.broadcast(ranks, pairs, {0, 2}), first);
  const Value positions = b.sum(b.select(hits, second, b.splatLike(second, 0)), {2});
  llvm::SmallVector<Value> results;
  for (const Value operand : op.getInputs())
    results.push_back(
        b.reshape(gatherRows(b, b.reshape(operand, {rows, length}), positions), type.getShape()));
  return results;
}

/// Scalars from outside that the comparator uses, but for constants, become operands: the same number at
/// every element. Returns nothing where there are none.
llvm::SmallVector<Value> ownCaptured(Build& b, stablehlo::SortOp op, int64_t wanted) {
  llvm::SetVector<Value> captured;
  Region& region = op.getComparator();
  region.walk([&](Operation* inner) {
    for (Value value : inner->getOperands())
      if (!region.isAncestor(value.getParentRegion()) && !value.getDefiningOp<stablehlo::ConstantOp>())
        captured.insert(value);
  });
  const auto isScalar = [](Value value) {
    const auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.getRank() == 0;
  };
  if (captured.empty()) return {};
  if (!llvm::all_of(captured, isScalar)) return sortByRank(b, op);
  llvm::SmallVector<Value> operands(op.getInputs());
  const Build::Shape shape = Build::shapeOf(operands.front());
  for (const Value value : captured) operands.push_back(b.fill(value, shape));
  auto sort = sortLast(b, operands, wanted);
  sort.getComparator().takeBody(region);
  for (Value value : captured) {
    const Value argument = sort.getComparator().addArgument(value.getType(), b.loc());
    sort.getComparator().addArgument(value.getType(), b.loc());
    value.replaceUsesWithIf(argument, [&](OpOperand& use) {
      return sort.getComparator().isAncestor(use.getOwner()->getParentRegion());
    });
  }
  return llvm::to_vector(ValueRange(sort.getResults()).take_front(op->getNumResults()));
}

/// True if the comparator compares two elements of an operand as they are.
bool isPlain(stablehlo::SortOp op, const SortKey& key) {
  return op->getNumOperands() == 1 && isa<BlockArgument>(key.scalar) &&
         isa<IntegerType>(Build::elementOf(key.scalar));
}

}  // namespace

Expanded expandSort(Build& build, Operation* operation) {
  auto op = cast<stablehlo::SortOp>(operation);
  const auto type = dyn_cast<RankedTensorType>(op.getInputs().front().getType());
  if (!type || !type.hasStaticShape()) return Expanded(llvm::SmallVector<Value>());
  const int64_t rank = type.getRank();
  const auto given = static_cast<int64_t>(op.getDimension());
  const int64_t dimension = given < 0 ? given + rank : given, length = type.getDimSize(dimension);
  if (length <= 1 || type.getNumElements() == 0) return Expanded(llvm::to_vector(op.getInputs()));
  const int64_t wanted = wantedOf(op, dimension, length);
  if (wanted == 0) return Expanded(llvm::to_vector(op.getInputs()));
  orderFloats(op.getComparator());
  if (dimension != rank - 1) {
    // Its own inverse.
    llvm::SmallVector<int64_t> swapped;
    for (int64_t d = 0; d < rank; ++d) swapped.push_back(d);
    std::swap(swapped[dimension], swapped[rank - 1]);
    llvm::SmallVector<Value> operands, results;
    for (const Value operand : op.getInputs()) {
      // Positions stay positions.
      auto iota = operand.getDefiningOp<stablehlo::IotaOp>();
      const auto turned = [&](int64_t d) {
        return d == dimension ? rank - 1 : d == rank - 1 ? dimension : d;
      };
      llvm::SmallVector<int64_t> shape;
      for (const int64_t d : swapped) shape.push_back(type.getDimSize(d));
      operands.push_back(iota ? build.iota(shape, Build::elementOf(operand),
                                           turned(static_cast<int64_t>(iota.getIotaDimension())))
                              : build.transpose(operand, swapped));
    }
    auto sort = sortLast(build, operands, wanted);
    sort.getComparator().takeBody(op.getComparator());
    for (const Value result : sort.getResults()) results.push_back(build.transpose(result, swapped));
    return Expanded(std::move(results));
  }
  const std::optional<SortKey> key = keyOf(op);
  if (key && length > longRow && length <= int64_t{1} << 32 && !isPlain(op, *key))
    return Expanded(sortByKey(build, op, *key, wanted));
  if (llvm::SmallVector<Value> results = ownCaptured(build, op, wanted); !results.empty())
    return Expanded(std::move(results));
  op->setAttr(wantedAttribute, build.b.getI64IntegerAttr(wanted));
  op.setDimension(static_cast<uint64_t>(dimension));
  return Expanded(llvm::SmallVector<Value>());
}

}  // namespace wherry::compile
