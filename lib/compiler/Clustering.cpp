// Clustering.cpp: see Clustering.h.
#include "compiler/Clustering.h"

#include <algorithm>

#include "compiler/Call.h"
#include "compiler/Convolution.h"
#include "compiler/Dot.h"
#include "compiler/OpModel.h"
#include "compiler/Window.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/Transforms/RegionUtils.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

// Recomputing an element up to this cost is cheaper than a store, a load and the launch of one more kernel.
constexpr double cheapCost = 4;
// Work that may be done twice to save a launch, in units of OpModel.h.
constexpr double cheapWork = 256;
// Loop-invariant values are computed once per unit of work; in one dimension a unit has about this many
// elements.
constexpr int64_t flatUnit = 256;
// Bounds on one kernel: code generation takes 30 to 45 us per instruction, and registers run out.
constexpr size_t maxOps = 400;
constexpr size_t maxOutputs = 16;
constexpr size_t maxMaps = 8;
// A dynamic_update_slice of at least this many elements, which changes at most one in some, is a kernel of
// its own that writes the window only.
constexpr int64_t largeUpdated = 1024;
constexpr int64_t smallWindow = 4;
// A scan has few units of work, so what costs more than this is computed before it.
constexpr double scanCost = 64;
// Windows that take each element more often than this read it from memory.
constexpr double mostOverlap = 2.5;
// Siblings that share no input are merged when they are this small: the launch costs more than the work.
constexpr int64_t smallElements = 4096;

struct IndexMap {
  unsigned id = 0;     // 0: the identity of the iteration space
  int64_t points = 0;  // elements asked for under this map
};
using MapSet = llvm::SmallVector<IndexMap, 2>;

struct Group {
  Node::Kind kind = Node::Kind::Cluster;
  bool isLoop = false;  // an iteration space that may take more outputs; false: one heavy operation
  bool hasEffect = false;
  int after = -1;  // the group with effects that must come next
  Type space;      // shape (with any element type) of map 0
  llvm::MapVector<Operation*, MapSet> members;
  llvm::SetVector<Operation*> stored;  // members whose results are outputs
};

class Clusterer {
 public:
  Clusterer(Block& block, const ClusterOptions& options) : block(block), options(options) {}

  std::vector<Node> run() {
    computeTreeCosts();
    for (Operation& op : llvm::reverse(block)) visit(&op);
    return finish();
  }

 private:
  // What the users of one value ask for.
  struct Demands {
    llvm::MapVector<unsigned, MapSet> fused;  // by group
    llvm::SetVector<unsigned> loads;          // groups that read the value from memory
    bool memory = false;                      // some user needs it in memory
  };

  /// What one element of each result costs when everything it needs is recomputed.
  void computeTreeCosts() {
    for (Operation& op : block) {
      double cost = modelOf(&op).cost, operands = 0;
      llvm::SmallPtrSet<Operation*, 4> seen;
      for (Value operand : op.getOperands()) {
        Operation* def = operand.getDefiningOp();
        if (isSplatConstant(def) || (def && !seen.insert(def).second)) continue;
        const auto it = treeCost.find(def);
        operands += def && it != treeCost.end() && isFusible(def) ? it->second : 1;
      }
      cost += operands;
      if (auto window = dyn_cast<stablehlo::ReduceWindowOp>(&op))
        cost *= static_cast<double>(readsOf(window));
      else if (auto convolution = dyn_cast<stablehlo::ConvolutionOp>(op))
        cost *= static_cast<double>(Convolution(convolution).depth());
      else if (isLoopNest(&op))
        cost *= static_cast<double>(elementsOf(op.getOperand(0))) /
                std::max<double>(1, elementsOf(op.getResult(0)));
      treeCost[&op] = std::min(cost, 1e6);
    }
  }

  bool isFusible(Operation* op) const {
    const OpKind kind = modelOf(op).kind;
    if (windows.contains(op)) return false;
    return kind == OpKind::Elementwise || kind == OpKind::Movement || kind == OpKind::Gather ||
           isLoopNest(op);
  }

  /// True for operations that loop for each element of their result, inside any cluster.
  bool isLoopNest(Operation* op) const {
    if (modelOf(op).kind == OpKind::Reduce) return true;
    return isa<stablehlo::DotGeneralOp, stablehlo::ConvolutionOp>(op) &&
           !(options.prebuiltDot && usesPrebuiltDot(op));
  }

