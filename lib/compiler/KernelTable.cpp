// KernelTable.cpp: see KernelTable.h.
#include "compiler/KernelTable.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>
#include <wherry/exec/opencl_source.hpp>

#include "compiler/native/Native.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
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

KernelTable::KernelTable(MLIRContext& context, const target& target, bool oneThread, kernel_store* store,
                         std::string scope)
    : context(context),
      device(target),
      store(target.exit == target::codegen::native ? store : nullptr),
      scope(std::move(scope)) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect, memref::MemRefDialect,
                      scf::SCFDialect, vector::VectorDialect>();
  options.lanes = target.lanes;
  options.smallUnits = target.gpu;
  for (size_t i = 0; i < (target.exit == target::codegen::native && !oneThread ? moduleCount : 1); ++i) {
    modules.push_back(ModuleOp::create(UnknownLoc::get(&context)));
    sizes.push_back(0);
  }
}

FailureOr<KernelTable::Use> KernelTable::use(const Cluster& cluster) {
  const Fingerprint fingerprint(cluster);
  const auto it = known.find(fingerprint.bytes());
  if (it != known.end()) return it->second;
  const std::string name = nameOf(cluster, kernels.size());
  Stored entry;
  if (store)
    if (std::optional<std::string> text = keys.of(cluster)) entry.key = scope + *text;
  if (!entry.key.empty() && load(name, entry)) {
    const Use use{static_cast<unsigned>(kernels.size()), entry.extent, entry.unitCostNs};
    kernels.push_back({name, kernel::origin::image, 0});
    stored[name] = std::move(entry);
    known[fingerprint.bytes()] = use;
    return use;
  }
  const size_t module = std::min_element(sizes.begin(), sizes.end()) - sizes.begin();
  const FailureOr<EmittedKernel> emitted = emitCluster(cluster, *modules[module], name, options);
  if (failed(emitted)) return failure();
  modules[module]->getBody()->back().walk([&](Operation*) { ++sizes[module]; });
  Use use{static_cast<unsigned>(kernels.size()), emitted->extent, emitted->unitCostNs};
  const bool isNative = device.exit == target::codegen::native;
  kernels.push_back({emitted->name, isNative ? kernel::origin::image : kernel::origin::opencl, 0});
  entry.extent = emitted->extent;
  entry.unitCostNs = emitted->unitCostNs;
  if (isNative) stored[emitted->name] = std::move(entry);
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
    nameByContent(result);
    return success();
  }
  return finishNative(result);
}

/// Compiles the kernels that were emitted, each into an image of its own.
LogicalResult KernelTable::generateMissing() {
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
  std::vector<std::optional<llvm::Expected<std::vector<NativeImage>>>> images(lowered.size());
  const auto generate = [&](size_t i) { images[i].emplace(native::generate(std::move(lowered[i]), native)); };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < lowered.size(); ++i) threads.emplace_back(generate, i);
  generate(0);
  for (std::thread& thread : threads) thread.join();
  llvm::Error problem = llvm::Error::success();
  for (auto& made : images)
    if (!*made) problem = llvm::joinErrors(std::move(problem), made->takeError());
  if (problem) {
    mlir::emitError(mlir::UnknownLoc::get(&context)) << "native code: " << llvm::toString(std::move(problem));
    return failure();
  }
  for (auto& made : images)
    for (NativeImage& image : **made) {
      Stored& entry = stored[image.entries.front().first];
      entry.image = std::move(image);
      if (!entry.key.empty()) save(entry);
    }
  return success();
}

LogicalResult KernelTable::finishNative(plan& result) {
  if (kernels.empty()) return success();
  if (failed(generateMissing())) return failure();
  llvm::Expected<native::Cpu> cpu = native::chooseCpu(device.cpu.empty() ? "native" : device.cpu);
  if (!cpu) {
    mlir::emitError(mlir::UnknownLoc::get(&context)) << llvm::toString(cpu.takeError());
    return failure();
  }
  // Prebuilt kernels need what is linked in; an artifact gets those of this level.
  result.features = cpu->level;
  NativeImage all;
  for (const kernel& entry : kernels)
    if (entry.from == kernel::origin::image) native::appendImage(all, stored[entry.name].image);
  result.image = std::move(all.bytes);
  llvm::StringMap<uint64_t> entries;
  for (const auto& [name, offset] : all.entries) entries[name] = offset;
  for (kernel& entry : result.kernels)
    if (entry.from == kernel::origin::image) entry.entry = entries.lookup(entry.name);
  return success();
}

// A stored kernel: extent, cost, entry, code.
bool KernelTable::load(llvm::StringRef name, Stored& entry) {
  const std::optional<std::vector<std::byte>> found = store->find(entry.key);
  uint64_t start = 0;
  const size_t head = sizeof entry.extent + sizeof entry.unitCostNs + sizeof start;
  if (!found || found->size() <= head) return false;
  const std::byte* from = found->data();
  std::memcpy(&entry.extent, from, 8);
  std::memcpy(&entry.unitCostNs, from + 8, 8);
  std::memcpy(&start, from + 16, 8);
  if (entry.extent < 0 || start >= found->size() - head) return false;
  entry.image.bytes.assign(found->begin() + head, found->end());
  entry.image.entries = {{name.str(), start}};
  return true;
}

void KernelTable::save(const Stored& entry) {
  std::vector<std::byte> bytes(24);
  std::memcpy(bytes.data(), &entry.extent, 8);
  std::memcpy(bytes.data() + 8, &entry.unitCostNs, 8);
  std::memcpy(bytes.data() + 16, &entry.image.entries.front().second, 8);
  bytes.insert(bytes.end(), entry.image.bytes.begin(), entry.image.bytes.end());
  store->store(entry.key, bytes);
}

/// Gives kernels names that end with a hash of their text, and keeps one of those that are the same: then
/// equal names mean equal kernels, in whatever program they are.
void KernelTable::nameByContent(plan& result) const {
  const std::optional<opencl_parts> parts = split_opencl(result.opencl_source);
  if (!parts) return;  // never: the printer writes this shape
  std::string source;
  for (std::string_view line : parts->directives) {
    source += line;
    if (line.find("cl_khr_fp64") != std::string_view::npos) result.features = "fp64";
  }
  llvm::StringMap<std::string> renamed;
  llvm::StringSet<> written;
  for (const opencl_definition& definition : parts->definitions) {
    if (!definition.is_kernel) {
      source += "\n" + std::string(definition.text);
      continue;
    }
    const size_t begin = definition.name.data() - definition.text.data();
    const std::string_view rest = definition.text.substr(begin + definition.name.size());
    // k3_add becomes add_0123456789abcdef
    std::string name(definition.name.substr(definition.name.find('_') + 1));
    name += "_" + llvm::utohexstr(llvm::xxh3_64bits(llvm::StringRef(rest)), /*LowerCase=*/true, 16);
    renamed[definition.name] = name;
    if (!written.insert(name).second) continue;
    source += "\n" + std::string(definition.text.substr(0, begin)) + name + std::string(rest);
  }
  for (kernel& entry : result.kernels) entry.name = renamed.lookup(entry.name);
  result.opencl_source = std::move(source);
}

}  // namespace wherry::compile
