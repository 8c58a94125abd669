// KernelBuilder.h: writes the operations of one kernel, each as far out of the loops as it can go.
//
// The builder keeps the stack of regions that are being filled. A pure operation is folded, looked up
// among the equal ones, and otherwise placed in the outermost region where its operands are visible; so a
// kernel needs no folding, CSE or loop-invariant code motion afterwards. A load is pure too (a kernel
// reads an element before it overwrites it), but never leaves a guarded region, whose condition may be
// what makes its address valid. Only index arithmetic and constants leave the loop over units.
//
// Values are scalars or 1-D vectors of `lanes()` lanes; where an operation mixes them, `unify` broadcasts.
#pragma once

#include <memory>

#include "llvm/ADT/DenseSet.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OperationSupport.h"

namespace wherry::compile {

/// Equality of operations up to their results and locations.
struct SameOperation : llvm::DenseMapInfo<mlir::Operation*> {
  static unsigned getHashValue(const mlir::Operation* op);
  static bool isEqual(const mlir::Operation* a, const mlir::Operation* b);
};

/// One region that is being filled.
struct KernelScope {
  mlir::Block* block = nullptr;
  mlir::Operation* holder = nullptr;  // the operation whose region it is; null for the function's body
  mlir::Operation* before = nullptr;  // new operations go before it; null: at the end
  mlir::Operation* outerBefore = nullptr;
  bool guarded = false;
  uint64_t id = 0;
  llvm::DenseSet<mlir::Operation*, SameOperation> known;
};

class KernelBuilder {
 public:
  explicit KernelBuilder(mlir::MLIRContext* context);

  /// The location given to new operations.
  void setLoc(mlir::Location location) { loc_ = location; }
  mlir::Location loc() const { return loc_; }
  mlir::MLIRContext* context() const { return detached_.getContext(); }
  /// A builder of operations in no block.
  mlir::OpBuilder detached() const { return mlir::OpBuilder(context()); }

  // Regions. The first one pushed is the body of the function, the second the loop over units.
  void push(mlir::Block* block, mlir::Operation* holder, bool guarded = false);
  void pop();
  unsigned depth() const { return static_cast<unsigned>(scopes_.size()) - 1; }
  unsigned depthOf(mlir::Value value) const;
  unsigned guardDepth() const;
  /// A number that names the region at `depth` and is never used again.
  uint64_t scopeId(unsigned depth) const { return scopes_[depth]->id; }

  /// A builder that inserts at the end of what has been written in the region at `depth`.
  mlir::OpBuilder at(unsigned depth) const;
  mlir::OpBuilder here() const { return at(depth()); }

  /// While it lives, the regions deeper than `depth` are hidden and new operations go before them.
  class Outside {
   public:
    Outside(KernelBuilder& builder, unsigned depth);
    ~Outside();
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

   private:
    friend class KernelBuilder;
    KernelBuilder& builder_;
    llvm::SmallVector<std::unique_ptr<KernelScope>, 4> hidden_;
  };

  unsigned lanes() const { return lanes_; }
  void setLanes(unsigned lanes) { lanes_ = lanes; }
  mlir::Type withLanes(mlir::Type scalar, unsigned lanes) const;
  static unsigned lanesOf(mlir::Value value);
  mlir::Type indexLaneType() const { return indexLane_; }
  void setIndexLaneType(mlir::Type type) { indexLane_ = type; }

  /// Creates `Op` from `args` as a pure operation and returns its result or an equal value.
  template <class Op, class... Args>
  mlir::Value make(Args&&... args) {
    return pure(Op::create(detached_, loc_, std::forward<Args>(args)...));
  }
  mlir::Value pure(mlir::Operation* op);
  mlir::Value load(mlir::Operation* op);
  /// While set, loads stay where they are written: the kernel itself changes the memory they read.
  void keepLoadsInOrder(bool keep) { ordered_ = keep; }

  mlir::Value constant(mlir::TypedAttr value);
  mlir::Value constantInt(mlir::Type scalar, uint64_t value);
  mlir::Value constantFloat(mlir::Type scalar, double value);
  mlir::Value constantIndex(int64_t value);
  mlir::Value laneNumbers(mlir::Type scalar, int64_t step);

  mlir::Value splat(mlir::Value value, unsigned lanes);
  void unify(llvm::MutableArrayRef<mlir::Value> values);

  template <class Op>
  mlir::Value unary(mlir::Value x) {
    return make<Op>(x);
  }
  template <class Op>
  mlir::Value binary(mlir::Value x, mlir::Value y) {
    mlir::Value both[] = {x, y};
    unify(both);
    return make<Op>(both[0], both[1]);
  }
  template <class Op>
  mlir::Value binary(mlir::Value x, int64_t y) {
    return binary<Op>(x, constantInt(mlir::getElementTypeOrSelf(x.getType()), static_cast<uint64_t>(y)));
  }
  template <class Op>
  mlir::Value cast(mlir::Value x, mlir::Type scalar) {
    const mlir::Type type = withLanes(scalar, lanesOf(x));
    return type == x.getType() ? x : make<Op>(type, x);
  }
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no);
  mlir::Value cmpi(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value cmpi(mlir::arith::CmpIPredicate predicate, mlir::Value x, int64_t y);
  mlir::Value cmpf(mlir::arith::CmpFPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value cmpf(mlir::arith::CmpFPredicate predicate, mlir::Value x, double y);
  mlir::Value shuffle(mlir::Value x, mlir::Value y, llvm::ArrayRef<int64_t> mask);

 private:
  mlir::Value place(mlir::Operation* op, unsigned depth);

  mlir::OpBuilder detached_;
  mlir::Location loc_;
  llvm::SmallVector<std::unique_ptr<KernelScope>, 8> scopes_;
  llvm::DenseMap<mlir::Block*, unsigned> depths_;
  llvm::DenseMap<mlir::Attribute, mlir::Value> constants_;
  uint64_t nextScope_ = 0;
  unsigned lanes_ = 1;
  bool ordered_ = false;
  mlir::Type indexLane_;
};

}  // namespace wherry::compile