  /// Elements of each operand that one element of the result takes.
  static int64_t readsOf(stablehlo::ReduceWindowOp op) {
    return prefixScanOf(op) ? 1 : Window::of(op).volume();
  }

  /// True for kernels of their own shape that compute their operands where they need them.
  static bool takesProducers(Operation* op) {
    auto window = dyn_cast<stablehlo::ReduceWindowOp>(op);
    return window && prefixScanOf(window);
  }
  bool fusesInto(Operation* op) const { return isFusible(op) || takesProducers(op); }

  void visit(Operation* op) {
    const OpModel model = modelOf(op);
    if (model.kind == OpKind::Constant || model.kind == OpKind::Terminator) return;
    if (writesWindow(op)) windows.insert(op);
    if (!isFusible(op)) {
      Group group;
      group.kind = isa<stablehlo::WhileOp>(op)                  ? Node::Kind::Loop
                   : isa<stablehlo::SortOp>(op)                 ? Node::Kind::Sort
                   : isa<stablehlo::CaseOp>(op)                 ? Node::Kind::Branch
                   : isa<stablehlo::CustomCallOp>(op)           ? Node::Kind::Call
                   : options.prebuiltDot && usesPrebuiltDot(op) ? Node::Kind::Dot
                                                                : Node::Kind::Cluster;
      if (takesProducers(op))
        group.members[op] = {IndexMap{0, elementsOf(op->getResult(0))}};
      else
        group.members[op] = {};
      group.stored.insert(op);
      if (hasCallEffect(op)) {
        group.hasEffect = true;
        group.after = nextEffect;
        nextEffect = static_cast<int>(groups.size());
      }
      groupsOf[op].push_back(groups.size());
      groups.push_back(std::move(group));
      return;
    }
    const Demands demands = demandsOf(op);
    if (isa<stablehlo::ReshapeOp>(op) && demands.fused.empty()) return;  // only a view of its operand
    if (!demands.memory && fusesEverywhere(op, demands)) {
      for (const auto& [index, maps] : demands.fused) addMember(index, op, maps);
      return;
    }
    if (isa<stablehlo::ReshapeOp>(op)) {
      // Its operand is stored; the clusters reshape the indices.
      for (const auto& [index, maps] : demands.fused) addMember(index, op, maps);
      return;
    }
    store(op, demands);
  }

  /// True for a small change of a large array that lies in memory before and after it, as where a loop
  /// collects a row in each step.
  bool writesWindow(Operation* op) {
    auto update = dyn_cast<stablehlo::DynamicUpdateSliceOp>(op);
    if (!update || elementsOf(op->getResult(0)) < largeUpdated) return false;
    const int64_t window = elementsOf(update.getUpdate());
    if (window == 0 || window * smallWindow > elementsOf(op->getResult(0))) return false;
    Operation* before = memoryOf(update.getOperand()).getDefiningOp();
    if (before && isFusible(before) && !isa<stablehlo::DynamicUpdateSliceOp>(before)) return false;
    return !isSplatConstant(before) && demandsOf(op).memory;
  }

  /// Collects what the users of `op` ask for, through reshapes that are views.
  Demands demandsOf(Operation* op) {
    Demands demands;
    for (Value result : op->getResults()) collect(result, demands);
    return demands;
  }

  void collect(Value value, Demands& demands) {
    for (OpOperand& use : value.getUses()) {
      Operation* user = use.getOwner();
      Operation* here = block.findAncestorOpInBlock(*user);
      if (!here) continue;
      if (modelOf(here).kind == OpKind::Terminator) {
        demands.memory = true;
        continue;
      }
      const auto it = groupsOf.find(here);
      if (it == groupsOf.end() || it->second.empty()) {
        // A reshape that no cluster contains is a view.
        if (isa<stablehlo::ReshapeOp>(here)) collect(here->getResult(0), demands);
        continue;
      }
      for (unsigned index : it->second) {
        if (here != user || !fusesInto(here)) {
          demands.memory = true;
          demands.loads.insert(index);
          continue;
        }
        demand(demands, index, use);
      }
      // A reshape can be a member of clusters and a view for others.
      if (isa<stablehlo::ReshapeOp>(here)) collectViews(here->getResult(0), demands);
    }
  }

