// EmitCluster.cpp: a cluster as one kernel: its iteration space, its units of work and its loops.
//
// The iteration space is the shape of the results, collapsed (Iteration.h). Its innermost group of
// dimensions is a row; rows (tiles of rows, for a dot) are counted through all outer groups. A unit is
// several rows or a chunk of one long row, so that it takes about the time that was asked for. Within a
// row, pieces (cuts of the plan) are separate loops: one of vectors and one of the elements that are left.
// Operations that change a few elements of an array have loops of their own (Update.h), and so have scans
// (Scan.h).
// All results of a vector are computed before the first is stored, because a result may live in the
// memory of an input.
#include "compiler/Kernels.h"
#include "compiler/emit/Cost.h"
#include "compiler/emit/Emitter.h"
#include "compiler/emit/Iteration.h"
#include "compiler/emit/Scan.h"
#include "compiler/emit/Sort.h"
#include "compiler/emit/Update.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace wherry::compile {

namespace {

constexpr int64_t dotTile = 8;      // rows of a dot that share the loads of its right operand
constexpr int64_t acrossTile = 16;  // rows that share the cache lines of a transposed input

MemRefType memoryOfTensor(Type type) {
  const auto tensor = cast<RankedTensorType>(type);
  const Element element = Element::of(tensor);
  const int64_t count = std::max<int64_t>(1, tensor.getNumElements()) * element.parts();
  return MemRefType::get({count}, element.storage);
}

/// How the iteration space is cut into units.
struct Units {
  int64_t tileRows = 1;        // rows of one tile
  bool loopsOverRows = false;  // the rows of a tile are a loop inside the row's, and not written out
  int64_t tiles = 1;           // of the whole space
  int64_t tilesPerUnit = 1;
  int64_t row = 1;    // elements of a row
  int64_t chunk = 1;  // elements of a row in one unit; `row` unless a unit is a part of one row
  int64_t extent = 1;
};

class ClusterEmitter {
 public:
  ClusterEmitter(const Cluster& cluster, func::FuncOp function, const EmitOptions& options)
      : cluster_(cluster), function_(function), options_(options), b_(function.getContext()), math_(&b_) {}

  bool run(EmittedKernel& kernel) {
    Block* entry = function_.addEntryBlock();
    OpBuilder builder = OpBuilder::atBlockEnd(entry);
    Operation* end = func::ReturnOp::create(builder, function_.getLoc());
    (void)end;
    b_.setLoc(function_.getLoc());
    b_.push(entry, nullptr);
    unsigned next = 0;
    for (const Value input : cluster_.inputs) inputs_[input] = entry->getArgument(next++);
    for (size_t i = 0; i < cluster_.outputs.size(); ++i) outputs_.push_back(entry->getArgument(next++));
    low_ = entry->getArgument(next++);
    high_ = entry->getArgument(next);

    Operation* update = updateOf(cluster_);
    window_ = dyn_cast_if_present<stablehlo::DynamicUpdateSliceOp>(update);
    chooseShape();
    Cost cost = costOf(cluster_);
    chooseLanes(cost);
    Emitter emitter(b_, inputs_, maxLanes_);
    chooseUnits(cost);
    std::optional<ScatterEmitter> scatter;
    if (auto op = dyn_cast_if_present<stablehlo::ScatterOp>(update)) {
      scatter.emplace(b_, emitter, op, outputs_, cluster_.inPlace, options_, maxLanes_);
      units_.extent = scatter->units();
      cost.totalNs = scatter->totalNs();
    }
    std::optional<ScanEmitter> scan;
    if (auto op = elements_ == 0 ? stablehlo::ReduceWindowOp() : scanOf(cluster_)) {
      scan.emplace(b_, emitter, op, outputs_, options_, maxLanes_, cost.totalNs);
      units_.extent = scan->units();
    }
    kernel.extent = elements_ == 0 ? 0 : units_.extent;
    kernel.unitCostNs = cost.totalNs / static_cast<double>(std::max<int64_t>(1, units_.extent));

    builder = b_.here();
    const Value one = b_.constantIndex(1);
    builder = b_.here();
    auto loop = scf::ForOp::create(builder, b_.loc(), low_, high_, one);
    loop->setAttr("wherry.units", builder.getUnitAttr());
    if (elements_ == 0) return true;
    b_.push(loop.getBody(), loop);
    Index unit = math_.constant(0);
    if (units_.extent > 1) {
      unit.base = loop.getInductionVar();
      unit.max = units_.extent - 1;
      unit.multiple = 1;
    }
    if (scatter)
      scatter->emit(unit);
    else if (scan)
      scan->emit(unit);
    else
      emitUnit(emitter, unit);
    b_.pop();
    b_.pop();
    return !emitter.failed();
  }

