// Sort.cpp: see Sort.h.
//
// Tiles are sorted by counting: the rank of an element is the number of elements that come before it, and as
// many elements as a vector has lanes are ranked at once. There is no data-dependent branch, neither here nor
// in the loop that merges.
#include "compiler/emit/Sort.h"

#include "compiler/emit/Emitter.h"
#include "compiler/emit/MergeVectors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace wherry::compile {

namespace {

constexpr int64_t mergeRange = 4096;  // elements that one unit writes, a power of two
constexpr int64_t smallMergeRange = 64;
// Elements of a row from which on merging two parts at a time repays the code: a fifth of the time of a
// million floats, for a third more instructions.
constexpr int64_t twoParts = 1 << 17;
constexpr double compareNs = 0.3;  // of one operation of the comparator
constexpr double moveNs = 1.0;     // of one element

size_t operationsOf(stablehlo::SortOp op) {
  return static_cast<size_t>(
             llvm::count_if(op.getComparator().front(),
                            [](Operation& inner) { return !isa<stablehlo::ConstantOp>(inner); })) -
         1;
}

Type memoryOfTensor(Type type) {
  const auto tensor = cast<RankedTensorType>(type);
  const Element element = Element::of(tensor);
  return MemRefType::get({std::max<int64_t>(1, tensor.getNumElements()) * element.parts()}, element.storage);
}

class SortEmitter {
 public:
  SortEmitter(stablehlo::SortOp op, func::FuncOp function, const EmitOptions& options)
      : op_(op),
        function_(function),
        options_(options),
        shape_(SortShape::of(op)),
        count_(op->getNumOperands()),
        b_(function.getContext()),
        emitter_(b_, none_, options.lanes) {
    unsigned widest = 32;
    for (const Value operand : op.getInputs()) {
      elements_.push_back(Element::of(operand.getType()));
      widest = std::max(widest, elements_.back().bits);
    }
    if (shape_.rows * shape_.length >= int64_t{1} << 30)
      b_.setIndexLaneType(IntegerType::get(function.getContext(), 64));
    lanes_ = lanesFor(std::min(shape_.length, tileSize),
                      widest > 32 ? std::max(1u, options.lanes / 2) : options.lanes);
  }

  bool run(Cluster::Stage stage, EmittedKernel& kernel) {
    Block* entry = function_.addEntryBlock();
    OpBuilder builder = OpBuilder::atBlockEnd(entry);
    func::ReturnOp::create(builder, function_.getLoc());
    b_.setLoc(function_.getLoc());
    b_.push(entry, nullptr);
    for (unsigned i = 0; i < count_; ++i) {
      from_.push_back(entry->getArgument(i));
      to_.push_back(entry->getArgument(count_ + i));
    }
    if (VectorMerger::handles(op_) && lanes_ > 1 &&
        2 * static_cast<int64_t>(lanes_) >= std::min(tileSize, shape_.length))
      vectors_.emplace(b_, emitter_, op_, lanes_, from_.front(), to_.front());
    const bool isTiles = stage == Cluster::Stage::SortTiles;
    const Value low = entry->getArgument(entry->getNumArguments() - 2),
                high = entry->getArgument(entry->getNumArguments() - 1);
    const double elementNs = moveNs * count_ + compareNs * static_cast<double>(operationsOf(op_));
    const double rowNs = elementNs * static_cast<double>(shape_.length) * (isTiles ? 2.0 : 1.5);
    if (isTiles) {
      if (!vectors_) {
        builder = b_.here();
        ranks_ = memref::AllocaOp::create(builder, b_.loc(), MemRefType::get({tileSize}, i32()));
      }
      chooseTiles(rowNs);
    } else {
      chooseRanges();
      runLength_ = entry->getArgument(2 * count_);
    }
    kernel.extent = extent_;
    kernel.unitCostNs = rowNs * static_cast<double>(shape_.rows) / static_cast<double>(extent_);
    const Value one = index(1);
    builder = b_.here();
    auto loop = scf::ForOp::create(builder, b_.loc(), low, high, one);
    loop->setAttr("wherry.units", builder.getUnitAttr());
    b_.push(loop.getBody(), loop);
    b_.setLoc(op_.getLoc());
    if (isTiles)
      emitTiles(loop.getInductionVar());
    else
      emitMerges(loop.getInductionVar());
    b_.pop();
    b_.pop();
    return !emitter_.failed();
  }

