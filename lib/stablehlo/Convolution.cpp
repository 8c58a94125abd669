// Convolution.cpp: the text of convolutions: dimension numbers and windows.
//
// `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]` names the dimensions of input, kernel and output in their
// order: a number is a spatial dimension, `b` batch, `f` feature, `i` and `o` input and output feature of
// the kernel.
#include "Assembly.h"
#include "StructText.h"

#include "mlir/IR/Builders.h"

namespace mlir::stablehlo {

namespace {

// One bracketed list: where the two lettered and the spatial dimensions are.
struct DimensionList {
  int64_t first = -1;
  int64_t second = -1;
  SmallVector<int64_t> spatial;
};

ParseResult parseDimensionList(AsmParser &parser, StringRef first, StringRef second, DimensionList &list) {
  const SMLoc loc = parser.getCurrentLocation();
  SmallVector<std::pair<int64_t, int64_t>> spatial; // number, position
  int64_t position = 0;
  const auto entry = [&]() -> ParseResult {
    const int64_t here = position++;
    int64_t number = 0;
    const OptionalParseResult integer = parser.parseOptionalInteger(number);
    if (integer.has_value()) {
      spatial.emplace_back(number, here);
      return *integer;
    }
    const SMLoc entryLoc = parser.getCurrentLocation();
    StringRef letter;
    if (parser.parseKeyword(&letter))
      return failure();
    int64_t *slot = letter == first ? &list.first : letter == second ? &list.second : nullptr;
    if (!slot)
      return parser.emitError(entryLoc) << "expected `" << first << "`, `" << second
                                        << "` or a spatial dimension, got `" << letter << "`";
    if (*slot >= 0)
      return parser.emitError(entryLoc) << "dimension `" << letter << "` is given twice";
    *slot = here;
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, entry))
    return failure();
  if (list.first < 0 || list.second < 0)
    return parser.emitError(loc) << "dimension `" << (list.first < 0 ? first : second) << "` is missing";
  list.spatial.assign(spatial.size(), -1);
  for (auto [number, where] : spatial) {
    if (number < 0 || number >= static_cast<int64_t>(spatial.size()) || list.spatial[number] >= 0)
      return parser.emitError(loc) << "the spatial dimensions must be 0 to " << spatial.size() - 1
                                   << ", each once; got " << number;
    list.spatial[number] = where;
  }
  return success();
}

void printDimensionList(AsmPrinter &printer, int64_t first, StringRef firstName, int64_t second,
                        StringRef secondName, ArrayRef<int64_t> spatial) {
  int64_t rank = 0;
  for (const int64_t position : spatial)
    rank = std::max(rank, position + 1);
  rank = std::max({rank, first + 1, second + 1});
  SmallVector<std::string> names(rank, "?");
  if (first >= 0)
    names[first] = firstName.str();
  if (second >= 0)
    names[second] = secondName.str();
  for (auto [number, position] : llvm::enumerate(spatial))
    if (position >= 0)
      names[position] = std::to_string(number);
  printer << "[";
  llvm::interleaveComma(names, printer.getStream());
  printer << "]";
}

} // namespace

ParseResult parseConvolutionDimensions(AsmParser &parser, ConvDimensionNumbersAttr &numbers) {
  DimensionList input, kernel, output;
  // The lexer reads `x[` as it comes: `x` is a keyword of its own between the lists.
  if (parseDimensionList(parser, "b", "f", input) || parser.parseKeyword("x") ||
      parseDimensionList(parser, "i", "o", kernel) || parser.parseArrow() ||
      parseDimensionList(parser, "b", "f", output))
    return failure();
  numbers = ConvDimensionNumbersAttr::get(parser.getContext(), input.first, input.second, input.spatial,
                                          kernel.first, kernel.second, kernel.spatial, output.first,
                                          output.second, output.spatial);
  return success();
}

