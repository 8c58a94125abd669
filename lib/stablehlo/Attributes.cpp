// Attributes.cpp: the text of stablehlo's enumerations and structures.
#include "stablehlo/Dialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include "StructText.h"

using namespace mlir;
using namespace mlir::stablehlo;

#include "stablehlo/Enums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "stablehlo/Attrs.cpp.inc"

void StableHLODialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "stablehlo/Attrs.cpp.inc"
      >();
}

Attribute StableHLODialect::parseAttribute(DialectAsmParser &parser, Type type) const {
  StringRef mnemonic;
  Attribute attribute;
  const SMLoc loc = parser.getCurrentLocation();
  const OptionalParseResult parsed = generatedAttributeParser(parser, &mnemonic, type, attribute);
  if (parsed.has_value())
    return failed(*parsed) ? Attribute() : attribute;
  if (mnemonic == "bounds")
    return TypeExtensionsAttr::parse(parser, type);
  parser.emitError(loc) << "unknown stablehlo attribute `" << mnemonic << "`";
  return {};
}

void StableHLODialect::printAttribute(Attribute attribute, DialectAsmPrinter &printer) const {
  if (auto extensions = dyn_cast<TypeExtensionsAttr>(attribute)) {
    printer << "bounds";
    extensions.print(printer);
    return;
  }
  (void)generatedAttributePrinter(attribute, printer);
}

ParseResult mlir::stablehlo::parseDims(AsmParser &parser, SmallVectorImpl<int64_t> &dims) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                        [&] { return parser.parseInteger(dims.emplace_back()); });
}

ParseResult mlir::stablehlo::parseFields(AsmParser &parser, ArrayRef<Field> fields) {
  return parseFieldList(parser, AsmParser::Delimiter::LessGreater, fields);
}

ParseResult mlir::stablehlo::parseFieldList(AsmParser &parser, AsmParser::Delimiter delimiter,
                                            ArrayRef<Field> fields) {
  SmallVector<bool> seen(fields.size(), false);
  return parser.parseCommaSeparatedList(delimiter, [&]() -> ParseResult {
    const SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    const auto *field = llvm::find_if(fields, [&](const Field &f) { return f.name == name; });
    if (field == fields.end()) {
      auto error = parser.emitError(loc) << "unknown field `" << name << "`; expected one of ";
      llvm::interleaveComma(fields, error, [&](const Field &f) { error << f.name; });
      return error;
    }
    if (std::exchange(seen[field - fields.begin()], true))
      return parser.emitError(loc) << "field `" << name << "` is given twice";
    return failure(parser.parseEqual() || field->parse());
  });
}

Attribute ScatterDimensionNumbersAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> window, inserted, inputBatching, indicesBatching, map;
  int64_t indexVectorDim = 0;
  if (parseFields(parser, {{"update_window_dims", DIMS(window)},
                           {"inserted_window_dims", DIMS(inserted)},
                           {"input_batching_dims", DIMS(inputBatching)},
                           {"scatter_indices_batching_dims", DIMS(indicesBatching)},
                           {"scatter_dims_to_operand_dims", DIMS(map)},
                           {"index_vector_dim", NUMBER(indexVectorDim)}}))
    return {};
  return get(parser.getContext(), window, inserted, inputBatching, indicesBatching, map, indexVectorDim);
}

void ScatterDimensionNumbersAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.dims("update_window_dims", getUpdateWindowDims());
  fields.dims("inserted_window_dims", getInsertedWindowDims());
  fields.dims("input_batching_dims", getInputBatchingDims());
  fields.dims("scatter_indices_batching_dims", getScatterIndicesBatchingDims());
  fields.dims("scatter_dims_to_operand_dims", getScatterDimsToOperandDims());
  fields.number("index_vector_dim", getIndexVectorDim());
}

Attribute GatherDimensionNumbersAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> offset, collapsed, operandBatching, indicesBatching, map;
  int64_t indexVectorDim = 0;
  if (parseFields(parser, {{"offset_dims", DIMS(offset)},
                           {"collapsed_slice_dims", DIMS(collapsed)},
                           {"operand_batching_dims", DIMS(operandBatching)},
                           {"start_indices_batching_dims", DIMS(indicesBatching)},
                           {"start_index_map", DIMS(map)},
                           {"index_vector_dim", NUMBER(indexVectorDim)}}))
    return {};
  return get(parser.getContext(), offset, collapsed, operandBatching, indicesBatching, map, indexVectorDim);
}

void GatherDimensionNumbersAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.dims("offset_dims", getOffsetDims());
  fields.dims("collapsed_slice_dims", getCollapsedSliceDims());
  fields.dims("operand_batching_dims", getOperandBatchingDims());
  fields.dims("start_indices_batching_dims", getStartIndicesBatchingDims());
  fields.dims("start_index_map", getStartIndexMap());
  fields.number("index_vector_dim", getIndexVectorDim());
}

