// ChloScan.cpp: text and checks of chlo.scan.
//
//   %y, %c = chlo.scan(%x) inits (%init) dimension=0 attributes {is_reverse = true} {
//   ^bb0(%element: tensor<4xf32>, %carry: tensor<4xf32>):
//     ...
//     stablehlo.return %output, %next : tensor<4xf32>, tensor<4xf32>
//   } : (tensor<9x4xf32>, tensor<4xf32>) -> (tensor<9x4xf32>, tensor<4xf32>)
//
// The body gets slices of the inputs, without the dimension, and the carried values; it returns slices of the
// outputs and the next carried values.
#include "Verify.h"

#include "mlir/IR/Builders.h"
#include "stablehlo/Chlo.h"

using namespace mlir;
using namespace mlir::chlo;

ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &state) {
  SmallVector<OpAsmParser::UnresolvedOperand> inputs, inits;
  IntegerAttr dimension;
  FunctionType type;
  const SMLoc place = parser.getCurrentLocation();
  Builder &builder = parser.getBuilder();
  if (parser.parseOperandList(inputs, AsmParser::Delimiter::Paren) || parser.parseKeyword("inits") ||
      parser.parseOperandList(inits, AsmParser::Delimiter::Paren) || parser.parseKeyword("dimension") ||
      parser.parseEqual() ||
      parser.parseAttribute(dimension, builder.getI64Type(), "dimension", state.attributes) ||
      parser.parseOptionalAttrDictWithKeyword(state.attributes) || parser.parseRegion(*state.addRegion()) ||
      parser.parseColonType(type))
    return failure();
  const size_t results = type.getNumResults();
  if (results < inits.size())
    return parser.emitError(place) << "there are " << inits.size() << " carried values, but only " << results
                                   << " results";
  SmallVector<OpAsmParser::UnresolvedOperand> operands(inputs);
  operands.append(inits);
  state.addTypes(type.getResults());
  const auto sizes = [&](size_t first, size_t second) {
    return builder.getDenseI32ArrayAttr({static_cast<int32_t>(first), static_cast<int32_t>(second)});
  };
  state.addAttribute("operandSegmentSizes", sizes(inputs.size(), inits.size()));
  state.addAttribute("resultSegmentSizes", sizes(results - inits.size(), inits.size()));
  return parser.resolveOperands(operands, type.getInputs(), place, state.operands);
}

void ScanOp::print(OpAsmPrinter &printer) {
  printer << "(" << getInputs() << ") inits (" << getInits() << ") dimension=" << getDimension();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {"dimension", "operandSegmentSizes", "resultSegmentSizes"});
  printer << " ";
  printer.printRegion(getBody());
  printer << " : ";
  printer.printFunctionalType(*this);
}

LogicalResult ScanOp::verifyRegions() {
  const auto dimension = static_cast<int64_t>(getDimension());
  if (getInputs().empty() && getOutputs().empty())
    return emitOpError() << "needs an input or an output";
  std::optional<int64_t> length;
  if (const std::optional<uint64_t> given = getScanDimSize())
    length = static_cast<int64_t>(*given);
  // The slices of tensors along the dimension; their sizes there must agree.
  SmallVector<Type> slices;
  const auto slice = [&](Value whole, const char *what, unsigned number) -> LogicalResult {
    const auto type = cast<RankedTensorType>(whole.getType());
    if (dimension < 0 || dimension >= type.getRank())
      return emitOpError() << "dimension must be one of " << what << " " << number << ", which is " << type
                           << ", got " << dimension;
    const int64_t size = type.getDimSize(dimension);
    if (!ShapedType::isDynamic(size) && length.value_or(size) != size)
      return emitOpError() << what << " " << number << " must have size " << *length << " in dimension "
                           << dimension << ", got " << type;
    if (!ShapedType::isDynamic(size))
      length = size;
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + dimension);
    slices.push_back(RankedTensorType::get(shape, type.getElementType()));
    return success();
  };
  Block &block = getBody().front();
  for (const auto [i, input] : llvm::enumerate(getInputs()))
    if (failed(slice(input, "input", static_cast<unsigned>(i))))
      return failure();
  llvm::append_range(slices, getInits().getTypes());
  if (!stablehlo::compatibleTypes(block.getArgumentTypes(), slices))
    return emitOpError() << "body must take " << TypeRange(slices) << ", got " << block.getArgumentTypes();
  slices.clear();
  for (const auto [i, output] : llvm::enumerate(getOutputs()))
    if (failed(slice(output, "output", static_cast<unsigned>(i))))
      return failure();
  llvm::append_range(slices, getInits().getTypes());
  if (!stablehlo::compatibleTypes(getCarries().getTypes(), getInits().getTypes()))
    return emitOpError() << "carried results must have the types " << getInits().getTypes() << ", got "
                         << getCarries().getTypes();
  if (block.empty() || !isa<stablehlo::ReturnOp>(block.back()) ||
      !stablehlo::compatibleTypes(block.back().getOperandTypes(), slices))
    return emitOpError() << "body must return " << TypeRange(slices)
                         << (block.empty() ? ", got nothing" : ", got something else");
  return success();
}
