// Placement.cpp: see Placement.h.
#include "compiler/Placement.h"

#include "compiler/Call.h"
#include "compiler/OpModel.h"
#include "stablehlo/Dialect.h"

using namespace mlir;

namespace wherry::compile {
namespace {

class Placer {
 public:
  Placer(Block& block, const std::vector<Node>& nodes, NodeGraph& graph,
         llvm::ArrayRef<Destination> destinations, llvm::function_ref<unsigned(uint64_t)> newSlot)
      : block(block), nodes(nodes), graph(graph), destinations(destinations), newSlot(newSlot) {}

  Placement run() {
    Operation* terminator = block.getTerminator();
    for (unsigned i = 0; i < destinations.size(); ++i) {
      const Value memory = memoryOf(terminator->getOperand(i));
      const int producer = graph.producerOf(memory);
      if (producer < 0 || placement.contains(memory)) continue;
      if (bytesOf(memory.getType()) != bytesOf(terminator->getOperand(i).getType())) continue;
      if (mayWrite(producer, memory, destinations[i].content, i)) place(memory, destinations[i]);
    }
    for (unsigned i = 0; i < destinations.size(); ++i) placeUpdated(memoryOf(terminator->getOperand(i)));
    for (unsigned i = 0; i < nodes.size(); ++i)
      if (nodes[i].kind == Node::Kind::Loop) placeCarried(i);
    return placement;
  }

 private:
  void place(Value memory, const Destination& destination) {
    placement[memory] = destination.slot;
    if (destination.content) contents[memory] = destination.content;
  }

  /// Lets the producers of what is changed in place, one update after the other, write where the last one
  /// does.
  void placeUpdated(Value memory) {
    while (placement.contains(memory)) {
      const int update = graph.producerOf(memory);
      if (update < 0 || !nodes[update].updated) return;
      const Value before = memoryOf(nodes[update].updated);
      const int producer = graph.producerOf(before);
      const llvm::ArrayRef<unsigned> readers = graph.readersOf(before);
      if (producer < 0 || placement.contains(before) || readers.size() != 1) return;
      if (nodes[producer].kind == Node::Kind::Loop || bytesOf(before.getType()) != bytesOf(memory.getType()))
        return;
      if (llvm::any_of(block.getTerminator()->getOperands(), [&](Value v) { return memoryOf(v) == before; }))
        return;
      const unsigned slot = placement[memory];
      const Value content = contents.lookup(memory);
      if (!mayWrite(producer, before, content, -1)) return;
      placement[before] = slot;
      if (content) contents[before] = content;
      memory = before;
    }
  }

  /// True when node `producer` may store `memory` where `content` lies, with the orders this needs.
  bool mayWrite(unsigned producer, Value memory, Value content, int ownOperand) {
    if (!content) return true;
    Operation* terminator = block.getTerminator();
    for (unsigned i = 0; i < terminator->getNumOperands(); ++i)
      if (static_cast<int>(i) != ownOperand && memoryOf(terminator->getOperand(i)) == content) return false;
    const llvm::ArrayRef<unsigned> readers = graph.readersOf(content);
    for (unsigned reader : readers) {
      if (reader != producer && graph.reaches(producer, reader)) return false;
      if (reader == producer && !overwrites(nodes[producer], memory, content)) return false;
    }
    for (unsigned reader : readers)
      if (reader != producer && !graph.order(reader, producer)) return false;
    return true;
  }

  /// True when `node`, which reads `content`, may store `memory` over it.
  static bool overwrites(const Node& node, Value memory, Value content) {
    if (bytesOf(memory.getType()) != bytesOf(content.getType())) return false;
    if (node.kind == Node::Kind::Cluster) {
      for (Value input : node.cluster.inputs)
        if (memoryOf(input) == content && !node.pointwise.contains(input)) return false;
      return true;
    }
    if (node.kind == Node::Kind::Call) return callOverwrites(node, memory, content);
    if (node.kind != Node::Kind::Loop) return false;
    // A loop may start from the older value where that is what it carries there, and nothing else of it.
    Operation* loop = node.op();
    for (unsigned i = 0; i < loop->getNumOperands(); ++i)
      if (memoryOf(loop->getOperand(i)) == content && loop->getResult(i) != memory) return false;
    return !isCaptured(loop, content);
  }

  /// A call that asks for it changes its operand in place.
  static bool callOverwrites(const Node& node, Value memory, Value content) {
    auto call = cast<stablehlo::CustomCallOp>(node.op());
    bool shares = false;
    for (const auto [operand, result] : llvm::zip(call->getOperands(), aliasesOf(call))) {
      if (memoryOf(operand) != content) continue;
      if (result < 0 || call->getResult(static_cast<unsigned>(result)) != memory) return false;
      shares = true;
    }
    return shares;
  }

  /// True when a region of `op` reads `memory` itself.
  static bool isCaptured(Operation* op, Value memory) {
    bool captured = false;
    for (Region& region : op->getRegions())
      region.walk([&](Operation* nested) {
        for (Value operand : nested->getOperands()) captured |= memoryOf(operand) == memory;
      });
    return captured;
  }

  /// Lets the producers of a loop's initial values write what the loop carries.
  void placeCarried(unsigned index) {
    Operation* loop = nodes[index].op();
    Operation* terminator = block.getTerminator();
    for (unsigned i = 0; i < loop->getNumOperands(); ++i) {
      const Value initial = memoryOf(loop->getOperand(i)), result = loop->getResult(i);
      const int producer = graph.producerOf(initial);
      if (producer < 0 || placement.contains(initial) || nodes[producer].kind == Node::Kind::Loop) continue;
      const llvm::ArrayRef<unsigned> readers = graph.readersOf(initial);
      const auto uses = llvm::count_if(loop->getOperands(), [&](Value v) { return memoryOf(v) == initial; });
      const bool returned =
          llvm::any_of(terminator->getOperands(), [&](Value v) { return memoryOf(v) == initial; });
      if (readers.size() != 1 || readers.front() != index || uses != 1 || returned ||
          isCaptured(loop, initial))
        continue;
      const auto placed = placement.find(result);
      if (placed == placement.end()) {
        const unsigned slot = newSlot(bytesOf(result.getType()));
        placement[result] = slot;
        placement[initial] = slot;
      } else if (mayWrite(producer, initial, contents.lookup(result), -1)) {
        const unsigned slot = placed->second;
        placement[initial] = slot;
      }
    }
  }

  Block& block;
  const std::vector<Node>& nodes;
  NodeGraph& graph;
  llvm::ArrayRef<Destination> destinations;
  llvm::function_ref<unsigned(uint64_t)> newSlot;
  Placement placement;
  llvm::DenseMap<Value, Value> contents;  // what lies where a placed value goes
};

}  // namespace

Placement placeValues(Block& block, const std::vector<Node>& nodes, NodeGraph& graph,
                      llvm::ArrayRef<Destination> destinations,
                      llvm::function_ref<unsigned(uint64_t)> newSlot) {
  return Placer(block, nodes, graph, destinations, newSlot).run();
}

}  // namespace wherry::compile
