// NodeGraph.cpp: see NodeGraph.h.
#include "compiler/NodeGraph.h"

#include <algorithm>
#include <numeric>
#include <queue>

#include "compiler/OpModel.h"

using namespace mlir;

namespace wherry::compile {

NodeGraph::NodeGraph(Block& block, const std::vector<Node>& nodes)
    : successors(nodes.size()), rank(nodes.size()) {
  std::vector<Operation*> last(nodes.size(), nullptr);
  for (unsigned i = 0; i < nodes.size(); ++i) {
    for (Operation* op : nodes[i].cluster.ops)
      if (op->getBlock() == &block && (!last[i] || last[i]->isBeforeInBlock(op))) last[i] = op;
    for (Value output : nodes[i].cluster.outputs) producers[output] = i;
    for (Value input : nodes[i].cluster.inputs) {
      auto& list = readers[memoryOf(input)];
      if (list.empty() || list.back() != i) list.push_back(i);
    }
  }
  std::vector<unsigned> positions(nodes.size());
  std::iota(positions.begin(), positions.end(), 0u);
  std::sort(positions.begin(), positions.end(),
            [&](unsigned a, unsigned b) { return last[a] != last[b] && last[a]->isBeforeInBlock(last[b]); });
  for (unsigned i = 0; i < positions.size(); ++i) rank[positions[i]] = i;
  for (const auto& [memory, list] : readers) {
    const int producer = producerOf(memory);
    if (producer < 0) continue;
    for (unsigned reader : list)
      if (static_cast<int>(reader) != producer) successors[producer].push_back(reader);
  }
  int effect = -1;
  for (unsigned node : positions) {
    if (!nodes[node].hasEffect) continue;
    if (effect >= 0) successors[effect].push_back(node);
    effect = static_cast<int>(node);
  }
}

int NodeGraph::producerOf(Value memory) const {
  const auto it = producers.find(memory);
  return it == producers.end() ? -1 : static_cast<int>(it->second);
}

llvm::ArrayRef<unsigned> NodeGraph::readersOf(Value memory) const {
  const auto it = readers.find(memory);
  return it == readers.end() ? llvm::ArrayRef<unsigned>() : llvm::ArrayRef<unsigned>(it->second);
}

bool NodeGraph::reaches(unsigned from, unsigned to) const {
  std::vector<bool> seen(successors.size(), false);
  llvm::SmallVector<unsigned> work{from};
  while (!work.empty()) {
    const unsigned at = work.pop_back_val();
    if (at == to) return true;
    for (unsigned next : successors[at])
      if (!seen[next]) {
        seen[next] = true;
        work.push_back(next);
      }
  }
  return false;
}

bool NodeGraph::order(unsigned before, unsigned after) {
  if (reaches(after, before)) return false;
  successors[before].push_back(after);
  return true;
}

std::vector<unsigned> NodeGraph::schedule() const {
  std::vector<unsigned> waiting(successors.size(), 0);
  for (const auto& list : successors)
    for (unsigned next : list) ++waiting[next];
  const auto later = [&](unsigned a, unsigned b) { return rank[a] > rank[b]; };
  std::priority_queue<unsigned, std::vector<unsigned>, decltype(later)> ready(later);
  for (unsigned i = 0; i < waiting.size(); ++i)
    if (waiting[i] == 0) ready.push(i);
  std::vector<unsigned> result;
  while (!ready.empty()) {
    const unsigned at = ready.top();
    ready.pop();
    result.push_back(at);
    for (unsigned next : successors[at])
      if (--waiting[next] == 0) ready.push(next);
  }
  return result;
}

}  // namespace wherry::compile
