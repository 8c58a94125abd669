// Probe.cpp: see Probe.h.
#include "compiler/Probe.h"

#include "compiler/expand/Build.h"
#include "compiler/expand/Thread.h"
#include "llvm/ADT/SetVector.h"
#include "stablehlo/Check.h"

using namespace mlir;

namespace wherry::compile {
namespace {

/// The probes of one name.
class Recorder {
 public:
  Recorder(func::FuncOp entry, llvm::StringRef id) : entry(entry), id(id) {}

  LogicalResult run() {
    Type recorded;
    entry.walk([&](interpreter::ProbeOp probe) {
      if (probe.getProbeId() == id && !recorded) recorded = probe.getType();
    });
    LogicalResult result = success();
    entry.walk([&](check::ExpectSerializedEqOp check) {
      if (check.getProbeId() != id) return;
      if (!recorded)
        result = check.emitError() << "there is no probe \"" << id << "\"";
      else if (check.getExpected().getType() != recorded)
        result = check.emitError() << "expects a " << check.getExpected().getType() << ", probe \"" << id
                                   << "\" records a " << recorded;
      else if (check->getParentOp() != entry.getOperation())
        result = check.emitError() << "a check inside a region is not supported";
      if (!llvm::is_contained(passes, check.getIter())) passes.push_back(check.getIter());
    });
    if (failed(result) || !recorded) return result;
    // The state: how often the probe has run, and the record of each pass that is asked for.
    Build build(OpBuilder::atBlockBegin(&entry.getBody().front()), entry.getLoc());
    ThreadedState state{build.scalar(build.b.getI64Type(), 0)};
    const auto type = cast<RankedTensorType>(recorded);
    for (size_t i = 0; i < passes.size(); ++i)
      state.push_back(build.splat(type.getShape(), type.getElementType(), 0));
    const Thread thread{[&](Operation* op) { return isOurs(op); },
                        [&](Operation* op, ThreadedState& current) {
                          if (auto probe = dyn_cast<interpreter::ProbeOp>(op)) return record(probe, current);
                          return compare(cast<check::ExpectSerializedEqOp>(op), current);
                        }};
    return threadState(entry.getBody().front(), state, thread);
  }

 private:
  bool isOurs(Operation* op) const {
    if (auto probe = dyn_cast<interpreter::ProbeOp>(op)) return probe.getProbeId() == id;
    auto check = dyn_cast<check::ExpectSerializedEqOp>(op);
    return check && check.getProbeId() == id;
  }

  LogicalResult record(interpreter::ProbeOp probe, ThreadedState& state) {
    if (!passes.empty() && probe.getType() != state.back().getType())
      return probe.emitError() << "records a " << probe.getType() << ", another probe of that name a "
                               << state.back().getType();
    Build build(OpBuilder(probe), probe.getLoc());
    const Value count = state.front();
    for (size_t i = 0; i < passes.size(); ++i) {
      const Value pass = build.splatLike(count, static_cast<double>(passes[i]));
      const Value isPass = build.compare(stablehlo::ComparisonDirection::EQ, count, pass);
      state[i + 1] =
          build.select(build.fill(isPass, Build::shapeOf(probe)), probe.getOperand(), state[i + 1]);
    }
    state.front() = build.add(count, build.splatLike(count, 1));
    probe.replaceAllUsesWith(probe.getOperand());
    probe.erase();
    return success();
  }

  LogicalResult compare(check::ExpectSerializedEqOp check, const ThreadedState& state) {
    Build build(OpBuilder(check), check.getLoc());
    const auto* at = llvm::find(passes, check.getIter());
    const Value pass = build.splatLike(state.front(), static_cast<double>(check.getIter()));
    const Value ran = build.compare(stablehlo::ComparisonDirection::GT, state.front(), pass);
    check::ExpectEqOp::create(build.b, build.loc(), ran, build.scalar(build.b.getI1Type(), 1));
    check::ExpectEqOp::create(build.b, build.loc(), state[static_cast<size_t>(at - passes.begin()) + 1],
                              check.getExpected());
    check.erase();
    return success();
  }

  func::FuncOp entry;
  std::string id;
  llvm::SmallVector<uint32_t> passes;
};

}  // namespace

LogicalResult recordProbes(func::FuncOp entry) {
  llvm::SetVector<llvm::StringRef> ids;  // of attributes, which live as long as the context
  entry.walk([&](Operation* op) {
    if (auto probe = dyn_cast<interpreter::ProbeOp>(op)) ids.insert(probe.getProbeId());
    if (auto check = dyn_cast<check::ExpectSerializedEqOp>(op)) ids.insert(check.getProbeId());
  });
  for (const llvm::StringRef id : ids)
    if (failed(Recorder(entry, id).run())) return failure();
  return success();
}

}  // namespace wherry::compile
