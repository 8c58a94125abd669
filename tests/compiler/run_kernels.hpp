// run_kernels.hpp: runs functions of StableHLO with kernels of the emitter, on the host.
//
// A function is run operation by operation, each its own cluster, or as one cluster of everything. Values
// are bytes as kernels see them: booleans and types below a byte take one byte, complex numbers two parts.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <wherry/exec/image.hpp>

#include "compiler/Kernels.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "stablehlo/Dialect.h"
#include "stablehlo/Parse.h"

namespace wherry::test {

using bytes = std::vector<std::byte>;

template <class T>
bytes bytes_of(const std::vector<T>& values) {
  bytes result(values.size() * sizeof(T));
  std::memcpy(result.data(), values.data(), result.size());
  return result;
}

template <class T>
std::vector<T> values_of(const bytes& data) {
  std::vector<T> result(data.size() / sizeof(T));
  std::memcpy(result.data(), data.data(), result.size() * sizeof(T));
  return result;
}

inline std::size_t element_bytes(mlir::Type type) {
  if (const auto complex = mlir::dyn_cast<mlir::ComplexType>(type))
    return 2 * element_bytes(complex.getElementType());
  return (type.getIntOrFloatBitWidth() + 7) / 8;
}

inline std::size_t tensor_bytes(mlir::Type type) {
  const auto tensor = mlir::cast<mlir::RankedTensorType>(type);
  const auto count = static_cast<std::size_t>(tensor.getNumElements());
  return std::max<std::size_t>(1, count) * element_bytes(tensor.getElementType());
}

inline bytes constant_bytes(mlir::DenseElementsAttr value) {
  bytes result(tensor_bytes(value.getType()));
  if (value.getElementType().isInteger(1)) {
    std::size_t at = 0;
    for (const bool bit : value.getValues<bool>()) result[at++] = static_cast<std::byte>(bit);
    return result;
  }
  const auto raw = value.getRawData();
  if (raw.empty()) return result;
  for (std::size_t at = 0; at < result.size(); at += value.isSplat() ? raw.size() : result.size())
    std::memcpy(result.data() + at, raw.data(), std::min(raw.size(), result.size() - at));
  return result;
}

enum class grouping { each_operation, one_cluster };

class runner {
 public:
  explicit runner(const compile::EmitOptions& options = {}, grouping how = grouping::each_operation)
      : options_(options), how_(how) {}

  /// Parses a program; fails the test with the diagnostics where it does not parse.
  bool parse(const std::string& text, const std::string& name = "test.mlir") {
    context_ = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    mlir::DialectRegistry registry;
    mlir::stablehlo::registerStablehloDialects(registry);
    context_->appendDialectRegistry(registry);
    std::string diagnostics;
    module_ = mlir::stablehlo::parseStablehlo(*context_, text, name, diagnostics);
    problem_ = diagnostics;
    context_->getDiagEngine().registerHandler([this](mlir::Diagnostic& diagnostic) {
      problem_ += diagnostic.str() + "\n";
      return mlir::success();
    });
    return static_cast<bool>(module_);
  }

  mlir::func::FuncOp function(llvm::StringRef name) {
    return module().lookupSymbol<mlir::func::FuncOp>(name);
  }
  mlir::ModuleOp module() { return borrowed_ ? borrowed_ : *module_; }
  const std::string& problem() const { return problem_; }
  const std::string& kernels() const { return kernels_; }
  const std::vector<compile::EmittedKernel>& emitted() const { return emitted_; }

  /// The first cluster of the last run, and its kernel.
  const compile::Cluster& launched() const { return clusters_.front(); }
  native_kernel entry() const { return entries_.front(); }

