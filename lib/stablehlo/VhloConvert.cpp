// VhloConvert.cpp: operations of portable artifacts become operations of stablehlo and func.
//
// `VhloTable.cpp` says what becomes of each attribute. What remains for code is to make structures
// (dimension numbers, channels, algorithms) of the attributes that are their parts.
#include "Vhlo.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "stablehlo/Dialect.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

/// The numbers of an attribute: a tensor or a list of integers. None if it is neither.
SmallVector<int64_t> numbersOf(Attribute attribute) {
  SmallVector<int64_t> numbers;
  // No operation has a list as long as this; a repeated element may claim to be longer than memory.
  constexpr int64_t longest = 1 << 16;
  const auto elements = dyn_cast_or_null<DenseIntElementsAttr>(attribute);
  if (elements && elements.getNumElements() <= longest)
    for (const APInt &value : elements.getValues<APInt>())
      numbers.push_back(value.getBitWidth() == 1 ? static_cast<int64_t>(value.getZExtValue())
                                                 : value.getSExtValue());
  return numbers;
}

/// True if the attribute says nothing: empty, no type, or the default of its enumeration.
bool saysNothing(Attribute attribute) {
  if (const auto text = dyn_cast<StringAttr>(attribute))
    return text.empty();
  if (const auto flag = dyn_cast<BoolAttr>(attribute))
    return !flag.getValue();
  if (const auto list = dyn_cast<ArrayAttr>(attribute))
    return llvm::all_of(list, [](Attribute element) {
      const auto precision = dyn_cast<PrecisionAttr>(element);
      return precision && precision.getValue() == Precision::DEFAULT;
    });
  if (const auto dictionary = dyn_cast<DictionaryAttr>(attribute))
    return dictionary.empty();
  if (const auto elements = dyn_cast<DenseElementsAttr>(attribute))
    return elements.getNumElements() == 0;
  if (const auto type = dyn_cast<ComparisonTypeAttr>(attribute))
    return type.getValue() == ComparisonType::NOTYPE;
  if (const auto accuracy = dyn_cast<ResultAccuracyAttr>(attribute))
    return accuracy.getMode().getValue() == ResultAccuracyMode::DEFAULT;
  return false;
}

class Converter {
public:
  explicit Converter(Operation *op) : op(op), context(op->getContext()) {}

  LogicalResult run() {
    const StringRef entry = findVhloEntry(op->getName().stripDialect());
    if (entry.empty())
      return op->emitError() << "unknown operation `" << op->getName() << "`";
    const VhloOperation described = parseVhloEntry(entry);
    const StringRef plain = described.name.take_front(described.name.rfind("_v"));
    OperationState state(op->getLoc(), newName(plain));
    state.addOperands(op->getOperands());
    state.addTypes(op->getResultTypes());
    NamedAttrList discardable(op->getAttrDictionary());
    for (const VhloAttribute &attribute : described.attributes) {
      const Attribute value = discardable.erase(attribute.name);
      if (!value)
        return op->emitError() << op->getName() << " has no attribute `" << attribute.name << "`";
      if (const Attribute converted = convert(attribute, value))
        state.addAttribute(attribute.name, converted);
    }
    addStructures(plain, state);
    for (const NamedAttribute &attribute : discardable)
      if (!state.attributes.get(attribute.getName()))
        state.attributes.push_back(attribute);
    for (Region &region : op->getRegions())
      state.addRegion()->takeBody(region);
    OpBuilder builder(op);
    Operation *created = builder.create(state);
    op->replaceAllUsesWith(created->getResults());
    op->erase();
    return success();
  }

private:
  StringRef newName(StringRef plain) {
    if (plain == "func")
      return func::FuncOp::getOperationName();
    if (plain == "call")
      return func::CallOp::getOperationName();
    Operation *parent = op->getParentOp();
    if (plain == "return" && parent &&
        (parent->getName().getStringRef() == "vhlo.func_v1" || isa<func::FuncOp>(parent)))
      return func::ReturnOp::getOperationName();
    return StringAttr::get(context, "stablehlo." + plain).getValue();
  }

  /// The attribute of the new operation, null if it has none.
  Attribute convert(const VhloAttribute &attribute, Attribute value) {
    if (attribute.leftOut && isa<DenseIntElementsAttr>(value) &&
        llvm::all_of(numbersOf(value), [&](int64_t number) { return number == *attribute.leftOut; }))
      return {};
    switch (attribute.rule) {
    case VhloRule::Part:
      return {};
    case VhloRule::Flag:
      return isa<BoolAttr>(value) && cast<BoolAttr>(value).getValue() ? UnitAttr::get(context) : Attribute();
    case VhloRule::Symbol:
      return symbols(value);
    case VhloRule::NotZero:
      if (saysNothing(value))
        return {};
      break;
    case VhloRule::Keep:
      break;
    }
    return attribute.isArray ? array(value) : value;
  }

