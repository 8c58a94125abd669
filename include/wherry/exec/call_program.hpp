// call_program.hpp: one custom call as a whole program, so that a target runs by its name alone.
//
//   const executable soften = client.compile(call_program(
//       {.target = "soften", .operands = {{x.type()}}, .results = {{x.type()}}, .attributes = {{"strength",
//       0.5}}}));
//   soften(x);
//
// It takes the operands of the call and returns its results. No compiler is needed: the program is a plan
// already. Where the target is a kernel only, a `cpu:k` has to be asked for codegen "opencl".
//
// Threads: any (a pure function).
#pragma once

#include <wherry/exec/plan_io.hpp>
#include <wherry/exec/program.hpp>

namespace wherry {

/// Returns the program. Throws invalid_argument for a layout that does not fit its type.
inline program call_program(custom_call call) {
  plan p;
  p.name = call.target;
  p.bounded = false;
  p.anywhere = true;
  step s;
  s.what = step::kind::call;
  const auto add = [&](const call_value& value, slot::region where, std::vector<tensor_type>& types) {
    const auto index = static_cast<std::uint32_t>(types.size());
    s.slots.push_back(static_cast<std::uint32_t>(p.slots.size()));
    p.slots.push_back({where, index, 0, value.type.bytes()});
    // A value that is not row-major is handed on as its memory is: the first extent varies slowest there.
    tensor_type type = value.type;
    const std::size_t rank = type.dims.rank(), laid = value.minor_to_major.size();
    std::vector<std::int64_t> extents;
    for (std::size_t d = 0; d < laid; ++d) {
      const std::uint32_t from = value.minor_to_major[laid - 1 - d];
      if (laid != rank || from >= rank) {
        throw error(absl::StatusCode::kInvalidArgument,
                    "call_program: " + call.target + ": a layout that does not fit " + to_string(value.type));
      }
      extents.push_back(value.type.dims[from]);
    }
    if (laid != 0) type.dims = shape(std::span<const std::int64_t>(extents));
    types.push_back(std::move(type));
  };
  for (const call_value& value : call.operands) add(value, slot::region::input, p.inputs);
  for (const call_value& value : call.results) add(value, slot::region::output, p.outputs);
  p.calls.push_back(std::move(call));
  p.blocks = {{std::move(s)}};
  const std::vector<std::byte> bytes = write_plan(p);
  return program::from_text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), p.name);
}

}  // namespace wherry
