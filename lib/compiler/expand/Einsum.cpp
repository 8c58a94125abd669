// Einsum.cpp: einsum, unary_einsum and the other operations that older programs have, as those of today.
//
// An einsum names the dimensions of its operands and of its result by letters. A letter that an operand has
// twice means its diagonal; one that the result does not have is summed over; what both operands and the
// result have is a batch.
// "..." stands for dimensions without letters.
#include "compiler/expand/Expand.h"

using namespace mlir;

namespace wherry::compile {
namespace {

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

using Labels = llvm::SmallVector<int, 8>;  // a letter, or minus the place of a dimension of "..."

struct Config {
  llvm::SmallVector<Labels, 2> operands;
  Labels result;
};

class Einsum {
 public:
  Einsum(Build& build, Operation* op) : b(build), op(op) {}

  Expanded run(llvm::StringRef text) {
    Config config;
    if (failed(parse(text, config))) return failure();
    llvm::SmallVector<Value, 2> operands;
    for (const auto [i, labels] : llvm::enumerate(config.operands)) {
      Value x = diagonal(op->getOperand(static_cast<unsigned>(i)), labels);
      const Labels* other = config.operands.size() > 1 ? &config.operands[1 - i] : nullptr;
      operands.push_back(summed(x, labels, [&](int label) {
        return llvm::is_contained(config.result, label) || (other && llvm::is_contained(*other, label));
      }));
    }
    Labels labels = config.operands[0];
    Value result = operands[0];
    const Type element = Build::elementOf(op->getResult(0));
    if (operands.size() == 2) {
      result = product(operands[0], operands[1], config, labels, element);
    }
    for (const int label : config.result)
      if (!llvm::is_contained(labels, label))
        return op->emitError() << "einsum \"" << text << "\": the result has a dimension that no operand has";
    llvm::SmallVector<int64_t> order;
    for (const int label : config.result) order.push_back(llvm::find(labels, label) - labels.begin());
    if (!llvm::is_sorted(order)) result = b.transpose(result, order);
    result = b.convert(result, element);
    if (Build::shapeOf(result) != Build::shapeOf(op->getResult(0)))
      return op->emitError() << "einsum \"" << text << "\" gives a " << result.getType() << ", not a "
                             << op->getResult(0).getType();
    return Expanded({result});
  }

 private:
  LogicalResult parse(llvm::StringRef text, Config& config) {
    const auto bad = [&](const char* why) { return op->emitError() << "einsum \"" << text << "\": " << why; };
    const auto [left, right] = text.split("->");
    if (!text.contains("->")) return bad("\"->\" is missing");
    llvm::SmallVector<llvm::StringRef, 2> parts;
    left.split(parts, ',');
    if (parts.size() != op->getNumOperands()) return bad("it names another number of operands");
    int dots = 0;
    for (const auto [i, part] : llvm::enumerate(parts)) {
      Labels labels;
      const int64_t rank = Build::typeOf(op->getOperand(static_cast<unsigned>(i))).getRank();
      if (failed(read(part, rank, labels, dots))) return bad("it does not fit the rank of an operand");
      config.operands.push_back(labels);
    }
    if (failed(read(right, Build::typeOf(op->getResult(0)).getRank(), config.result, dots)))
      return bad("it does not fit the rank of the result");
    llvm::SmallDenseMap<int, int64_t> sizes;
    for (const auto [i, labels] : llvm::enumerate(config.operands))
      for (const auto [d, label] : llvm::enumerate(labels)) {
        const int64_t size = Build::shapeOf(op->getOperand(static_cast<unsigned>(i)))[d];
        const auto [it, isNew] = sizes.try_emplace(label, size);
        if (!isNew && it->second != size) return bad("a letter stands for dimensions of different sizes");
      }
    for (size_t i = 0; i < config.result.size(); ++i)
      if (llvm::is_contained(ArrayRef(config.result).take_front(i), config.result[i]))
        return bad("the result has a letter twice");
    return success();
  }

  /// Letters of `text` for `rank` dimensions.
  static LogicalResult read(llvm::StringRef text, int64_t rank, Labels& labels, int& dots) {
    const auto letters = static_cast<int64_t>(llvm::count_if(text, isLetter));
    for (text = text.ltrim(); !text.empty(); text = text.ltrim()) {
      if (text.consume_front("...")) {
        if (rank < letters) return failure();
        dots = static_cast<int>(rank - letters);
        // Counted from the last, as broadcasting does.
        for (int i = dots; i > 0; --i) labels.push_back(-i);
      } else if (isLetter(text.front())) {
        labels.push_back(text.front());
        text = text.drop_front();
      } else {
        return failure();
      }
    }
    return success(static_cast<int64_t>(labels.size()) == rank);
  }

  Value diagonal(Value x, Labels& labels) {
    for (size_t i = 0; i < labels.size(); ++i)
      for (size_t j = labels.size(); j-- > i + 1;) {
        if (labels[i] != labels[j]) continue;
        const Build::Shape shape = Build::shapeOf(x);
        const Type i32 = b.b.getI32Type();
        const Value isOnIt =
            b.compare(stablehlo::ComparisonDirection::EQ, b.iota(shape, i32, static_cast<int64_t>(i)),
                      b.iota(shape, i32, static_cast<int64_t>(j)));
        x = b.sum(b.select(isOnIt, x, b.splatLike(x, 0)), {static_cast<int64_t>(j)});
        labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(j));
      }
    return x;
  }

