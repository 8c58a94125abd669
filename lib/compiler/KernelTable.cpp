// KernelTable.cpp: see KernelTable.h.
#include "compiler/KernelTable.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "compiler/native/Native.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Target/LLVMIR/Export.h"

using namespace mlir;

namespace wherry::compile {
namespace {

constexpr size_t moduleCount = 2;  // threads of code generation
// Below this many operations in all, a second thread costs more than it saves.
constexpr size_t worthAThread = 150;

/// Writes the structure of a cluster as bytes that are equal exactly for equal kernels of one context.
class Fingerprint {
 public:
  explicit Fingerprint(const Cluster& cluster) {
    for (Value input : cluster.inputs) {
      number(input);
      pointer(input.getType().getAsOpaquePointer());
    }
    for (Operation* op : cluster.ops) add(op);
    for (Value output : cluster.outputs) value(output);
    word(cluster.inPlace);
    word(static_cast<uint64_t>(cluster.stage));
  }
  llvm::StringRef bytes() const { return text; }

 private:
  void pointer(const void* p) { text.append(reinterpret_cast<const char*>(&p), sizeof p); }
  void word(uint64_t w) { text.append(reinterpret_cast<const char*>(&w), sizeof w); }
  void number(Value v) { numbers.try_emplace(v, numbers.size()); }
  void value(Value v) {
    number(v);
    word(numbers[v]);
  }

  void add(Operation* op) {
    pointer(op->getName().getAsOpaquePointer());
    pointer(op->getAttrDictionary().getAsOpaquePointer());
    word(op->getNumOperands());
    for (Value operand : op->getOperands()) value(operand);
    for (Value result : op->getResults()) {
      number(result);
      pointer(result.getType().getAsOpaquePointer());
    }
    for (Region& region : op->getRegions())
      for (Block& block : region) {
        for (Value argument : block.getArguments()) {
          number(argument);
          pointer(argument.getType().getAsOpaquePointer());
        }
        for (Operation& nested : block) add(&nested);
      }
    word(~uint64_t{0});
  }

  std::string text;
  llvm::DenseMap<Value, uint64_t> numbers;
};

std::string nameOf(const Cluster& cluster, size_t index) {
  Operation* root = cluster.outputs.front().getDefiningOp();
  std::string name = root->getName().stripDialect().str();
  return "k" + std::to_string(index) + "_" + name;
}

}  // namespace

KernelTable::KernelTable(MLIRContext& context, const target& target) : context(context), device(target) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect, memref::MemRefDialect,
                      scf::SCFDialect, vector::VectorDialect>();
  options.lanes = target.lanes;
  options.smallUnits = target.gpu;
  for (size_t i = 0; i < (target.exit == target::codegen::native ? moduleCount : 1); ++i) {
    modules.push_back(ModuleOp::create(UnknownLoc::get(&context)));
    sizes.push_back(0);
  }
}

FailureOr<KernelTable::Use> KernelTable::use(const Cluster& cluster) {
  const Fingerprint fingerprint(cluster);
  const auto it = known.find(fingerprint.bytes());
  if (it != known.end()) return it->second;
  const std::string name = nameOf(cluster, kernels.size());
  const size_t module = std::min_element(sizes.begin(), sizes.end()) - sizes.begin();
  const FailureOr<EmittedKernel> emitted = emitCluster(cluster, *modules[module], name, options);
  if (failed(emitted)) return failure();
  modules[module]->getBody()->back().walk([&](Operation*) { ++sizes[module]; });
  Use use{static_cast<unsigned>(kernels.size()), emitted->extent, emitted->unitCostNs};
  kernel entry;
  entry.name = emitted->name;
  entry.from = device.exit == target::codegen::native ? kernel::origin::image : kernel::origin::opencl;
  kernels.push_back(std::move(entry));
  known[fingerprint.bytes()] = use;
  return use;
}

unsigned KernelTable::prebuilt(llvm::StringRef name) {
  for (unsigned i = 0; i < kernels.size(); ++i)
    if (kernels[i].from == kernel::origin::prebuilt && kernels[i].name == name) return i;
  kernel entry;
  entry.name = name.str();
  entry.from = kernel::origin::prebuilt;
  kernels.push_back(std::move(entry));
  return static_cast<unsigned>(kernels.size() - 1);
}

std::string KernelTable::text() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (auto& module : modules)
    for (Operation& function : *module->getBody()) stream << function << "\n";
  return text;
}

void KernelTable::mergeModules() {
  for (size_t i = 1; i < modules.size(); ++i)
    modules[0]->getBody()->getOperations().splice(modules[0]->getBody()->end(),
                                                  modules[i]->getBody()->getOperations());
  modules.resize(1);
}

FailureOr<std::string> KernelTable::llvmText() {
  mergeModules();
  FailureOr<native::Lowered> lowered = native::lower(*modules[0]);
  if (failed(lowered)) return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  lowered->module->print(stream, nullptr);
  return text;
}

LogicalResult KernelTable::finish(plan& result) {
  result.kernels = kernels;
  if (device.exit == target::codegen::opencl) {
    FailureOr<std::string> source = emitOpenCL(*modules[0], device.fp64);
    if (failed(source)) return failure();
    result.opencl_source = std::move(*source);
    return success();
  }
  return finishNative(result);
}

LogicalResult KernelTable::finishNative(plan& result) {
  size_t total = 0;
  for (size_t size : sizes) total += size;
  if (total == 0) return success();
  if (total < worthAThread) mergeModules();
  NativeOptions native;
  if (!device.cpu.empty()) native.cpu = device.cpu;
  // Lowering belongs to this thread's context; generating code, which takes most of the time, does not.
  std::vector<native::Lowered> lowered;
  for (auto& module : modules) {
    FailureOr<native::Lowered> one = native::lower(*module);
    if (failed(one)) return failure();
    lowered.push_back(std::move(*one));
  }
  std::vector<std::optional<llvm::Expected<NativeImage>>> images(lowered.size());
  const auto generate = [&](size_t i) { images[i].emplace(native::generate(std::move(lowered[i]), native)); };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < lowered.size(); ++i) threads.emplace_back(generate, i);
  generate(0);
  for (std::thread& thread : threads) thread.join();
  llvm::Error problem = llvm::Error::success();
  for (auto& image : images)
    if (!*image) problem = llvm::joinErrors(std::move(problem), image->takeError());
  if (problem) {
    mlir::emitError(mlir::UnknownLoc::get(&context)) << "native code: " << llvm::toString(std::move(problem));
    return failure();
  }
  llvm::StringMap<uint64_t> entries;
  for (auto& made : images) {
    NativeImage* image = &**made;
    const uint64_t base = (result.image.size() + 63) / 64 * 64;
    result.image.resize(base);
    result.image.insert(result.image.end(), image->bytes.begin(), image->bytes.end());
    for (const auto& [name, offset] : image->entries) entries[name] = base + offset;
    result.cpu_features = image->cpuFeatures;
  }
  for (kernel& entry : result.kernels)
    if (entry.from == kernel::origin::image) entry.entry = entries.lookup(entry.name);
  return success();
}

}  // namespace wherry::compile
