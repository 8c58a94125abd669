// Shardy.cpp: see Shardy.h.
#include "Shardy.h"

#include "BytecodeRead.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

/// Reads the payload of an attribute by its number and forgets it.
class ShardyBytecode final : public BytecodeDialectInterface {
public:
  explicit ShardyBytecode(Dialect *dialect) : BytecodeDialectInterface(dialect) {}

  Attribute readAttribute(DialectBytecodeReader &reader) const override {
    // What follows each number: `a` attribute, `o` optional attribute, `A` list of attributes, `n` number,
    // `N` list of numbers, `b` boolean, `v` unsigned number, `s` text.
    static constexpr StringRef payloads[] = {"A", "sn",       "AN", "nn", "so",  "Abv", "aAA",  "A", "N",
                                             "A", "NAANNNNb", "A",  "A",  "Ann", "A",   "aAAA", "A", "aAAAn"};
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    if (code >= std::size(payloads)) {
      reader.emitError() << "the artifact has a sharding attribute of number " << code
                         << ", which is not known";
      return {};
    }
    for (const char what : payloads[code])
      if (failed(skip(reader, what)))
        return {};
    return UnitAttr::get(getContext());
  }

private:
  static LogicalResult skip(DialectBytecodeReader &reader, char what) {
    Attribute attribute;
    uint64_t count = 0;
    int64_t number = 0;
    bool flag = false;
    StringRef text;
    SmallVector<int64_t> numbers;
    switch (what) {
    case 'a':
      return reader.readAttribute(attribute);
    case 'o':
      return reader.readOptionalAttribute(attribute);
    case 'A':
      return readEach(reader, [&] { return reader.readAttribute(attribute); });
    case 'N':
      return readNumbers(reader, numbers);
    case 'n':
      return reader.readSignedVarInt(number);
    case 'b':
      return reader.readBool(flag);
    case 'v':
      return reader.readVarInt(count);
    default:
      return reader.readString(text);
    }
  }
};

/// Nothing is kept of the attributes of an operation.
struct ShardyProperties : BytecodeOpInterface::FallbackModel<ShardyProperties> {
  static LogicalResult readProperties(DialectBytecodeReader &, OperationState &) { return success(); }
  void writeProperties(Operation *, DialectBytecodeWriter &) const {}
};

/// Skips everything up to the end of the bracket that is open, or one item if none is.
ParseResult skipItem(OpAsmParser &parser) {
  const auto through = [&](ParseResult (AsmParser::*closing)()) -> ParseResult {
    while (failed((parser.*closing)()))
      if (skipItem(parser))
        return failure();
    return success();
  };
  std::string text;
  StringRef keyword;
  StringAttr symbol;
  int64_t number = 0;
  if (succeeded(parser.parseOptionalLess()))
    return through(&AsmParser::parseOptionalGreater);
  if (succeeded(parser.parseOptionalLSquare()))
    return through(&AsmParser::parseOptionalRSquare);
  if (succeeded(parser.parseOptionalLBrace()))
    return through(&AsmParser::parseOptionalRBrace);
  if (succeeded(parser.parseOptionalLParen()))
    return through(&AsmParser::parseOptionalRParen);
  if (succeeded(parser.parseOptionalComma()) || succeeded(parser.parseOptionalEqual()) ||
      succeeded(parser.parseOptionalColon()) || succeeded(parser.parseOptionalQuestion()) ||
      succeeded(parser.parseOptionalArrow()) || succeeded(parser.parseOptionalString(&text)) ||
      succeeded(parser.parseOptionalSymbolName(symbol)))
    return success();
  const OptionalParseResult isNumber = parser.parseOptionalInteger(number);
  if (isNumber.has_value())
    return *isNumber;
  if (succeeded(parser.parseOptionalKeyword(&keyword)))
    return success();
  return parser.emitError(parser.getCurrentLocation(), "expected a sharding");
}

ParseResult parseMesh(OpAsmParser &parser, OperationState &state) {
  StringAttr name;
  return failure(parser.parseSymbolName(name, "sym_name", state.attributes) || parser.parseEqual() ||
                 skipItem(parser) || parser.parseOptionalAttrDict(state.attributes));
}

/// `%x SHARDING : type`, the result, if there is one, having the operand's type.
template <bool hasResult> ParseResult parseConstraint(OpAsmParser &parser, OperationState &state) {
  OpAsmParser::UnresolvedOperand operand;
  Type type;
  if (parser.parseOperand(operand))
    return failure();
  while (failed(parser.parseOptionalColon()))
    if (skipItem(parser))
      return failure();
  if (parser.parseType(type) || parser.resolveOperand(operand, type, state.operands))
    return failure();
  if (hasResult)
    state.addTypes(type);
  return success();
}