  Value summed(Value x, Labels& labels, llvm::function_ref<bool(int)> isWanted) {
    llvm::SmallVector<int64_t> dimensions;
    for (const auto [d, label] : llvm::enumerate(labels))
      if (!isWanted(label)) dimensions.push_back(static_cast<int64_t>(d));
    if (dimensions.empty()) return x;
    llvm::erase_if(labels, [&](int label) { return !isWanted(label); });
    return b.sum(x, dimensions);
  }

  /// A dot_general; `labels` become those of its result.
  Value product(Value x, Value y, const Config& config, Labels& labels, Type element) {
    const Labels &xs = config.operands[0], &ys = config.operands[1];
    llvm::SmallVector<int64_t> xBatch, yBatch, xInner, yInner;
    Labels batch, free;
    for (const auto [d, label] : llvm::enumerate(xs)) {
      const auto* other = llvm::find(ys, label);
      if (other == ys.end()) {
        free.push_back(label);
        continue;
      }
      const bool isBatch = llvm::is_contained(config.result, label);
      (isBatch ? xBatch : xInner).push_back(static_cast<int64_t>(d));
      (isBatch ? yBatch : yInner).push_back(other - ys.begin());
      if (isBatch) batch.push_back(label);
    }
    for (const int label : ys)
      if (!llvm::is_contained(xs, label)) free.push_back(label);
    labels = batch;
    labels.append(free);
    const Value dot = b.dot(x, y, xInner, yInner, xBatch, yBatch);
    auto type = Build::typeOf(dot);
    dot.getDefiningOp()->getResult(0).setType(type.clone(element));
    return dot;
  }

  Build& b;
  Operation* op;
};

}  // namespace

Expanded expandEinsum(Build& build, Operation* op) {
  return Einsum(build, op).run(cast<stablehlo::EinsumOp>(op).getEinsumConfig());
}

Expanded expandUnaryEinsum(Build& build, Operation* op) {
  return Einsum(build, op).run(cast<stablehlo::UnaryEinsumOp>(op).getEinsumConfig());
}

/// A product over the last dimension of one operand and the first of the other.
Expanded expandDot(Build& build, Operation* operation) {
  auto op = cast<stablehlo::DotOp>(operation);
  const int64_t last = Build::typeOf(op.getLhs()).getRank() - 1;
  const auto numbers = stablehlo::DotDimensionNumbersAttr::get(op.getContext(), {}, {}, {last}, {0});
  return Expanded({Value(stablehlo::DotGeneralOp::create(build.b, build.loc(), op.getType(), op.getLhs(),
                                                         op.getRhs(), numbers, op.getPrecisionConfigAttr(),
                                                         stablehlo::DotAlgorithmAttr()))});
}

/// Puts new dimensions before those of the operand.
Expanded expandBroadcast(Build& build, Operation* operation) {
  auto op = cast<stablehlo::BroadcastOp>(operation);
  const auto added = static_cast<int64_t>(op.getBroadcastSizes().size());
  const int64_t rank = Build::typeOf(op.getOperand()).getRank();
  return Expanded({build.broadcast(op.getOperand(), Build::shapeOf(op.getResult()),
                                   llvm::to_vector(llvm::seq<int64_t>(added, added + rank)))});
}

/// Slices of one index in dimension `dim`, for each of the indices; the first `batch_dims` dimensions of both
/// are batches.
Expanded expandTorchIndexSelect(Build& build, Operation* operation) {
  auto op = cast<stablehlo::TorchIndexSelectOp>(operation);
  const auto operand = Build::typeOf(op.getOperand()), index = Build::typeOf(op.getIndex());
  const int64_t rank = operand.getRank();
  int64_t dim = static_cast<int64_t>(op.getDim()), batches = static_cast<int64_t>(op.getBatchDims());
  if (dim < 0) dim += rank;
  if (batches < 0) batches += index.getRank();
  if (dim < 0 || dim >= rank || batches < 0 || batches > dim || batches > index.getRank())
    return op.emitError() << "dim is " << op.getDim() << " and batch_dims " << op.getBatchDims()
                          << ", which operands of rank " << rank << " and " << index.getRank()
                          << " do not have";
  llvm::SmallVector<int64_t> shape(operand.getShape().take_front(dim)), sizes(operand.getShape()), offsets;
  llvm::append_range(shape, index.getShape().drop_front(batches));
  llvm::append_range(shape, operand.getShape().drop_front(dim + 1));
  if (ArrayRef<int64_t>(shape) != Build::shapeOf(op.getResult()))
    return op.emitError() << "has a result of shape [" << Build::shapeOf(op.getResult()) << "], expected ["
                          << shape << "]";
  const llvm::SmallVector<int64_t> both = llvm::to_vector(llvm::seq<int64_t>(0, batches));
  for (const int64_t d : both) sizes[d] = 1;
  sizes[dim] = 1;
  for (int64_t d = batches; d < dim; ++d) offsets.push_back(d);
  const auto result = static_cast<int64_t>(shape.size());
  for (int64_t d = result - (rank - dim - 1); d < result; ++d) offsets.push_back(d);
  const auto numbers = stablehlo::GatherDimensionNumbersAttr::get(op.getContext(), offsets, {dim}, both, both,
                                                                  {dim}, index.getRank());
  return Expanded({Value(stablehlo::GatherOp::create(
      build.b, build.loc(), op.getResult().getType(), op.getOperand(), op.getIndex(), numbers,
      build.b.getDenseI64ArrayAttr(sizes), build.b.getBoolAttr(false)))});
}

}  // namespace wherry::compile