  /// Adds the demands on `view` by users that read memory: they read the memory of its operand.
  void collectViews(Value view, Demands& demands) {
    for (OpOperand& use : view.getUses()) {
      Operation* here = block.findAncestorOpInBlock(*use.getOwner());
      if (!here) continue;
      if (isa<stablehlo::ReshapeOp>(here)) {
        collectViews(here->getResult(0), demands);
      } else if (here != use.getOwner() || !fusesInto(here) || readsMemory(use)) {
        demands.memory = true;
        for (unsigned index : groupsOf[here]) demands.loads.insert(index);
      }
    }
  }

  /// True for operands that are read at places that data decides, or again and again: recomputing would
  /// multiply.
  static bool readsMemory(OpOperand& use) {
    if (auto window = dyn_cast<stablehlo::ReduceWindowOp>(use.getOwner()))
      return use.getOperandNumber() < window.getInputs().size() &&
             !use.get().getDefiningOp<stablehlo::IotaOp>() &&
             static_cast<double>(readsOf(window)) * static_cast<double>(elementsOf(window.getResult(0))) >
                 mostOverlap * static_cast<double>(elementsOf(use.get()));
    return isa<stablehlo::DotGeneralOp, stablehlo::ConvolutionOp>(use.getOwner()) ||
           (modelOf(use.getOwner()).kind == OpKind::Gather && use.getOperandNumber() == 0);
  }

  /// Adds what `use` by a member of group `index` asks of its value.
  void demand(Demands& demands, unsigned index, OpOperand& use) {
    Group& group = groups[index];
    Operation* user = use.getOwner();
    const MapSet maps = group.members.lookup(user);
    const unsigned operand = use.getOperandNumber();
    if (readsMemory(use)) {
      demands.memory = true;
      demands.loads.insert(index);
      return;
    }
    MapSet& wanted = demands.fused[index];
    for (const IndexMap& map : maps) {
      IndexMap next = map;
      if (!keepsIndex(user, operand)) {
        next.id = derive(map.id, user, operand);
        next.points = pointsOf(map, user, use);
      }
      if (llvm::none_of(wanted, [&](const IndexMap& m) { return m.id == next.id; })) wanted.push_back(next);
    }
  }

  /// How many elements of an operand are computed when `map.points` elements of the user are.
  int64_t pointsOf(const IndexMap& map, Operation* user, OpOperand& use) const {
    const auto type = cast<RankedTensorType>(user->getResult(0).getType());
    const int64_t from = elementsOf(use.get()), to = std::max<int64_t>(1, elementsOf(user->getResult(0)));
    const auto scaled = [&](double factor) {
      return static_cast<int64_t>(static_cast<double>(map.points) * factor + 0.5);
    };
    const double ratio = static_cast<double>(from) / static_cast<double>(to);
    // What does not depend on the innermost dimension is computed once per row.
    const auto oncePerRow = [&] {
      if (type.getRank() <= 1) return std::max<int64_t>(1, map.points / flatUnit);
      return scaled(1.0 / static_cast<double>(std::max<int64_t>(1, type.getShape().back())));
    };
    if (auto broadcast = dyn_cast<stablehlo::BroadcastInDimOp>(user)) {
      const bool varies =
          type.getRank() > 0 && llvm::is_contained(broadcast.getBroadcastDimensions(), type.getRank() - 1);
      return varies ? map.points : oncePerRow();
    }
    if (isa<stablehlo::ReduceOp>(user))
      return use.getOperandNumber() < user->getNumOperands() / 2 ? scaled(ratio) : map.points;
    if (auto window = dyn_cast<stablehlo::ReduceWindowOp>(user))
      if (use.getOperandNumber() < window.getInputs().size())
        return scaled(static_cast<double>(readsOf(window)));
    if (isa<stablehlo::GatherOp>(user)) return scaled(std::max(1.0, ratio));
    if (isa<stablehlo::PadOp, stablehlo::ConcatenateOp>(user))
      return from == 1 ? map.points : scaled(std::min(1.0, ratio));
    if (cast<RankedTensorType>(use.get().getType()).getRank() == 0) return oncePerRow();
    return map.points;
  }

