// kernel_module.hpp: kernels written as MLIR text, for the tests of the two exits.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/exec/image.hpp>

#include "compiler/Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

namespace wherry::testing {

using bytes = std::vector<std::byte>;

template <class T>
bytes bytes_of(const std::vector<T>& values) {
  bytes result(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(result.data(), values.data(), result.size());
  return result;
}

template <class T>
std::vector<T> values_of(const bytes& data) {
  std::vector<T> result(data.size() / sizeof(T));
  if (!result.empty()) std::memcpy(result.data(), data.data(), result.size() * sizeof(T));
  return result;
}

inline ::testing::AssertionResult mentions(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos)
    return ::testing::AssertionSuccess() << "'" << part << "' is in: " << text;
  return ::testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

// A parsed module and every diagnostic that came since.
class kernel_module {
 public:
  explicit kernel_module(std::string_view text) {
    context_.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect,
                         mlir::memref::MemRefDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
    context_.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic& diagnostic) { diagnostics_ += diagnostic.str() + "\n"; });
    module_ = mlir::parseSourceString<mlir::ModuleOp>(llvm::StringRef(text.data(), text.size()), &context_);
    if (!module_) throw std::runtime_error("the test's kernels do not parse: " + diagnostics_);
  }

  mlir::ModuleOp get() { return *module_; }
  const std::string& diagnostics() const { return diagnostics_; }

 private:
  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  std::string diagnostics_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

// Code of a module of kernels, mapped and callable by name.
class native_module {
 public:
  explicit native_module(std::string_view text, const compile::NativeOptions& options = {}) : source_(text) {
    auto emitted = compile::emitNative(source_.get(), options);
    if (mlir::failed(emitted)) throw std::runtime_error(source_.diagnostics());
    emitted_ = std::move(*emitted);
    image_.emplace(emitted_.bytes, emitted_.cpuFeatures);
  }

  const compile::NativeImage& emitted() const { return emitted_; }

  native_kernel operator[](std::string_view name) const {
    for (const auto& [entry, offset] : emitted_.entries)
      if (entry == name) return image_->entry(offset);
    throw std::runtime_error("no kernel " + std::string(name));
  }

  /// Runs units `lo` to `hi` of kernel `name` on `slots`.
  void run(std::string_view name, std::vector<bytes>& slots, std::int64_t lo, std::int64_t hi) const {
    std::vector<void*> table;
    for (bytes& slot : slots) table.push_back(slot.data());
    (*this)[name](table.data(), lo, hi);
  }

 private:
  kernel_module source_;
  compile::NativeImage emitted_;
  std::optional<image> image_;
};

}  // namespace wherry::testing
