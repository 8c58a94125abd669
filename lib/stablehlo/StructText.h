// StructText.h: reading and printing `<name = value, ...>`, the text of structure attributes.
#pragma once

#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::stablehlo {

/// One field of a structure: `name = value`. `parse` reads the value; it is called during the call of
/// `parseFields` that it is passed to, and not later.
struct Field {
  llvm::StringRef name;
  llvm::function_ref<ParseResult()> parse;
};

/// Reads `<name = value, ...>` in any order. A field that is absent keeps its default; one that is
/// unknown or comes twice is an error.
ParseResult parseFields(AsmParser &parser, llvm::ArrayRef<Field> fields);

/// The same with other brackets around the list.
ParseResult parseFieldList(AsmParser &parser, AsmParser::Delimiter delimiter, llvm::ArrayRef<Field> fields);

/// Reads `[1, 2]` and appends to `dims`.
ParseResult parseDims(AsmParser &parser, llvm::SmallVectorImpl<int64_t> &dims);

#define DIMS(variable) [&] { return parseDims(parser, variable); }
#define NUMBER(variable) [&] { return parser.parseInteger(variable); }

/// Prints the fields of a structure and its angle brackets.
class FieldPrinter {
public:
  explicit FieldPrinter(AsmPrinter &printer, llvm::StringRef prefix = "") : printer(printer) {
    printer << "<" << prefix;
  }
  ~FieldPrinter() { printer << ">"; }

  /// Prints nothing for an empty list.
  void dims(llvm::StringRef name, llvm::ArrayRef<int64_t> values) {
    if (!values.empty())
      allDims(name, values);
  }
  void allDims(llvm::StringRef name, llvm::ArrayRef<int64_t> values) {
    begin(name) << "[";
    llvm::interleaveComma(values, printer.getStream());
    printer << "]";
  }
  /// Prints nothing for zero.
  void number(llvm::StringRef name, int64_t value) {
    if (value != 0)
      begin(name) << value;
  }
  AsmPrinter &begin(llvm::StringRef name) {
    if (!first)
      printer << ", ";
    first = false;
    return printer << name << " = ";
  }

private:
  AsmPrinter &printer;
  bool first = true;
};

} // namespace mlir::stablehlo
