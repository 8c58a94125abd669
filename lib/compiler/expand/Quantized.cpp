// Quantized.cpp: programs on quantized tensors as programs on their integers.
//
// First every operation that computes with the numbers meant is written as arithmetic: the specification's
// "dequantize, compute, quantize", and exact integer sums for dots and convolutions of small integers. A
// conversion is the first operation on a quantized value and the last before one, so the values themselves
// stay as they are until, at the end, each takes the type of its integers: arguments, results and the values
// that control flow carries included. Operations that only move elements need nothing but that.
#include "compiler/expand/Expand.h"
#include "compiler/expand/Quantization.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// Operations that move or choose elements, which may be done on the integers.
bool movesElements(Operation* op) {
  static const llvm::StringSet<> names{"stablehlo.bitcast_convert",
                                       "stablehlo.broadcast",
                                       "stablehlo.broadcast_in_dim",
                                       "stablehlo.clamp",
                                       "stablehlo.concatenate",
                                       "stablehlo.dynamic_broadcast_in_dim",
                                       "stablehlo.dynamic_gather",
                                       "stablehlo.dynamic_pad",
                                       "stablehlo.dynamic_reshape",
                                       "stablehlo.dynamic_slice",
                                       "stablehlo.dynamic_update_slice",
                                       "stablehlo.gather",
                                       "stablehlo.maximum",
                                       "stablehlo.minimum",
                                       "stablehlo.pad",
                                       "stablehlo.real_dynamic_slice",
                                       "stablehlo.reshape",
                                       "stablehlo.reverse",
                                       "stablehlo.select",
                                       "stablehlo.set_dimension_size",
                                       "stablehlo.slice",
                                       "stablehlo.torch_index_select",
                                       "stablehlo.transpose"};
  return names.contains(op->getName().getStringRef());
}

/// Operations without arithmetic of their own: their regions compute, or nothing does.
bool passesValues(Operation* op) {
  static const llvm::StringSet<> names{"stablehlo.case",
                                       "stablehlo.constant",
                                       "stablehlo.custom_call",
                                       "stablehlo.get_dimension_size",
                                       "stablehlo.get_tuple_element",
                                       "stablehlo.if",
                                       "stablehlo.map",
                                       "stablehlo.optimization_barrier",
                                       "stablehlo.reduce",
                                       "stablehlo.reduce_window",
                                       "stablehlo.return",
                                       "stablehlo.scatter",
                                       "stablehlo.select_and_scatter",
                                       "stablehlo.sort",
                                       "stablehlo.tuple",
                                       "stablehlo.while"};
  return names.contains(op->getName().getStringRef()) || op->hasTrait<OpTrait::IsTerminator>();
}

bool touchesQuantized(Operation* op) {
  return llvm::any_of(op->getOperandTypes(), isQuantized) || llvm::any_of(op->getResultTypes(), isQuantized);
}

class Lowering {
 public:
  explicit Lowering(func::FuncOp entry) : entry(entry) {}

  LogicalResult run() {
    llvm::SmallVector<Operation*> found;
    entry.walk([&](Operation* op) {
      if (touchesQuantized(op)) found.push_back(op);
    });
    const bool hasArguments = llvm::any_of(entry.getArgumentTypes(), isQuantized);
    if (found.empty() && !hasArguments) return success();
    for (Operation* op : found)
      if (failed(check(op))) return failure();
    for (Operation* op : found) rewrite(op);
    changeTypes();
    return success();
  }

 private:
  LogicalResult check(Operation* op) {
    const auto isKnown = [](Type type) {
      const std::optional<Quantization> q = Quantization::of(type);
      const auto tensor = dyn_cast<RankedTensorType>(type);
      if (!q) return !isQuantized(type);
      if (!q->isPerBlock()) return true;
      return tensor && tensor.hasStaticShape() && tensor.getRank() == static_cast<int64_t>(q->grid.size()) &&
             llvm::all_of(llvm::zip(tensor.getShape(), q->grid), [](auto pair) {
               const auto [size, blocks] = pair;
               return blocks > 0 && size % blocks == 0;
             });
    };
    for (const Type type : llvm::concat<const Type>(llvm::to_vector(op->getOperandTypes()),
                                                    llvm::to_vector(op->getResultTypes())))
      if (!isKnown(type))
        return op->emitError()
               << op->getName() << " has the type " << type
               << "; scales for the tensor, one of its dimensions or equal blocks of it are supported";
    return success();
  }

  /// True if all quantized operands and results have one scale (and zero point) or the same list of them.
  static bool hasOneScale(Operation* op) {
    std::optional<Quantization> first;
    for (const Type type : llvm::concat<const Type>(llvm::to_vector(op->getOperandTypes()),
                                                    llvm::to_vector(op->getResultTypes()))) {
      const std::optional<Quantization> q = Quantization::of(type);
      if (!q) continue;
      if (!first) first = q;
      if (!first->sameNumbers(*q)) return false;
    }
    return true;
  }

  void rewrite(Operation* op) {
    if (passesValues(op) || isa<stablehlo::BitcastConvertOp>(op) || (movesElements(op) && hasOneScale(op)))
      return;
    Build build(OpBuilder(op), op->getLoc());
    llvm::SmallVector<Value> results;
    if (isa<stablehlo::UniformQuantizeOp>(op)) {
      results = {quantized(build, dequantized(build, op->getOperand(0)), op->getResult(0))};
    } else if (isa<stablehlo::UniformDequantizeOp>(op)) {
      results = {dequantized(build, op->getOperand(0))};
    } else if (const Value product = integerProduct(build, op)) {
      results = {product};
    } else {
      Operation* plain = build.b.clone(*op);
      for (OpOperand& operand : plain->getOpOperands()) {
        Build before(OpBuilder(plain), op->getLoc());
        operand.set(dequantized(before, operand.get()));
      }
      for (OpResult result : plain->getResults()) {
        if (const auto q = Quantization::of(result.getType()))
          result.setType(cast<ShapedType>(result.getType()).clone(q->expressed));
        results.push_back(quantized(build, result, op->getResult(result.getResultNumber())));
      }
    }
    op->replaceAllUsesWith(results);
    op->erase();
  }

