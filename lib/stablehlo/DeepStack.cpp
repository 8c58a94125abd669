// DeepStack.cpp: see DeepStack.h.
#include "stablehlo/DeepStack.h"

#include "mlir/IR/Operation.h"

#include <exception>
#include <pthread.h>

using namespace mlir;

namespace {

// Of which only what is used is ever backed by memory. MLIR's parser needs 8 KiB a level.
constexpr size_t deepStackSize = size_t{256} << 20;

struct Work {
  llvm::function_ref<void()> run;
  std::exception_ptr thrown;
};

void *runWork(void *argument) {
  auto *work = static_cast<Work *>(argument);
  try {
    work->run();
  } catch (...) {
    work->thrown = std::current_exception();
  }
  return nullptr;
}

} // namespace

bool mlir::stablehlo::runOnDeepStack(llvm::function_ref<void()> run) {
  Work work{run, nullptr};
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) != 0)
    return false;
  const bool started = pthread_attr_setstacksize(&attributes, deepStackSize) == 0 &&
                       pthread_create(&thread, &attributes, runWork, &work) == 0;
  pthread_attr_destroy(&attributes);
  if (!started)
    return false;
  pthread_join(thread, nullptr);
  if (work.thrown)
    std::rethrow_exception(work.thrown);
  return true;
}

unsigned mlir::stablehlo::nestingOf(Operation *root) {
  unsigned deepest = 0;
  SmallVector<std::pair<Operation *, unsigned>> open{{root, 0}};
  while (!open.empty()) {
    const auto [op, depth] = open.pop_back_val();
    deepest = std::max(deepest, depth);
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        if (inner.getNumRegions() != 0)
          open.emplace_back(&inner, depth + 1);
  }
  return deepest;
}