  /// Runs `function`, units in `split` calls per kernel; operations other than kernels and calls are refused.
  bool run(mlir::func::FuncOp function, const std::vector<bytes>& arguments, std::vector<bytes>& results,
           std::int64_t split = 1) {
    llvm::DenseMap<mlir::Value, bytes> values;
    for (const auto [i, argument] : llvm::enumerate(function.getArguments())) values[argument] = arguments[i];
    std::vector<compile::Cluster> clusters;
    compile::Cluster all;
    std::vector<mlir::Operation*> order;
    for (mlir::Operation& op : function.getBody().front().without_terminator()) {
      if (auto constant = mlir::dyn_cast<mlir::stablehlo::ConstantOp>(op)) {
        values[constant.getOutput()] =
            constant_bytes(mlir::cast<mlir::DenseElementsAttr>(constant.getValue()));
        continue;
      }
      if (!kernel(op)) {
        order.push_back(&op);
        continue;
      }
      all.ops.push_back(&op);
      if (how_ == grouping::one_cluster) continue;
      compile::Cluster one;
      one.ops.push_back(&op);
      for (const mlir::Value result : op.getResults()) one.outputs.push_back(result);
      collect_inputs(one);
      clusters.push_back(one);
      order.push_back(&op);
    }
    mlir::Operation* end = function.getBody().front().getTerminator();
    if (how_ == grouping::one_cluster) {
      clusters = clusters_of(all);
      // Before the first operation that needs a result of theirs.
      std::size_t at = 0;
      while (at < order.size() &&
             llvm::none_of(
                 order[at]->getOperands(),
                 [&](mlir::Value operand) { return llvm::is_contained(all.ops, operand.getDefiningOp()); }))
        ++at;
      for (const compile::Cluster& cluster : clusters)
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(at++), cluster.ops.back());
    }
    clusters_ = clusters;
    if (!compile_all(clusters)) return false;
    std::size_t next = 0;
    for (mlir::Operation* op : order) {
      if (!kernel(*op) &&
          !llvm::all_of(op->getOperands(), [&](mlir::Value v) { return values.contains(v); })) {
        problem_ += "no kernel for an operation between the kernels of one cluster\n";
        return false;
      }
      if (auto call = mlir::dyn_cast<mlir::func::CallOp>(op)) {
        std::vector<bytes> inner, given;
        for (const mlir::Value operand : call.getOperands()) given.push_back(values[operand]);
        runner callee(*this);
        if (!callee.run(this->function(call.getCallee()), given, inner, split)) {
          problem_ += callee.problem_;
          return false;
        }
        for (const auto [i, result] : llvm::enumerate(call.getResults())) values[result] = inner[i];
      } else if (kernel(*op)) {
        if (!llvm::all_of(clusters[next].inputs, [&](mlir::Value input) { return values.contains(input); })) {
          problem_ += "no kernel for calls between kernels of one cluster\n";
          return false;
        }
        launch(clusters[next], next, values, split);
        ++next;
      } else if (!skip(*op, values)) {
        problem_ += "no kernel for " + op->getName().getStringRef().str() + "\n";
        return false;
      }
    }
    results.clear();
    for (const mlir::Value result : end->getOperands()) results.push_back(values[result]);
    return true;
  }

  /// What an operation that is no kernel does; the default knows none.
  std::function<bool(mlir::Operation&, llvm::DenseMap<mlir::Value, bytes>&)> skip =
      [](mlir::Operation&, llvm::DenseMap<mlir::Value, bytes>&) { return false; };

 private:
  runner(runner& outer)
      : skip(outer.skip), options_(outer.options_), how_(outer.how_), borrowed_(outer.module()) {}

  static bool kernel(mlir::Operation& op) { return compile::canEmit(&op); }

  /// Everything in as few clusters as can be: the results with equally many elements are one, with all
  /// operations that they need.
  static std::vector<compile::Cluster> clusters_of(const compile::Cluster& all) {
    std::vector<compile::Cluster> clusters;
    const auto count = [](mlir::Value value) {
      return mlir::cast<mlir::RankedTensorType>(value.getType()).getNumElements();
    };
    for (mlir::Operation* op : all.ops)
      for (const mlir::Value result : op->getResults()) {
        if (llvm::all_of(result.getUsers(), [&](mlir::Operation* user) {
              return llvm::any_of(all.ops, [&](mlir::Operation* other) { return other->isAncestor(user); });
            }))
          continue;
        auto it =
            llvm::find_if(clusters, [&](const auto& c) { return count(c.outputs[0]) == count(result); });
        if (it == clusters.end()) it = clusters.insert(clusters.end(), compile::Cluster());
        it->outputs.push_back(result);
      }
    for (compile::Cluster& cluster : clusters) {
      llvm::SmallPtrSet<mlir::Operation*, 16> needed;
      for (const mlir::Value output : cluster.outputs) needed.insert(output.getDefiningOp());
      for (mlir::Operation* op : llvm::reverse(all.ops)) {
        if (!needed.contains(op)) continue;
        op->walk([&](mlir::Operation* inner) {
          for (const mlir::Value operand : inner->getOperands())
            if (mlir::Operation* source = operand.getDefiningOp()) needed.insert(source);
        });
      }
      for (mlir::Operation* op : all.ops)
        if (needed.contains(op)) cluster.ops.push_back(op);
      collect_inputs(cluster);
    }
    return clusters;
  }

