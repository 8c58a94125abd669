// Assembly.h: the custom directives of the declarative formats: parse and print functions by name.
//
// A directive `custom<X>(...)` in a .td file calls `parseX` and `printX` here. Generated code in
// namespace mlir::stablehlo finds them by unqualified lookup.
#pragma once

#include "mlir/IR/OpImplementation.h"
#include "stablehlo/Dialect.h"

namespace mlir::stablehlo {

using Operands = SmallVectorImpl<OpAsmParser::UnresolvedOperand>;

// `T` when all types are equal, else `(T, U) -> V`. The last type is the result's.
ParseResult parseSameTypes(OpAsmParser &parser, ArrayRef<Type *> operands, Type &result);
void printSameTypes(OpAsmPrinter &printer, ArrayRef<Type> operands, Type result);

template <typename... Types>
ParseResult parseSameOperandsAndResultType(OpAsmParser &parser, Types &...types) {
  const SmallVector<Type *> all{&types...};
  return parseSameTypes(parser, ArrayRef(all).drop_back(), *all.back());
}
template <typename... Types>
void printSameOperandsAndResultType(OpAsmPrinter &printer, Operation *, Types... types) {
  const SmallVector<Type> all{types...};
  printSameTypes(printer, ArrayRef(all).drop_back(), all.back());
}

// The same for a variadic operand.
ParseResult parseVariadicSameOperandsAndResultType(OpAsmParser &parser,
                                                   ArrayRef<OpAsmParser::UnresolvedOperand> operands,
                                                   SmallVectorImpl<Type> &types, Type &result);
void printVariadicSameOperandsAndResultType(OpAsmPrinter &printer, Operation *op, OperandRange operands,
                                            TypeRange types, Type result);

// `T, U`: the types of operands, which are those of the results.
ParseResult parsePairwiseTypes(OpAsmParser &parser, SmallVectorImpl<Type> &operands,
                               SmallVectorImpl<Type> &results);
void printPairwiseTypes(OpAsmPrinter &printer, Operation *op, TypeRange operands, TypeRange results);

// `tensor<2xcomplex<f32>>` with operands of tensor<2xf32>, or functional.
ParseResult parseComplexType(OpAsmParser &parser, Type &lhs, Type &rhs, Type &result);
void printComplexType(OpAsmPrinter &printer, Operation *op, Type lhs, Type rhs, Type result);

// `Tpred, T`, or functional.
ParseResult parseSelectType(OpAsmParser &parser, Type &pred, Type &onTrue, Type &onFalse, Type &result);
void printSelectType(OpAsmPrinter &printer, Operation *op, Type pred, Type onTrue, Type onFalse, Type result);

// `tuple<T, U>` for operands of types T and U, or functional.
ParseResult parseTupleType(OpAsmParser &parser, SmallVectorImpl<Type> &operands, Type &result);
void printTupleType(OpAsmPrinter &printer, Operation *op, TypeRange operands, Type result);

// Operands, each followed by a comma: an attribute comes after them.
ParseResult parseVariadicOperandWithAttribute(OpAsmParser &parser, Operands &operands);
void printVariadicOperandWithAttribute(OpAsmPrinter &printer, Operation *op, OperandRange operands);

// An integer without its type, i64 (`PlainInt`) or i32 (`PlainIndex`).
ParseResult parsePlainInt(OpAsmParser &parser, IntegerAttr &value);
void printPlainInt(OpAsmPrinter &printer, Operation *op, IntegerAttr value);

ParseResult parsePlainIndex(OpAsmParser &parser, IntegerAttr &value);
void printPlainIndex(OpAsmPrinter &printer, Operation *op, IntegerAttr value);

// `[0:4, 1:9:2]`: start, limit and, where it is not 1, stride.
ParseResult parseSliceRanges(OpAsmParser &parser, DenseI64ArrayAttr &starts, DenseI64ArrayAttr &limits,
                             DenseI64ArrayAttr &strides);
void printSliceRanges(OpAsmPrinter &printer, Operation *op, DenseI64ArrayAttr starts,
                      DenseI64ArrayAttr limits, DenseI64ArrayAttr strides);

// `e5m10`.
ParseResult parseExponentMantissa(AsmParser &parser, IntegerAttr &exponent, IntegerAttr &mantissa);
void printExponentMantissa(AsmPrinter &printer, Operation *op, IntegerAttr exponent, IntegerAttr mantissa);

// `@name` or `@"any text"`.
ParseResult parseCustomCallTarget(AsmParser &parser, StringAttr &target);
void printCustomCallTarget(AsmPrinter &printer, Operation *op, StringAttr target);

// `batching_dims = [0] x [0], contracting_dims = [2] x [1]`.
ParseResult parseDotDimensionNumbers(AsmParser &parser, DotDimensionNumbersAttr &numbers);
void printDotDimensionNumbers(AsmPrinter &printer, Operation *op, DotDimensionNumbersAttr numbers);

// `, precision = [DEFAULT, HIGHEST]`, or nothing.
ParseResult parsePrecisionConfig(OpAsmParser &parser, ArrayAttr &precision);
void printPrecisionConfig(OpAsmPrinter &printer, Operation *op, ArrayAttr precision);

// The same, then `, algorithm = <...>` or nothing.
ParseResult parsePrecisionConfigAndAlgorithm(OpAsmParser &parser, ArrayAttr &precision,
                                             DotAlgorithmAttr &algorithm);
void printPrecisionConfigAndAlgorithm(OpAsmPrinter &printer, Operation *op, ArrayAttr precision,
                                      DotAlgorithmAttr algorithm);

// `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`.
ParseResult parseConvolutionDimensions(AsmParser &parser, ConvDimensionNumbersAttr &numbers);
void printConvolutionDimensions(AsmPrinter &printer, ConvDimensionNumbersAttr numbers);
void printConvolutionDimensions(AsmPrinter &printer, Operation *op, ConvDimensionNumbersAttr numbers);

// `stride = [..], pad = [[l, h], ..], lhs_dilate = [..], rhs_dilate = [..], reverse = [..]`, each optional.
ParseResult parseWindowAttributes(OpAsmParser &parser, DenseI64ArrayAttr &strides,
                                  DenseIntElementsAttr &padding, DenseI64ArrayAttr &lhsDilation,
                                  DenseI64ArrayAttr &rhsDilation, DenseBoolArrayAttr &reversal);
void printWindowAttributes(OpAsmPrinter &printer, Operation *op, DenseI64ArrayAttr strides,
                           DenseIntElementsAttr padding, DenseI64ArrayAttr lhsDilation,
                           DenseI64ArrayAttr rhsDilation, DenseBoolArrayAttr reversal);

} // namespace mlir::stablehlo