  /// True when element i of `user` reads element i (counted in memory order) of its operand.
  static bool keepsIndex(Operation* user, unsigned operand) {
    if (isa<stablehlo::ReshapeOp>(user)) return true;
    if (isa<stablehlo::DynamicUpdateSliceOp>(user)) return operand == 0;
    if (modelOf(user).kind != OpKind::Elementwise) return false;
    return elementsOf(user->getOperand(operand)) == elementsOf(user->getResult(0));
  }

  unsigned derive(unsigned map, Operation* user, unsigned operand) {
    const auto key = std::make_tuple(map, user, operand);
    const auto it = derived.try_emplace(key, static_cast<unsigned>(derived.size() + 1)).first;
    return it->second;
  }

  bool fusesEverywhere(Operation* op, const Demands& demands) {
    if (demands.fused.empty()) return false;
    const double cost = treeCost[op], elements = static_cast<double>(elementsOf(op->getResult(0)));
    double points = 0;
    for (const auto& [index, maps] : demands.fused) {
      if (groups[index].members.size() >= maxOps || maps.size() > maxMaps) return false;
      if (!groups[index].isLoop && cost > scanCost) return false;
      for (const IndexMap& map : maps) points += static_cast<double>(map.points);
    }
    return cost <= cheapCost || cost * (points - elements) <= cheapWork;
  }

  void addMember(unsigned index, Operation* op, const MapSet& maps) {
    groups[index].members[op] = maps;
    groupsOf[op].push_back(index);
  }

  /// Gives `op` a place in memory, as an output of an existing group or of a new one.
  void store(Operation* op, const Demands& demands) {
    const Type space = op->getResult(0).getType();
    int host = -1;
    for (const auto& [index, maps] : demands.fused)
      if (maps.size() == 1 && maps.front().id == 0 && takesOutput(index) &&
          sameCount(groups[index].space, space) && isAcyclic(demands, index)) {
        host = static_cast<int>(index);
        break;
      }
    if (host < 0) host = findSibling(op, space, demands);
    if (host < 0) {
      Group group;
      group.isLoop = true;
      group.space = space;
      host = static_cast<int>(groups.size());
      groups.push_back(std::move(group));
    }
    Group& group = groups[host];
    group.stored.insert(op);
    group.members[op] = {IndexMap{0, elementsOfType(space)}};
    groupsOf[op].push_back(host);
  }

  bool takesOutput(unsigned index) const {
    const Group& group = groups[index];
    return group.isLoop && group.stored.size() < maxOutputs && group.members.size() < maxOps;
  }

  /// Returns a group over the same space that can take `op` as one more output, or -1.
  int findSibling(Operation* op, Type space, const Demands& demands) {
    for (unsigned index = groups.size(); index-- > 0;) {
      const Group& group = groups[index];
      if (!takesOutput(index) || demands.fused.contains(index)) continue;
      if (cast<ShapedType>(group.space).getShape() != cast<ShapedType>(space).getShape()) continue;
      if (elementsOfType(space) > smallElements && !sharesInput(op, group)) continue;
      if (isAcyclic(demands, index)) return static_cast<int>(index);
    }
    return -1;
  }

  bool sharesInput(Operation* op, const Group& group) const {
    for (Value operand : op->getOperands()) {
      if (isSplatConstant(operand.getDefiningOp())) continue;
      for (Operation* user : operand.getUsers())
        if (user != op && group.members.contains(user)) return true;
    }
    return false;
  }

  /// True when storing the value in group `host` closes no cycle: no other reader leads to `host`.
  bool isAcyclic(const Demands& demands, unsigned host) {
    llvm::SmallVector<unsigned> work;
    llvm::DenseSet<unsigned> seen;
    const auto push = [&](unsigned index) {
      if (index != host && seen.insert(index).second) work.push_back(index);
    };
    for (const auto& entry : demands.fused) push(entry.first);
    for (unsigned index : demands.loads) {
      if (index == host) return false;
      push(index);
    }
    while (!work.empty()) {
      const unsigned at = work.pop_back_val();
      if (groups[at].after >= 0) push(static_cast<unsigned>(groups[at].after));
      for (Operation* stored : groups[at].stored)
        for (Value result : stored->getResults())
          if (!pushReaders(result, host, at, push)) return false;
    }
    return true;
  }

