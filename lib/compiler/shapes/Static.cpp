// Static.cpp: operations that take a shape become those that have it in their type.
#include "compiler/shapes/Shapes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

using Integers = llvm::SmallVector<int64_t>;

constexpr llvm::StringLiteral assertion = "shape_assertion";
constexpr llvm::StringLiteral dynamicWindow = "stablehlo.dynamic_reduce_window";
constexpr llvm::StringLiteral dynamicBits = "stablehlo.dynamic_rng_bit_generator";
constexpr llvm::StringLiteral dynamicTop = "stablehlo.dynamic_top_k";
// On calls of other targets: which operands are the shapes of the results, in their order.
constexpr llvm::StringLiteral shapesOfResults = "indices_of_shape_operands";

llvm::StringRef targetOf(Operation* op) {
  auto call = dyn_cast<stablehlo::CustomCallOp>(op);
  return call ? call.getCallTargetName() : llvm::StringRef();
}

/// The size of a slice that ends at its start plus a size, or null.
Value sizeOfSlice(stablehlo::RealDynamicSliceOp slice) {
  auto add = slice.getLimitIndices().getDefiningOp<stablehlo::AddOp>();
  if (!add) return {};
  if (add.getLhs() == slice.getStartIndices()) return add.getRhs();
  return add.getRhs() == slice.getStartIndices() ? add.getLhs() : Value();
}

class Static {
 public:
  Static(Operation* op, KnownIntegers& integers)
      : op(op), integers(integers), builder(op), loc(op->getLoc()) {}

