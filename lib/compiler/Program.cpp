// Program.cpp: see Program.h.
#include "compiler/Program.h"

#include <optional>

#include "compiler/Call.h"
#include "compiler/Kernels.h"
#include "compiler/OpModel.h"
#include "compiler/Types.h"
#include "compiler/expand/Expand.h"
#include "compiler/passes/Passes.h"
#include "compiler/shapes/Shapes.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/Location.h"
#include "stablehlo/DeepStack.h"
#include "stablehlo/Dialect.h"
#include "stablehlo/Parse.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// The place in the source that `location` leads to.
std::string placeOf(Location location, llvm::StringRef sourceName) {
  std::optional<FileLineColLoc> place;
  location->walk([&](Location inner) {
    if (const auto file = dyn_cast<FileLineColLoc>(inner); file && file.getLine() > 0) {
      place = file;
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (!place) return (sourceName + ":1:1").str();
  return (place->getFilename().strref() + ":" + llvm::Twine(place->getLine()) + ":" +
          llvm::Twine(place->getColumn()))
      .str();
}

/// `: 'a', 'b'`, some of what can be chosen instead of a function that is not there.
std::string namesOf(llvm::ArrayRef<func::FuncOp> functions) {
  constexpr size_t most = 8;
  std::string all;
  for (func::FuncOp function : functions.take_front(most))
    all += (all.empty() ? ": '" : ", '") + function.getName().str() + "'";
  return functions.size() > most ? all + ", ..." : all;
}

bool isSupportedType(Type type) { return tensorTypeOf(type).has_value(); }

/// Diagnoses and returns false at the first operation below `op` that no part of the compiler handles.
bool isSupported(func::FuncOp entry) {
  for (Value argument : entry.getArguments())
    if (!isSupportedType(argument.getType())) {
      entry.emitError() << "argument " << cast<BlockArgument>(argument).getArgNumber() << " has type "
                        << argument.getType() << ", which is not supported";
      return false;
    }
  const WalkResult result = entry.getBody().walk<WalkOrder::PreOrder>([&](Operation* op) {
    for (Type type : op->getResultTypes())
      if (!isSupportedType(type)) {
        op->emitError() << op->getName() << " has a result of type " << type << ", which is not supported";
        return WalkResult::interrupt();
      }
    const OpKind kind = modelOf(op).kind;
    if (kind == OpKind::Terminator || kind == OpKind::Control || kind == OpKind::Constant)
      return WalkResult::advance();
    if (isPlanCall(op)) return WalkResult::advance();
    if (!canEmit(op)) {
      op->emitError() << op->getName() << " is not supported";
      return WalkResult::interrupt();
    }
    return WalkResult::skip();
  });
  return !result.wasInterrupted();
}

}  // namespace

Program::Program(std::string_view source, std::string_view name)
    : sourceName(name.empty() ? "program" : name) {
  DialectRegistry registry;
  stablehlo::registerStablehloDialects(registry);
  owned = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  parsed = stablehlo::parseStablehlo(*owned, llvm::StringRef(source.data(), source.size()), sourceName,
                                     diagnostics);
  if (!parsed) raise(absl::StatusCode::kInvalidArgument, "the program does not parse");
  diagnostics.clear();
  handler = std::make_unique<ScopedDiagnosticHandler>(owned.get(), [this](Diagnostic& diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error) return success();
    if (!diagnostics.empty()) diagnostics += "\n";
    diagnostics += placeOf(diagnostic.getLocation(), sourceName) + ": error: " + diagnostic.str();
    return success();
  });
}

Program::~Program() {
  handler.reset();
  parsed = nullptr;
}

void Program::run(llvm::function_ref<void()> work) {
  // Functions may follow each other inside regions once calls are inlined.
  unsigned depth = 0;
  for (func::FuncOp function : parsed->getOps<func::FuncOp>()) depth += stablehlo::nestingOf(function);
  if (depth <= stablehlo::shallowNesting) return work();
  if (!stablehlo::runOnDeepStack(work))
    throw error(
        absl::StatusCode::kResourceExhausted,
        sourceName + ":1:1: error: there is no memory for the stack that the nesting of the program needs");
}

void Program::raise(absl::StatusCode code, const char* otherwise) {
  std::string message = diagnostics.empty() ? sourceName + ":1:1: error: " + otherwise : diagnostics;
  diagnostics.clear();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  throw error(code, message, code == absl::StatusCode::kUnimplemented ? reason::unsupported : reason::none);
}

func::FuncOp Program::entry(std::string_view name) {
  const llvm::StringRef wanted(name.data(), name.size());
  func::FuncOp found;
  llvm::SmallVector<func::FuncOp> open, all;
  for (func::FuncOp function : parsed->getOps<func::FuncOp>()) {
    all.push_back(function);
    if (function.isPublic()) open.push_back(function);
  }
  if (!wanted.empty()) {
    found = parsed->lookupSymbol<func::FuncOp>(wanted);
    if (!found)
      parsed->emitError() << "there is no function '" << wanted << "', there are " << all.size()
                          << namesOf(all);
  } else if (!(found = parsed->lookupSymbol<func::FuncOp>("main"))) {
    if (open.size() == 1)
      found = open.front();
    else if (all.size() == 1)
      found = all.front();
    else if (all.empty())
      parsed->emitError() << "there is no function 'main', and no other";
    else
      parsed->emitError() << "there is no function 'main', and more than one other"
                          << namesOf(open.empty() ? all : open);
  }
  if (!found) raise(absl::StatusCode::kInvalidArgument, "there is no entry function");
  if (!found.getBody().hasOneBlock()) {
    found.emitError() << "the entry function must be one block";
    raise(absl::StatusCode::kInvalidArgument, "");
  }
  return found;
}

void Program::flatten(func::FuncOp entry) {
  if (failed(inlineCalls(entry))) raise(absl::StatusCode::kInvalidArgument, "inlining failed");
  if (failed(flattenValues(entry))) raise(absl::StatusCode::kUnimplemented, "flattening of tuples failed");
  if (hasUnknownSizes(entry)) shareSizes(entry);
}

std::optional<plan> Program::openPlan(func::FuncOp entry) {
  if (!hasUnknownSizes(entry)) return std::nullopt;
  plan open;
  open.open = true;
  for (const unsigned k : sizeArguments(entry)) open.sizes.push_back(k);
  bool isUnknown = !open.sizes.empty();
  for (const auto [k, type] : llvm::enumerate(entry.getArgumentTypes())) {
    const auto tensor = dyn_cast<RankedTensorType>(type);
    const std::optional<dtype> element = tensor ? dtypeOf(tensor.getElementType()) : std::nullopt;
    if (!element) {
      entry.emitError() << "argument " << k << " has type " << type << ", which is not supported";
      raise(absl::StatusCode::kUnimplemented, "");
    }
    llvm::SmallVector<int64_t> extents;
    for (const int64_t size : tensor.getShape()) extents.push_back(ShapedType::isDynamic(size) ? -1 : size);
    isUnknown |= !tensor.hasStaticShape();
    open.inputs.push_back({*element, shape(std::span<const int64_t>(extents.data(), extents.size()))});
  }
  return isUnknown ? std::optional(std::move(open)) : std::nullopt;
}

/// The arguments of `entry` as the specialisation takes them. Fails with a diagnostic where one has another
/// element type than the program says.
static FailureOr<llvm::SmallVector<KnownArgument>> knownArguments(func::FuncOp entry,
                                                                  std::span<const known_argument> given) {
  llvm::SmallVector<KnownArgument> known;
  if (given.empty()) {
    for (const auto [k, type] : llvm::enumerate(entry.getArgumentTypes())) {
      const auto tensor = dyn_cast<RankedTensorType>(type);
      if (tensor && !tensor.hasStaticShape())
        return entry.emitError() << "argument " << k << " is " << type
                                 << ": the program needs to know its sizes";
      known.push_back({type, std::nullopt});
    }
    return known;
  }
  if (given.size() != entry.getNumArguments())
    return entry.emitError() << "the program takes " << entry.getNumArguments() << " arguments, got "
                             << given.size();
  for (const auto [argument, one] : llvm::zip(entry.getArguments(), given)) {
    const auto tensor = dyn_cast<RankedTensorType>(argument.getType());
    if (!tensor || dtypeOf(tensor.getElementType()) != one.type.element)
      return entry.emitError() << "argument " << argument.getArgNumber() << " is " << argument.getType()
                               << ", got " << to_string(one.type);
    const std::span<const int64_t> extents = one.type.dims;
    known.push_back(
        {RankedTensorType::get({extents.data(), extents.size()}, tensor.getElementType()), one.value});
  }
  return known;
}

void Program::prepare(func::FuncOp entry, std::span<const known_argument> arguments) {
  if (!arguments.empty() || hasUnknownSizes(entry)) {
    const FailureOr<llvm::SmallVector<KnownArgument>> known = knownArguments(entry, arguments);
    if (failed(known) || failed(specialise(entry, *known)))
      raise(absl::StatusCode::kInvalidArgument, "the shapes do not fit");
  }
  if (failed(lowerQuantized(entry)))
    raise(absl::StatusCode::kUnimplemented, "lowering of quantized types failed");
  if (failed(lowerRandom(entry))) raise(absl::StatusCode::kUnimplemented, "random numbers are not supported");
  if (failed(expandOps(entry))) raise(absl::StatusCode::kUnimplemented, "expansion failed");
  if (failed(layOutCalls(entry))) raise(absl::StatusCode::kUnimplemented, "a custom call is not supported");
  if (failed(simplify(entry))) raise(absl::StatusCode::kInternal, "simplification failed");
  prepareDots(entry);
  expandSplats(entry);
  sinkConstants(entry);
  if (!isSupported(entry)) raise(absl::StatusCode::kUnimplemented, "the program is not supported");
}

}  // namespace wherry::compile