 private:
  void chooseShape() {
    shape_ = shapeOf(window_ ? Value(window_.getUpdate()) : cluster_.outputs.front());
    for (const Value output : cluster_.outputs)
      if (!window_ && shapeOf(output).size() > shape_.size()) shape_ = shapeOf(output);
    elements_ = 1;
    for (const int64_t extent : shape_) elements_ *= extent;
    if (elements_ == 0) return;
    const auto computed = window_ ? SmallVector<Value, 4>{window_.getUpdate()} : cluster_.outputs;
    plan_ = planIteration(shape_, computed, [&](Value value) { return inputs_.contains(value); });
    if (window_) WindowPlace::cut(window_, plan_.cutAfter);
    groups_ = groupsOf(shape_, plan_.cutAfter);
    // Cuts stay where the innermost group is the one dimension that has them.
    if (!groups_.empty()) {
      unsigned first = shape_.size() - groups_.back().dims;
      for (unsigned d = first; d < shape_.size(); ++d)
        if (shape_[d] == groups_.back().extent && shape_[d] != 1) cuts_ = plan_.cuts[d];
    }
  }

  void chooseLanes(const Cost& cost) {
    maxLanes_ = cost.widestBits > 32 ? std::max(1u, options_.lanes / 2) : options_.lanes;
    maxLanes_ = std::min(maxLanes_, 16u);
    if (cost.mostElements >= (int64_t{1} << 31)) b_.setIndexLaneType(IntegerType::get(b_.context(), 64));
    row_ = groups_.empty() ? 1 : groups_.back().extent;
    const bool isScalar = plan_.wantsScalarElements || (window_ && !WindowPlace::hasRows(window_));
    lanes_ = isScalar ? 1 : lanesFor(row_, maxLanes_);
  }

  void chooseUnits(const Cost& cost) {
    if (elements_ == 0) return;
    units_.row = units_.chunk = row_;
    const int64_t rows = elements_ / row_;
    const double perElement = cost.totalNs / static_cast<double>(elements_);
    const double aim = static_cast<double>(options_.unitCostNs);
    const int64_t wanted = std::max<int64_t>(1, static_cast<int64_t>(aim / std::max(perElement, 1e-6)));
    units_.loopsOverRows = !cost.hasDot && plan_.readsAcross;
    if ((cost.hasDot || plan_.readsAcross) && groups_.size() > 1 && !options_.smallUnits) {
      const int64_t inTile = groups_[groups_.size() - 2].extent;
      units_.tileRows = std::min(cost.hasDot ? dotTile : acrossTile, inTile);
      while (inTile % units_.tileRows) --units_.tileRows;
    }
    units_.tiles = rows / units_.tileRows;
    const int64_t whole = std::max<int64_t>(1, lanes_);
    if (options_.smallUnits) {
      units_.chunk = std::min(row_, whole);
    } else if (wanted < row_ / 2 && units_.tileRows == 1 && !plan_.wantsScalarElements) {
      // A cache line of the narrowest type, so that two units never share one for long.
      const int64_t grain = std::max<int64_t>(whole, 64);
      units_.chunk = std::min(row_, (wanted + grain - 1) / grain * grain);
    } else if (plan_.wantsScalarElements && wanted < row_ / 2) {
      units_.chunk = wanted;
    }
    const int64_t chunks = (row_ + units_.chunk - 1) / units_.chunk;
    if (chunks > 1) {
      units_.extent = units_.tiles * chunks;
    } else {
      units_.tilesPerUnit = std::clamp<int64_t>(wanted / (row_ * units_.tileRows), 1, units_.tiles);
      if (options_.smallUnits) units_.tilesPerUnit = 1;
      units_.extent = (units_.tiles + units_.tilesPerUnit - 1) / units_.tilesPerUnit;
    }
  }

