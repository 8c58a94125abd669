// Emitter.cpp: dispatch, memory and the values that are already there.
#include "compiler/emit/Emitter.h"

#include <numeric>

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace wherry::compile {

unsigned lanesFor(int64_t count, unsigned lanes) {
  if (count < 2) return 1;
  return static_cast<unsigned>(
      std::min<uint64_t>(llvm::bit_floor(static_cast<uint64_t>(count)), std::max(lanes, 1u)));
}

SmallVector<Value> flattened(ArrayRef<Val> values) {
  SmallVector<Value> parts;
  for (const Val& value : values) {
    parts.push_back(value.re);
    if (value.im) parts.push_back(value.im);
  }
  return parts;
}

SmallVector<Val> unflattened(ValueRange parts, ArrayRef<Element> elements) {
  SmallVector<Val> values;
  size_t next = 0;
  for (const Element& element : elements) {
    Val value{parts[next++], Value()};
    if (element.isComplex()) value.im = parts[next++];
    values.push_back(value);
  }
  return values;
}

Val Emitter::unsupported(Operation* op) {
  if (!failed_)
    op->emitError() << "the kernel emitter has no rule for '" << op->getName() << "' with these types";
  failed_ = true;
  Element element = Element::of(op->getResult(0).getType());
  if (!element.valid()) element = Element::of(Float32Type::get(b.context()));
  return constantOf(b, element, 0.0);
}

unsigned Emitter::structureDepth(const Place& place) const {
  if (!frames_.empty()) return b.depth();  // region arguments may be anywhere
  return std::max({std::min(b.depth(), 1u), b.guardDepth(), depthOf(b, place)});
}

unsigned Emitter::lanesAt(const Place& place) const {
  if (!isUniform(place)) return b.lanes();
  unsigned lanes = 1;
  for (const Frame& frame : frames_) lanes = std::max(lanes, frame.lanes);
  return lanes;
}

unsigned Emitter::depthOfParts(const Val& value) const {
  return value.im ? std::max(b.depthOf(value.re), b.depthOf(value.im)) : b.depthOf(value.re);
}

Val Emitter::find(Value tensor, const Place& place) {
  const auto it = known_.find(tensor);
  if (it == known_.end()) return {};
  for (const Known& known : it->second)
    if (isVisible(known.scope, known.depth) && (known.lanes == 1 || known.lanes == b.lanes()) &&
        isSame(known.place, place))
      return known.value;
  return {};
}

void Emitter::remember(Value tensor, const Place& place, Val value) {
  const unsigned depth = depthOfParts(value);
  auto& list = known_[tensor];
  llvm::erase_if(list, [&](const Known& known) {
    return known.depth <= b.depth() && b.scopeId(known.depth) != known.scope;
  });
  list.push_back({place, lanesAt(place), b.scopeId(depth), depth, value});
}

Val Emitter::value(Value tensor, const Place& place) {
  for (Frame& frame : llvm::reverse(frames_))
    if (const auto it = frame.values.find(tensor);
        it != frame.values.end() && isVisible(it->second.scope, it->second.depth))
      return it->second.value;
  const Element element = Element::of(tensor.getType());
  if (const auto it = inputs_.find(tensor); it != inputs_.end())
    return load(it->second, element, math.linear(place));
  Operation* op = tensor.getDefiningOp();
  if (!op) {
    failed_ = true;
    mlir::emitError(tensor.getLoc()) << "a kernel reads a value that is not among its inputs";
    return constantOf(b, element, 0.0);
  }
  if (auto constant = dyn_cast<stablehlo::ConstantOp>(op)) {
    const auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    const Val splat =
        elements && elements.isSplat() ? constantOf(b, element, elements.getSplatValue<Attribute>()) : Val();
    return splat ? splat : unsupported(op);
  }
  Frame* frame = nullptr;
  for (Frame& candidate : frames_)
    if (candidate.region->isAncestor(op->getParentRegion())) frame = &candidate;
  if (!frame)
    if (const Val known = find(tensor, place)) return known;
  const Location outer = b.loc();
  b.setLoc(op->getLoc());
  const Region* region = frame ? frame->region : nullptr;
  const Vals results = compute(op, place);
  b.setLoc(outer);
  for (const auto [i, result] : llvm::enumerate(results)) {
    const Value of = op->getResult(static_cast<unsigned>(i));
    if (!region) {
      remember(of, place, result);
    } else if (place.empty()) {
      const unsigned depth = depthOfParts(result);
      for (Frame& candidate : frames_)
        if (candidate.region == region)
          candidate.values.insert_or_assign(of, Scoped{result, b.scopeId(depth), depth});
    }
  }
  return results[cast<OpResult>(tensor).getResultNumber()];
}

Emitter::Vals Emitter::compute(Operation* op, const Place& place) {
  if (!supports(op)) return Vals(op->getNumResults(), unsupported(op));
  const auto one = [](Val value) { return Vals{value}; };
  if (const auto moved = movedPlace(math, op, place)) return one(value(op->getOperand(0), *moved));
  return llvm::TypeSwitch<Operation*, Vals>(op)
      .Case([&](stablehlo::IotaOp iota) { return one(this->iota(iota, place)); })
      .Case([&](stablehlo::PadOp pad) { return one(this->pad(pad, place)); })
      .Case([&](stablehlo::ConcatenateOp concat) { return one(concatenate(concat, place)); })
      .Case([&](stablehlo::DynamicSliceOp slice) { return one(dynamicSlice(slice, place)); })
      .Case([&](stablehlo::DynamicUpdateSliceOp update) { return one(dynamicUpdateSlice(update, place)); })
      .Case([&](stablehlo::GatherOp gather) { return one(this->gather(gather, place)); })
      .Case([&](stablehlo::BitcastConvertOp bitcast) { return one(bitcastConvert(bitcast, place)); })
      .Case([&](stablehlo::ReduceOp reduce) { return this->reduce(reduce, place); })
      .Case([&](stablehlo::WhileOp loop) { return whileLoop(loop); })
      .Case([&](stablehlo::ReduceWindowOp window) { return reduceWindow(window, place); })
      .Case<stablehlo::DotGeneralOp, stablehlo::DotOp, stablehlo::ConvolutionOp>(
          [&](Operation*) { return dot(op, {place}); })
      .Case([&](stablehlo::GetDimensionSizeOp size) {
        const int64_t extent = shapeOf(size.getOperand())[size.getDimension()];
        return one(
            {b.constantInt(Element::of(size.getType()).compute, static_cast<uint64_t>(extent)), Value()});
      })
      .Case([&](stablehlo::MapOp map) {
        SmallVector<Val, 4> arguments;
        for (const Value operand : map.getInputs()) arguments.push_back(value(operand, place));
        return region(map.getComputation(), arguments);
      })
      .Default([&](Operation*) {
        SmallVector<Val, 4> operands;
        for (const Value operand : op->getOperands())
          operands.push_back(value(operand, shapeOf(operand).empty() ? Place() : place));
        const Val result = elementwise(b, op, operands);
        return one(result ? result : unsupported(op));
      });
}

void Emitter::prepare(Value tensor, ArrayRef<Place> places) {
  Operation* op = tensor.getDefiningOp();
  if (!op || inputs_.contains(tensor) || places.size() < 2) return;
  if (isa<stablehlo::DotGeneralOp, stablehlo::DotOp, stablehlo::ConvolutionOp>(op)) {
    const Location outer = b.loc();
    b.setLoc(op->getLoc());
    for (const auto [place, value] : llvm::zip(places, dot(op, places))) remember(tensor, place, value);
    b.setLoc(outer);
  } else if (isElementwise(op)) {
    for (const Value operand : op->getOperands())
      if (!shapeOf(operand).empty()) prepare(operand, places);
  } else if (isa<stablehlo::ReshapeOp>(op)) {
    SmallVector<Place, 8> moved;
    for (const Place& place : places) moved.push_back(*movedPlace(math, op, place));
    prepare(op->getOperand(0), moved);
  }
}

Val Emitter::load(Value memref, const Element& element, const Index& position) {
  const Element part = element.part();
  const unsigned lanes = position.isUniform() ? 1 : b.lanes();
  const auto type = cast<VectorType>(VectorType::get({std::max(lanes, 1u)}, element.storage));
  const auto scalarAt = [&](const Index& at) {
    OpBuilder detached(b.context());
    return b.load(memref::LoadOp::create(detached, b.loc(), memref, at.base));
  };
  const auto vectorAt = [&](const Index& at) {
    OpBuilder detached(b.context());
    return b.load(vector::LoadOp::create(detached, b.loc(), type, memref, at.base));
  };
  const auto gatherAt = [&](const Index& at) {
    const Value base = at.lanes ? b.constantIndex(0) : at.base;
    const Value offsets = at.lanes ? at.lanes : b.laneNumbers(b.indexLaneType(), at.step);
    const Value mask = b.splat(b.constantInt(IntegerType::get(b.context(), 1), 1), lanes);
    const Value other = b.constant(cast<TypedAttr>(b.detached().getZeroAttr(type)));
    OpBuilder detached(b.context());
    return b.load(
        vector::GatherOp::create(detached, b.loc(), type, memref, ValueRange{base}, offsets, mask, other));
  };
  const auto masks = [&](int64_t first, int64_t step) {
    SmallVector<int64_t, 16> mask;
    for (unsigned i = 0; i < lanes; ++i) mask.push_back(first + step * i);
    return mask;
  };
  if (!element.isComplex()) {
    Value stored;
    if (position.isUniform()) {
      stored = scalarAt(position);
    } else if (position.step == 1) {
      stored = vectorAt(position);
    } else if (position.step == 2) {
      // Two neighbouring vectors; the second starts one early so as not to end past the last element.
      const Value low = vectorAt(position), high = vectorAt(math.add(position, lanes - 1));
      SmallVector<int64_t, 16> mask;
      for (unsigned i = 0; i < lanes; ++i) mask.push_back(2 * i < lanes ? 2 * i : 2 * i + 1);
      stored = b.shuffle(low, high, mask);
    } else if (position.step == -1) {
      const Value forward = vectorAt(math.add(position, 1 - static_cast<int64_t>(lanes)));
      stored = b.shuffle(forward, forward, masks(lanes - 1, -1));
    } else {
      stored = gatherAt(position);
    }
    return {decoded(b, part, stored), Value()};
  }
  const Index re = math.scale(position, 2);
  if (position.isUniform()) return {scalarAt(re), scalarAt(math.add(re, 1))};
  if (position.step == 1) {
    const Value low = vectorAt(re), high = vectorAt(math.add(re, lanes));
    return {b.shuffle(low, high, masks(0, 2)), b.shuffle(low, high, masks(1, 2))};
  }
  return {gatherAt(re), gatherAt(math.add(re, 1))};
}

void Emitter::store(Value memref, const Element& element, const Index& position, Val value) {
  const unsigned lanes = position.isUniform() ? 1 : b.lanes();
  OpBuilder builder = b.here();
  const auto at = [&](Value stored, const Index& where) {
    builder = b.here();
    if (lanes == 1)
      memref::StoreOp::create(builder, b.loc(), stored, memref, where.base);
    else
      vector::StoreOp::create(builder, b.loc(), b.splat(stored, lanes), memref, where.base);
  };
  assert((lanes == 1 || position.step == 1) && "results are written in order");
  if (!element.isComplex()) {
    const Value stored = encoded(b, element, value.re);
    return at(stored, position);
  }
  const Index re = math.scale(position, 2);
  if (lanes == 1) {
    at(value.re, re);
    return at(value.im, math.add(re, 1));
  }
  const Value parts[] = {b.splat(value.re, lanes), b.splat(value.im, lanes)};
  SmallVector<int64_t, 16> low, high;
  for (unsigned i = 0; i < lanes; ++i) {
    low.push_back(i / 2 + (i % 2) * lanes);
    high.push_back(lanes / 2 + i / 2 + (i % 2) * lanes);
  }
  Index first = re, second = math.add(re, lanes);
  first.step = second.step = 1;
  at(b.shuffle(parts[0], parts[1], low), first);
  at(b.shuffle(parts[0], parts[1], high), second);
}

SmallVector<Value> Emitter::loop(int64_t low, int64_t high, int64_t step, ValueRange carried,
                                 llvm::function_ref<SmallVector<Value>(const Index&, ValueRange)> body) {
  if (low >= high) return SmallVector<Value>(carried);
  const int64_t trips = (high - low + step - 1) / step;
  if (trips == 1) return body(math.constant(low), carried);
  const Value from = b.constantIndex(low), to = b.constantIndex(high), by = b.constantIndex(step);
  // What a loop carries has one type from the start.
  OpBuilder builder = b.here();
  auto loop = scf::ForOp::create(builder, b.loc(), from, to, by, carried);
  b.push(loop.getBody(), loop);
  Index position;
  position.base = loop.getInductionVar();
  position.min = low;
  position.max = low + (trips - 1) * step;
  position.multiple = low == 0 ? step : std::gcd(low, step);
  const SmallVector<Value> next = body(position, loop.getRegionIterArgs());
  builder = b.here();
  if (!carried.empty()) scf::YieldOp::create(builder, b.loc(), next);
  b.pop();
  return SmallVector<Value>(loop.getResults());
}

Emitter::Vals Emitter::region(Region& region, ArrayRef<Val> arguments) {
  frames_.emplace_back();
  frames_.back().region = &region;
  for (const auto [argument, value] : llvm::zip(region.getArguments(), arguments)) {
    const unsigned depth = depthOfParts(value);
    frames_.back().values.insert_or_assign(argument, Scoped{value, b.scopeId(depth), depth});
    frames_.back().lanes = std::max(frames_.back().lanes, KernelBuilder::lanesOf(value.re));
  }
  Vals results;
  for (const Value result : region.front().getTerminator()->getOperands())
    results.push_back(value(result, {}));
  frames_.pop_back();
  return results;
}

Val Emitter::branch(Value condition, const Element& element, unsigned lanes, llvm::function_ref<Val()> yes,
                    llvm::function_ref<Val()> no) {
  APInt known;
  if (matchPattern(condition, m_ConstantInt(&known))) return known.isZero() ? no() : yes();
  const SmallVector<Type, 2> types(element.parts(), b.withLanes(element.compute, lanes));
  OpBuilder builder = b.here();
  auto choice = scf::IfOp::create(builder, b.loc(), types, condition, true, true);
  const auto fill = [&](Block* block, llvm::function_ref<Val()> side) {
    b.push(block, choice, true);
    SmallVector<Value> parts = flattened({side()});
    for (Value& part : parts) part = b.splat(part, lanes);
    OpBuilder inner = b.here();
    scf::YieldOp::create(inner, b.loc(), parts);
    b.pop();
  };
  fill(choice.thenBlock(), yes);
  fill(choice.elseBlock(), no);
  return {choice.getResult(0), element.isComplex() ? choice.getResult(1) : Value()};
}

}  // namespace wherry::compile
