// Window.cpp: see Window.h.
#include "compiler/Window.h"

#include "compiler/emit/Rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace wherry::compile {
namespace {

template <class Op>
Window common(Op op, size_t rank) {
  Window window;
  window.dims.resize(rank);
  for (size_t d = 0; d < rank; ++d) {
    Window::Dim& dim = window.dims[d];
    if (const auto strides = op.getWindowStrides(); strides && !strides->empty()) dim.stride = (*strides)[d];
    if (const auto padding = op.getPadding(); padding && !padding->empty()) {
      const auto numbers = padding->template getValues<int64_t>();
      dim.low = numbers[2 * d];
      dim.high = numbers[2 * d + 1];
    }
  }
  return window;
}

/// True if both parts of a scalar constant are `re` and 0.
bool isNumber(stablehlo::ConstantOp constant, double re) {
  const auto elements = dyn_cast_if_present<DenseElementsAttr>(constant ? constant.getValue() : Attribute());
  if (!elements || !elements.isSplat()) return false;
  const Type element = elements.getElementType();
  const auto isReal = [&](const APFloat& x, double value) { return x.convertToDouble() == value; };
  if (isa<FloatType>(element)) return isReal(elements.getSplatValue<APFloat>(), re);
  if (const auto complex = dyn_cast<ComplexType>(element)) {
    if (!isa<FloatType>(complex.getElementType())) return false;
    const auto value = elements.getSplatValue<std::complex<APFloat>>();
    return isReal(value.real(), re) && isReal(value.imag(), 0);
  }
  return isa<IntegerType>(element) && elements.getSplatValue<APInt>() == static_cast<uint64_t>(re);
}

}  // namespace

Window Window::of(stablehlo::ReduceWindowOp op) {
  const auto sizes = op.getWindowDimensions();
  Window window = common(op, sizes.size());
  for (size_t d = 0; d < sizes.size(); ++d) {
    Dim& dim = window.dims[d];
    dim.size = sizes[d];
    if (const auto list = op.getBaseDilations(); list && !list->empty()) dim.baseDilation = (*list)[d];
    if (const auto list = op.getWindowDilations(); list && !list->empty()) dim.dilation = (*list)[d];
  }
  return window;
}

Window Window::of(stablehlo::SelectAndScatterOp op) {
  Window window = common(op, static_cast<size_t>(op.getOperand().getType().getRank()));
  if (const auto sizes = op.getWindowDimensions())
    for (size_t d = 0; d < sizes->size(); ++d) window.dims[d].size = (*sizes)[d];
  return window;
}

int64_t Window::volume() const {
  uint64_t product = 1;
  for (const Dim& dim : dims) product = llvm::SaturatingMultiply(product, static_cast<uint64_t>(dim.size));
  return static_cast<int64_t>(std::min(product, static_cast<uint64_t>(INT64_MAX)));
}

int Window::only() const {
  int found = -1;
  for (unsigned d = 0; d < dims.size(); ++d) {
    if (dims[d].isPlain()) continue;
    if (found >= 0) return -1;
    found = static_cast<int>(d);
  }
  return found;
}

stablehlo::ConstantOp scalarConstant(Value value) {
  while (Operation* op = value.getDefiningOp()) {
    if (auto constant = dyn_cast<stablehlo::ConstantOp>(op)) return constant;
    if (!isa<stablehlo::BroadcastInDimOp, stablehlo::ReshapeOp>(op)) break;
    value = op->getOperand(0);
  }
  return {};
}

bool padsFreely(stablehlo::ReduceWindowOp op) {
  const std::optional<Combiner> combiner = combinerOf(op.getBody());
  if (!combiner) return false;
  const bool isBool = Element::of(op.getBody().getArgument(0).getType()).kind == Element::Kind::Bool;
  const auto starts = [&](double number) { return isNumber(scalarConstant(op.getInitValues()[0]), number); };
  switch (*combiner) {
    case Combiner::Add:
      return isBool || starts(0);
    case Combiner::Mul:
      return isBool || starts(1);
    case Combiner::Xor:
      return starts(0);
    case Combiner::Max:
    case Combiner::Min:
    case Combiner::And:
    case Combiner::Or:
      return true;
  }
  llvm_unreachable("every combiner is above");
}

std::optional<PrefixScan> prefixScanOf(stablehlo::ReduceWindowOp op) {
  const Window window = Window::of(op);
  const int only = window.only();
  if (only < 0) return std::nullopt;
  const Window::Dim& dim = window.dims[only];
  const int64_t extent = cast<RankedTensorType>(op.getInputs()[0].getType()).getDimSize(only);
  if (dim.size != extent || dim.stride != 1 || dim.baseDilation != 1 || dim.dilation != 1 || extent < 2)
    return std::nullopt;
  const bool isForward = dim.low == extent - 1 && dim.high == 0,
             isReversed = dim.low == 0 && dim.high == extent - 1;
  if (!isForward && !isReversed) return std::nullopt;
  // A region that is not known to be one operation is run in order from one initial value: the specification
  // leaves open how many of them take part.
  if (combinerOf(op.getBody()) && !padsFreely(op)) return std::nullopt;
  return PrefixScan{static_cast<unsigned>(only), isReversed};
}

}  // namespace wherry::compile
