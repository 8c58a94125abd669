// Check.cpp: see Check.h.
#include "compiler/Check.h"

#include <optional>

#include "compiler/Probe.h"
#include "compiler/Program.h"
#include "compiler/expand/Expand.h"
#include "compiler/passes/Passes.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/Builders.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

double floatOf(Operation* op, llvm::StringRef name, double otherwise) {
  const auto value = op->getAttrOfType<FloatAttr>(name);
  return value ? value.getValueAsDouble() : otherwise;
}

int64_t integerOf(Operation* op, llvm::StringRef name, int64_t otherwise) {
  const auto value = op->getAttrOfType<IntegerAttr>(name);
  return value ? value.getValue().getSExtValue() : otherwise;
}

/// What `target`, the name of a check without its constant form, compares, with its default tolerances.
std::optional<Check> checkOf(llvm::StringRef target) {
  const auto make = [](Check::Kind kind, double tolerance, int64_t ulps) {
    Check check;
    check.kind = kind;
    check.tolerance = tolerance;
    check.maxUlps = ulps;
    return check;
  };
  if (target == "check.expect_eq") return make(Check::Kind::Equal, 0, 0);
  if (target == "check.expect_close") return make(Check::Kind::Close, 0, 3);
  if (target == "check.expect_almost_eq") return make(Check::Kind::AlmostEqual, 1e-3, 0);
  if (target == "check.eq") return make(Check::Kind::EqualOrNear, 1e-4, 0);
  return std::nullopt;
}

class Splitter {
 public:
  Splitter(Program& program, func::FuncOp entry) : program(program), entry(entry) {}

  std::vector<Check> run() {
    llvm::SmallVector<Operation*> found;
    entry.walk([&](Operation* op) {
      if (isCheck(op)) found.push_back(op);
    });
    Operation* terminator = entry.getBody().front().getTerminator();
    results.append(terminator->operand_begin(), terminator->operand_end());
    for (Operation* op : found) split(op);
    terminator->setOperands(results);
    entry.setFunctionType(
        FunctionType::get(entry.getContext(), entry.getArgumentTypes(), ValueRange(results).getTypes()));
    if (const ArrayAttr attributes = entry.getResAttrsAttr()) {
      llvm::SmallVector<Attribute> all(attributes.begin(), attributes.end());
      all.resize(results.size(), DictionaryAttr::get(entry.getContext()));
      entry.setResAttrsAttr(ArrayAttr::get(entry.getContext(), all));
    }
    return std::move(checks);
  }

 private:
  static bool isCheck(Operation* op) {
    if (op->getName().getDialectNamespace() == "check") return true;
    auto call = dyn_cast<stablehlo::CustomCallOp>(op);
    return call && call.getCallTargetName().starts_with("check.");
  }

  void split(Operation* op) {
    if (op->getParentOp() != entry.getOperation()) unsupported(op, "inside a region");
    auto call = dyn_cast<stablehlo::CustomCallOp>(op);
    llvm::StringRef target = call ? call.getCallTargetName() : op->getName().getStringRef();
    const bool isConstant = target.consume_back("_const");
    std::optional<Check> check = checkOf(target);
    if (!check) unsupported(op, "of this kind");
    if (!call) {
      // The dialect's own forms have other defaults than the calls.
      if (check->kind == Check::Kind::AlmostEqual) check->tolerance = floatOf(op, "tolerance", 1e-4);
      if (check->kind == Check::Kind::Close) {
        check->maxUlps = integerOf(op, "max_ulp_difference", 3);
        check->minUlps = integerOf(op, "min_ulp_difference", 0);
      }
    }
    OpBuilder builder(op);
    Value expected;
    if (isConstant) {
      const auto value = op->getAttrOfType<ElementsAttr>("value");
      if (!value || op->getNumOperands() != 1) unsupported(op, "without a value");
      expected = stablehlo::ConstantOp::create(builder, op->getLoc(), value);
    } else {
      if (op->getNumOperands() != 2) unsupported(op, "of this many operands");
      expected = op->getOperand(1);
    }
    check->actual = results.size();
    check->expected = results.size() + 1;
    check->location = placeOf(op->getLoc());
    // Calls have the actual value first; of the two values of check.eq neither is special.
    results.push_back(op->getOperand(0));
    results.push_back(expected);
    checks.push_back(std::move(*check));
    if (op->getNumResults() == 1) {
      // The host decides; inside the program the check holds.
      const auto type = cast<ShapedType>(op->getResult(0).getType());
      const Value holds =
          stablehlo::ConstantOp::create(builder, op->getLoc(), DenseElementsAttr::get(type, true));
      op->getResult(0).replaceAllUsesWith(holds);
      for (Value& result : results)
        if (result == op->getResult(0)) result = holds;
    }
    op->erase();
  }

  [[noreturn]] void unsupported(Operation* op, const char* why) {
    op->emitError() << op->getName() << " " << why << " is not supported";
    program.raise(absl::StatusCode::kUnimplemented, "");
  }

  static std::string placeOf(Location location) {
    std::string text;
    location->walk([&](Location inner) {
      const auto file = dyn_cast<FileLineColLoc>(inner);
      if (!file) return WalkResult::advance();
      text = (file.getFilename().strref() + ":" + llvm::Twine(file.getLine()) + ":" +
              llvm::Twine(file.getColumn()))
                 .str();
      return WalkResult::interrupt();
    });
    return text;
  }

  Program& program;
  func::FuncOp entry;
  llvm::SmallVector<Value> results;
  std::vector<Check> checks;
};

}  // namespace

CheckProgram splitChecks(std::string_view source, std::string_view name) {
  Program program(source, name);
  func::FuncOp entry = program.entry({});
  if (failed(inlineCalls(entry))) program.raise(absl::StatusCode::kInvalidArgument, "inlining failed");
  if (failed(flattenValues(entry)))
    program.raise(absl::StatusCode::kUnimplemented, "tuples are not supported");
  if (failed(recordProbes(entry))) program.raise(absl::StatusCode::kUnimplemented, "unknown probes");
  CheckProgram result;
  result.function = entry.getName().str();
  result.checks = Splitter(program, entry).run();
  // Inlining made every other function unreachable.
  for (Operation& op : llvm::make_early_inc_range(*program.module().getBody()))
    if (isa<func::FuncOp>(op) && &op != entry.getOperation()) op.erase();
  // With locations, so that what is said of the split program points into the source.
  llvm::raw_string_ostream out(result.source);
  program.module().print(out, OpPrintingFlags().enableDebugInfo());
  return result;
}

}  // namespace wherry::compile
