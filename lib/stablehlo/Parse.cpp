// Parse.cpp: from text or bytecode to a verified module.
#include "stablehlo/Parse.h"

#include "Source.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "stablehlo/Check.h"
#include "stablehlo/Chlo.h"
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
    out << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn();
  else
    out << name;
  out << ": " << severityName(diagnostic.getSeverity()) << ": " << diagnostic << "\n";
  for (const Diagnostic &note : const_cast<Diagnostic &>(diagnostic).getNotes())
    append(note, name, out);
}

// The depth of nested regions, without recursion.
unsigned regionDepth(Operation *root) {
  unsigned deepest = 0;
  SmallVector<std::pair<Operation *, unsigned>> open{{root, 1}};
  while (!open.empty()) {
    const auto [op, depth] = open.pop_back_val();
    deepest = std::max(deepest, depth);
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        open.emplace_back(&inner, depth + 1);
  }
  return deepest;
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

} // namespace

OwningOpRef<ModuleOp> mlir::stablehlo::parseStablehlo(MLIRContext &context, StringRef text, StringRef name,
                                                      std::string &diagnostics) {
  llvm::raw_string_ostream out(diagnostics);
  const bool bytecode = text.starts_with("ML\xEFR");
  std::string rewritten;
  if (!bytecode) {
    if (const std::optional<SourcePlace> place = findNestingBeyond(text, maximumNesting)) {
      out << name << ":" << place->line << ":" << place->column
          << ": error: brackets and regions nest deeper than " << maximumNesting << " levels\n";
      return {};
    }
    if (packBooleanConstants(text, rewritten))
      text = rewritten;
  }

  DialectRegistry registry;
  registerStablehloDialects(registry);
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
    module = parseSourceString<ModuleOp>(text, ParserConfig(&context, /*verifyAfterParse=*/!bytecode), name);
    if (module && bytecode) {
      if (regionDepth(*module) > maximumNesting) {
        out << name << ": error: regions nest deeper than " << maximumNesting << " levels\n";
        module = {};
      } else if (failed(verify(*module))) {
        module = {};
      }
    }
    if (module && failed(refuseUnknownOperations(*module)))
      module = {};
  }
  context.printOpOnDiagnostic(printsOperations);
  context.allowUnregisteredDialects(allowsUnknown);
  return module;
}
