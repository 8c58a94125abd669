// Emitter.h: the elemental emitter: asks operations for single elements.
//
// `value(tensor, place)` writes the code of one element of a tensor (of one per lane) where the builder
// stands: an input is loaded, an elementwise operation asks its operands for the same place, a movement
// for another place, a reduction writes loops. Elements are remembered per place for as long as their
// code is visible. A place that is the same for all lanes gives a scalar, which unify() spreads.
//
// Rules live by family: Rules.h (elementwise), Movement.h (index maps), Access.cpp (what is read depends on
// the position or on data), Reduce.cpp, ReduceWindow.cpp, While.cpp, Dot.cpp. A further operation needs a
// case in compute() and in supports(); if it reads its operands at other places than its result's, one in
// Iteration.cpp too.
#pragma once

#include "compiler/emit/Index.h"
#include "compiler/emit/Movement.h"
#include "compiler/emit/Rules.h"
#include "stablehlo/Dialect.h"

namespace wherry::compile {

class Emitter {
 public:
  using Vals = llvm::SmallVector<Val, 1>;

  /// `inputs` maps tensors in memory to their memrefs. `lanes`: of the widest vectors that may be used.
  Emitter(KernelBuilder& builder, const llvm::DenseMap<mlir::Value, mlir::Value>& inputs, unsigned lanes)
      : b(builder), math(&builder), inputs_(inputs), maxLanes_(lanes) {}

  Val value(mlir::Value tensor, const Place& place);
  /// Writes several elements of one tensor together, so that value() finds them done: rows of a dot share
  /// loads.
  void prepare(mlir::Value tensor, llvm::ArrayRef<Place> places);

  Val load(mlir::Value memref, const Element& element, const Index& position);
  void store(mlir::Value memref, const Element& element, const Index& position, Val value);

  /// A loop of one operation around `body`, which gets the position and the carried values and returns
  /// their successors. Loops of no or one iteration vanish.
  llvm::SmallVector<mlir::Value> loop(
      int64_t low, int64_t high, int64_t step, mlir::ValueRange carried,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(const Index&, mlir::ValueRange)> body);

  /// The results of a region of scalar tensors for these arguments.
  Vals region(mlir::Region& region, llvm::ArrayRef<Val> arguments);

  /// `inside` if the conditions hold (null: always), else `outside`. `inside` may be asked only where they
  /// hold.
  Val guarded(mlir::Value condition, mlir::Value laneCondition, const Element& element, unsigned lanes,
              llvm::function_ref<Val()> inside, llvm::function_ref<Val()> outside);

  /// A number of the program as a position from 0 to `high`, clamped.
  Index positionOf(Val value, const Element& element, int64_t high);

  /// True after an operation could not be emitted (a diagnostic has been given).
  bool failed() const { return failed_; }

 private:
  struct Known {
    Place place;
    unsigned lanes;
    uint64_t scope;
    unsigned depth;
    Val value;
  };
  /// Scalars of a region that is being written, as far as they are known where `scope` is visible.
  struct Scoped {
    Val value;
    uint64_t scope;
    unsigned depth;
  };
  struct Frame {
    mlir::Region* region = nullptr;
    llvm::DenseMap<mlir::Value, Scoped> values;
    unsigned lanes = 1;  // of its arguments
  };

  Vals compute(mlir::Operation* op, const Place& place);
  Val find(mlir::Value tensor, const Place& place);
  bool isVisible(uint64_t scope, unsigned depth) const {
    return depth <= b.depth() && b.scopeId(depth) == scope;
  }
  /// The deepest region that the parts of a value need.
  unsigned depthOfParts(const Val& value) const;
  void remember(mlir::Value tensor, const Place& place, Val value);
  Val unsupported(mlir::Operation* op);
  /// The region to write loops and branches in, so that they run no more often than their place changes.
  unsigned structureDepth(const Place& place) const;

  /// scf.if on one condition for all lanes; both sides give values of `lanes` lanes.
  Val branch(mlir::Value condition, const Element& element, unsigned lanes, llvm::function_ref<Val()> yes,
             llvm::function_ref<Val()> no);
  /// Inside a region an element at the same place of all lanes may depend on the region's arguments, of which
  /// each lane has its own.
  unsigned lanesAt(const Place& place) const;

  // Access.cpp
  Val pad(mlir::stablehlo::PadOp op, const Place& place);
  Val concatenate(mlir::stablehlo::ConcatenateOp op, const Place& place);
  Val iota(mlir::stablehlo::IotaOp op, const Place& place);
  Val dynamicSlice(mlir::stablehlo::DynamicSliceOp op, const Place& place);
  Val dynamicUpdateSlice(mlir::stablehlo::DynamicUpdateSliceOp op, const Place& place);
  Val gather(mlir::stablehlo::GatherOp op, const Place& place);
  Val bitcastConvert(mlir::stablehlo::BitcastConvertOp op, const Place& place);

  // Reduce.cpp
  Vals reduce(mlir::stablehlo::ReduceOp op, const Place& place);
  Val reduceRows(mlir::stablehlo::ReduceOp op, const ReduceDims& dims, Combiner combiner, const Place& place);
  Val reduceInOrder(mlir::stablehlo::ReduceOp op, const ReduceDims& dims, Combiner combiner,
                    const Place& place);
  Vals reduceByRegion(mlir::stablehlo::ReduceOp op, const ReduceDims& dims, const Place& place);
  /// Nested loops over all groups but the last; `body` gets their positions.
  llvm::SmallVector<mlir::Value> outerLoops(
      llvm::ArrayRef<int64_t> extents, mlir::ValueRange carried,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(llvm::ArrayRef<Index>, mlir::ValueRange)> body);

  // While.cpp
  Vals whileLoop(mlir::stablehlo::WhileOp op);

  // ReduceWindow.cpp
  Vals reduceWindow(mlir::stablehlo::ReduceWindowOp op, const Place& place);

  // Dot.cpp
  Vals dot(mlir::Operation* op, llvm::ArrayRef<Place> places);

  KernelBuilder& b;
  IndexMath math;
  const llvm::DenseMap<mlir::Value, mlir::Value>& inputs_;
  unsigned maxLanes_;
  bool failed_ = false;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Known, 2>> known_;
  llvm::SmallVector<Frame, 2> frames_;
  mlir::Value active_;  // inside a loop of unknown length: the lanes for which it has not ended; null: all
};

/// The greatest power of two that is at most `count`, and at most `lanes`.
unsigned lanesFor(int64_t count, unsigned lanes);

/// Values as a flat list of parts, and back.
llvm::SmallVector<mlir::Value> flattened(llvm::ArrayRef<Val> values);
llvm::SmallVector<Val> unflattened(mlir::ValueRange parts, llvm::ArrayRef<Element> elements);

/// True if there is a rule for `op` and for its types.
bool supports(mlir::Operation* op);

}  // namespace wherry::compile