void printConvolutionDimensions(AsmPrinter &printer, ConvDimensionNumbersAttr n) {
  printDimensionList(printer, n.getInputBatchDimension(), "b", n.getInputFeatureDimension(), "f",
                     n.getInputSpatialDimensions());
  printer << "x";
  printDimensionList(printer, n.getKernelInputFeatureDimension(), "i", n.getKernelOutputFeatureDimension(),
                     "o", n.getKernelSpatialDimensions());
  printer << "->";
  printDimensionList(printer, n.getOutputBatchDimension(), "b", n.getOutputFeatureDimension(), "f",
                     n.getOutputSpatialDimensions());
}

void printConvolutionDimensions(AsmPrinter &printer, Operation *, ConvDimensionNumbersAttr numbers) {
  printConvolutionDimensions(printer, numbers);
}

ParseResult parseWindowAttributes(OpAsmParser &parser, DenseI64ArrayAttr &strides,
                                  DenseIntElementsAttr &padding, DenseI64ArrayAttr &lhsDilation,
                                  DenseI64ArrayAttr &rhsDilation, DenseBoolArrayAttr &reversal) {
  Builder &builder = parser.getBuilder();
  const auto list = [&](DenseI64ArrayAttr &attribute) -> ParseResult {
    SmallVector<int64_t> values;
    if (parseDims(parser, values))
      return failure();
    attribute = builder.getDenseI64ArrayAttr(values);
    return success();
  };
  const auto pairs = [&]() -> ParseResult {
    SmallVector<int64_t> values;
    const auto pair = [&]() -> ParseResult {
      const SMLoc loc = parser.getCurrentLocation();
      const size_t before = values.size();
      if (parseDims(parser, values))
        return failure();
      if (values.size() - before != 2)
        return parser.emitError(loc) << "expected low and high padding, got " << values.size() - before
                                     << " numbers";
      return success();
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, pair))
      return failure();
    const auto type =
        RankedTensorType::get({static_cast<int64_t>(values.size() / 2), 2}, builder.getI64Type());
    padding = DenseIntElementsAttr::get(type, values);
    return success();
  };
  const auto booleans = [&]() -> ParseResult {
    SmallVector<bool> values;
    const auto value = [&]() -> ParseResult {
      int64_t number = 0;
      const OptionalParseResult integer = parser.parseOptionalInteger(number);
      if (integer.has_value()) {
        values.push_back(number != 0);
        return *integer;
      }
      const bool yes = succeeded(parser.parseOptionalKeyword("true"));
      values.push_back(yes);
      return yes ? ParseResult(success()) : parser.parseKeyword("false");
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, value))
      return failure();
    reversal = builder.getDenseBoolArrayAttr(values);
    return success();
  };

  StringRef key;
  SMLoc loc = parser.getCurrentLocation();
  if (failed(parser.parseOptionalKeyword(&key)))
    return success();
  while (true) {
    const bool twice = (key == "stride" && strides) || (key == "pad" && padding) ||
                       (key == "lhs_dilate" && lhsDilation) || (key == "rhs_dilate" && rhsDilation) ||
                       (key == "reverse" && reversal);
    if (twice)
      return parser.emitError(loc) << "window field `" << key << "` is given twice";
    if (parser.parseEqual())
      return failure();
    const ParseResult parsed = key == "stride"       ? list(strides)
                               : key == "pad"        ? pairs()
                               : key == "lhs_dilate" ? list(lhsDilation)
                               : key == "rhs_dilate" ? list(rhsDilation)
                               : key == "reverse" ? booleans()
                                                  : parser.emitError(loc)
                                                        << "expected stride, pad, lhs_dilate, rhs_dilate or "
                                                           "reverse, got `"
                                                        << key << "`";
    if (parsed)
      return failure();
    if (failed(parser.parseOptionalComma()))
      return success();
    loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key))
      return failure();
  }
}

