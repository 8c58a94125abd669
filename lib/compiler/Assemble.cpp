// Assemble.cpp: see Assemble.h. Blocks are written depth first; Placement.h decides where values live.
#include "compiler/Assemble.h"

#include <algorithm>
#include <utility>

#include "compiler/Call.h"
#include "compiler/Clustering.h"
#include "compiler/Dot.h"
#include "compiler/KernelTable.h"
#include "compiler/Loops.h"
#include "compiler/NodeGraph.h"
#include "compiler/OpModel.h"
#include "compiler/Placement.h"
#include "compiler/SlotTable.h"
#include "compiler/Types.h"
#include "compiler/emit/Sort.h"
#include "llvm/Support/raw_ostream.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

class Assembler {
 public:
  Assembler(const target& target, KernelTable& kernels, plan& result, std::string* clusters)
      : kernels(kernels), result(result), slots(result), clusters(clusters) {
    options.prebuiltDot = target.exit == target::codegen::native;
  }

  LogicalResult run(func::FuncOp entry) {
    result.blocks.emplace_back();
    llvm::SmallVector<Destination> destinations;
    for (Value argument : entry.getArguments()) {
      slotOf[argument] =
          slots.input(cast<BlockArgument>(argument).getArgNumber(), bytesOf(argument.getType()));
      result.inputs.push_back(*tensorTypeOf(argument.getType()));
    }
    for (const auto& [index, type] : llvm::enumerate(entry.getResultTypes())) {
      destinations.push_back({slots.output(static_cast<unsigned>(index), bytesOf(type)), Value()});
      result.outputs.push_back(*tensorTypeOf(type));
    }
    findAliases(entry);
    for (const alias& pair : result.aliases) {
      destinations[pair.output].content = entry.getArgument(pair.input);
      sharedWith[destinations[pair.output].slot] = slotOf[entry.getArgument(pair.input)];
    }
    if (failed(writeBlock(entry.getBody().front(), 0, destinations))) return failure();
    slots.finish();
    result.cost_ns = costOf(0);
    return success();
  }

