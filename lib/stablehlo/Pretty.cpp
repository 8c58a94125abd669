// Pretty.cpp: the operations whose text no declarative format describes: constant, reduce, while, composite.
#include "Assembly.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::stablehlo;

// `constant {attrs} dense<...> : T`, or `constant() <{value = ...}> {attrs} : () -> T` where the result's
// type is not the value's (quantized constants).
ParseResult ConstantOp::parse(OpAsmParser &parser, OperationState &result) {
  if (succeeded(parser.parseOptionalLParen())) {
    Attribute properties;
    NamedAttrList unused;
    FunctionType type;
    if (parser.parseRParen() || parser.parseLess() || parser.parseAttribute(properties) ||
        parser.parseGreater() || parser.parseOptionalAttrDict(result.attributes) ||
        parser.parseColonType(type))
      return failure();
    auto dictionary = dyn_cast<DictionaryAttr>(properties);
    auto value = dictionary ? dictionary.getAs<ElementsAttr>("value") : ElementsAttr();
    if (!value || type.getNumResults() != 1)
      return parser.emitError(parser.getNameLoc(), "expected a value and one result type");
    result.getOrAddProperties<Properties>().value = value;
    result.addTypes(type.getResults());
    return success();
  }
  ElementsAttr value;
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseAttribute(value))
    return failure();
  result.getOrAddProperties<Properties>().value = value;
  result.addTypes(value.getType());
  return success();
}

void ConstantOp::print(OpAsmPrinter &printer) {
  if (getValue().getType() == getType()) {
    printer.printOptionalAttrDict((*this)->getAttrs(), {"value"});
    printer << " ";
    printer.printAttribute(getValue());
    return;
  }
  printer << "() <{value = ";
  printer.printAttribute(getValue());
  printer << "}>";
  printer.printOptionalAttrDict((*this)->getAttrs(), {"value"});
  printer << " : ";
  printer.printFunctionalType(*this);
}

namespace {

// `(%x init: %z), (%y init: %w)`
ParseResult parseReduceOperands(OpAsmParser &parser, Operands &inputs, Operands &inits) {
  do {
    if (parser.parseLParen() || parser.parseOperand(inputs.emplace_back()) || parser.parseKeyword("init") ||
        parser.parseColon() || parser.parseOperand(inits.emplace_back()) || parser.parseRParen())
      return failure();
  } while (succeeded(parser.parseOptionalComma()));
  return success();
}

// The one operation of a body that the form `applies stablehlo.add` can express; null if there is none.
Operation *appliedOperation(ReduceOp op) {
  Block &block = op.getBody().front();
  if (op.getInputs().size() != 1 || block.getNumArguments() != 2 || !llvm::hasNItems(block, 2))
    return nullptr;
  Operation &inner = block.front();
  auto terminator = dyn_cast<stablehlo::ReturnOp>(block.back());
  const auto input = dyn_cast<RankedTensorType>(op.getInputs().front().getType());
  if (!terminator || !input || inner.getDialect() != op->getDialect() ||
      !inner.hasTrait<mlir::OpTrait::IsCommutative>())
    return nullptr;
  const Type element = RankedTensorType::get({}, input.getElementType());
  const bool plain = inner.getNumOperands() == 2 && inner.getNumResults() == 1 &&
                     inner.getNumRegions() == 0 && inner.getAttrs().empty() &&
                     inner.getOperand(0) == block.getArgument(0) &&
                     inner.getOperand(1) == block.getArgument(1) &&
                     llvm::equal(terminator.getOperands(), inner.getResults());
  const bool typed = block.getArgument(0).getType() == element && block.getArgument(1).getType() == element &&
                     inner.getResult(0).getType() == element;
  return plain && typed ? &inner : nullptr;
}

} // namespace

ParseResult ReduceOp::parse(OpAsmParser &parser, OperationState &result) {
  const SMLoc loc = parser.getCurrentLocation();
  const Location location = parser.getEncodedSourceLoc(loc);
  SmallVector<OpAsmParser::UnresolvedOperand> inputs, inits;
  if (parseReduceOperands(parser, inputs, inits))
    return failure();

  std::optional<OperationName> applied;
  SMLoc appliedLoc;
  if (succeeded(parser.parseOptionalKeyword("applies"))) {
    appliedLoc = parser.getCurrentLocation();
    const FailureOr<OperationName> name = parser.parseCustomOperationName();
    if (failed(name))
      return failure();
    applied = *name;
  }
  SmallVector<int64_t> dimensions;
  FunctionType type;
  const auto dimension = [&] { return parser.parseInteger(dimensions.emplace_back()); };
  if (parser.parseKeyword("across") || parser.parseKeyword("dimensions") || parser.parseEqual() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, dimension) ||
      parser.parseOptionalAttrDict(result.attributes) || parser.parseColonType(type))
    return failure();
  result.getOrAddProperties<Properties>().dimensions = parser.getBuilder().getDenseI64ArrayAttr(dimensions);
  result.addTypes(type.getResults());
  SmallVector<OpAsmParser::UnresolvedOperand> operands(inputs);
  operands.append(inits);
  if (parser.resolveOperands(operands, type.getInputs(), loc, result.operands))
    return failure();

  Region *body = result.addRegion();
  if (applied) {
    auto input = type.getInputs().empty() ? RankedTensorType() : dyn_cast<RankedTensorType>(type.getInput(0));
    if (inputs.size() != 1 || !input)
      return parser.emitError(appliedLoc) << "`applies` needs exactly one tensor to reduce";
    if (!applied->isRegistered() || !applied->hasTrait<mlir::OpTrait::IsCommutative>() ||
        !applied->hasTrait<mlir::OpTrait::NOperands<2>::Impl>())
      return parser.emitError(appliedLoc)
             << "`applies` needs a commutative operation of two operands, got " << applied->getStringRef();
    const Type element = RankedTensorType::get({}, input.getElementType());
    OpBuilder builder(parser.getContext());
    Block *block = builder.createBlock(body, {}, {element, element}, {location, location});
    OperationState inner(location, *applied);
    inner.addOperands(block->getArguments());
    inner.addTypes(element);
    Operation *operation = builder.create(inner);
    stablehlo::ReturnOp::create(builder, location, operation->getResults());
    return success();
  }

  // `reducer(%a: T, %b: T) (%c: U, %d: U) { ... }`: pairs of one element of each operand.
  SmallVector<OpAsmParser::Argument> lhs, rhs;
  if (parser.parseKeyword("reducer"))
    return failure();
  for (size_t i = 0; i < inputs.size(); ++i) {
    SmallVector<OpAsmParser::Argument> pair;
    const SMLoc pairLoc = parser.getCurrentLocation();
    if (parser.parseArgumentList(pair, AsmParser::Delimiter::Paren, /*allowType=*/true))
      return failure();
    if (pair.size() != 2)
      return parser.emitError(pairLoc) << "expected two arguments, got " << pair.size();
    lhs.push_back(pair[0]);
    rhs.push_back(pair[1]);
  }
  lhs.append(rhs);
  return parser.parseRegion(*body, lhs);
}

