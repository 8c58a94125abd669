// Call.cpp: see Call.h.
#include "compiler/Call.h"

#include <numeric>

#include "compiler/Types.h"
#include "compiler/expand/Build.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/AsmParser/AsmParser.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// On calls that have been laid out; their layouts say how the dimensions of the types are to be read.
constexpr llvm::StringLiteral laidOut = "wherry.laid_out";
// Plans hold attributes nested up to 64 levels deep; deeper ones become text.
constexpr unsigned maxDepth = 32;

using Order = llvm::SmallVector<int64_t>;

Order rowMajor(int64_t rank) {
  Order order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  return order;
}

/// The dimensions of value `index`, from the fastest varying to the slowest. Fails with a diagnostic.
FailureOr<Order> layoutOf(stablehlo::CustomCallOp call, const char* what, std::optional<ArrayAttr> layouts,
                          unsigned index, unsigned count, RankedTensorType type) {
  if (!layouts) return rowMajor(type.getRank());
  if (layouts->size() != count)
    return call.emitError() << "there are " << layouts->size() << " " << what << " layouts for " << count
                            << " " << what << "s";
  const auto written = dyn_cast<DenseIntElementsAttr>((*layouts)[index]);
  if (!written)
    return call.emitError() << "the layout of " << what << " " << index << " is no tensor of dimensions";
  Order order;
  for (const APInt& dimension : written.getValues<APInt>()) order.push_back(dimension.getSExtValue());
  Order sorted = order;
  llvm::sort(sorted);
  Order all(type.getRank());
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all)
    return call.emitError() << "the layout of " << what << " " << index << " does not name the "
                            << type.getRank() << " dimensions of " << type << " once each";
  return order;
}

/// From the dimensions of a value to those of its memory.
Order permutationOf(ArrayRef<int64_t> minorToMajor) { return Order(llvm::reverse(minorToMajor)); }

Order inverse(ArrayRef<int64_t> permutation) {
  Order result(permutation.size());
  for (const auto [i, p] : llvm::enumerate(permutation)) result[p] = static_cast<int64_t>(i);
  return result;
}

template <class Numbers>
attribute listOf(Numbers&& numbers) {
  attribute::list all;
  for (const auto& number : numbers) all.emplace_back(number);
  return all;
}

attribute attributeOf(Attribute value, unsigned depth = 0);

attribute::dictionary dictionaryOf(DictionaryAttr entries, unsigned depth = 0) {
  attribute::dictionary all;
  for (const NamedAttribute& entry : entries)
    all.push_back({entry.getName().str(), attributeOf(entry.getValue(), depth)});
  return all;
}

attribute integerOf(const APInt& value, Type type) {
  if (type.isInteger(1)) return value.isOne();
  return type.isUnsignedInteger() ? static_cast<std::int64_t>(value.getZExtValue()) : value.getSExtValue();
}

double doubleOf(APFloat value) {
  bool exact = false;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &exact);
  return value.convertToDouble();
}

attribute tensorOf(DenseElementsAttr elements) {
  attribute::list all;
  const Type type = elements.getElementType();
  if (isa<FloatType>(type))
    for (const APFloat& value : elements.getValues<APFloat>()) all.emplace_back(doubleOf(value));
  else
    for (const APInt& value : elements.getValues<APInt>()) all.push_back(integerOf(value, type));
  return all;
}

