// self_check.hpp: one module that says itself what it expects: read, compiled, run and compared.
//
// A module is parsed, verified and round-tripped; then its entry function runs with both sides of every check
// as extra results, and the comparison happens here, on the host. Modules with arguments run on the data of a
// safetensors file of the same name beside them, else on zeros; arguments of unknown size are not run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "command.hpp"
#include "modules.hpp"

namespace wherry::cli {

struct verdict {
  enum class status : std::uint8_t { pass, fail, skip };
  status outcome = status::fail;
  std::string reason;                    // one line
  std::optional<std::uint64_t> max_ulp;  // of all checks; none were made: nothing
  double seconds = 0;
};

/// "PASS", "FAIL", "SKIP".
const char* name_of(verdict::status s) noexcept;

/// Checks `modules`, which are compiled together, and calls `report` with the verdict of each, in their
/// order, as soon as it is known. Never throws for anything that is about a module: that is a failure with
/// its reason.
void check_modules(const client& here, const compile_options& compiling, std::span<const module_name> modules,
                   const std::function<void(const verdict&)>& report);

}  // namespace wherry::cli
