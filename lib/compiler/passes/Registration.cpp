// Registration.cpp: the rewrites as passes with names, for wherry-opt.
#include <functional>
#include <memory>
#include <utility>

#include "compiler/Call.h"
#include "compiler/expand/Expand.h"
#include "compiler/passes/Passes.h"
#include "compiler/shapes/Shapes.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"
#include "stablehlo/Chlo.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// Applies a rewrite to every function of a module.
class RewritePass : public PassWrapper<RewritePass, OperationPass<ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RewritePass)
  using Rewrite = std::function<LogicalResult(func::FuncOp)>;

  RewritePass(llvm::StringRef name, llvm::StringRef summary, Rewrite rewrite)
      : name(name), summary(summary), rewrite(std::move(rewrite)) {}

  llvm::StringRef getArgument() const override { return name; }
  llvm::StringRef getDescription() const override { return summary; }
  void getDependentDialects(DialectRegistry& registry) const override {
    registry.insert<chlo::CHLODialect, stablehlo::StableHLODialect>();
  }
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(rewrite(function))) return signalPassFailure();
  }

 private:
  llvm::StringRef name, summary;
  Rewrite rewrite;
};

/// Specialises every function of a module for the same argument types, the option `shapes`.
class SpecialisePass : public PassWrapper<SpecialisePass, OperationPass<ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SpecialisePass)
  SpecialisePass() = default;
  SpecialisePass(const SpecialisePass& other) : PassWrapper(other) { shapes = other.shapes; }

  llvm::StringRef getArgument() const override { return "specialise"; }
  llvm::StringRef getDescription() const override { return "give the arguments types without unknown sizes"; }
  void runOnOperation() override {
    for (func::FuncOp function : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal() || function.isPrivate()) continue;
      llvm::SmallVector<KnownArgument> known;
      for (const std::string& text : shapes) {
        const auto [type, value] = llvm::StringRef(text).split('=');
        known.push_back({parseType(type, &getContext()), std::nullopt});
        int64_t number = 0;
        if (!value.empty() && !value.getAsInteger(10, number)) known.back().value = number;
        if (!known.back().type) return signalPassFailure();
      }
      if (failed(inlineCalls(function))) return signalPassFailure();
      shareSizes(function);
      if (failed(specialise(function, known))) return signalPassFailure();
    }
  }

 private:
  ListOption<std::string> shapes{*this, "shapes", llvm::cl::desc("argument types, `TYPE` or `TYPE=VALUE`")};
};

void add(const char* name, const char* summary, RewritePass::Rewrite rewrite) {
  registerPass([=] { return std::make_unique<RewritePass>(name, summary, rewrite); });
}

}  // namespace

void registerPasses() {
  PassRegistration<SpecialisePass>();
  add("inline-calls", "replace calls by the bodies they name", inlineCalls);
  add("flatten-values", "replace tuples by their elements and tokens by nothing", flattenValues);
  add("lower-quantized", "write programs on quantized tensors as programs on their integers", lowerQuantized);
  add("lower-random", "write random numbers as bits of a counter-based generator", lowerRandom);
  add("expand-ops", "write operations without a kernel of their own as simpler ones", expandOps);
  add("lay-out-calls", "transpose what custom calls take and give to their layouts", layOutCalls);
  add("simplify", "fold constants and bring operations into the forms that clustering knows", simplify);
  add("prepare-dots", "transpose operands of large dots that have no common stride",
      [](func::FuncOp function) {
        prepareDots(function);
        return success();
      });
  add("expand-splats", "write large repeated constants in memory as broadcasts", [](func::FuncOp function) {
    expandSplats(function);
    return success();
  });
  add("sink-constants", "copy constants into the regions of reductions", [](func::FuncOp function) {
    sinkConstants(function);
    return success();
  });
}

}  // namespace wherry::compile