attribute attributeOf(Attribute value, unsigned depth) {
  const auto text = [&]() -> attribute {
    std::string written;
    llvm::raw_string_ostream(written) << value;
    return written;
  };
  if (depth > maxDepth) return text();
  return llvm::TypeSwitch<Attribute, attribute>(value)
      .Case([](BoolAttr a) { return attribute(a.getValue()); })
      .Case([](UnitAttr) { return attribute(true); })
      .Case([&](IntegerAttr a) {
        return a.getValue().getBitWidth() > 64 ? text() : integerOf(a.getValue(), a.getType());
      })
      .Case([](FloatAttr a) { return attribute(doubleOf(a.getValue())); })
      .Case([](StringAttr a) { return attribute(a.getValue().str()); })
      .Case([](FlatSymbolRefAttr a) { return attribute(a.getValue().str()); })
      .Case([&](DictionaryAttr a) { return attribute(dictionaryOf(a, depth + 1)); })
      .Case([&](ArrayAttr a) {
        attribute::list all;
        for (const Attribute element : a) all.push_back(attributeOf(element, depth + 1));
        return attribute(std::move(all));
      })
      .Case<DenseBoolArrayAttr, DenseI8ArrayAttr, DenseI16ArrayAttr, DenseI32ArrayAttr, DenseI64ArrayAttr>(
          [](auto a) { return listOf(a.asArrayRef()); })
      .Case<DenseF32ArrayAttr, DenseF64ArrayAttr>([](auto a) { return listOf(a.asArrayRef()); })
      .Case([&](DenseElementsAttr a) {
        const Type type = a.getElementType();
        const bool isNumber = isa<IntegerType, FloatType, IndexType>(type) &&
                              (type.isIndex() || type.getIntOrFloatBitWidth() <= 64);
        return isNumber ? tensorOf(a) : text();
      })
      .Default([&](Attribute) { return text(); });
}

std::uint32_t lineOf(Location location) {
  std::uint32_t line = 0;
  location->walk([&](Location inner) {
    const auto file = dyn_cast<FileLineColLoc>(inner);
    if (!file || file.getLine() == 0) return WalkResult::advance();
    line = file.getLine();
    return WalkResult::interrupt();
  });
  return line;
}

/// Appends the number of leaves in `types`, a tuple being its elements and a token none, to `starts`, before
/// each of them.
int64_t countLeaves(Type type) {
  if (isa<stablehlo::TokenType>(type)) return 0;
  const auto tuple = dyn_cast<TupleType>(type);
  if (!tuple) return 1;
  int64_t count = 0;
  for (const Type element : tuple.getTypes()) count += countLeaves(element);
  return count;
}

/// The number among all leaves of `types` of the one that `path` leads to.
int64_t leafAt(TypeRange types, ArrayRef<int64_t> path) {
  int64_t leaf = 0;
  while (!path.empty()) {
    const int64_t at = path.front();
    path = path.drop_front();
    if (at < 0 || at >= static_cast<int64_t>(types.size())) return -1;
    for (const Type before : types.take_front(at)) leaf += countLeaves(before);
    const auto tuple = dyn_cast<TupleType>(types[at]);
    if (!tuple) break;
    types = tuple.getTypes();
  }
  return leaf;
}

/// Results are named by their number, but for a single one: that is named by nothing, its elements if it is a
/// tuple by theirs.
int64_t resultAt(TypeRange results, ArrayRef<int64_t> path) {
  if (results.size() != 1) return leafAt(results, path);
  const auto tuple = dyn_cast<TupleType>(results[0]);
  return tuple ? leafAt(tuple.getTypes(), path) : 0;
}

/// Layouts without those of tokens, which have no memory.
ArrayAttr withoutTokens(ArrayAttr layouts, TypeRange types) {
  if (layouts.size() != types.size()) return layouts;
  llvm::SmallVector<Attribute> kept;
  for (const auto [layout, type] : llvm::zip(layouts, types))
    if (!isa<stablehlo::TokenType>(type)) kept.push_back(layout);
  return ArrayAttr::get(layouts.getContext(), kept);
}

