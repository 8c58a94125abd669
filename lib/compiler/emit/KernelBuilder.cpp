// KernelBuilder.cpp: folding, numbering and placing the operations of a kernel.
#include "compiler/emit/KernelBuilder.h"

#include <algorithm>

using namespace mlir;

namespace wherry::compile {

unsigned SameOperation::getHashValue(const Operation* op) {
  return OperationEquivalence::computeHash(const_cast<Operation*>(op), OperationEquivalence::directHashValue,
                                           OperationEquivalence::ignoreHashValue,
                                           OperationEquivalence::IgnoreLocations);
}

bool SameOperation::isEqual(const Operation* a, const Operation* b) {
  if (a == b) return true;
  if (a == getTombstoneKey() || a == getEmptyKey() || b == getTombstoneKey() || b == getEmptyKey())
    return false;
  return OperationEquivalence::isEquivalentTo(const_cast<Operation*>(a), const_cast<Operation*>(b),
                                              OperationEquivalence::exactValueMatch, nullptr,
                                              OperationEquivalence::IgnoreLocations);
}

KernelBuilder::KernelBuilder(MLIRContext* context)
    : detached_(context), loc_(UnknownLoc::get(context)), indexLane_(IntegerType::get(context, 32)) {}

void KernelBuilder::push(Block* block, Operation* holder, bool guarded) {
  auto scope = std::make_unique<KernelScope>();
  scope->block = block;
  scope->holder = holder;
  scope->guarded = guarded;
  scope->id = ++nextScope_;
  if (!scopes_.empty()) {
    scope->outerBefore = scopes_.back()->before;
    scopes_.back()->before = holder;
  }
  if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>()) scope->before = &block->back();
  depths_[block] = static_cast<unsigned>(scopes_.size());
  scopes_.push_back(std::move(scope));
}

void KernelBuilder::pop() {
  const auto scope = scopes_.pop_back_val();
  depths_.erase(scope->block);
  if (!scopes_.empty()) scopes_.back()->before = scope->outerBefore;
}

KernelBuilder::Outside::Outside(KernelBuilder& builder, unsigned depth) : builder_(builder) {
  while (builder_.depth() > depth) hidden_.push_back(builder_.scopes_.pop_back_val());
}

KernelBuilder::Outside::~Outside() {
  while (!hidden_.empty()) builder_.scopes_.push_back(hidden_.pop_back_val());
}

unsigned KernelBuilder::depthOf(Value value) const {
  const auto it = depths_.find(value.getParentBlock());
  assert(it != depths_.end() && "a value of a region that has been left");
  return it->second;
}

unsigned KernelBuilder::guardDepth() const {
  for (unsigned i = depth(); i > 0; --i)
    if (scopes_[i]->guarded) return i;
  return 0;
}

OpBuilder KernelBuilder::at(unsigned depth) const {
  OpBuilder builder(context());
  const KernelScope& scope = *scopes_[depth];
  if (scope.before)
    builder.setInsertionPoint(scope.before);
  else
    builder.setInsertionPointToEnd(scope.block);
  return builder;
}

Value KernelBuilder::place(Operation* op, unsigned depth) {
  KernelScope& scope = *scopes_[depth];
  const auto [it, isNew] = scope.known.insert(op);
  if (!isNew) {
    op->destroy();
    return (*it)->getResult(0);
  }
  if (scope.before)
    scope.block->getOperations().insert(Block::iterator(scope.before), op);
  else
    scope.block->push_back(op);
  return op->getResult(0);
}

Value KernelBuilder::pure(Operation* op) {
  SmallVector<OpFoldResult, 1> folded;
  if (succeeded(op->fold(folded)) && folded.size() == 1) {
    const Type type = op->getResult(0).getType();
    const auto value = llvm::dyn_cast_if_present<Value>(folded[0]);
    const auto attribute = llvm::dyn_cast_if_present<Attribute>(folded[0]);
    if (value && value != op->getResult(0)) {
      op->destroy();
      return value;
    }
    if (const auto typed = llvm::dyn_cast_if_present<TypedAttr>(attribute);
        typed && typed.getType() == type) {
      op->destroy();
      return constant(typed);
    }
  }
  // Only index arithmetic may leave the loop over units.
  unsigned depth = std::min(this->depth(), isa<IndexType>(op->getResult(0).getType()) ? 0u : 1u);
  for (const Value operand : op->getOperands()) depth = std::max(depth, depthOf(operand));
  return place(op, depth);
}

