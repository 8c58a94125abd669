// Parse.cpp: from text or bytecode to a verified module.
#include "stablehlo/Parse.h"

#include "BytecodeModule.h"
#include "Shardy.h"
#include "Source.h"
#include "Vhlo.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "stablehlo/Check.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/DeepStack.h"
#include "stablehlo/Dialect.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::stablehlo;

void mlir::stablehlo::registerStablehloDialects(DialectRegistry &registry) {
  registry.insert<StableHLODialect, chlo::CHLODialect, check::CheckDialect, interpreter::InterpreterDialect,
                  func::FuncDialect, quant::QuantDialect>();
}

namespace {

// The place in the source that `location` stands for, or null.
FileLineColLoc sourceLocation(Location location) {
  FileLineColLoc found;
  location->walk([&](Location part) {
    found = dyn_cast<FileLineColLoc>(part);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

StringRef severityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("all severities are listed");
}

void append(const Diagnostic &diagnostic, StringRef name, llvm::raw_ostream &out) {
  if (const FileLineColLoc place = sourceLocation(diagnostic.getLocation()))
    out << place.getFilename().getValue() << ":" << std::max(place.getLine(), 1u) << ":"
        << std::max(place.getColumn(), 1u);
  else
    out << name << ":1:1";
  out << ": " << severityName(diagnostic.getSeverity()) << ": " << diagnostic << "\n";
  for (const Diagnostic &note : const_cast<Diagnostic &>(diagnostic).getNotes())
    append(note, name, out);
}

LogicalResult refuseUnknownOperations(ModuleOp module) {
  const WalkResult result = module.walk([](Operation *op) {
    if (op->isRegistered())
      return WalkResult::advance();
    op->emitError() << "unknown operation `" << op->getName() << "`";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

bool hasTooManyElements(Type type) {
  if (const auto tuple = dyn_cast<TupleType>(type))
    return llvm::any_of(tuple.getTypes(), hasTooManyElements);
  const auto shaped = dyn_cast<ShapedType>(type);
  uint64_t count = 1;
  if (shaped && shaped.hasRank())
    for (const int64_t size : shaped.getShape())
      if (size > 0 && (__builtin_mul_overflow(count, size, &count) || count > maximumElements))
        return true;
  return false;
}

// What no verifier of an operation says: types that are too large (text has been searched for them before),
// constants whose bytes are kept elsewhere and are too few, functions that end as a region does.
LogicalResult refuseUnsound(ModuleOp module) {
  const WalkResult result = module.walk([](Operation *op) -> WalkResult {
    for (Type type : op->getResultTypes())
      if (hasTooManyElements(type))
        return op->emitError() << "a type may have at most " << maximumElements << " elements";
    if (auto function = dyn_cast<func::FuncOp>(op))
      for (Type type : function.getArgumentTypes())
        if (hasTooManyElements(type))
          return op->emitError() << "a type may have at most " << maximumElements << " elements";
    if (isa<ReturnOp>(op) && isa_and_nonnull<func::FuncOp>(op->getParentOp()))
      return op->emitError() << "a function ends in func.return";
    auto constant = dyn_cast<ConstantOp>(op);
    const auto resource = constant ? dyn_cast<DenseResourceElementsAttr>(constant.getValue()) : nullptr;
    if (!resource)
      return WalkResult::advance();
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    const ShapedType type = resource.getType();
    const auto complex = dyn_cast<ComplexType>(type.getElementType());
    const Type part = complex ? complex.getElementType() : type.getElementType();
    const uint64_t bits = part.isIntOrFloat() ? part.getIntOrFloatBitWidth() : 64;
    const uint64_t bytes = type.getNumElements() * ((bits + 7) / 8) * (complex ? 2 : 1);
    if (!blob || blob->getData().size() != bytes)
      return op->emitError() << "a constant of type " << type << " needs a resource of " << bytes
                             << " bytes, got " << (blob ? blob->getData().size() : 0);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

// Says so if the artifact was written for a newer version, which may be why it cannot be read.
void nameNewerVersion(StringRef bytecode, StringRef name, llvm::raw_ostream &out) {
  StringRef version = producerOf(bytecode), rest = version;
  unsigned major = 0, minor = 0;
  if (!rest.consume_front("StableHLO_v") || rest.consumeInteger(10, major) || !rest.consume_front(".") ||
      rest.consumeInteger(10, minor))
    return;
  const auto [knownMajor, knownMinor] = newestVhloVersion;
  if (std::pair(major, minor) > std::pair(knownMajor, knownMinor))
    out << name << ":1:1: note: the artifact is one of " << version << "; versions up to " << knownMajor
        << "." << knownMinor << " are known\n";
}

bool isBytecode(StringRef text) { return text.starts_with("ML\xEFR"); }

/// Reads and verifies a program whose text has been looked at.
OwningOpRef<ModuleOp> parse(MLIRContext &context, StringRef text, StringRef name, std::string &diagnostics) {
  llvm::raw_string_ostream out(diagnostics);
  const bool bytecode = isBytecode(text);
  DialectRegistry registry;
  registerStablehloDialects(registry);
  registry.insert<ShardyDialect>();
  if (bytecode)
    registry.insert<VhloDialect>();
  context.appendDialectRegistry(registry);
  const bool printsOperations = context.shouldPrintOpOnDiagnostic();
  const bool allowsUnknown = context.allowsUnregisteredDialects();
  context.printOpOnDiagnostic(false);
  // Attributes of other dialects (shardings, for instance) may stay; operations may not.
  context.allowUnregisteredDialects(true);
  OwningOpRef<ModuleOp> module;
  {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      // The interface for type inference adds this to the message that says what is wrong.
      if (diagnostics.empty() || !StringRef(diagnostic.str()).ends_with("failed to infer returned types"))
        append(diagnostic, name, out);
      return success();
    });
    // Verification waits until operations that only the parser knows are gone.
    module = bytecode ? readBytecode(context, text, name)
                      : parseSourceString<ModuleOp>(text, ParserConfig(&context, /*verifyAfterParse=*/false),
                                                    name);
    if (module && bytecode && (failed(refuseUnknownOperations(*module)) || failed(convertVhlo(*module))))
      module = {};
    if (module && failed(dropShardings(*module)))
      module = {};
    if (module && failed(verify(*module)))
      module = {};
    if (module && bytecode)
      dropShardingAttributes(*module);
    if (!module && diagnostics.empty())
      out << name << ":1:1: error: the " << (bytecode ? "bytecode" : "text") << " cannot be read\n";
    if (!module && bytecode)
      nameNewerVersion(text, name, out);
    if (module && (failed(refuseUnknownOperations(*module)) || failed(refuseUnsound(*module))))
      module = {};
  }
  context.printOpOnDiagnostic(printsOperations);
  context.allowUnregisteredDialects(allowsUnknown);
  return module;
}

} // namespace

OwningOpRef<ModuleOp> mlir::stablehlo::parseStablehlo(MLIRContext &context, StringRef text, StringRef name,
                                                      std::string &diagnostics) {
  llvm::raw_string_ostream out(diagnostics);
  std::string rewritten;
  // How deep the attributes of bytecode nest is known when they are read.
  unsigned deepest = maximumNesting;
  if (!isBytecode(text)) {
    if (const std::optional<SourceProblem> problem = findProblem(text, maximumNesting, deepest)) {
      out << name << ":" << problem->place.line << ":" << problem->place.column
          << ": error: " << problem->message << "\n";
      return {};
    }
    if (packBooleanConstants(text, rewritten))
      text = rewritten;
  }
  if (deepest <= shallowNesting)
    return parse(context, text, name, diagnostics);
  OwningOpRef<ModuleOp> module;
  if (!runOnDeepStack([&] { module = parse(context, text, name, diagnostics); }))
    out << name << ":1:1: error: there is no memory for the stack that the nesting of the program needs\n";
  return module;
}