LogicalResult layOut(stablehlo::CustomCallOp call) {
  for (const auto& [index, type] : llvm::enumerate(call->getOperandTypes()))
    if (!tensorTypeOf(type))
      return call.emitError() << "operand " << index << " of a custom call has type " << type
                              << ", which is not supported";
  for (const auto& [index, type] : llvm::enumerate(call->getResultTypes()))
    if (!tensorTypeOf(type))
      return call.emitError() << "result " << index << " of a custom call has type " << type
                              << ", which is not supported";
  Build before(OpBuilder(call), call.getLoc());
  llvm::SmallVector<Value> operands, results;
  llvm::SmallVector<Type> types;
  llvm::SmallVector<Order> resultOrders;
  llvm::SmallVector<Attribute> layouts[2];
  for (const auto& [index, operand] : llvm::enumerate(call->getOperands())) {
    const auto order = layoutOf(call, "operand", call.getOperandLayouts(), static_cast<unsigned>(index),
                                call->getNumOperands(), Build::typeOf(operand));
    if (failed(order)) return failure();
    const Order permutation = permutationOf(*order);
    operands.push_back(llvm::is_sorted(permutation) ? operand : before.transpose(operand, permutation));
    layouts[0].push_back(before.b.getDenseI64ArrayAttr(*order));
  }
  for (const auto& [index, result] : llvm::enumerate(call->getResults())) {
    const RankedTensorType type = Build::typeOf(result);
    const auto order = layoutOf(call, "result", call.getResultLayouts(), static_cast<unsigned>(index),
                                call->getNumResults(), type);
    if (failed(order)) return failure();
    Order memory;
    for (const int64_t dimension : permutationOf(*order)) memory.push_back(type.getDimSize(dimension));
    types.push_back(RankedTensorType::get(memory, type.getElementType()));
    resultOrders.push_back(*order);
    layouts[1].push_back(before.b.getDenseI64ArrayAttr(*order));
  }
  OperationState state(call.getLoc(), call->getName(), operands, types, {});
  NamedAttrList attributes(call->getAttrs());
  attributes.erase("operand_layouts");
  attributes.erase("result_layouts");
  attributes.set(
      laidOut, before.b.getArrayAttr({before.b.getArrayAttr(layouts[0]), before.b.getArrayAttr(layouts[1])}));
  state.attributes = attributes;
  Operation* made = before.b.create(state);
  for (const auto& [index, result] : llvm::enumerate(made->getResults())) {
    const Order back = inverse(permutationOf(resultOrders[index]));
    results.push_back(llvm::is_sorted(back) ? Value(result) : before.transpose(result, back));
  }
  call->replaceAllUsesWith(results);
  call->erase();
  return success();
}