  void emitUnit(Emitter& emitter, const Index& unit) {
    const int64_t chunks = (row_ + units_.chunk - 1) / units_.chunk;
    if (chunks > 1) {
      const Index tile = math_.div(unit, chunks);
      return emitTile(emitter, tile, math_.scale(math_.rem(unit, chunks), units_.chunk));
    }
    const Index from = math_.scale(unit, units_.tilesPerUnit);
    if (units_.tilesPerUnit == 1) return emitTile(emitter, from, math_.constant(0));
    if (units_.extent == 1) {
      emitter.loop(0, units_.tiles, 1, {}, [&](const Index& tile, ValueRange) -> SmallVector<Value> {
        emitTile(emitter, tile, math_.constant(0));
        return {};
      });
      return;
    }
    Value to = b_.make<arith::AddIOp>(from.base, b_.constantIndex(units_.tilesPerUnit));
    if (units_.tiles % units_.tilesPerUnit) to = b_.make<arith::MinSIOp>(to, b_.constantIndex(units_.tiles));
    dynamicLoop(from.base, to, 1, [&](Value position) {
      Index tile;
      tile.base = position;
      tile.max = units_.tiles - 1;
      emitTile(emitter, tile, math_.constant(0));
    });
  }

  void dynamicLoop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
    const Value by = b_.constantIndex(step);
    OpBuilder builder = b_.here();
    auto loop = scf::ForOp::create(builder, b_.loc(), from, to, by);
    b_.push(loop.getBody(), loop);
    body(loop.getInductionVar());
    b_.pop();
  }

  void emitTile(Emitter& emitter, const Index& tile, const Index& chunk) {
    // The outer groups of every row of the tile.
    SmallVector<SmallVector<Index, 4>, 8> outer;
    for (int64_t r = 0; r < (units_.loopsOverRows ? 1 : units_.tileRows); ++r) {
      SmallVector<Index, 4> at;
      int64_t inner = elements_ / row_;
      if (groups_.size() > 1) {
        // The row of the tile is in the last outer group, which tiles divide.
        Index quotient = math_.scale(tile, units_.tileRows);
        for (size_t g = 0; g + 2 < groups_.size(); ++g) {
          inner /= groups_[g].extent;
          at.push_back(math_.div(quotient, inner));
          quotient = math_.rem(quotient, inner);
        }
        at.push_back(math_.add(quotient, r));
      }
      outer.push_back(std::move(at));
    }
    // Pieces of the row, each by vectors and then by elements.
    SmallVector<int64_t, 8> borders{0};
    borders.append(cuts_.begin(), cuts_.end());
    borders.push_back(row_);
    for (size_t i = 0; i + 1 < borders.size(); ++i)
      emitPiece(emitter, outer, chunk, borders[i], borders[i + 1]);
  }

  void emitPiece(Emitter& emitter, ArrayRef<SmallVector<Index, 4>> outer, const Index& chunk, int64_t from,
                 int64_t to) {
    const auto body = [&](Index position, unsigned lanes) {
      b_.setLanes(lanes);
      if (lanes > 1) {
        position.step = 1;
        position.max += lanes - 1;
      }
      if (units_.loopsOverRows && units_.tileRows > 1)
        emitter.loop(0, units_.tileRows, 1, {}, [&](const Index& row, ValueRange) -> SmallVector<Value> {
          SmallVector<Index, 4> at = outer.front();
          at.back() = math_.add(at.back(), row);
          emitElements(emitter, {at}, position);
          return {};
        });
      else
        emitElements(emitter, outer, position);
      b_.setLanes(1);
    };
    if (units_.chunk == row_) {
      const int64_t vectorEnd = from + (to - from) / lanes_ * lanes_;
      if (lanes_ > 1)
        emitter.loop(from, vectorEnd, lanes_, {},
                     [&](const Index& position, ValueRange) -> SmallVector<Value> {
                       body(position, lanes_);
                       return {};
                     });
      emitter.loop(lanes_ > 1 ? vectorEnd : from, to, 1, {},
                   [&](const Index& position, ValueRange) -> SmallVector<Value> {
                     body(position, 1);
                     return {};
                   });
      return;
    }
    const Value chunkEnd = b_.make<arith::AddIOp>(chunk.base, b_.constantIndex(units_.chunk));
    Value first = chunk.base;
    if (from > 0) first = b_.make<arith::MaxSIOp>(first, b_.constantIndex(from));
    const Value last =
        to < row_ || row_ % units_.chunk ? b_.make<arith::MinSIOp>(chunkEnd, b_.constantIndex(to)) : chunkEnd;
    Index position;
    position.min = from;
    position.max = to - 1;
    if (lanes_ == 1)
      return dynamicLoop(first, last, 1, [&](Value base) {
        position.base = base;
        body(position, 1);
      });
    // first + (last - first) / lanes * lanes; a piece that is not in the chunk has last < first.
    Value vectorEnd = last;
    const bool isWhole = from % lanes_ == 0 && to % lanes_ == 0;
    if (!isWhole) {
      Value size = b_.make<arith::SubIOp>(last, first);
      size = b_.make<arith::MaxSIOp>(size, b_.constantIndex(0));
      const Value whole = b_.make<arith::MulIOp>(b_.make<arith::DivUIOp>(size, b_.constantIndex(lanes_)),
                                                 b_.constantIndex(lanes_));
      vectorEnd = b_.make<arith::AddIOp>(first, whole);
    }
    position.multiple = from % lanes_ == 0 ? lanes_ : 1;
    dynamicLoop(first, vectorEnd, lanes_, [&](Value base) {
      position.base = base;
      position.max = to - lanes_;
      body(position, lanes_);
    });
    if (isWhole) return;
    position.multiple = 1;
    position.max = to - 1;
    dynamicLoop(vectorEnd, last, 1, [&](Value base) {
      position.base = base;
      body(position, 1);
    });
  }