 private:
  /// Reads which outputs may live in which inputs.
  void findAliases(func::FuncOp entry) {
    std::vector<bool> taken(result.outputs.size(), false);
    const auto add = [&](unsigned input, int64_t output) {
      if (output < 0 || output >= static_cast<int64_t>(taken.size()) || taken[output]) return;
      if (result.inputs[input] != result.outputs[output]) return;
      taken[output] = true;
      result.aliases.push_back({static_cast<std::uint32_t>(output), input});
    };
    for (unsigned i = 0; i < entry.getNumArguments(); ++i)
      if (const auto output = entry.getArgAttrOfType<IntegerAttr>(i, "tf.aliasing_output"))
        add(i, output.getInt());
    for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
      const auto donor = entry.getArgAttrOfType<BoolAttr>(i, "jax.buffer_donor");
      if (!donor || !donor.getValue()) continue;
      for (unsigned output = 0; output < taken.size(); ++output)
        if (!taken[output] && result.outputs[output] == result.inputs[i]) {
          add(i, output);
          break;
        }
    }
  }

  LogicalResult writeBlock(Block& block, unsigned into, llvm::ArrayRef<Destination> destinations) {
    const std::vector<Node> nodes = clusterBlock(block, options);
    NodeGraph graph(block, nodes);
    const Placement placement =
        placeValues(block, nodes, graph, destinations, [&](uint64_t bytes) { return slots.arena(bytes); });
    for (const auto& [value, slot] : placement) slotOf[value] = slot;
    for (unsigned index : graph.schedule())
      if (failed(writeNode(nodes[index], into))) return failure();
    return copyResults(block, into, destinations);
  }

  LogicalResult writeNode(const Node& node, unsigned into) {
    switch (node.kind) {
      case Node::Kind::Cluster:
        return node.updated ? writeUpdate(node, into) : writeCluster(node.cluster, into);
      case Node::Kind::Dot:
        return writeDot(node.op(), into);
      case Node::Kind::Sort:
        return writeSort(cast<stablehlo::SortOp>(node.op()), into);
      case Node::Kind::Loop:
        return writeLoop(cast<stablehlo::WhileOp>(node.op()), into);
      case Node::Kind::Branch:
        return writeBranch(cast<stablehlo::CaseOp>(node.op()), into);
      case Node::Kind::Call:
        return writeCall(cast<stablehlo::CustomCallOp>(node.op()), into);
    }
    return failure();
  }

  LogicalResult writeCluster(const Cluster& cluster, unsigned into) {
    step launch;
    bool isEmpty = true;
    for (Value input : cluster.inputs) {
      const FailureOr<unsigned> slot = read(input);
      if (failed(slot)) return failure();
      launch.slots.push_back(*slot);
    }
    for (Value output : cluster.outputs) {
      isEmpty &= elementsOf(output) == 0;
      launch.slots.push_back(store(output));
    }
    if (isEmpty) return success();
    if (clusters) describe(cluster);
    const FailureOr<KernelTable::Use> use = kernels.use(cluster);
    if (failed(use)) return failure();
    launch.kernel = use->kernel;
    launch.extent = use->extent;
    launch.cost_ns = use->unitCostNs;
    write(std::move(launch), into);
    return success();
  }

  /// Writes a kernel that changes some elements of its first operand. Where the result may lie in the memory
  /// of the operand the rest is left alone: copying it is a step, which does nothing if the two are one.
  LogicalResult writeUpdate(const Node& node, unsigned into) {
    const FailureOr<unsigned> from = read(node.updated);
    if (failed(from)) return failure();
    const unsigned to = store(node.cluster.outputs.front());
    if (!sameMemory(to, *from) && isa<stablehlo::ScatterOp>(node.cluster.ops.back()))
      return writeCluster(node.cluster, into);  // copies in parallel
    Cluster cluster = node.cluster;
    cluster.inPlace = true;
    llvm::erase(cluster.inputs, node.updated);
    copy(*from, to, into);
    return writeCluster(cluster, into);
  }

  LogicalResult writeDot(Operation* op, unsigned into) {
    const kernels::gemm_plan product = planPrebuiltDot(op);
    const FailureOr<unsigned> a = read(op->getOperand(0)), b = read(op->getOperand(1));
    if (failed(a) || failed(b)) return failure();
    const unsigned c = store(op->getResult(0));
    const unsigned scratch =
        product.scratch_bytes > 0 ? slots.arena(static_cast<uint64_t>(product.scratch_bytes)) : 0;
    for (const kernels::gemm_launch& planned : product.launches) {
      step launch;
      launch.kernel = kernels.prebuilt(planned.kernel);
      launch.extent = planned.extent;
      launch.cost_ns = planned.cost_ns;
      for (const kernels::gemm_slot& slot : planned.slots) {
        using operand = kernels::gemm_slot::operand;
        switch (slot.what) {
          case operand::a:
            launch.slots.push_back(*a);
            break;
          case operand::b:
            launch.slots.push_back(*b);
            break;
          case operand::c:
            launch.slots.push_back(c);
            break;
          case operand::scratch:
            launch.slots.push_back(slots.part(scratch, static_cast<uint64_t>(slot.scratch_offset),
                                              static_cast<uint64_t>(slot.scratch_bytes)));
            break;
          case operand::parameters: {
            const auto* bytes = reinterpret_cast<const char*>(planned.parameters.data());
            launch.slots.push_back(slots.constant({bytes, planned.parameters.size() * sizeof(std::int64_t)}));
            break;
          }
        }
      }
      write(std::move(launch), into);
    }
    return success();
  }

  /// Writes the steps of a sort (emit/Sort.h). They write the results and scratch memory in turns, the
  /// results last.
  LogicalResult writeSort(stablehlo::SortOp op, unsigned into) {
    const SortShape shape = SortShape::of(op);
    Cluster cluster;
    cluster.ops.push_back(op);
    cluster.inputs.append(op->operand_begin(), op->operand_end());
    cluster.outputs.append(op->result_begin(), op->result_end());
    cluster.stage = Cluster::Stage::SortTiles;
    llvm::SmallVector<std::uint32_t> from, to, other;
    for (Value operand : op->getOperands()) {
      const FailureOr<unsigned> slot = read(operand);
      if (failed(slot)) return failure();
      from.push_back(*slot);
    }
    for (Value result : op->getResults()) to.push_back(store(result));
    if (shape.rows == 0) return success();
    int64_t merges = 0;
    for (int64_t run = tileSize; run < shape.length; run *= 2) ++merges;
    for (Value result : merges > 0 ? op->getResults() : ResultRange(nullptr, 0))
      other.push_back(slots.arena(bytesOf(result.getType())));
    if (merges % 2) std::swap(to, other);
    if (clusters) describe(cluster);
    for (int64_t run = tileSize, i = 0; i <= merges; ++i) {
      const FailureOr<KernelTable::Use> use = kernels.use(cluster);
      if (failed(use)) return failure();
      step launch;
      launch.kernel = use->kernel;
      launch.extent = use->extent;
      launch.cost_ns = use->unitCostNs;
      launch.slots.assign(from.begin(), from.end());
      launch.slots.insert(launch.slots.end(), to.begin(), to.end());
      if (i > 0) {
        launch.slots.push_back(slots.constant({reinterpret_cast<const char*>(&run), sizeof run}));
        run *= 2;
      }
      write(std::move(launch), into);
      cluster.stage = Cluster::Stage::SortMerge;
      from = to;
      std::swap(to, other);
    }
    return success();
  }

  LogicalResult writeLoop(stablehlo::WhileOp op, unsigned into) {
    Block &cond = op.getCond().front(), &body = op.getBody().front();
    llvm::SmallVector<Destination> carried;
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      const FailureOr<unsigned> initial = read(op->getOperand(i));
      if (failed(initial)) return failure();
      const unsigned slot = store(op->getResult(i));
      copy(*initial, slot, into);
      carried.push_back({slot, body.getArgument(i)});
      slotOf[body.getArgument(i)] = slot;
      slotOf[cond.getArgument(i)] = slot;
    }
    slots.advance();
    const int64_t start = slots.now();
    step loop;
    loop.what = step::kind::loop;
    loop.blocks = {newBlock(), newBlock()};
    const unsigned predicate = slots.arena(1);
    loop.slots = {predicate};
    loop.trips = tripCount(op).value_or(-1);
    if (failed(writeBlock(cond, loop.blocks[0], Destination{predicate, Value()}))) return failure();
    slots.touch(predicate);
    if (failed(writeBlock(body, loop.blocks[1], carried))) return failure();
    for (const Destination& destination : carried) slots.touch(destination.slot);
    slots.closeLoop(start);
    if (loop.trips < 0) result.bounded = false;
    write(std::move(loop), into);
    return success();
  }

  LogicalResult writeBranch(stablehlo::CaseOp op, unsigned into) {
    const FailureOr<unsigned> index = read(op.getIndex());
    if (failed(index)) return failure();
    step branch;
    branch.what = step::kind::branch;
    branch.slots = {*index};
    llvm::SmallVector<Destination> destinations;
    for (Value result : op->getResults()) destinations.push_back({store(result), Value()});
    slots.advance();
    for (Region& region : op->getRegions()) {
      branch.blocks.push_back(newBlock());
      if (failed(writeBlock(region.front(), branch.blocks.back(), destinations))) return failure();
    }
    for (const Destination& destination : destinations) slots.touch(destination.slot);
    write(std::move(branch), into);
    return success();
  }

  /// Writes a call. An operand that shares its memory with a result is copied there before.
  LogicalResult writeCall(stablehlo::CustomCallOp op, unsigned into) {
    step call;
    call.what = step::kind::call;
    call.kernel = static_cast<unsigned>(result.calls.size());
    llvm::SmallVector<std::uint32_t> to;
    for (Value value : op->getResults()) to.push_back(store(value));
    for (const auto [operand, shared] : llvm::zip(op->getOperands(), aliasesOf(op))) {
      const FailureOr<unsigned> from = read(operand);
      if (failed(from)) return failure();
      for (std::uint32_t slot : to) slots.touch(slot);
      if (shared < 0) {
        call.slots.push_back(*from);
        continue;
      }
      copy(*from, to[shared], into);
      call.slots.push_back(to[shared]);
    }
    call.slots.insert(call.slots.end(), to.begin(), to.end());
    result.calls.push_back(planCallOf(op));
    result.bounded = false;
    write(std::move(call), into);
    return success();
  }

  /// Copies what the terminator returns and its producer did not write in place, as if all at once.
  LogicalResult copyResults(Block& block, unsigned into, llvm::ArrayRef<Destination> destinations) {
    struct Move {
      unsigned from, to;
    };
    llvm::SmallVector<Move> moves;
    Operation* terminator = block.getTerminator();
    for (unsigned i = 0; i < destinations.size(); ++i) {
      const FailureOr<unsigned> slot = read(terminator->getOperand(i));
      if (failed(slot)) return failure();
      slots.touch(destinations[i].slot);
      if (*slot != destinations[i].slot) moves.push_back({*slot, destinations[i].slot});
    }
    while (!moves.empty()) {
      const auto overwritesOther = [&](const Move& move) {
        return llvm::any_of(
            moves, [&](const Move& other) { return &other != &move && sameMemory(move.to, other.from); });
      };
      auto* next = llvm::find_if(moves, [&](const Move& move) { return !overwritesOther(move); });
      if (next != moves.end()) {
        copy(next->from, next->to, into);
        moves.erase(next);
        continue;
      }
      // A cycle: one of its values steps aside.
      const unsigned aside = slots.arena(result.slots[moves.front().from].bytes);
      copy(moves.front().from, aside, into);
      moves.front().from = aside;
    }
    slots.advance();
    return success();
  }

  /// True when writing output slot or carried slot `to` may change what `from` names.
  bool sameMemory(unsigned to, unsigned from) const {
    if (to == from) return true;
    const auto it = sharedWith.find(to);
    return it != sharedWith.end() && it->second == from;
  }

  /// Returns the slot of `value`, which a step reads now.
  FailureOr<unsigned> read(Value value) {
    const Value memory = memoryOf(value);
    const auto it = slotOf.find(memory);
    if (it != slotOf.end()) {
      slots.touch(it->second);
      return it->second;
    }
    if (auto constant = memory.getDefiningOp<stablehlo::ConstantOp>()) {
      const FailureOr<std::string> bytes = bytesOfConstant(constant.getValue());
      if (failed(bytes)) {
        constant->emitError() << "constants of this type are not supported";
        return failure();
      }
      return slotOf[memory] = slots.constant(*bytes);
    }
    mlir::emitError(value.getLoc()) << "internal error: a value is used before it is computed";
    return failure();
  }

  /// Returns the slot of `value`, which a step writes now.
  unsigned store(Value value) {
    const auto it = slotOf.find(value);
    const unsigned slot = it != slotOf.end() ? it->second : slots.arena(bytesOf(value.getType()));
    slotOf[value] = slot;
    slots.touch(slot);
    return slot;
  }

  void copy(unsigned from, unsigned to, unsigned into) {
    if (from == to || result.slots[to].bytes == 0) return;
    step move;
    move.what = step::kind::copy;
    move.slots = {from, to};
    move.cost_ns = static_cast<double>(result.slots[to].bytes) / 8;  // 8 bytes a nanosecond
    write(std::move(move), into);
  }

  void write(step next, unsigned into) {
    for (std::uint32_t slot : next.slots) slots.touch(slot);
    result.blocks[into].push_back(std::move(next));
    slots.advance();
  }

  unsigned newBlock() {
    result.blocks.emplace_back();
    return static_cast<unsigned>(result.blocks.size() - 1);
  }

  double costOf(unsigned block) const {
    double cost = 0;
    for (const step& step : result.blocks[block]) {
      if (step.what == step::kind::loop)
        cost += static_cast<double>(std::max<int64_t>(step.trips, 1)) *
                (costOf(step.blocks[0]) + costOf(step.blocks[1]));
      else if (step.what == step::kind::branch) {
        double most = 0;
        for (std::uint32_t inner : step.blocks) most = std::max(most, costOf(inner));
        cost += most;
      } else {
        cost += static_cast<double>(step.extent) * step.cost_ns;
      }
    }
    return cost;
  }

  void describe(const Cluster& cluster) {
    llvm::raw_string_ostream stream(*clusters);
    stream << "cluster {\n";
    for (Operation* op : cluster.ops) {
      stream << "  ";
      op->print(stream, OpPrintingFlags().useLocalScope());
      stream << "\n";
    }
    stream << "} outputs";
    for (Value output : cluster.outputs) stream << " " << output.getType();
    stream << "\n";
  }

  KernelTable& kernels;
  plan& result;
  SlotTable slots;
  std::string* clusters;
  ClusterOptions options;
  llvm::DenseMap<Value, unsigned> slotOf;
  llvm::DenseMap<unsigned, unsigned> sharedWith;  // output slot: the input slot that may be its memory
};

}  // namespace

LogicalResult assemble(func::FuncOp entry, const target& target, KernelTable& kernels, plan& result,
                       std::string* clusters) {
  return Assembler(target, kernels, result, clusters).run(entry);
}

}  // namespace wherry::compile
