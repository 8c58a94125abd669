// VhloDialect.cpp: the dialect of portable artifacts, as far as reading their bytecode needs it.
#include "Vhlo.h"

#include "mlir/Bytecode/BytecodeImplementation.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpImplementation.h"
#include "stablehlo/Dialect.h"

using namespace mlir;
using namespace mlir::stablehlo;

namespace {

class VhloBytecode final : public BytecodeDialectInterface {
public:
  explicit VhloBytecode(Dialect *dialect) : BytecodeDialectInterface(dialect) {}

  Type readType(DialectBytecodeReader &reader) const override { return readVhloType(reader); }
  Attribute readAttribute(DialectBytecodeReader &reader) const override { return readVhloAttribute(reader); }
};

/// The attributes of an operation come one after the other, sorted by name and without their names.
struct VhloProperties : BytecodeOpInterface::FallbackModel<VhloProperties> {
  static LogicalResult readProperties(DialectBytecodeReader &reader, OperationState &state) {
    const StringRef entry = findVhloEntry(state.name.stripDialect());
    for (const VhloAttribute &attribute : parseVhloEntry(entry).attributes) {
      Attribute value;
      if (failed(reader.readAttribute(value)))
        return failure();
      state.addAttribute(attribute.name, value);
    }
    return success();
  }
  void writeProperties(Operation *, DialectBytecodeWriter &) const {}
};

} // namespace

VhloDialect::VhloDialect(MLIRContext *context)
    : ExtensibleDialect(getDialectNamespace(), context, TypeID::get<VhloDialect>()) {
  context->getOrLoadDialect<StableHLODialect>();
  addInterfaces<VhloBytecode>();
  const auto accept = [](Operation *) { return success(); };
  for (const StringRef entry : vhloTable()) {
    const StringRef name = entry.split(' ').first;
    registerDynamicOp(DynamicOpDefinition::get(name, this, accept, accept));
    OperationName(("vhlo." + name).str(), context).attachInterface<VhloProperties>();
  }
}

StringRef mlir::stablehlo::producerOf(StringRef bytecode) {
  // The magic number, the format's version as a number whose low bits say how many bytes it has, the text.
  bytecode = bytecode.drop_front(4);
  if (bytecode.empty() || !(bytecode.front() & 1))
    return {};
  bytecode = bytecode.drop_front();
  const size_t end = bytecode.find('\0');
  return end == StringRef::npos ? StringRef() : bytecode.take_front(end);
}