void printWindowAttributes(OpAsmPrinter &printer, Operation *, DenseI64ArrayAttr strides,
                           DenseIntElementsAttr padding, DenseI64ArrayAttr lhsDilation,
                           DenseI64ArrayAttr rhsDilation, DenseBoolArrayAttr reversal) {
  bool first = true;
  const auto begin = [&](StringRef name) {
    printer << (first ? "" : ", ") << name << " = [";
    first = false;
  };
  const auto list = [&](StringRef name, DenseI64ArrayAttr attribute) {
    if (!attribute)
      return;
    begin(name);
    llvm::interleaveComma(attribute.asArrayRef(), printer);
    printer << "]";
  };
  list("stride", strides);
  if (padding) {
    begin("pad");
    const SmallVector<int64_t> values(padding.getValues<int64_t>());
    for (size_t i = 0; i + 1 < values.size(); i += 2)
      printer << (i ? ", [" : "[") << values[i] << ", " << values[i + 1] << "]";
    printer << "]";
  }
  list("lhs_dilate", lhsDilation);
  list("rhs_dilate", rhsDilation);
  if (reversal) {
    begin("reverse");
    llvm::interleaveComma(reversal.asArrayRef(), printer,
                          [&](bool value) { printer << (value ? "true" : "false"); });
    printer << "]";
  }
}

// `<[b, 0, f]x[0, i, o]->[b, 0, f]>`, or `<raw input_batch_dimension = 0, ...>`.
Attribute ConvDimensionNumbersAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  ConvDimensionNumbersAttr numbers;
  if (failed(parser.parseOptionalKeyword("raw"))) {
    if (parseConvolutionDimensions(parser, numbers) || parser.parseGreater())
      return {};
    return numbers;
  }
  int64_t inputBatch = 0, inputFeature = 0, kernelInput = 0, kernelOutput = 0, outputBatch = 0,
          outputFeature = 0;
  SmallVector<int64_t> input, kernel, output;
  if (parseFieldList(parser, AsmParser::Delimiter::None,
                     {{"input_batch_dimension", NUMBER(inputBatch)},
                      {"input_feature_dimension", NUMBER(inputFeature)},
                      {"input_spatial_dimensions", DIMS(input)},
                      {"kernel_input_feature_dimension", NUMBER(kernelInput)},
                      {"kernel_output_feature_dimension", NUMBER(kernelOutput)},
                      {"kernel_spatial_dimensions", DIMS(kernel)},
                      {"output_batch_dimension", NUMBER(outputBatch)},
                      {"output_feature_dimension", NUMBER(outputFeature)},
                      {"output_spatial_dimensions", DIMS(output)}}) ||
      parser.parseGreater())
    return {};
  return get(parser.getContext(), inputBatch, inputFeature, input, kernelInput, kernelOutput, kernel,
             outputBatch, outputFeature, output);
}

// Every dimension of a list described exactly once: only then does the short form say it all.
static bool isPermutation(int64_t first, int64_t second, ArrayRef<int64_t> spatial) {
  SmallVector<int64_t> all(spatial);
  all.push_back(first);
  all.push_back(second);
  llvm::sort(all);
  return llvm::all_of(llvm::enumerate(all),
                      [](auto entry) { return entry.value() == static_cast<int64_t>(entry.index()); });
}

void ConvDimensionNumbersAttr::print(AsmPrinter &printer) const {
  if (isPermutation(getInputBatchDimension(), getInputFeatureDimension(), getInputSpatialDimensions()) &&
      isPermutation(getKernelInputFeatureDimension(), getKernelOutputFeatureDimension(),
                    getKernelSpatialDimensions()) &&
      isPermutation(getOutputBatchDimension(), getOutputFeatureDimension(), getOutputSpatialDimensions())) {
    printer << "<";
    printConvolutionDimensions(printer, *this);
    printer << ">";
    return;
  }
  FieldPrinter fields(printer, "raw ");
  fields.begin("input_batch_dimension") << getInputBatchDimension();
  fields.begin("input_feature_dimension") << getInputFeatureDimension();
  fields.allDims("input_spatial_dimensions", getInputSpatialDimensions());
  fields.begin("kernel_input_feature_dimension") << getKernelInputFeatureDimension();
  fields.begin("kernel_output_feature_dimension") << getKernelOutputFeatureDimension();
  fields.allDims("kernel_spatial_dimensions", getKernelSpatialDimensions());
  fields.begin("output_batch_dimension") << getOutputBatchDimension();
  fields.begin("output_feature_dimension") << getOutputFeatureDimension();
  fields.allDims("output_spatial_dimensions", getOutputSpatialDimensions());
}

} // namespace mlir::stablehlo
