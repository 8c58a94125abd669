// VhloAttributes.cpp: the attributes of portable artifacts, by their numbers.
//
// The numbers and payloads are those of upstream's VhloBytecode.cpp; they never change.
#include "Vhlo.h"

#include "BytecodeRead.h"
#include "stablehlo/Dialect.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

class AttributeReader {
public:
  explicit AttributeReader(DialectBytecodeReader &reader) : reader(reader), context(reader.getContext()) {}

  Attribute read() {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    switch (code) {
    case 1: {
      SmallVector<Attribute> elements;
      return succeeded(readAttributeList(reader, elements)) ? ArrayAttr::get(context, elements) : Attribute();
    }
    case 2: {
      uint64_t value = 0;
      return succeeded(reader.readVarInt(value)) ? BoolAttr::get(context, value != 0) : Attribute();
    }
    case 3:
      return readCase<ComparisonDirectionAttr>(reader, symbolizeComparisonDirection);
    case 4:
      return readCase<ComparisonTypeAttr>(reader, symbolizeComparisonType);
    case 5:
      return readCase<CustomCallApiVersionAttr>(reader, symbolizeCustomCallApiVersion);
    case 6:
      return readDictionary(reader);
    case 7:
      return readCase<FftTypeAttr>(reader, symbolizeFftType);
    case 8:
      return readFloat(reader);
    case 9:
      return readInteger(reader);
    case 10:
      return outputOperandAlias();
    case 11:
      return readCase<PrecisionAttr>(reader, symbolizePrecision);
    case 12:
      return readCase<RngAlgorithmAttr>(reader, symbolizeRngAlgorithm);
    case 13:
      return readCase<RngDistributionAttr>(reader, symbolizeRngDistribution);
    case 14: {
      StringRef text;
      return succeeded(reader.readString(text)) ? StringAttr::get(context, text) : Attribute();
    }
    case 15:
      return readTensor(reader);
    case 16:
      return readCase<TransposeAttr>(reader, symbolizeTranspose);
    case 17: {
      Type type;
      return succeeded(reader.readType(type)) ? TypeAttr::get(type) : Attribute();
    }
    case 18: {
      SmallVector<int64_t> bounds;
      return succeeded(readNumbers(reader, bounds)) ? TypeExtensionsAttr::get(context, bounds) : Attribute();
    }
    case 19:
      return readCase<ResultAccuracyModeAttr>(reader, symbolizeResultAccuracyMode);
    case 20:
      return resultAccuracy();
    case 21: {
      int64_t preSize = 0, size = 0;
      if (failed(reader.readSignedVarInt(preSize)) || failed(reader.readSignedVarInt(size)))
        return {};
      return SubAxisInfoAttr::get(context, preSize, size);
    }
    case 22:
      return axisRef();
    case 23: {
      Attribute mesh;
      ArrayAttr axes;
      if (failed(reader.readAttribute(mesh)) || failed(reader.readAttribute(axes)))
        return {};
      return ReplicaGroupMeshAxesAttr::get(context, mesh, axes);
    }
    case 24: {
      StringAttr name;
      int64_t size = 0;
      if (failed(reader.readAttribute(name)) || failed(reader.readSignedVarInt(size)))
        return {};
      return MeshAxisAttr::get(context, name, size);
    }
    case 25:
      return mesh();
    default:
      reader.emitError() << "the artifact has an attribute of number " << code << ", which is not known";
      return {};
    }
  }

private:
  Attribute outputOperandAlias() {
    SmallVector<int64_t> output, operand;
    int64_t index = 0;
    if (failed(readNumbers(reader, output)) || failed(reader.readSignedVarInt(index)) ||
        failed(readNumbers(reader, operand)))
      return {};
    return OutputOperandAliasAttr::get(context, output, index, operand);
  }

  Attribute resultAccuracy() {
    const FailureOr<APFloat> atol = reader.readAPFloatWithKnownSemantics(APFloat::IEEEdouble());
    if (failed(atol))
      return {};
    const FailureOr<APFloat> rtol = reader.readAPFloatWithKnownSemantics(APFloat::IEEEdouble());
    int64_t ulps = 0;
    ResultAccuracyModeAttr mode;
    if (failed(rtol) || failed(reader.readSignedVarInt(ulps)) || failed(reader.readAttribute(mode)))
      return {};
    return ResultAccuracyAttr::get(context, *atol, *rtol, ulps, mode);
  }

  Attribute axisRef() {
    StringAttr name;
    uint64_t hasInfo = 0;
    SubAxisInfoAttr info;
    if (failed(reader.readAttribute(name)) || failed(reader.readVarInt(hasInfo)) ||
        (hasInfo && failed(reader.readAttribute(info))))
      return {};
    return AxisRefAttr::get(context, name, info);
  }

  Attribute mesh() {
    ArrayAttr list;
    DenseIntElementsAttr devices;
    if (failed(reader.readAttribute(list)) || failed(reader.readOptionalAttribute(devices)))
      return {};
    SmallVector<MeshAxisAttr> axes;
    for (Attribute axis : list) {
      axes.push_back(dyn_cast<MeshAxisAttr>(axis));
      if (!axes.back()) {
        reader.emitError() << "the artifact has a mesh whose axes are not all axes";
        return {};
      }
    }
    return MeshAttr::get(context, axes, devices);
  }

  DialectBytecodeReader &reader;
  MLIRContext *context;
};

} // namespace

Attribute mlir::stablehlo::readVhloAttribute(DialectBytecodeReader &reader) {
  return AttributeReader(reader).read();
}