  FailureOr<Operation*> run() {
    if (!takesShape(op)) return op;
    if (isa<stablehlo::CustomCallOp>(op))
      for (TypeRange types : {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
        for (Type type : types)
          if (!isa<RankedTensorType>(type))
            return op->emitError() << "'" << targetOf(op) << "' takes and gives tensors, not " << type;
    if (targetOf(op) == assertion) return assertHolds();
    if (targetOf(op) == dynamicWindow) return reduceWindow();
    if (targetOf(op) == dynamicBits) return randomBits();
    if (targetOf(op) == dynamicTop) return topK();
    if (auto call = dyn_cast<stablehlo::CustomCallOp>(op)) return customCall(call);
    if (auto size = dyn_cast<stablehlo::SetDimensionSizeOp>(op)) return setSize(size);
    if (auto slice = dyn_cast<stablehlo::RealDynamicSliceOp>(op)) return realSlice(slice);
    if (auto pad = dyn_cast<stablehlo::DynamicPadOp>(op)) return dynamicPad(pad);
    if (auto gather = dyn_cast<stablehlo::DynamicGatherOp>(op)) return dynamicGather(gather);
    if (auto convolution = dyn_cast<stablehlo::DynamicConvOp>(op)) return dynamicConvolution(convolution);
    return ofShape();
  }

 private:
  RankedTensorType typeOf(unsigned result = 0) {
    return cast<RankedTensorType>(op->getResult(result).getType());
  }

  FailureOr<Integers> need(Value value, llvm::StringRef what) {
    if (std::optional<Integers> known = integers.elements(value)) return *known;
    op->emitError() << op->getName() << " needs " << what
                    << " that follow from the sizes of the arguments; these do not";
    return failure();
  }

  FailureOr<Operation*> replace(Operation* by) {
    for (auto [old, now] : llvm::zip(op->getResults(), by->getResults())) {
      if (failed(refineType(op, now, old.getType()))) return failure();
      old.replaceAllUsesWith(now);
    }
    op->erase();
    if (failed(verify(by))) return failure();
    return by;
  }

  /// dynamic_broadcast_in_dim, dynamic_iota, dynamic_reshape, rng: the last operand but for broadcasts is the
  /// shape.
  FailureOr<Operation*> ofShape() {
    const unsigned which = isa<stablehlo::DynamicIotaOp>(op) ? 0 : isa<stablehlo::RngOp>(op) ? 2 : 1;
    std::optional<Integers> shape = integers.elements(op->getOperand(which));
    if (shape) {
      int64_t elements = 1;
      for (const int64_t size : *shape) {
        if (size < 0) return op->emitError() << op->getName() << " is given the size " << size;
        constexpr int64_t most = int64_t{1} << 56;
        if (size > 0 && (__builtin_mul_overflow(elements, size, &elements) || elements > most))
          return op->emitError() << op->getName() << " is given a shape of more than " << most << " elements";
      }
      const auto type = RankedTensorType::get(*shape, typeOf().getElementType());
      if (failed(refineType(op, op->getResult(0), type))) return failure();
    }
    if (isa<stablehlo::DynamicReshapeOp>(op)) countMissing();
    if (!typeOf().hasStaticShape()) {
      (void)need(op->getOperand(which), "sizes");
      return failure();
    }
    if (isa<stablehlo::RngOp>(op)) return op;
    if (auto broadcast = dyn_cast<stablehlo::DynamicBroadcastInDimOp>(op))
      return replace(stablehlo::BroadcastInDimOp::create(builder, loc, typeOf(), broadcast.getOperand(),
                                                         broadcast.getBroadcastDimensions()));
    if (auto iota = dyn_cast<stablehlo::DynamicIotaOp>(op))
      return replace(stablehlo::IotaOp::create(builder, loc, typeOf(), iota.getIotaDimension()));
    return replace(stablehlo::ReshapeOp::create(builder, loc, typeOf(), op->getOperand(0)));
  }

  /// A reshape with one unknown size has the elements of its operand.
  void countMissing() {
    const auto from = cast<RankedTensorType>(op->getOperand(0).getType());
    const RankedTensorType to = typeOf();
    if (!from.hasStaticShape() || llvm::count(to.getShape(), ShapedType::kDynamic) != 1) return;
    int64_t rest = 1;
    for (const int64_t size : to.getShape())
      if (!ShapedType::isDynamic(size)) rest *= size;
    if (rest == 0 || from.getNumElements() % rest != 0) return;
    Integers sizes(to.getShape());
    for (int64_t& size : sizes)
      if (ShapedType::isDynamic(size)) size = from.getNumElements() / rest;
    op->getResult(0).setType(RankedTensorType::get(sizes, to.getElementType()));
  }

  NamedAttribute list(llvm::StringRef name, const Integers& values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  }

  /// Replaces the operation by one whose result follows from its operands, which may refuse them.
  template <typename Op>
  FailureOr<Operation*> inferred(ValueRange operands, ArrayRef<NamedAttribute> attributes) {
    OperationState state(loc, Op::getOperationName(), operands, {typeOf()}, attributes);
    Operation* made = builder.create(state);
    if (failed(verify(made)) || failed(refineResults(made))) return failure();
    return replace(made);
  }

  FailureOr<Operation*> slice(Value operand, const Integers& start, const Integers& limit,
                              const Integers& strides) {
    return inferred<stablehlo::SliceOp>(
        {operand}, {list("start_indices", start), list("limit_indices", limit), list("strides", strides)});
  }

  /// An operand of known size is cut; a size that is set becomes the size.
  FailureOr<Operation*> setSize(stablehlo::SetDimensionSizeOp set) {
    const auto from = cast<RankedTensorType>(set.getOperand().getType());
    const auto dim = static_cast<int64_t>(set.getDimension());
    const FailureOr<Integers> size = need(set.getSize(), "a size");
    if (failed(size)) return failure();
    if (!from.hasStaticShape() || (*size)[0] < 0 || (*size)[0] > from.getDimSize(dim))
      return op->emitError() << op->getName() << " sets the size " << (*size)[0] << " in dimension " << dim
                             << " of " << from;
    Integers limits(from.getShape());
    limits[dim] = (*size)[0];
    return slice(set.getOperand(), Integers(from.getRank(), 0), limits, Integers(from.getRank(), 1));
  }

  FailureOr<Operation*> realSlice(stablehlo::RealDynamicSliceOp real) {
    const std::optional<Integers> start = integers.elements(real.getStartIndices()),
                                  limit = integers.elements(real.getLimitIndices());
    const FailureOr<Integers> strides = need(real.getStrides(), "strides");
    if (failed(strides)) return failure();
    if (start && limit) return slice(real.getOperand(), *start, *limit, *strides);
    // What starts anywhere but has a known size is a dynamic slice.
    std::optional<Integers> sizes;
    if (Value size = sizeOfSlice(real)) sizes = integers.elements(size);
    if (!sizes && typeOf().hasStaticShape()) sizes = Integers(typeOf().getShape());
    const auto vector = cast<RankedTensorType>(real.getStartIndices().getType());
    const int64_t rank = typeOf().getRank();
    if (!sizes || llvm::any_of(*strides, [](int64_t stride) { return stride != 1; }) ||
        vector.getRank() != 1 || vector.getDimSize(0) != rank) {
      (void)need(start ? real.getLimitIndices() : real.getStartIndices(), "sizes");
      return failure();
    }
    llvm::SmallVector<Value> operands{real.getOperand()};
    for (int64_t d = 0; d < rank; ++d) {
      const auto part = RankedTensorType::get({1}, vector.getElementType());
      OperationState state(
          loc, stablehlo::SliceOp::getOperationName(), {real.getStartIndices()}, {part},
          {list("start_indices", {d}), list("limit_indices", {d + 1}), list("strides", Integers{1})});
      operands.push_back(stablehlo::ReshapeOp::create(builder, loc,
                                                      RankedTensorType::get({}, vector.getElementType()),
                                                      builder.create(state)->getResult(0)));
    }
    return inferred<stablehlo::DynamicSliceOp>(operands, {list("slice_sizes", *sizes)});
  }

  FailureOr<Operation*> dynamicPad(stablehlo::DynamicPadOp pad) {
    const FailureOr<Integers> low = need(pad.getEdgePaddingLow(), "edges"),
                              high = need(pad.getEdgePaddingHigh(), "edges"),
                              inner = need(pad.getInteriorPadding(), "gaps");
    if (failed(low) || failed(high) || failed(inner)) return failure();
    return inferred<stablehlo::PadOp>(
        {pad.getOperand(), pad.getPaddingValue()},
        {list("edge_padding_low", *low), list("edge_padding_high", *high), list("interior_padding", *inner)});
  }

  FailureOr<Operation*> dynamicGather(stablehlo::DynamicGatherOp gather) {
    const FailureOr<Integers> sizes = need(gather.getSliceSizes(), "sizes");
    if (failed(sizes)) return failure();
    auto made =
        stablehlo::GatherOp::create(builder, loc, typeOf(), gather.getOperand(), gather.getStartIndices(),
                                    gather.getDimensionNumbers(), *sizes, gather.getIndicesAreSorted());
    if (failed(verify(made)) || failed(refineResults(made))) return failure();
    return replace(made);
  }

  FailureOr<Operation*> dynamicConvolution(stablehlo::DynamicConvOp convolution) {
    const FailureOr<Integers> padding = need(convolution.getPadding(), "edges");
    if (failed(padding)) return failure();
    const auto rows = static_cast<int64_t>(padding->size() / 2);
    const auto table = DenseIntElementsAttr::get(RankedTensorType::get({rows, 2}, builder.getI64Type()),
                                                 ArrayRef<int64_t>(*padding));
    NamedAttrList attributes(op->getAttrDictionary());
    attributes.set("padding", table);
    OperationState state(loc, stablehlo::ConvolutionOp::getOperationName(),
                         {convolution.getLhs(), convolution.getRhs()}, {typeOf()}, attributes.getAttrs());
    Operation* made = builder.create(state);
    if (failed(verify(made)) || failed(refineResults(made))) return failure();
    return replace(made);
  }

  FailureOr<Operation*> assertHolds() {
    if (op->getNumOperands() == 0) return op->emitError() << "a shape assertion needs an operand";
    const std::optional<Integers> holds = integers.elements(op->getOperand(0));
    if (!holds) return op->emitError() << "a shape assertion depends on more than the sizes of the arguments";
    if ((*holds)[0] == 0) return op->emitError() << "the shapes of the arguments do not fit: " << message();
    op->erase();
    return nullptr;
  }

  /// The text of an assertion, with the values of the operands for `{0}`, `{1}`, ...
  std::string message() {
    const auto text = op->getAttrOfType<StringAttr>("error_message");
    std::string result = text ? text.getValue().str() : "a shape assertion does not hold";
    for (unsigned k = 1; k < op->getNumOperands(); ++k) {
      const std::string mark = "{" + std::to_string(k - 1) + "}";
      const std::optional<Integers> value = integers.elements(op->getOperand(k));
      if (!value || value->empty()) continue;
      for (size_t at = result.find(mark); at != std::string::npos; at = result.find(mark, at))
        result.replace(at, mark.size(), std::to_string(value->front()));
    }
    return result;
  }

  /// Operands: inputs, initial values, then the window's sizes, strides, dilations and padding.
  FailureOr<Operation*> reduceWindow() {
    auto call = cast<stablehlo::CustomCallOp>(op);
    const unsigned count = op->getNumResults();
    auto body = call.getCalledComputations().size() == 1
                    ? SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
                          op, cast<FlatSymbolRefAttr>(call.getCalledComputations()[0]))
                    : func::FuncOp();
    if (count == 0 || op->getNumOperands() != 2 * count + 5 || !body || !body.getBody().hasOneBlock())
      return op->emitError() << "'" << dynamicWindow << "' needs " << 2 * count + 5
                             << " operands and a function";
    Integers lists[5];
    for (unsigned k = 0; k < 5; ++k) {
      const FailureOr<Integers> list = need(op->getOperand(2 * count + k), "windows");
      if (failed(list)) return failure();
      lists[k] = *list;
    }
    const auto padding = DenseIntElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(lists[4].size() / 2), 2}, builder.getI64Type()),
        ArrayRef<int64_t>(lists[4]));
    OperationState state(loc, stablehlo::ReduceWindowOp::getOperationName(),
                         op->getOperands().take_front(2 * count), op->getResultTypes(), {});
    const auto add = [&](llvm::StringRef name, const Integers& list) {
      state.addAttribute(name, builder.getDenseI64ArrayAttr(list));
    };
    add("window_dimensions", lists[0]);
    add("window_strides", lists[1]);
    add("base_dilations", lists[2]);
    add("window_dilations", lists[3]);
    state.addAttribute("padding", padding);
    IRMapping mapping;
    Region* region = state.addRegion();
    body.getBody().cloneInto(region, mapping);
    Operation* end = region->front().getTerminator();
    OpBuilder atEnd(end);
    stablehlo::ReturnOp::create(atEnd, end->getLoc(), end->getOperands());
    end->erase();
    Operation* made = builder.create(state);
    if (failed(verify(made)) || failed(refineResults(made))) return failure();
    return replace(made);
  }

  FailureOr<Operation*> randomBits() {
    const auto algorithm = op->getAttrOfType<stablehlo::RngAlgorithmAttr>("rng_algorithm");
    if (op->getNumOperands() != 2 || op->getNumResults() != 2 || !algorithm)
      return op->emitError() << "'" << dynamicBits << "' needs two operands, two results and an algorithm";
    const FailureOr<Integers> shape = need(op->getOperand(1), "sizes");
    if (failed(shape) || failed(refineType(op, op->getResult(0), op->getOperand(0).getType())) ||
        failed(refineType(op, op->getResult(1), RankedTensorType::get(*shape, typeOf(1).getElementType()))))
      return failure();
    return replace(stablehlo::RngBitGeneratorOp::create(builder, loc, op->getResultTypes(),
                                                        algorithm.getValue(), op->getOperand(0)));
  }

  FailureOr<Operation*> topK() {
    if (op->getNumOperands() != 2 || op->getNumResults() != 2)
      return op->emitError() << "'" << dynamicTop << "' needs two operands and two results";
    const FailureOr<Integers> k = need(op->getOperand(1), "a count");
    if (failed(k)) return failure();
    OperationState state(loc, chlo::TopKOp::getOperationName(), op->getOperands().take_front(1),
                         op->getResultTypes(),
                         {builder.getNamedAttr("k", builder.getI64IntegerAttr((*k)[0]))});
    op->getContext()->getOrLoadDialect<chlo::CHLODialect>();
    Operation* made = builder.create(state);
    if (failed(verify(made)) || failed(refineResults(made))) return failure();
    return replace(made);
  }

  /// A call whose last operands are the shapes of its results; its handler does not get them.
  FailureOr<Operation*> customCall(stablehlo::CustomCallOp call) {
    const llvm::SmallVector<Value> shapes = shapeOperands(op);
    if (shapes.size() != op->getNumResults() ||
        !llvm::equal(shapes, op->getOperands().take_back(shapes.size())))
      return op->emitError() << "'" << targetOf(op) << "' needs its last " << op->getNumResults()
                             << " operands to be the shapes of its results";
    for (const auto [result, operand] : llvm::zip(op->getResults(), shapes)) {
      const FailureOr<Integers> shape = need(operand, "shapes of results");
      if (failed(shape)) return failure();
      const Type element = cast<RankedTensorType>(result.getType()).getElementType();
      if (failed(refineType(op, result, RankedTensorType::get(*shape, element)))) return failure();
    }
    const size_t left = op->getNumOperands() - shapes.size();
    op->setOperands(llvm::to_vector(op->getOperands().take_front(left)));
    if (const auto layouts = call.getOperandLayouts(); layouts && layouts->size() > left)
      call.setOperandLayoutsAttr(builder.getArrayAttr(layouts->getValue().take_front(left)));
    op->removeAttr(shapesOfResults);
    return op;
  }

  Operation* op;
  KnownIntegers& integers;
  OpBuilder builder;
  Location loc;
};

}  // namespace