  void emitElements(Emitter& emitter, ArrayRef<SmallVector<Index, 4>> outer, const Index& position) {
    SmallVector<Place, 8> places;
    for (const auto& row : outer) {
      Place place;
      for (size_t g = 0; g + 1 < groups_.size(); ++g)
        place.push_back({row[g], groups_[g].extent, groups_[g].dims});
      if (!groups_.empty()) place.push_back({position, groups_.back().extent, groups_.back().dims});
      places.push_back(std::move(place));
    }
    struct Stored {
      Value memory;
      Element element;
      Index position;
      Val value;
    };
    SmallVector<Stored, 8> stored;
    if (window_) {
      WindowPlace where(emitter, b_, window_);
      const Element element = Element::of(window_.getType());
      for (const Place& place : places)
        emitter.store(outputs_.front(), element, where.linear(place),
                      emitter.value(window_.getUpdate(), place));
      return;
    }
    for (const auto [output, memory] : llvm::zip(cluster_.outputs, outputs_)) {
      SmallVector<Place, 8> own;
      for (const Place& place : places)
        own.push_back(shapeOf(output) == shape_ ? place : math_.reshape(place, shapeOf(output)));
      emitter.prepare(output, own);
      for (unsigned i = 0; i < own.size(); ++i)
        stored.push_back(
            {memory, Element::of(output.getType()), math_.linear(places[i]), emitter.value(output, own[i])});
    }
    for (const Stored& one : stored) emitter.store(one.memory, one.element, one.position, one.value);
  }

  const Cluster& cluster_;
  func::FuncOp function_;
  const EmitOptions& options_;
  KernelBuilder b_;
  IndexMath math_;
  llvm::DenseMap<Value, Value> inputs_;
  SmallVector<Value, 4> outputs_;
  stablehlo::DynamicUpdateSliceOp window_;  // whose update is the iteration space; null: the results are
  Value low_, high_;
  Shape shape_;
  int64_t elements_ = 1, row_ = 1;
  Iteration plan_;
  Place groups_;
  SmallVector<int64_t, 4> cuts_;
  Units units_;
  unsigned maxLanes_ = 1, lanes_ = 1;
};

}  // namespace

FailureOr<EmittedKernel> emitCluster(const Cluster& cluster, ModuleOp kernels, llvm::StringRef name,
                                     const EmitOptions& options) {
  kernels.getContext()
      ->loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect, memref::MemRefDialect,
                    scf::SCFDialect, vector::VectorDialect>();
  for (Operation* op : cluster.ops)
    if (!canEmit(op)) {
      op->emitError() << "'" << op->getName() << "' cannot be part of a kernel with these types";
      return failure();
    }
  const bool isSort = cluster.stage != Cluster::Stage::Whole;
  SmallVector<Type> types;
  if (isSort) types = sortArguments(cluster);
  for (const Value input : isSort ? ValueRange() : ValueRange(cluster.inputs))
    types.push_back(memoryOfTensor(input.getType()));
  for (const Value output : isSort ? ValueRange() : ValueRange(cluster.outputs))
    types.push_back(memoryOfTensor(output.getType()));
  OpBuilder builder = OpBuilder::atBlockEnd(kernels.getBody());
  types.append(2, builder.getIndexType());
  const Location location = cluster.outputs.front().getLoc();
  auto function = func::FuncOp::create(builder, location, name, builder.getFunctionType(types, {}));
  EmittedKernel kernel;
  kernel.name = name.str();
  if (isSort ? !emitSort(cluster, function, options, kernel)
             : !ClusterEmitter(cluster, function, options).run(kernel)) {
    function.erase();
    return failure();
  }
  return kernel;
}

}  // namespace wherry::compile
