// Update.h: operations that change a few elements of an array: scatter, and dynamic_update_slice in place.
//
// Their kernels walk what is written and not the iteration space of the result. Where the memory of the
// result holds the first operand already (Cluster::inPlace), nothing else is touched; else a unit of work
// first copies its part of the operand.
#pragma once

#include "compiler/emit/Cost.h"
#include "compiler/emit/Emitter.h"

namespace wherry::compile {

/// The operation that `cluster` consists of, but for constants, if its kernel is written here; else null.
mlir::Operation* updateOf(const Cluster& cluster);

/// Units of a scatter are slabs: some positions in one dimension of the result, with everything in the
/// others. Every unit walks all updates and applies those that fall into its slab, in the order of the
/// updates, so the result does not depend on how many units there are.
class ScatterEmitter {
 public:
  /// `outputs`: the memory of the results.
  ScatterEmitter(KernelBuilder& builder, Emitter& emitter, mlir::stablehlo::ScatterOp op,
                 llvm::ArrayRef<mlir::Value> outputs, bool inPlace, const EmitOptions& options,
                 unsigned lanes);

  int64_t units() const { return units_; }
  double totalNs() const { return totalNs_; }
  void emit(const Index& unit);

 private:
  /// How positions in one dimension of the result come about.
  struct Dimension {
    int64_t extent = 1;
    int64_t window = 1;  // positions that one update writes
    int windowDim = -1;  // of the updates; -1: none
    int batchDim = -1;   // the dimension of the updates that counts the same batches; -1: none
    int component = -1;  // of the index vector, where the window starts; -1: at 0
  };
  struct Span {
    Index from, to;
    bool isConstant() const { return from.isConstant() && to.isConstant(); }
  };
  using Body = llvm::function_ref<void(const Index&)>;

  void readDimensions();
  void chooseUnits(const EmitOptions& options);
  Span wholeOf(unsigned dimension) const;
  void loop(const Span& span, int64_t step, Body body);
  /// A loop of vectors of neighbours and one of the elements that are left.
  void rowLoop(const Span& span, Body body);
  void guarded(mlir::Value condition, llvm::function_ref<void()> body);

  void copyOperands();
  void walkPositions(unsigned next);
  void walkWindow(unsigned next, llvm::MutableArrayRef<Index> starts);
  void startsOf(llvm::SmallVectorImpl<Index>& starts, mlir::Value& condition);
  void apply(llvm::ArrayRef<Index> at);
  mlir::Value both(mlir::Value x, mlir::Value y);

  KernelBuilder& b_;
  Emitter& emitter_;
  mutable IndexMath math_;
  mlir::stablehlo::ScatterOp op_;
  llvm::ArrayRef<mlir::Value> outputs_;
  const bool inPlace_;
  const unsigned lanes_;
  llvm::SmallVector<int64_t, 8> shape_, updates_;  // of the results and of the updates
  llvm::SmallVector<Dimension, 8> dimensions_;
  llvm::SmallVector<unsigned, 8> positionDims_, windowDims_;  // of the updates
  llvm::SmallVector<int, 8> resultDim_;  // by dimension of the updates: the one it is a window or batch of
  int rowDim_ = -1;                      // of the updates: its elements are neighbours in the results
  int slabDim_ = -1;                     // of the results; -1: one unit
  int64_t slab_ = 1, units_ = 1;
  double totalNs_ = 0;
  Index low_, high_;                      // of the slab
  llvm::SmallVector<Index, 8> position_;  // by dimension of the updates
};

/// How the updates of a dynamic_update_slice lie in the memory of the result.
class WindowPlace {
 public:
  WindowPlace(Emitter& emitter, KernelBuilder& builder, mlir::stablehlo::DynamicUpdateSliceOp op)
      : emitter_(emitter), math_(&builder), op_(op) {}

  /// Where the update's dimensions d and d + 1 are no neighbours in the result.
  static void cut(mlir::stablehlo::DynamicUpdateSliceOp op, llvm::MutableArrayRef<bool> cutAfter);
  /// True if elements of the update's innermost dimension are neighbours in the result.
  static bool hasRows(mlir::stablehlo::DynamicUpdateSliceOp op);
  /// The position in the result of an element of the update. Groups of dimensions are cut as said above.
  Index linear(const Place& place);

 private:
  Emitter& emitter_;
  IndexMath math_;
  mlir::stablehlo::DynamicUpdateSliceOp op_;
};

}  // namespace wherry::compile
