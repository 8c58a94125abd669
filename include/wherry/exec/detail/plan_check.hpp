// plan_check.hpp: whether a plan that was read is one that can run: its indexes are in their tables, what its
// steps touch is inside its slots, its blocks are no deeper than a stack.
//
// Threads: any (pure functions).
#pragma once

#include <algorithm>
#include <vector>
#include <wherry/exec/detail/plan_bytes.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry::detail {

inline constexpr std::uint64_t plan_bytes_limit = std::uint64_t{1}
                                                  << 48;  // of one tensor, of the arena: no sum overflows

inline constexpr double plan_cost_limit = 1e18;        // nanoseconds of one unit of work
inline constexpr std::size_t plan_depth_limit = 2000;  // a run takes a frame for each

/// Returns how deep blocks are nested, 1 for an entry alone; 0 if some block contains itself. Removes blocks
/// that nothing left refers to, until none is left or all are referred to.
inline std::size_t block_depth(const plan& p) {
  std::vector<std::size_t> references(p.blocks.size());
  std::vector<std::size_t> depth(p.blocks.size(), 1);
  std::size_t deepest = 1;
  const auto each_child = [&p](std::size_t block, auto&& f) {
    for (const step& s : p.blocks[block]) {
      for (const std::uint32_t child : s.blocks) f(child);
    }
  };
  for (std::size_t b = 0; b < p.blocks.size(); ++b)
    each_child(b, [&](std::uint32_t child) { ++references[child]; });
  std::vector<std::size_t> free;
  for (std::size_t b = 0; b < p.blocks.size(); ++b) {
    if (references[b] == 0) free.push_back(b);
  }
  std::size_t removed = 0;
  while (!free.empty()) {
    const std::size_t b = free.back();
    free.pop_back();
    ++removed;
    deepest = std::max(deepest, depth[b]);
    each_child(b, [&](std::uint32_t child) {
      depth[child] = std::max(depth[child], depth[b] + 1);
      if (--references[child] == 0) free.push_back(child);
    });
  }
  return removed == p.blocks.size() ? deepest : 0;
}

inline void check_plan(const plan& p) {
  const auto region_size = [&p](const slot& s) -> std::uint64_t {
    switch (s.where) {
      case slot::region::input:
        if (s.index >= p.inputs.size()) plan_reader::fail("a slot of an input that is not there");
        return p.inputs[s.index].bytes();
      case slot::region::output:
        if (s.index >= p.outputs.size()) plan_reader::fail("a slot of an output that is not there");
        return p.outputs[s.index].bytes();
      case slot::region::arena:
        return p.arena_bytes;
      case slot::region::constant:
        return p.constants.size();
    }
    return 0;
  };
  if (p.open && !(p.slots.empty() && p.aliases.empty() && p.blocks.empty()))
    plan_reader::fail("an open plan with steps");
  if (p.arena_bytes > plan_bytes_limit) plan_reader::fail("an arena too large");
  if (p.input_names.size() > p.inputs.size() || (p.output_names.size() > p.outputs.size() && !p.open))
    plan_reader::fail("a name of nothing");
  std::vector<bool> placed(p.outputs.size());
  std::vector<bool> donated(p.inputs.size());
  for (const alias& a : p.aliases) {
    if (placed[a.output] || donated[a.input])
      plan_reader::fail("an output or an input that is aliased twice");
    placed[a.output] = donated[a.input] = true;
    if (p.outputs[a.output].bytes() != p.inputs[a.input].bytes())
      plan_reader::fail("an output that does not fit its input");
  }
  for (const slot& s : p.slots) {
    const std::uint64_t size = region_size(s);
    if (s.offset > size || s.bytes > size - s.offset) plan_reader::fail("a slot outside its region");
  }
  for (const kernel& k : p.kernels) {
    if (k.from == kernel::origin::image && k.entry >= p.image.size())
      plan_reader::fail("a kernel outside the image");
  }
  for (const auto& block : p.blocks) {
    for (const step& s : block) {
      if (s.what == step::kind::call) {
        const custom_call& call = p.calls[s.kernel];
        const std::size_t operands = call.operands.size();
        if (s.slots.size() != operands + call.results.size())
          plan_reader::fail("a call without its operands");
        for (std::size_t k = 0; k < s.slots.size(); ++k) {
          const call_value& value = k < operands ? call.operands[k] : call.results[k - operands];
          if (p.slots[s.slots[k]].bytes < value.type.bytes())
            plan_reader::fail("a slot smaller than what a call takes of it");
        }
        continue;
      }
      const std::size_t least_slots = s.what == step::kind::copy ? 2 : s.what == step::kind::launch ? 0 : 1;
      const std::size_t least_blocks = s.what == step::kind::loop ? 2 : s.what == step::kind::branch ? 1 : 0;
      if (s.slots.size() < least_slots || s.blocks.size() < least_blocks)
        plan_reader::fail("a step without its operands");
      if (s.extent < 0 || static_cast<std::uint64_t>(s.extent) > plan_bytes_limit)
        plan_reader::fail("an extent of a step out of range");
      // Costs decide how a kernel is cut: no other number may reach that arithmetic.
      if (!(s.cost_ns >= 0 && s.cost_ns <= plan_cost_limit)) plan_reader::fail("a cost out of range");
      const std::uint64_t least_bytes = s.what == step::kind::copy     ? p.slots[s.slots[1]].bytes
                                        : s.what == step::kind::loop   ? (s.trips < 0 ? 1 : 0)
                                        : s.what == step::kind::branch ? 4
                                                                       : 0;
      if (!s.slots.empty() && p.slots[s.slots[0]].bytes < least_bytes)
        plan_reader::fail("a slot smaller than what is read of it");
    }
  }
  if (p.blocks.empty() && !p.open) plan_reader::fail("no entry block");
  const std::size_t depth = block_depth(p);
  if (depth == 0) plan_reader::fail("a block inside itself");
  if (depth > plan_depth_limit) plan_reader::fail("blocks nested too deep");
}

}  // namespace wherry::detail
