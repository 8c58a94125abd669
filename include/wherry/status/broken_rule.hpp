// broken_rule.hpp: the end of a program that broke a rule no exception can report.
//
// A wrong argument throws `wherry::error`. What is left for here are mistakes found where nothing may be
// thrown and nothing can be undone: a completion completed twice, a scope destroyed with tasks inside.
//
// Threads: any.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace wherry {

/// Writes `wherry: broken rule: NAME: WHAT` to stderr and aborts.
[[noreturn]] inline void broken_rule(std::string_view name, std::string_view what) noexcept {
  std::fprintf(stderr, "wherry: broken rule: %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace wherry