Value KernelBuilder::load(Operation* op) {
  if (ordered_) return here().insert(op)->getResult(0);
  unsigned depth = std::max(std::min(this->depth(), 1u), guardDepth());
  for (const Value operand : op->getOperands()) depth = std::max(depth, depthOf(operand));
  return place(op, depth);
}

Value KernelBuilder::constant(TypedAttr value) {
  Value& known = constants_[value];
  if (known) return known;
  OpBuilder builder = at(0);
  known = arith::ConstantOp::create(builder, loc_, value);
  return known;
}

Value KernelBuilder::constantInt(Type scalar, uint64_t value) {
  if (isa<IndexType>(scalar)) return constantIndex(static_cast<int64_t>(value));
  const unsigned width = scalar.getIntOrFloatBitWidth();
  return constant(IntegerAttr::get(scalar, APInt(64, value).trunc(std::min(width, 64u))));
}

Value KernelBuilder::constantFloat(Type scalar, double value) {
  return constant(FloatAttr::get(scalar, value));
}

Value KernelBuilder::constantIndex(int64_t value) {
  return constant(IntegerAttr::get(IndexType::get(context()), value));
}

Value KernelBuilder::laneNumbers(Type scalar, int64_t step) {
  SmallVector<APInt, 16> numbers;
  for (unsigned i = 0; i < lanes_; ++i)
    numbers.push_back(APInt(scalar.getIntOrFloatBitWidth(), static_cast<uint64_t>(step * i), true, true));
  return constant(DenseElementsAttr::get(VectorType::get({lanes_}, scalar), numbers));
}

Type KernelBuilder::withLanes(Type scalar, unsigned lanes) const {
  return lanes > 1 ? VectorType::get({lanes}, scalar) : scalar;
}

unsigned KernelBuilder::lanesOf(Value value) {
  const auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? static_cast<unsigned>(vector.getNumElements()) : 1;
}

Value KernelBuilder::splat(Value value, unsigned lanes) {
  if (lanes <= 1 || isa<VectorType>(value.getType())) return value;
  return make<vector::BroadcastOp>(VectorType::get({lanes}, value.getType()), value);
}

void KernelBuilder::unify(MutableArrayRef<Value> values) {
  unsigned lanes = 1;
  for (const Value value : values) lanes = std::max(lanes, lanesOf(value));
  for (Value& value : values) value = splat(value, lanes);
}

Value KernelBuilder::fma(Value x, Value y, Value z) {
  Value all[] = {x, y, z};
  unify(all);
  return make<math::FmaOp>(all[0], all[1], all[2]);
}

Value KernelBuilder::select(Value condition, Value yes, Value no) {
  if (yes == no) return yes;
  Value all[] = {condition, yes, no};
  unify(all);
  return make<arith::SelectOp>(all[0], all[1], all[2]);
}

Value KernelBuilder::cmpi(arith::CmpIPredicate predicate, Value x, Value y) {
  Value both[] = {x, y};
  unify(both);
  return make<arith::CmpIOp>(predicate, both[0], both[1]);
}

Value KernelBuilder::cmpi(arith::CmpIPredicate predicate, Value x, int64_t y) {
  return cmpi(predicate, x, constantInt(getElementTypeOrSelf(x.getType()), static_cast<uint64_t>(y)));
}

Value KernelBuilder::cmpf(arith::CmpFPredicate predicate, Value x, Value y) {
  Value both[] = {x, y};
  unify(both);
  return make<arith::CmpFOp>(predicate, both[0], both[1]);
}

Value KernelBuilder::cmpf(arith::CmpFPredicate predicate, Value x, double y) {
  return cmpf(predicate, x, constantFloat(getElementTypeOrSelf(x.getType()), y));
}

Value KernelBuilder::shuffle(Value x, Value y, ArrayRef<int64_t> mask) {
  return make<vector::ShuffleOp>(x, y, mask);
}

}  // namespace wherry::compile