bool takesShape(Operation* op) {
  if (isa<stablehlo::DynamicBroadcastInDimOp, stablehlo::DynamicConvOp, stablehlo::DynamicGatherOp,
          stablehlo::DynamicIotaOp, stablehlo::DynamicPadOp, stablehlo::DynamicReshapeOp,
          stablehlo::RealDynamicSliceOp, stablehlo::SetDimensionSizeOp>(op))
    return true;
  if (auto rng = dyn_cast<stablehlo::RngOp>(op))
    return !cast<RankedTensorType>(rng.getType()).hasStaticShape();
  const llvm::StringRef target = targetOf(op);
  if (!target.empty() && op->hasAttrOfType<DenseIntElementsAttr>(shapesOfResults) && op->getNumResults() > 0)
    return true;
  return target == assertion || target == dynamicWindow || target == dynamicBits || target == dynamicTop;
}

llvm::SmallVector<Value> shapeOperands(Operation* op) {
  if (!takesShape(op)) return {};
  // What is written already needs no computing; a slice of known size may start anywhere.
  if (isa<stablehlo::DynamicBroadcastInDimOp, stablehlo::DynamicIotaOp, stablehlo::DynamicReshapeOp,
          stablehlo::RealDynamicSliceOp>(op) &&
      cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape())
    return {};
  if (auto slice = dyn_cast<stablehlo::RealDynamicSliceOp>(op))
    if (Value size = sizeOfSlice(slice)) return {size, slice.getStrides()};
  if (isa<stablehlo::DynamicIotaOp>(op) || targetOf(op) == assertion)
    return llvm::to_vector(op->getOperands());
  if (const auto indices = op->getAttrOfType<DenseIntElementsAttr>(shapesOfResults)) {
    llvm::SmallVector<Value> shapes;
    for (const APInt& index : indices.getValues<APInt>())
      if (index.ult(op->getNumOperands()))
        shapes.push_back(op->getOperand(static_cast<unsigned>(index.getZExtValue())));
    return shapes;
  }
  unsigned first = 1;
  if (isa<stablehlo::DynamicConvOp, stablehlo::DynamicGatherOp, stablehlo::DynamicPadOp, stablehlo::RngOp>(
          op))
    first = 2;
  if (targetOf(op) == dynamicWindow) first = 2 * op->getNumResults();
  return llvm::to_vector(op->getOperands().drop_front(std::min(first, op->getNumOperands())));
}

FailureOr<Operation*> makeStatic(Operation* op, KnownIntegers& integers) {
  return Static(op, integers).run();
}

}  // namespace wherry::compile