 private:
  using Vals = SmallVector<Val, 4>;

  // Arithmetic on positions.
  Value index(int64_t value) { return b_.constantIndex(value); }
  Value add(Value x, Value y) { return b_.make<arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b_.make<arith::SubIOp>(x, y); }
  Value scale(Value x, int64_t c) { return c == 1 ? x : b_.make<arith::MulIOp>(x, index(c)); }
  Value div(Value x, int64_t c) { return c == 1 ? x : b_.make<arith::DivUIOp>(x, index(c)); }
  Value rem(Value x, int64_t c) { return c == 1 ? index(0) : b_.make<arith::RemUIOp>(x, index(c)); }
  Value min(Value x, Value y) { return b_.make<arith::MinSIOp>(x, y); }
  Value max(Value x, Value y) { return b_.make<arith::MaxSIOp>(x, y); }
  Value less(Value x, Value y) { return b_.cmpi(arith::CmpIPredicate::slt, x, y); }
  Value both(Value x, Value y) { return b_.binary<arith::AndIOp>(x, y); }
  Value either(Value x, Value y) { return b_.binary<arith::OrIOp>(x, y); }
  Value negated(Value condition) {
    return b_.binary<arith::XOrIOp>(condition, b_.constantInt(b_.detached().getI1Type(), 1));
  }
  Value counted(Value condition) {
    return b_.make<arith::IndexCastUIOp>(b_.detached().getIndexType(),
                                         b_.cast<arith::ExtUIOp>(condition, i32()));
  }
  Type i32() { return b_.detached().getI32Type(); }

  SmallVector<Value> loop(Value from, Value to, Value step, ValueRange carried,
                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    OpBuilder builder = b_.here();
    auto loop = scf::ForOp::create(builder, b_.loc(), from, to, step, carried);
    b_.push(loop.getBody(), loop);
    const SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    builder = b_.here();
    if (!carried.empty()) scf::YieldOp::create(builder, b_.loc(), next);
    b_.pop();
    return SmallVector<Value>(loop.getResults());
  }

  void loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body) {
    loop(from, to, step, ValueRange(), [&](Value at, ValueRange) -> SmallVector<Value> {
      body(at);
      return {};
    });
  }

  /// The elements at `at`, and at its neighbours in a vector, or only those that the comparator sees.
  Index position(Value at, unsigned lanes) {
    Index where;
    where.base = at;
    where.step = lanes > 1 ? 1 : 0;
    where.max = shape_.rows * shape_.length;
    return where;
  }
  Vals load(Value at, unsigned lanes = 1) {
    Vals values;
    for (unsigned i = 0; i < count_; ++i) {
      Region& region = op_.getComparator();
      const bool isSeen =
          !region.getArgument(2 * i).use_empty() || !region.getArgument(2 * i + 1).use_empty();
      values.push_back(isSeen ? emitter_.load(from_[i], elements_[i], position(at, lanes))
                              : constantOf(b_, elements_[i], 0.0));
    }
    return values;
  }
  void move(Value from, Value to) {
    for (unsigned i = 0; i < count_; ++i)
      emitter_.store(to_[i], elements_[i], position(to, 1),
                     emitter_.load(from_[i], elements_[i], position(from, 1)));
  }

