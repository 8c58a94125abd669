// BytecodeQuant.cpp: quantized types in bytecode, of quant and of portable artifacts.
#include "BytecodeRead.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

class QuantizedReader {
public:
  explicit QuantizedReader(DialectBytecodeReader &reader) : reader(reader) {}

  Type read() {
    uint64_t code = 0;
    if (failed(reader.readVarInt(code)))
      return {};
    switch (code) {
    case 1:
    case 2:
      return any(code == 2);
    case 3: {
      Type expressed;
      double min = 0, max = 0;
      if (failed(reader.readType(expressed)) || failed(number(min)) || failed(number(max)))
        return {};
      return quant::CalibratedQuantizedType::getChecked(error(), expressed, min, max);
    }
    case 4:
      return perTensor();
    case 5:
      return perAxis();
    case 6:
      return perBlock();
    default:
      reader.emitError() << "there is no quantized type of number " << code;
      return {};
    }
  }

  Type perTensor() {
    double scale = 0;
    int64_t zero = 0;
    if (failed(readStorage(true)) || failed(number(scale)) || failed(reader.readSignedVarInt(zero)) ||
        failed(readRange()))
      return {};
    return quant::UniformQuantizedType::getChecked(error(), flags, storage, expressed, scale, zero, min, max);
  }

  Type perAxis() {
    uint64_t axis = 0;
    SmallVector<double> scales;
    SmallVector<int64_t> zeros;
    if (failed(readStorage(true)) || failed(reader.readVarInt(axis)) || failed(readRange()) ||
        failed(readEach(reader, [&] { return number(scales.emplace_back()); })) ||
        failed(readNumbers(reader, zeros)))
      return {};
    return quant::UniformQuantizedPerAxisType::getChecked(error(), flags, storage, expressed, scales, zeros,
                                                          static_cast<int32_t>(axis), min, max);
  }

private:
  std::function<InFlightDiagnostic()> error() {
    return [this] { return reader.emitError(); };
  }

  LogicalResult number(double &value) {
    const FailureOr<APFloat> read = reader.readAPFloatWithKnownSemantics(APFloat::IEEEdouble());
    if (failed(read))
      return failure();
    value = read->convertToDouble();
    return success();
  }

  LogicalResult readStorage(bool hasExpressed) {
    uint64_t read = 0;
    if (failed(reader.readVarInt(read)) || failed(reader.readType(storage)) ||
        (hasExpressed && failed(reader.readType(expressed))))
      return failure();
    const auto integer = dyn_cast<IntegerType>(storage);
    if (!integer || read > quant::QuantizationFlags::Signed)
      return reader.emitError() << "a type that quantizes to " << storage << " with flags " << read;
    flags = static_cast<unsigned>(read);
    // Quantized types keep the sign in their flags.
    storage = IntegerType::get(reader.getContext(), integer.getWidth());
    return success();
  }

  LogicalResult readRange() {
    return failure(failed(reader.readSignedVarInt(min)) || failed(reader.readSignedVarInt(max)));
  }

  Type any(bool hasExpressed) {
    if (failed(readStorage(hasExpressed)) || failed(readRange()))
      return {};
    return quant::AnyQuantizedType::getChecked(error(), flags, storage, expressed, min, max);
  }

  Type perBlock() {
    SmallVector<int64_t> axes, blocks;
    DenseElementsAttr scales, zeros;
    if (failed(readStorage(true)) || failed(readRange()) || failed(readNumbers(reader, axes)) ||
        failed(readNumbers(reader, blocks)) || failed(reader.readAttribute(scales)) ||
        failed(reader.readAttribute(zeros)))
      return {};
    return quant::UniformQuantizedSubChannelType::getChecked(
        error(), flags, storage, expressed, scales, zeros, SmallVector<int32_t>(axes.begin(), axes.end()),
        blocks, min, max);
  }

  DialectBytecodeReader &reader;
  unsigned flags = 0;
  Type storage, expressed;
  int64_t min = 0, max = 0;
};

} // namespace

Type mlir::stablehlo::readQuantizedType(DialectBytecodeReader &reader) {
  return QuantizedReader(reader).read();
}

Type mlir::stablehlo::readUniformQuantized(DialectBytecodeReader &reader) {
  return QuantizedReader(reader).perTensor();
}

Type mlir::stablehlo::readUniformQuantizedPerAxis(DialectBytecodeReader &reader) {
  return QuantizedReader(reader).perAxis();
}