  static Value dequantized(Build& build, Value x) {
    const auto q = Quantization::of(x.getType());
    return q ? q->dequantize(build, x) : x;
  }

  /// `x` for the uses of `like`.
  static Value quantized(Build& build, Value x, Value like) {
    const auto q = Quantization::of(like.getType());
    return q ? q->quantize(build, x, getElementTypeOrSelf(like.getType())) : x;
  }

  /// The dimension of the result of a dot or convolution that has the index of dimension `axis` of the right
  /// operand; none if it is summed over.
  static std::optional<int64_t> resultDimension(Operation* op, int64_t axis) {
    if (auto conv = dyn_cast<stablehlo::ConvolutionOp>(op)) {
      const auto numbers = conv.getDimensionNumbers();
      if (axis != numbers.getKernelOutputFeatureDimension()) return std::nullopt;
      return numbers.getOutputFeatureDimension();
    }
    auto dot = cast<stablehlo::DotGeneralOp>(op);
    const auto numbers = dot.getDotDimensionNumbers();
    const ArrayRef<int64_t> batch = numbers.getRhsBatchingDimensions(),
                            contracting = numbers.getRhsContractingDimensions();
    if (llvm::is_contained(contracting, axis)) return std::nullopt;
    if (const auto* at = llvm::find(batch, axis); at != batch.end()) return at - batch.begin();
    int64_t dimension = Build::typeOf(dot.getLhs()).getRank() - static_cast<int64_t>(contracting.size());
    for (int64_t d = 0; d < axis; ++d)
      if (!llvm::is_contained(contracting, d) && !llvm::is_contained(batch, d)) ++dimension;
    return dimension;
  }

  /// How many products are summed for an element of the result.
  static int64_t terms(Operation* op) {
    int64_t count = 1;
    if (auto conv = dyn_cast<stablehlo::ConvolutionOp>(op)) {
      const auto type = Build::typeOf(conv.getRhs());
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (d != conv.getDimensionNumbers().getKernelOutputFeatureDimension()) count *= type.getDimSize(d);
      return count;
    }
    auto dot = cast<stablehlo::DotGeneralOp>(op);
    for (const int64_t d : dot.getDotDimensionNumbers().getLhsContractingDimensions())
      count *= Build::shapeOf(dot.getLhs())[d];
    return count;
  }

  /// A dot or convolution of narrow integers, summed exactly; null where that does not apply.
  static Value integerProduct(Build& build, Operation* op) {
    if (!isa<stablehlo::DotGeneralOp, stablehlo::ConvolutionOp>(op)) return {};
    const auto lhs = Quantization::of(op->getOperand(0).getType()),
               rhs = Quantization::of(op->getOperand(1).getType()),
               to = Quantization::of(op->getResult(0).getType());
    if (!lhs || !rhs || !to || lhs->isPerAxis()) return {};
    if (lhs->isPerBlock() || rhs->isPerBlock() || to->isPerBlock()) return {};
    const unsigned bits = lhs->storage.getIntOrFloatBitWidth() + rhs->storage.getIntOrFloatBitWidth();
    if (bits > 32) return {};
    std::optional<int64_t> along;
    if (rhs->isPerAxis() && !(along = resultDimension(op, *rhs->axis))) return {};
    if (along && to->isPerAxis() && *along != *to->axis) return {};
    // A number minus its zero point has one bit more than the number.
    const bool isLarge =
        bits + 2 + llvm::Log2_64_Ceil(static_cast<uint64_t>(std::max<int64_t>(terms(op), 1))) > 31;
    const Type sum = build.b.getIntegerType(isLarge ? 64 : 32);
    const Value operands[] = {lhs->centred(build, op->getOperand(0), sum),
                              rhs->centred(build, op->getOperand(1), sum)};
    Operation* plain = build.b.clone(*op);
    plain->setOperands(operands);
    plain->getResult(0).setType(Build::typeOf(op->getResult(0)).clone(sum));
    if (auto dot = dyn_cast<stablehlo::DotGeneralOp>(plain)) dot.removeAlgorithmAttr();
    llvm::SmallVector<double> factors;
    for (const double scale : rhs->scales) factors.push_back(lhs->scales.front() * scale);
    return to->fromSums(build, plain->getResult(0), factors, along, Build::elementOf(op->getResult(0)));
  }

  void changeTypes() {
    const auto change = [](Value value) { value.setType(storageTypeOf(value.getType())); };
    entry.walk([&](Operation* op) {
      if (auto constant = dyn_cast<stablehlo::ConstantOp>(op); constant && isQuantized(constant.getType())) {
        const Type element = getElementTypeOrSelf(storageTypeOf(constant.getType()));
        if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
            dense && dense.getElementType() != element)
          constant.setValueAttr(dense.bitcast(element));
      }
      for (const Value result : op->getResults()) change(result);
      for (Region& region : op->getRegions())
        for (Block& block : region)
          for (const Value argument : block.getArguments()) change(argument);
    });
    entry.setFunctionType(FunctionType::get(entry.getContext(), entry.getBody().getArgumentTypes(),
                                            entry.getBody().front().getTerminator()->getOperandTypes()));
  }

  func::FuncOp entry;
};

}  // namespace

LogicalResult lowerQuantized(func::FuncOp entry) { return Lowering(entry).run(); }

}  // namespace wherry::compile