  /// True where `x` belongs before `y`.
  Value compare(ArrayRef<Val> x, ArrayRef<Val> y) {
    Vals arguments;
    for (unsigned i = 0; i < count_; ++i) {
      arguments.push_back(x[i]);
      arguments.push_back(y[i]);
    }
    return emitter_.region(op_.getComparator(), arguments).front().re;
  }
  Vals select(Value condition, ArrayRef<Val> yes, ArrayRef<Val> no) {
    Vals values;
    for (unsigned i = 0; i < count_; ++i)
      values.push_back({b_.select(condition, yes[i].re, no[i].re),
                        yes[i].im ? b_.select(condition, yes[i].im, no[i].im) : Value()});
    return values;
  }

  // The first stage.
  void chooseTiles(double rowNs) {
    tilesInRow_ = (shape_.length + tileSize - 1) / tileSize;
    const int64_t tiles = tilesInRow_ * shape_.rows;
    const double tileNs = std::max(1.0, rowNs / static_cast<double>(tilesInRow_));
    tilesInUnit_ =
        std::max<int64_t>(1, static_cast<int64_t>(2.0 * static_cast<double>(options_.unitCostNs) / tileNs));
    if (options_.smallUnits) tilesInUnit_ = 1;
    tilesInUnit_ = std::min(tilesInUnit_, tiles);
    extent_ = (tiles + tilesInUnit_ - 1) / tilesInUnit_;
  }

  void emitTiles(Value unit) {
    const Value first = scale(unit, tilesInUnit_);
    const Value last = min(add(first, index(tilesInUnit_)), index(tilesInRow_ * shape_.rows));
    loop(first, last, index(1), [&](Value tile) {
      const Value within = scale(rem(tile, tilesInRow_), tileSize);
      const Value start = add(scale(div(tile, tilesInRow_), shape_.length), within);
      Value size = index(std::min(tileSize, shape_.length));
      if (tilesInRow_ > 1 && shape_.length % tileSize) size = min(size, sub(index(shape_.length), within));
      if (vectors_) return vectors_->sort(start, add(start, size), std::min(tileSize, shape_.length));
      rankTile(start, size);
      b_.keepLoadsInOrder(true);
      loop(index(0), size, index(1), [&](Value at) {
        const Element element = Element::of(i32());
        const Value rank = emitter_.load(ranks_, element, position(at, 1)).re;
        move(add(start, at), add(start, b_.make<arith::IndexCastUIOp>(b_.detached().getIndexType(), rank)));
      });
      b_.keepLoadsInOrder(false);
    });
  }

  void rankTile(Value start, Value size) {
    if (lanes_ == 1) return rankElements(start, index(0), size, size, 1);
    const Value whole = scale(div(size, lanes_), lanes_);
    rankElements(start, index(0), whole, size, lanes_);
    if (shape_.length % lanes_) rankElements(start, whole, size, size, 1);
  }

  /// Stores the ranks of elements `from` to `to` of a tile of `size` elements.
  void rankElements(Value start, Value from, Value to, Value size, unsigned lanes) {
    loop(from, to, index(lanes), [&](Value at) {
      b_.setLanes(lanes);
      const Vals mine = load(add(start, at), lanes);
      Value number = b_.make<arith::IndexCastUIOp>(i32(), at);
      if (lanes > 1) number = b_.binary<arith::AddIOp>(number, b_.laneNumbers(i32(), 1));
      const Value none = b_.splat(b_.constantInt(i32(), 0), lanes);
      const Value rank =
          loop(index(0), size, index(1), none, [&](Value other, ValueRange carried) {
            const Vals theirs = load(add(start, other));
            const Value otherNumber = b_.make<arith::IndexCastUIOp>(i32(), other);
            const Value isBefore = b_.cmpi(arith::CmpIPredicate::slt, otherNumber, number);
            // An earlier element stays before mine unless mine is less, a later one goes before mine if it
            // is.
            const Value isLess = compare(select(isBefore, mine, theirs), select(isBefore, theirs, mine));
            const Value counts = both(b_.binary<arith::XOrIOp>(isLess, isBefore),
                                      b_.cmpi(arith::CmpIPredicate::ne, otherNumber, number));
            return SmallVector<Value>{
                b_.binary<arith::AddIOp>(carried.front(), b_.cast<arith::ExtUIOp>(counts, i32()))};
          }).front();
      emitter_.store(ranks_, Element::of(i32()), position(at, lanes), {rank, Value()});
      b_.setLanes(1);
    });
  }

