// Scan.h: prefix scans (Window.h) as kernels.
//
// Results depend on one another along one dimension and on nothing else, so units of work are positions in
// the others. Where that dimension is not the innermost one, lanes are neighbouring columns and the scan is a
// loop over rows. Where it is, and the region is one known operation, a vector is scanned by shifting and
// combining, then combined with what came before it; the order is the same on every device.
#pragma once

#include "compiler/Kernels.h"
#include "compiler/Window.h"
#include "compiler/emit/Emitter.h"

namespace wherry::compile {

/// The prefix scan among the operations of `cluster`; null without one.
mlir::stablehlo::ReduceWindowOp scanOf(const Cluster& cluster);

class ScanEmitter {
 public:
  /// `outputs`: the memory of the results. `totalNs`: the estimated cost of the whole scan.
  ScanEmitter(KernelBuilder& builder, Emitter& emitter, mlir::stablehlo::ReduceWindowOp op,
              llvm::ArrayRef<mlir::Value> outputs, const EmitOptions& options, unsigned lanes,
              double totalNs);

  int64_t units() const { return units_; }
  void emit(const Index& unit);

 private:
  using Vals = llvm::SmallVector<Val>;

  void chooseUnits(const EmitOptions& options, double totalNs);
  /// A loop from `from` to `to`, which are positions of at most `most`.
  void loop(mlir::Value from, mlir::Value to, int64_t step, int64_t most,
            llvm::function_ref<void(const Index&)> body);
  /// Everything at one position of the dimensions outside, for the columns from `from` to `to`.
  void scanSlice(const Index& outer, const Index& from, const Index& to);
  void scanRow(const Index& outer);
  /// `count` vectors (or elements) of neighbouring columns.
  void scanColumns(const Index& outer, const Index& column, unsigned count);

  Place placeOf(const Index& outer, const Index& at, const Index& column) const;
  Vals start();
  Val operand(unsigned i, const Place& place);
  void store(const Place& place, llvm::ArrayRef<Val> values);
  /// `so` far and the `next` element, in the order of the scan.
  Vals combined(llvm::ArrayRef<Val> so, llvm::ArrayRef<Val> next);
  Val spread(Val value) const;

  KernelBuilder& b_;
  Emitter& emitter_;
  mutable IndexMath math_;
  mlir::stablehlo::ReduceWindowOp op_;
  llvm::ArrayRef<mlir::Value> outputs_;
  const PrefixScan scan_;
  const std::optional<Combiner> combiner_;
  llvm::SmallVector<Element> elements_;  // of the region's arguments
  unsigned rank_ = 0;
  int64_t outer_ = 1, extent_ = 1, inner_ = 1;  // elements before, in and after the dimension
  bool alongRows_ = false;
  unsigned lanes_ = 1;    // of a vector
  unsigned vectors_ = 1;  // of columns that are scanned together
  int64_t chunk_ = 1;     // columns of a unit
  int64_t slicesPerUnit_ = 1;
  int64_t units_ = 1;
};

}  // namespace wherry::compile