  template <class Push>
  bool pushReaders(Value value, unsigned host, unsigned from, Push push) {
    for (Operation* user : value.getUsers()) {
      Operation* here = block.findAncestorOpInBlock(*user);
      const auto it = groupsOf.find(here);
      if (it != groupsOf.end())
        for (unsigned index : it->second) {
          if (index == from) continue;
          if (index == host) return false;
          push(index);
        }
      if (isa<stablehlo::ReshapeOp>(here) && !pushReaders(here->getResult(0), host, from, push)) return false;
    }
    return true;
  }

  static int64_t elementsOfType(Type type) { return cast<ShapedType>(type).getNumElements(); }
  static bool sameCount(Type a, Type b) { return a && b && elementsOfType(a) == elementsOfType(b); }

  std::vector<Node> finish() {
    std::vector<Node> nodes;
    for (Group& group : llvm::reverse(groups)) nodes.push_back(finish(group));
    return nodes;
  }

  Node finish(Group& group) {
    Node node;
    node.kind = group.kind;
    node.hasEffect = group.hasEffect;
    llvm::SmallVector<Operation*> ops;
    for (const auto& entry : group.members) ops.push_back(entry.first);
    llvm::sort(ops, [](Operation* a, Operation* b) { return a->isBeforeInBlock(b); });
    llvm::SetVector<Value> inputs;
    llvm::SetVector<Operation*> constants;
    llvm::DenseSet<Value> indexed;  // inputs under other maps than the identity
    const auto read = [&](Value value, bool pointwise) {
      Operation* def = value.getDefiningOp();
      if (isSplatConstant(def) && node.kind == Node::Kind::Cluster) {
        constants.insert(def);
        return;
      }
      if (def && group.members.contains(def)) return;
      inputs.insert(value);
      if (!pointwise) indexed.insert(value);
    };
    for (Operation* op : ops) {
      const MapSet maps = group.members.lookup(op);
      const bool atIdentity = group.isLoop && maps.size() == 1 && maps.front().id == 0;
      for (OpOperand& operand : op->getOpOperands())
        read(operand.get(), atIdentity && keepsIndex(op, operand.getOperandNumber()));
      llvm::SetVector<Value> captured;
      getUsedValuesDefinedAbove(op->getRegions(), captured);
      for (const Value value : captured) read(value, false);
    }
    for (Operation* constant : constants) node.cluster.ops.push_back(constant);
    node.cluster.ops.append(ops.begin(), ops.end());
    node.cluster.inputs.append(inputs.begin(), inputs.end());
    for (Operation* op : ops)
      if (group.stored.contains(op)) node.cluster.outputs.append(op->result_begin(), op->result_end());
    for (Value value : inputs)
      if (group.isLoop && !indexed.contains(value)) node.pointwise.insert(value);
    if (!group.isLoop && node.kind == Node::Kind::Cluster && ops.size() == 1)
      node.updated = updatedBy(ops.front(), inputs);
    if (node.updated) node.pointwise.insert(node.updated);
    return node;
  }

  /// The operand that `op` changes in place, if the memory of its one result may be that operand's.
  static Value updatedBy(Operation* op, const llvm::SetVector<Value>& inputs) {
    if (!isa<stablehlo::ScatterOp, stablehlo::DynamicUpdateSliceOp>(op) || op->getNumResults() != 1)
      return Value();
    const Value first = op->getOperand(0);
    const auto uses = llvm::count_if(op->getOperands(),
                                     [&](Value operand) { return memoryOf(operand) == memoryOf(first); });
    bool isCaptured = false;  // by the region, which reads it as it was before
    for (Region& region : op->getRegions())
      region.walk([&](Operation* nested) {
        for (Value operand : nested->getOperands()) isCaptured |= memoryOf(operand) == memoryOf(first);
      });
    return inputs.contains(first) && uses == 1 && !isCaptured ? first : Value();
  }

  Block& block;
  const ClusterOptions& options;
  std::vector<Group> groups;
  int nextEffect = -1;  // the group with effects that was visited last
  llvm::DenseMap<Operation*, llvm::SmallVector<unsigned, 2>> groupsOf;
  llvm::DenseMap<Operation*, double> treeCost;
  llvm::DenseSet<Operation*> windows;  // a dynamic_update_slice that is a kernel of its own
  llvm::DenseMap<std::tuple<unsigned, Operation*, unsigned>, unsigned> derived;
};

}  // namespace

std::vector<Node> clusterBlock(Block& block, const ClusterOptions& options) {
  return Clusterer(block, options).run();
}

}  // namespace wherry::compile
