// Chlo.cpp: registration, attributes and checks of the chlo dialect.
#include "stablehlo/Chlo.h"

#include "StructText.h"
#include "Verify.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::chlo;
using stablehlo::parseDims;

#include "stablehlo/ChloDialect.cpp.inc"
#include "stablehlo/ChloEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "stablehlo/ChloAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "stablehlo/ChloOps.cpp.inc"

void CHLODialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "stablehlo/ChloAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "stablehlo/ChloOps.cpp.inc"
      >();
}

Attribute RaggedDotDimensionNumbersAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> lhsBatch, rhsBatch, lhsSum, rhsSum, ragged, group;
  if (stablehlo::parseFields(parser, {{"lhs_batching_dimensions", DIMS(lhsBatch)},
                                      {"rhs_batching_dimensions", DIMS(rhsBatch)},
                                      {"lhs_contracting_dimensions", DIMS(lhsSum)},
                                      {"rhs_contracting_dimensions", DIMS(rhsSum)},
                                      {"lhs_ragged_dimensions", DIMS(ragged)},
                                      {"rhs_group_dimensions", DIMS(group)}}))
    return {};
  return get(parser.getContext(), lhsBatch, rhsBatch, lhsSum, rhsSum, ragged, group);
}

void RaggedDotDimensionNumbersAttr::print(AsmPrinter &printer) const {
  stablehlo::FieldPrinter fields(printer);
  fields.dims("lhs_batching_dimensions", getLhsBatchingDimensions());
  fields.dims("rhs_batching_dimensions", getRhsBatchingDimensions());
  fields.dims("lhs_contracting_dimensions", getLhsContractingDimensions());
  fields.dims("rhs_contracting_dimensions", getRhsContractingDimensions());
  fields.dims("lhs_ragged_dimensions", getLhsRaggedDimensions());
  fields.dims("rhs_group_dimensions", getRhsGroupDimensions());
}

LogicalResult TopKOp::verify() {
  const auto operand = getOperand().getType();
  const int64_t rank = operand.getRank(), k = static_cast<int64_t>(getK());
  if (rank == 0)
    return emitOpError() << "operand must have at least one dimension, got " << operand;
  const int64_t last = operand.getShape().back();
  if (k < 0 || (!ShapedType::isDynamic(last) && k > last))
    return emitOpError() << "k must be in [0, " << last << "], got " << k;
  SmallVector<int64_t> shape(operand.getShape());
  shape.back() = k;
  const auto values = RankedTensorType::get(shape, operand.getElementType());
  const auto indices = RankedTensorType::get(shape, IntegerType::get(getContext(), 32));
  if (!stablehlo::compatibleTypes(getResultTypes(), TypeRange{values, indices}))
    return emitOpError() << "results must have the types " << values << " and " << indices << ", got "
                         << getResultTypes();
  return success();
}