/// The types of values before they were laid out, as plans keep them.
std::vector<call_value> valuesOf(TypeRange types, ArrayAttr layouts) {
  std::vector<call_value> values;
  for (const auto& [index, type] : llvm::enumerate(types)) {
    const ArrayRef<int64_t> order = cast<DenseI64ArrayAttr>(layouts[index]).asArrayRef();
    const auto memory = cast<RankedTensorType>(type);
    const Order back = inverse(permutationOf(order));
    llvm::SmallVector<int64_t> dims;
    for (const int64_t dimension : back) dims.push_back(memory.getDimSize(dimension));
    call_value value;
    value.type = *tensorTypeOf(RankedTensorType::get(dims, memory.getElementType()));
    if (!llvm::is_sorted(back))
      for (const int64_t dimension : order)
        value.minor_to_major.push_back(static_cast<std::uint32_t>(dimension));
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace

bool isPlanCall(Operation* op) {
  auto call = dyn_cast<stablehlo::CustomCallOp>(op);
  if (!call) return false;
  // Those are the compiler's own: one that is left has no meaning.
  const llvm::StringRef target = call.getCallTargetName();
  return llvm::none_of(llvm::ArrayRef<llvm::StringRef>{"check.", "chlo.", "mhlo.", "stablehlo."},
                       [&](llvm::StringRef own) { return target.starts_with(own); });
}

bool hasCallEffect(Operation* op) {
  return op
      ->walk([](stablehlo::CustomCallOp call) {
        return call.getHasSideEffect() ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult layOutCalls(func::FuncOp entry) {
  llvm::SmallVector<stablehlo::CustomCallOp> calls;
  entry.walk([&](stablehlo::CustomCallOp call) {
    if (isPlanCall(call) && !call->hasAttr(laidOut)) calls.push_back(call);
  });
  for (const stablehlo::CustomCallOp call : calls)
    if (failed(layOut(call))) return failure();
  return success();
}

void flattenCall(stablehlo::CustomCallOp call, NamedAttrList& attributes) {
  Builder b(call.getContext());
  TypeRange results = call->getResultTypes();
  const auto tuple = results.size() == 1 ? dyn_cast<TupleType>(results[0]) : TupleType();
  if (const auto layouts = call.getOperandLayouts())
    attributes.set("operand_layouts", withoutTokens(*layouts, call->getOperandTypes()));
  if (const auto layouts = call.getResultLayouts())
    attributes.set("result_layouts", withoutTokens(*layouts, tuple ? TypeRange(tuple.getTypes()) : results));
  llvm::SmallVector<Attribute> aliases;
  int64_t leaves = 0;
  for (const Type type : results) leaves += countLeaves(type);
  for (const Attribute one : call.getOutputOperandAliases()) {
    const auto alias = cast<stablehlo::OutputOperandAliasAttr>(one);
    llvm::SmallVector<int64_t> operand{alias.getOperandIndex()};
    llvm::append_range(operand, alias.getOperandTupleIndices());
    const int64_t from = leafAt(call->getOperandTypes(), operand);
    const int64_t to = resultAt(results, alias.getOutputTupleIndices());
    llvm::SmallVector<int64_t> path;
    if (leaves != 1) path.push_back(to);
    aliases.push_back(stablehlo::OutputOperandAliasAttr::get(call.getContext(), path, from, {}));
  }
  if (!aliases.empty()) attributes.set("output_operand_aliases", b.getArrayAttr(aliases));
}

llvm::SmallVector<int64_t> aliasesOf(stablehlo::CustomCallOp call) {
  llvm::SmallVector<int64_t> found(call->getNumOperands(), -1);
  llvm::BitVector taken(call->getNumResults());
  for (const Attribute one : call.getOutputOperandAliases()) {
    const auto alias = cast<stablehlo::OutputOperandAliasAttr>(one);
    const int64_t from = alias.getOperandIndex();
    const int64_t to = resultAt(call->getResultTypes(), alias.getOutputTupleIndices());
    if (from < 0 || from >= static_cast<int64_t>(found.size()) || to < 0 ||
        to >= static_cast<int64_t>(call->getNumResults()) || taken.test(to) || found[from] >= 0)
      continue;
    // Another layout is another order of the elements: those two cannot be one memory.
    if (call->getOperand(from).getType() != call->getResult(to).getType()) continue;
    taken.set(to);
    found[from] = to;
  }
  return found;
}

custom_call planCallOf(stablehlo::CustomCallOp call) {
  custom_call result;
  result.target = call.getCallTargetName().str();
  const auto layouts = call->getAttrOfType<ArrayAttr>(laidOut);
  result.operands = valuesOf(call->getOperandTypes(), cast<ArrayAttr>(layouts[0]));
  result.results = valuesOf(call->getResultTypes(), cast<ArrayAttr>(layouts[1]));
  result.api_version = static_cast<std::int32_t>(call.getApiVersion());
  result.has_side_effect = call.getHasSideEffect();
  result.line = lineOf(call.getLoc());
  const std::optional<Attribute> config = call.getBackendConfig();
  if (const auto text = dyn_cast_if_present<StringAttr>(config.value_or(Attribute())))
    result.backend_config = text.getValue().str();
  auto entries = dyn_cast_if_present<DictionaryAttr>(config.value_or(Attribute()));
  if (!entries) entries = call->getAttrOfType<DictionaryAttr>("mhlo.backend_config");
  constexpr std::int32_t typed = 4;
  if (!entries && result.api_version == typed && !result.backend_config.empty()) {
    // Older writers spell the dictionary as text.
    ScopedDiagnosticHandler quiet(call.getContext(), [](Diagnostic&) { return success(); });
    entries = dyn_cast_if_present<DictionaryAttr>(parseAttribute(result.backend_config, call.getContext()));
  }
  if (entries) result.attributes = dictionaryOf(entries);
  return result;
}

}  // namespace wherry::compile