  // The second stage.
  struct Runs {
    Value start;   // of the first run, and of the merged one
    Value second;  // start of the second run
    Value firstSize, secondSize;
    Value lastPosition;  // that may be read
  };

  void chooseRanges() {
    range_ = options_.smallUnits ? smallMergeRange : mergeRange;
    rangesInRow_ = (shape_.length + range_ - 1) / range_;
    rowsInUnit_ = options_.smallUnits ? 1 : std::clamp<int64_t>(range_ / shape_.length, 1, shape_.rows);
    extent_ = rangesInRow_ > 1 ? shape_.rows * rangesInRow_ : (shape_.rows + rowsInUnit_ - 1) / rowsInUnit_;
  }

  void emitMerges(Value unit) {
    const Element element = Element::of(b_.detached().getI64Type());
    const Value run = b_.make<arith::IndexCastOp>(
        b_.detached().getIndexType(), emitter_.load(runLength_, element, position(index(0), 1)).re);
    if (rangesInRow_ > 1) {
      const Value from = scale(rem(unit, rangesInRow_), range_);
      return mergeRow(div(unit, rangesInRow_), from, min(add(from, index(range_)), index(shape_.length)),
                      run);
    }
    const Value first = scale(unit, rowsInUnit_);
    const Value last = min(add(first, index(rowsInUnit_)), index(shape_.rows));
    loop(first, last, index(1), [&](Value row) { mergeRow(row, index(0), index(shape_.length), run); });
  }

  /// Writes positions `from` to `to` of a row. Either they are a part of one pair of runs, or whole pairs.
  void mergeRow(Value row, Value from, Value to, Value run) {
    const Value rowStart = scale(row, shape_.length);
    const Value pair = add(run, run), wanted = index(shape_.wanted);
    loop(from, to, pair, [&](Value at) {
      const Value pairStart = b_.make<arith::AndIOp>(at, sub(index(0), pair));
      const Value left = sub(index(shape_.length), pairStart);
      Runs runs;
      runs.start = add(rowStart, pairStart);
      runs.second = add(runs.start, run);
      runs.firstSize = min(min(run, left), wanted);
      runs.secondSize = min(min(run, max(sub(left, run), index(0))), wanted);
      runs.lastPosition = add(rowStart, index(shape_.length - 1));
      const Value size = min(add(runs.firstSize, runs.secondSize), wanted);
      merge(runs, min(sub(at, pairStart), size), min(sub(to, pairStart), size));
    });
  }

  Vals loadInRow(const Runs& runs, Value at) { return load(min(at, runs.lastPosition)); }

  /// How many of the first `count` elements of the merged run are of the first one.
  Value split(const Runs& runs, Value count) {
    OpBuilder builder = b_.here();
    const Value low = max(sub(count, runs.secondSize), index(0)), high = min(count, runs.firstSize);
    builder = b_.here();
    const Type types[] = {low.getType(), low.getType()};
    auto bisect = scf::WhileOp::create(builder, b_.loc(), types, ValueRange{low, high});
    const Location locations[] = {b_.loc(), b_.loc()};
    Block* before = builder.createBlock(&bisect.getBefore(), {}, types, locations);
    b_.push(before, bisect);
    const Value isOpen = less(before->getArgument(0), before->getArgument(1));
    builder = b_.here();
    scf::ConditionOp::create(builder, b_.loc(), isOpen, before->getArguments());
    b_.pop();
    Block* after = builder.createBlock(&bisect.getAfter(), {}, types, locations);
    b_.push(after, bisect);
    const Value from = after->getArgument(0), to = after->getArgument(1);
    const Value middle = div(add(from, to), 2);
    const Value other = sub(sub(count, middle), index(1));
    const Value isLess = compare(load(add(runs.second, other)), load(add(runs.start, middle)));
    const Value nextFrom = b_.select(isLess, from, add(middle, index(1))),
                nextTo = b_.select(isLess, middle, to);
    builder = b_.here();
    scf::YieldOp::create(builder, b_.loc(), ValueRange{nextFrom, nextTo});
    b_.pop();
    return bisect.getResult(0);
  }