  Attribute array(Attribute value) {
    const auto elements = dyn_cast<DenseIntElementsAttr>(value);
    if (!elements)
      return value;
    const SmallVector<int64_t> numbers = numbersOf(value);
    if (elements.getElementType().isInteger(1))
      return DenseBoolArrayAttr::get(context, SmallVector<bool>(numbers.begin(), numbers.end()));
    return DenseI64ArrayAttr::get(context, numbers);
  }

  Attribute symbols(Attribute value) {
    if (const auto name = dyn_cast<StringAttr>(value))
      return FlatSymbolRefAttr::get(name);
    const auto list = dyn_cast<ArrayAttr>(value);
    if (!list)
      return value;
    if (list.empty())
      return {};
    SmallVector<Attribute> references;
    for (Attribute element : list)
      references.push_back(symbols(element));
    return ArrayAttr::get(context, references);
  }

  SmallVector<int64_t> list(StringRef name) const { return numbersOf(op->getAttr(name)); }
  int64_t number(StringRef name) const {
    const auto value = op->getAttrOfType<IntegerAttr>(name);
    return value ? value.getValue().getSExtValue() : 0;
  }
  Type type(StringRef name) const {
    const auto value = op->getAttrOfType<TypeAttr>(name);
    return value && !isa<NoneType>(value.getValue()) ? value.getValue() : Type();
  }

  void addStructures(StringRef plain, OperationState &state) {
    if (plain == "gather" || plain == "dynamic_gather")
      state.addAttribute(
          "dimension_numbers",
          GatherDimensionNumbersAttr::get(context, list("offset_dims"), list("collapsed_slice_dims"),
                                          list("operand_batching_dims"), list("start_indices_batching_dims"),
                                          list("start_index_map"), number("index_vector_dim")));
    if (plain == "scatter")
      state.addAttribute(
          "scatter_dimension_numbers",
          ScatterDimensionNumbersAttr::get(context, list("update_window_dims"), list("inserted_window_dims"),
                                           list("input_batching_dims"), list("scatter_indices_batching_dims"),
                                           list("scatter_dims_to_operand_dims"), number("index_vector_dim")));
    if (plain == "dot_general") {
      state.addAttribute("dot_dimension_numbers",
                         DotDimensionNumbersAttr::get(
                             context, list("lhs_batching_dimensions"), list("rhs_batching_dimensions"),
                             list("lhs_contracting_dimensions"), list("rhs_contracting_dimensions")));
      if (const Type lhs = type("lhs_precision_type"))
        state.addAttribute("algorithm", DotAlgorithmAttr::get(
                                            context, lhs, type("rhs_precision_type"),
                                            type("accumulation_type"), number("lhs_component_count"),
                                            number("rhs_component_count"), number("num_primitive_operations"),
                                            number("allow_imprecise_accumulation") != 0));
    }
    if (plain == "convolution" || plain == "dynamic_conv")
      state.addAttribute("dimension_numbers",
                         ConvDimensionNumbersAttr::get(
                             context, number("input_batch_dimension"), number("input_feature_dimension"),
                             list("input_spatial_dimensions"), number("kernel_input_feature_dimension"),
                             number("kernel_output_feature_dimension"), list("kernel_spatial_dimensions"),
                             number("output_batch_dimension"), number("output_feature_dimension"),
                             list("output_spatial_dimensions")));
    const int64_t handle = number("channel_id"), channel = number("channel_type");
    if (handle != 0 || plain == "send" || plain == "recv")
      state.addAttribute("channel_handle", ChannelHandleAttr::get(context, handle, channel));
  }

  Operation *op;
  MLIRContext *context;
};

} // namespace

LogicalResult mlir::stablehlo::convertVhlo(ModuleOp module) {
  SmallVector<Operation *> operations, casts;
  module.walk([&](Operation *op) {
    if (op->getName().getDialectNamespace() == "vhlo")
      operations.push_back(op);
    if (isa<UnrealizedConversionCastOp>(op))
      casts.push_back(op);
  });
  for (Operation *op : operations)
    if (failed(Converter(op).run()))
      return failure();
  // Between the types of vhlo and those of other dialects, which are the same here.
  for (Operation *cast : casts)
    if (cast->getOperandTypes() == cast->getResultTypes()) {
      cast->replaceAllUsesWith(cast->getOperands());
      cast->erase();
    }
  return success();
}
