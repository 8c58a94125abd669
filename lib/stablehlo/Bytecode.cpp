// Bytecode.cpp: attributes and types of stablehlo in bytecode that upstream's tools write.
//
// Their numbers and payloads are those of upstream's StablehloBytecode.cpp. Nothing is promised about them,
// unlike about portable artifacts (Vhlo.h), but tools do pass such bytecode on. What this library writes has
// attributes as text instead, which reads as well.
#include "stablehlo/Dialect.h"

#include "BytecodeRead.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

using Dims = SmallVector<int64_t>;

class StablehloBytecode final : public BytecodeDialectInterface {
public:
  explicit StablehloBytecode(Dialect *dialect) : BytecodeDialectInterface(dialect) {}

  Type readType(DialectBytecodeReader &reader) const override {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    if (code == 0)
      return TokenType::get(getContext());
    reader.emitError() << "the bytecode has a stablehlo type of number " << code << ", which is not known";
    return {};
  }

  Attribute readAttribute(DialectBytecodeReader &reader) const override {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    switch (code) {
    case 1: {
      int64_t handle = 0, type = 0;
      if (failed(numbers(reader, handle, type)))
        return {};
      return ChannelHandleAttr::get(getContext(), handle, type);
    }
    case 2:
      return readCase<ComparisonDirectionAttr>(reader, symbolizeComparisonDirection);
    case 3:
      return readCase<ComparisonTypeAttr>(reader, symbolizeComparisonType);
    case 4: {
      int64_t in[2], kernel[2], out[2];
      Dims inDims, kernelDims, outDims;
      if (failed(numbers(reader, in[0], in[1], inDims, kernel[0], kernel[1], kernelDims, out[0], out[1],
                         outDims)))
        return {};
      return ConvDimensionNumbersAttr::get(getContext(), in[0], in[1], inDims, kernel[0], kernel[1],
                                           kernelDims, out[0], out[1], outDims);
    }
    case 5: {
      Dims lhsBatch, rhsBatch, lhs, rhs;
      if (failed(numbers(reader, lhsBatch, rhsBatch, lhs, rhs)))
        return {};
      return DotDimensionNumbersAttr::get(getContext(), lhsBatch, rhsBatch, lhs, rhs);
    }
    case 6:
      return readCase<FftTypeAttr>(reader, symbolizeFftType);
    case 7: {
      Dims offset, collapsed, batch, indexBatch, map;
      int64_t vector = 0;
      if (failed(numbers(reader, offset, collapsed, batch, indexBatch, map, vector)))
        return {};
      return GatherDimensionNumbersAttr::get(getContext(), offset, collapsed, batch, indexBatch, map, vector);
    }
    case 8:
      return readCase<PrecisionAttr>(reader, symbolizePrecision);
    case 9:
      return readCase<RngAlgorithmAttr>(reader, symbolizeRngAlgorithm);
    case 10:
      return readCase<RngDistributionAttr>(reader, symbolizeRngDistribution);
    case 11: {
      Dims window, inserted, batch, indexBatch, map;
      int64_t vector = 0;
      if (failed(numbers(reader, window, inserted, batch, indexBatch, map, vector)))
        return {};
      return ScatterDimensionNumbersAttr::get(getContext(), window, inserted, batch, indexBatch, map, vector);
    }
    case 12:
      return readCase<TransposeAttr>(reader, symbolizeTranspose);
    case 13: {
      Dims bounds;
      return succeeded(numbers(reader, bounds)) ? TypeExtensionsAttr::get(getContext(), bounds) : Attribute();
    }
    case 14: {
      Dims output, operand;
      int64_t index = 0;
      if (failed(numbers(reader, output, index, operand)))
        return {};
      return OutputOperandAliasAttr::get(getContext(), output, index, operand);
    }
    case 15: {
      Type lhs, rhs, sum;
      int64_t lhsCount = 0, rhsCount = 0, operations = 0;
      bool imprecise = false;
      if (failed(reader.readType(lhs)) || failed(reader.readType(rhs)) || failed(reader.readType(sum)) ||
          failed(numbers(reader, lhsCount, rhsCount, operations)) || failed(reader.readBool(imprecise)))
        return {};
      return DotAlgorithmAttr::get(getContext(), lhs, rhs, sum, lhsCount, rhsCount, operations, imprecise);
    }
    case 16:
      return readCase<ResultAccuracyModeAttr>(reader, symbolizeResultAccuracyMode);
    case 17: {
      const FailureOr<APFloat> atol = reader.readAPFloatWithKnownSemantics(APFloat::IEEEdouble());
      if (failed(atol))
        return {};
      const FailureOr<APFloat> rtol = reader.readAPFloatWithKnownSemantics(APFloat::IEEEdouble());
      int64_t ulps = 0;
      ResultAccuracyModeAttr mode;
      if (failed(rtol) || failed(numbers(reader, ulps)) || failed(reader.readAttribute(mode)))
        return {};
      return ResultAccuracyAttr::get(getContext(), *atol, *rtol, ulps, mode);
    }
    default:
      reader.emitError() << "the bytecode has a stablehlo attribute of number " << code
                         << ", which is not known";
      return {};
    }
  }

private:
  static LogicalResult one(DialectBytecodeReader &reader, int64_t &number) {
    return reader.readSignedVarInt(number);
  }
  static LogicalResult one(DialectBytecodeReader &reader, Dims &dims) { return readNumbers(reader, dims); }
  template <typename... Fields>
  static LogicalResult numbers(DialectBytecodeReader &reader, Fields &...fields) {
    return success((succeeded(one(reader, fields)) && ...));
  }
};

} // namespace

void StableHLODialect::registerBytecode() { addInterfaces<StablehloBytecode>(); }