void ReduceOp::print(OpAsmPrinter &printer) {
  printer << "(";
  llvm::interleave(
      llvm::zip(getInputs(), getInitValues()),
      [&](auto pair) { printer << std::get<0>(pair) << " init: " << std::get<1>(pair); },
      [&] { printer << "), ("; });
  printer << ")";
  Operation *applied = appliedOperation(*this);
  if (applied)
    printer << " applies " << applied->getName().getStringRef();
  printer << " across dimensions = [";
  llvm::interleaveComma(getDimensions(), printer);
  printer << "]";
  printer.printOptionalAttrDict((*this)->getAttrs(), {"dimensions"});
  printer << " : ";
  printer.printFunctionalType(*this);
  if (applied)
    return;
  Block &block = getBody().front();
  const unsigned pairs = block.getNumArguments() / 2;
  printer.printNewline();
  printer << " reducer";
  for (unsigned i = 0; i < pairs; ++i) {
    printer << "(";
    printer.printRegionArgument(block.getArgument(i));
    printer << ", ";
    printer.printRegionArgument(block.getArgument(pairs + i));
    printer << ") ";
  }
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

// `while(%i = %a, %j = %b) : T, U attributes {...} cond { ... } do { ... }`
ParseResult WhileOp::parse(OpAsmParser &parser, OperationState &result) {
  const SMLoc loc = parser.getCurrentLocation();
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> types;
  const auto binding = [&] {
    return failure(parser.parseArgument(arguments.emplace_back()) || parser.parseEqual() ||
                   parser.parseOperand(operands.emplace_back()));
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, binding))
    return failure();
  if (!operands.empty() && parser.parseColonTypeList(types))
    return failure();
  if (parser.resolveOperands(operands, types, loc, result.operands) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  for (auto [argument, type] : llvm::zip(arguments, types))
    argument.type = type;
  result.addTypes(types);
  return failure(parser.parseKeyword("cond") || parser.parseRegion(*result.addRegion(), arguments) ||
                 parser.parseKeyword("do") || parser.parseRegion(*result.addRegion(), arguments));
}

void WhileOp::print(OpAsmPrinter &printer) {
  Block &cond = getCond().front();
  Block &body = getBody().front();
  // Both regions have arguments of the same names in this form.
  printer.shadowRegionArgs(getBody(), cond.getArguments());
  printer << "(";
  llvm::interleaveComma(llvm::zip(cond.getArguments(), getOperands()), printer, [&](auto pair) {
    printer.printOperand(std::get<0>(pair));
    printer << " = ";
    printer.printOperand(std::get<1>(pair));
  });
  printer << ")";
  if (body.getNumArguments() != 0)
    printer << " : " << getOperandTypes();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs());
  printer.printNewline();
  printer << "cond ";
  printer.printRegion(getCond(), /*printEntryBlockArgs=*/false);
  printer << " do ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void WhileOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    setName(argument, "iterArg");
}

// `composite "name" %a, %b (({region}, {region}))? {attributes} : functional`
ParseResult CompositeOp::parse(OpAsmParser &parser, OperationState &result) {
  const SMLoc loc = parser.getCurrentLocation();
  StringAttr name;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  FunctionType type;
  if (parser.parseAttribute(name) || parser.parseOperandList(operands))
    return failure();
  if (succeeded(parser.parseOptionalLParen())) {
    const auto region = [&] { return parser.parseRegion(*result.addRegion()); };
    if (parser.parseCommaSeparatedList(region) || parser.parseRParen())
      return failure();
  }
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColonType(type))
    return failure();
  result.addAttribute("name", name);
  result.addTypes(type.getResults());
  return parser.resolveOperands(operands, type.getInputs(), loc, result.operands);
}

void CompositeOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printAttributeWithoutType(getNameAttr());
  if (!getInputs().empty())
    printer << " " << getInputs();
  if (!getCompositeRegions().empty()) {
    printer << " (";
    llvm::interleaveComma(getCompositeRegions(), printer,
                          [&](Region &region) { printer.printRegion(region); });
    printer << ")";
  }
  SmallVector<StringRef, 2> elided{"name"};
  if (getVersion() == 0)
    elided.push_back("version");
  printer.printOptionalAttrDict((*this)->getAttrs(), elided);
  printer << " : ";
  printer.printFunctionalType(*this);
}