Attribute DotDimensionNumbersAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> lhsBatching, rhsBatching, lhsContracting, rhsContracting;
  if (parseFields(parser, {{"lhs_batching_dimensions", DIMS(lhsBatching)},
                           {"rhs_batching_dimensions", DIMS(rhsBatching)},
                           {"lhs_contracting_dimensions", DIMS(lhsContracting)},
                           {"rhs_contracting_dimensions", DIMS(rhsContracting)}}))
    return {};
  return get(parser.getContext(), lhsBatching, rhsBatching, lhsContracting, rhsContracting);
}

void DotDimensionNumbersAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.dims("lhs_batching_dimensions", getLhsBatchingDimensions());
  fields.dims("rhs_batching_dimensions", getRhsBatchingDimensions());
  fields.dims("lhs_contracting_dimensions", getLhsContractingDimensions());
  fields.dims("rhs_contracting_dimensions", getRhsContractingDimensions());
}

Attribute DotAlgorithmAttr::parse(AsmParser &parser, Type) {
  Type lhs, rhs, accumulation;
  int64_t lhsCount = 1, rhsCount = 1, operations = 1;
  bool imprecise = false;
  const SMLoc loc = parser.getCurrentLocation();
  const auto boolean = [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalKeyword("true"))) {
      imprecise = true;
      return success();
    }
    return parser.parseKeyword("false");
  };
  if (parseFields(parser, {{"lhs_precision_type", [&] { return parser.parseType(lhs); }},
                           {"rhs_precision_type", [&] { return parser.parseType(rhs); }},
                           {"accumulation_type", [&] { return parser.parseType(accumulation); }},
                           {"lhs_component_count", NUMBER(lhsCount)},
                           {"rhs_component_count", NUMBER(rhsCount)},
                           {"num_primitive_operations", NUMBER(operations)},
                           {"allow_imprecise_accumulation", boolean}}))
    return {};
  if (!lhs || !rhs || !accumulation) {
    parser.emitError(loc)
        << "a dot algorithm needs lhs_precision_type, rhs_precision_type and accumulation_type";
    return {};
  }
  return get(parser.getContext(), lhs, rhs, accumulation, lhsCount, rhsCount, operations, imprecise);
}

void DotAlgorithmAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("lhs_precision_type") << getLhsPrecisionType();
  fields.begin("rhs_precision_type") << getRhsPrecisionType();
  fields.begin("accumulation_type") << getAccumulationType();
  fields.begin("lhs_component_count") << getLhsComponentCount();
  fields.begin("rhs_component_count") << getRhsComponentCount();
  fields.begin("num_primitive_operations") << getNumPrimitiveOperations();
  fields.begin("allow_imprecise_accumulation") << (getAllowImpreciseAccumulation() ? "true" : "false");
}

Attribute ChannelHandleAttr::parse(AsmParser &parser, Type) {
  int64_t handle = 0, type = 0;
  if (parseFields(parser, {{"handle", NUMBER(handle)}, {"type", NUMBER(type)}}))
    return {};
  return get(parser.getContext(), handle, type);
}

void ChannelHandleAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("handle") << getHandle();
  fields.begin("type") << getType();
}

Attribute OutputOperandAliasAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> output, operandTuple;
  int64_t operand = 0;
  if (parseFields(parser, {{"output_tuple_indices", DIMS(output)},
                           {"operand_index", NUMBER(operand)},
                           {"operand_tuple_indices", DIMS(operandTuple)}}))
    return {};
  return get(parser.getContext(), output, operand, operandTuple);
}

void OutputOperandAliasAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.allDims("output_tuple_indices", getOutputTupleIndices());
  fields.begin("operand_index") << getOperandIndex();
  fields.allDims("operand_tuple_indices", getOperandTupleIndices());
}

Attribute ResultAccuracyAttr::parse(AsmParser &parser, Type) {
  double atol = 0, rtol = 0;
  int64_t ulps = 0;
  ResultAccuracyModeAttr mode = ResultAccuracyModeAttr::get(parser.getContext(), ResultAccuracyMode::DEFAULT);
  if (parseFields(parser, {{"atol", [&] { return parser.parseFloat(atol); }},
                           {"rtol", [&] { return parser.parseFloat(rtol); }},
                           {"ulps", NUMBER(ulps)},
                           {"mode", [&] { return parser.parseAttribute(mode); }}}))
    return {};
  return get(parser.getContext(), APFloat(atol), APFloat(rtol), ulps, mode);
}

void ResultAccuracyAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  if (!getAtol().isZero() || !getRtol().isZero() || getUlps() != 0) {
    fields.begin("atol").printFloat(getAtol());
    fields.begin("rtol").printFloat(getRtol());
    fields.begin("ulps") << getUlps();
  }
  fields.begin("mode") << getMode();
}
