// custom_call.hpp: one call out of a program, `stablehlo.custom_call`, as a plan keeps it.
//
// The target is a name; what it means is looked up in the kernel registry when an executable is made, so a
// plan can be compiled, stored and carried to another machine before anybody has registered the target.
//
// Threads: constant once the plan is built.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <wherry/array/shape.hpp>
#include <wherry/exec/attribute.hpp>

namespace wherry {

/// An operand or a result: its type as the program writes it, and how its elements lie in memory.
struct call_value {
  tensor_type type;
  // Dimensions from the fastest varying to the slowest: {0, 1} is a column-major matrix. Empty: row-major.
  std::vector<std::uint32_t> minor_to_major = {};

  friend bool operator==(const call_value&, const call_value&) = default;
};

struct custom_call {
  std::string target;
  std::vector<call_value> operands = {};
  std::vector<call_value> results = {};
  // `backend_config` if it is a dictionary (api_version 4), else `mhlo.backend_config`.
  attribute::dictionary attributes = {};
  std::string backend_config = {};  // if it is a string (api_version 1 to 3)
  std::int32_t api_version = 1;
  bool has_side_effect = false;
  std::uint32_t line = 0;  // in the source, for messages; 0: not known
};

}  // namespace wherry