  VectorMerger::Part partOf(const Runs& runs, Value from, Value to) {
    const Value taken = split(runs, from);
    return {{add(runs.start, taken), add(runs.start, runs.firstSize)},
            {add(runs.second, sub(from, taken)), add(runs.second, runs.secondSize)},
            add(runs.start, from),
            add(runs.start, to)};
  }

  /// Writes elements `from` to `to` of the merged run.
  void merge(const Runs& runs, Value from, Value to) {
    if (vectors_ && shape_.wanted < twoParts)
      return vectors_->merge(partOf(runs, from, to), runs.lastPosition);
    if (vectors_) {
      const Value half = div(sub(to, from), 2 * static_cast<int64_t>(lanes_));
      const Value middle = add(from, scale(half, lanes_));
      return vectors_->merge({partOf(runs, from, middle), partOf(runs, middle, to)}, runs.lastPosition);
    }
    const Value taken = split(runs, from);
    loop(from, to, index(1), taken, [&](Value at, ValueRange carried) {
      const Value first = carried.front(), second = sub(at, first);
      const Value x = add(runs.start, first), y = add(runs.second, second);
      const Value isLess = compare(loadInRow(runs, y), loadInRow(runs, x));
      const Value takesSecond =
          both(less(second, runs.secondSize),
               either(isLess, b_.cmpi(arith::CmpIPredicate::sge, first, runs.firstSize)));
      move(b_.select(takesSecond, y, x), add(runs.start, at));
      return SmallVector<Value>{add(first, counted(negated(takesSecond)))};
    });
  }

  stablehlo::SortOp op_;
  func::FuncOp function_;
  const EmitOptions& options_;
  const SortShape shape_;
  const unsigned count_;  // operands
  const llvm::DenseMap<Value, Value> none_;
  KernelBuilder b_;
  Emitter emitter_;
  SmallVector<Element, 4> elements_;
  SmallVector<Value, 4> from_, to_;
  unsigned lanes_ = 1;
  int64_t extent_ = 1;
  Value ranks_;      // of the elements of a tile
  Value runLength_;  // where it is told
  std::optional<VectorMerger> vectors_;
  int64_t tilesInRow_ = 1, tilesInUnit_ = 1;
  int64_t range_ = 1, rangesInRow_ = 1, rowsInUnit_ = 1;
};

}  // namespace

SortShape SortShape::of(stablehlo::SortOp op) {
  const auto type = cast<RankedTensorType>(op.getInputs().front().getType());
  SortShape shape;
  shape.length = type.getShape().back();
  shape.rows = shape.length == 0 ? 0 : type.getNumElements() / shape.length;
  shape.wanted = shape.length;
  if (const auto wanted = op->getAttrOfType<IntegerAttr>(wantedAttribute))
    shape.wanted = std::clamp<int64_t>(wanted.getInt(), 0, shape.length);
  return shape;
}

SmallVector<Type> sortArguments(const Cluster& cluster) {
  SmallVector<Type> types;
  for (const Value input : cluster.inputs) types.push_back(memoryOfTensor(input.getType()));
  for (const Value output : cluster.outputs) types.push_back(memoryOfTensor(output.getType()));
  if (cluster.stage == Cluster::Stage::SortMerge)
    types.push_back(MemRefType::get({1}, IntegerType::get(cluster.ops.front()->getContext(), 64)));
  return types;
}

bool emitSort(const Cluster& cluster, func::FuncOp function, const EmitOptions& options,
              EmittedKernel& kernel) {
  return SortEmitter(cast<stablehlo::SortOp>(cluster.ops.front()), function, options)
      .run(cluster.stage, kernel);
}

}  // namespace wherry::compile