/// `(%a) in_shardings=[..] out_shardings=[..] manual_axes={..} (%b: T) { .. } : (T) -> U`.
ParseResult parseManual(OpAsmParser &parser, OperationState &state) {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<OpAsmParser::Argument> arguments;
  FunctionType type;
  const SMLoc loc = parser.getCurrentLocation();
  if (parser.parseOperandList(operands, AsmParser::Delimiter::Paren))
    return failure();
  for (const StringRef list : {"in_shardings", "out_shardings", "manual_axes"})
    if (parser.parseKeyword(list) || parser.parseEqual() || skipItem(parser))
      return failure();
  return failure(parser.parseArgumentList(arguments, AsmParser::Delimiter::Paren, /*allowType=*/true) ||
                 parser.parseRegion(*state.addRegion(), arguments) ||
                 parser.parseOptionalAttrDict(state.attributes) || parser.parseColonType(type) ||
                 parser.resolveOperands(operands, type.getInputs(), loc, state.operands) ||
                 parser.addTypesToList(type.getResults(), state.types));
}

ParseResult parseReturn(OpAsmParser &parser, OperationState &state) {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  const SMLoc loc = parser.getCurrentLocation();
  return failure(parser.parseOperandList(operands) ||
                 (!operands.empty() && parser.parseColonTypeList(types)) ||
                 parser.resolveOperands(operands, types, loc, state.operands));
}

} // namespace

ShardyDialect::ShardyDialect(MLIRContext *context)
    : ExtensibleDialect(getDialectNamespace(), context, TypeID::get<ShardyDialect>()) {
  addInterfaces<ShardyBytecode>();
  const auto add = [&](StringRef name, OperationName::ParseAssemblyFn parse) {
    const auto accept = [](Operation *) { return success(); };
    registerDynamicOp(DynamicOpDefinition::get(
        name, this, accept, accept, std::move(parse),
        [](Operation *op, OpAsmPrinter &printer, StringRef) { printer.printGenericOp(op); }));
    OperationName(("sdy." + name).str(), context).attachInterface<ShardyProperties>();
  };
  add("mesh", parseMesh);
  add("sharding_constraint", parseConstraint<true>);
  add("reshard", parseConstraint<true>);
  add("propagation_barrier", parseConstraint<true>);
  add("sharding_group", parseConstraint<false>);
  add("manual_computation", parseManual);
  add("return", parseReturn);
}

Attribute ShardyDialect::parseAttribute(DialectAsmParser &parser, Type) const {
  return OpaqueAttr::get(StringAttr::get(getContext(), getNamespace()), parser.getFullSymbolSpec(),
                         NoneType::get(getContext()));
}

void ShardyDialect::printAttribute(Attribute, DialectAsmPrinter &) const {}

void mlir::stablehlo::dropShardingAttributes(ModuleOp module) {
  const auto isSharding = [](NamedAttribute attribute) {
    return attribute.getName().strref().starts_with("sdy.") && isa<UnitAttr>(attribute.getValue());
  };
  module.walk([&](Operation *op) {
    for (const NamedAttribute attribute : SmallVector<NamedAttribute>(op->getDiscardableAttrs()))
      if (isSharding(attribute))
        op->removeDiscardableAttr(attribute.getName());
    auto function = dyn_cast<FunctionOpInterface>(op);
    if (!function)
      return;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      for (const NamedAttribute attribute : SmallVector<NamedAttribute>(function.getArgAttrs(i)))
        if (isSharding(attribute))
          function.removeArgAttr(i, attribute.getName());
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      for (const NamedAttribute attribute : SmallVector<NamedAttribute>(function.getResultAttrs(i)))
        if (isSharding(attribute))
          function.removeResultAttr(i, attribute.getName());
  });
}

LogicalResult mlir::stablehlo::dropShardings(ModuleOp module) {
  SmallVector<Operation *> operations;
  module.walk([&](Operation *op) {
    if (op->getName().getDialectNamespace() == "sdy" && op->getName().stripDialect() != "return")
      operations.push_back(op);
  });
  for (Operation *op : operations) {
    const StringRef name = op->getName().stripDialect();
    if (!op->isRegistered())
      continue;
    if (name != "manual_computation") {
      if (op->getNumResults() != (name == "mesh" || name == "sharding_group" ? 0u : 1u) ||
          (op->getNumResults() == 1 && (op->getNumOperands() != 1 || op->getNumRegions() != 0)))
        return op->emitError() << op->getName() << " needs one operand and one result";
      if (op->getNumResults() == 1)
        op->replaceAllUsesWith(op->getOperands());
      op->erase();
      continue;
    }
    // Each device computes its part: with one device the part is the whole.
    Block *body =
        op->getNumRegions() == 1 && op->getRegion(0).hasOneBlock() ? &op->getRegion(0).front() : nullptr;
    Operation *end = body && !body->empty() ? &body->back() : nullptr;
    if (!end || end->getName().getStringRef() != "sdy.return" ||
        body->getArgumentTypes() != op->getOperandTypes() || end->getOperandTypes() != op->getResultTypes())
      return op->emitError() << op->getName() << " that gives each device a part needs several devices";
    op->replaceAllUsesWith(end->getOperands());
    end->erase();
    for (auto [argument, operand] : llvm::zip(body->getArguments(), op->getOperands()))
      argument.replaceAllUsesWith(operand);
    op->getBlock()->getOperations().splice(op->getIterator(), body->getOperations());
    op->erase();
  }
  return success();
}