  static void collect_inputs(compile::Cluster& cluster) {
    llvm::SmallPtrSet<mlir::Operation*, 16> inside(cluster.ops.begin(), cluster.ops.end());
    for (mlir::Operation* op : cluster.ops)
      op->walk([&](mlir::Operation* inner) {
        for (mlir::Value operand : inner->getOperands()) {
          mlir::Operation* source = operand.getDefiningOp();
          if (source && (inside.contains(source) || op->isProperAncestor(source))) continue;
          if (!source && op->isAncestor(operand.getParentBlock()->getParentOp())) continue;
          if (source && mlir::isa<mlir::stablehlo::ConstantOp>(source) && compile::canEmit(source)) continue;
          if (!llvm::is_contained(cluster.inputs, operand)) cluster.inputs.push_back(operand);
        }
      });
  }

  bool compile_all(const std::vector<compile::Cluster>& clusters) {
    emitted_.clear();
    entries_.clear();
    if (clusters.empty()) return true;
    mlir::MLIRContext* context = clusters[0].ops[0]->getContext();
    mlir::OwningOpRef<mlir::ModuleOp> kernels = mlir::ModuleOp::create(mlir::UnknownLoc::get(context));
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      auto kernel = compile::emitCluster(clusters[i], *kernels, "k" + std::to_string(i), options_);
      if (mlir::failed(kernel)) return false;
      emitted_.push_back(*kernel);
    }
    kernels_.clear();
    llvm::raw_string_ostream stream(kernels_);
    kernels->print(stream);
    if (mlir::failed(mlir::verify(*kernels))) {
      problem_ += "the kernels do not verify\n";
      return false;
    }
    auto native = compile::emitNative(*kernels, {});
    if (mlir::failed(native)) return false;
    image_ = std::make_unique<image>(native->bytes, native->cpuFeatures);
    for (const auto& kernel : emitted_)
      for (const auto& [name, entry] : native->entries)
        if (name == kernel.name) entries_.push_back(image_->entry(entry));
    return entries_.size() == emitted_.size();
  }

  void launch(const compile::Cluster& cluster, std::size_t which, llvm::DenseMap<mlir::Value, bytes>& values,
              std::int64_t split) {
    // Guards around every array find writes out of bounds.
    constexpr std::size_t guard = 64;
    std::vector<bytes> memory;
    std::vector<void*> slots;
    for (const mlir::Value input : cluster.inputs) memory.push_back(values[input]);
    for (const mlir::Value output : cluster.outputs)
      memory.emplace_back(tensor_bytes(output.getType()) + 2 * guard, std::byte{0xA5});
    for (std::size_t i = 0; i < memory.size(); ++i)
      slots.push_back(memory[i].data() + (i < cluster.inputs.size() ? 0 : guard));
    const std::int64_t extent = emitted_[which].extent;
    for (std::int64_t part = 0; part < split; ++part)
      entries_[which](slots.data(), extent * part / split, extent * (part + 1) / split);
    for (std::size_t i = 0; i < cluster.outputs.size(); ++i) {
      const bytes& all = memory[cluster.inputs.size() + i];
      for (std::size_t j = 0; j < guard; ++j)
        if (all[j] != std::byte{0xA5} || all[all.size() - 1 - j] != std::byte{0xA5})
          ADD_FAILURE() << "kernel " << which << " wrote outside of output " << i;
      values[cluster.outputs[i]] = bytes(all.begin() + guard, all.end() - guard);
    }
  }

  compile::EmitOptions options_;
  grouping how_;
  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  mlir::ModuleOp borrowed_;  // of an outer runner, for a call
  std::string problem_, kernels_;
  std::vector<compile::Cluster> clusters_;
  std::vector<compile::EmittedKernel> emitted_;
  std::vector<native_kernel> entries_;
  std::unique_ptr<image> image_;
};

}  // namespace wherry::test
