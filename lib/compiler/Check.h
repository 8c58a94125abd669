// Check.h: self-checking programs as ordinary ones.
//
// Test programs state what they expect inside: `stablehlo.custom_call @check.expect_eq(%a, %b)` and its kin,
// or operations of the `check` dialect. Here both sides of every such check become outputs of the entry
// function, which takes and returns whatever it took and returned before, so any compiler, cache and
// device can run it; the comparison is the caller's, on the host. What probes record becomes values first
// (Probe.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::compile {

struct Check {
  enum class Kind {
    Equal,        // `==` of every element: NaN differs from itself, -0 equals 0
    Close,        // `minUlps` to `maxUlps` units in the last place apart, in the element's own type
    AlmostEqual,  // `tolerance` apart at most, in f64; NaN equals NaN
    EqualOrNear,  // check.eq: integers as Equal, others as AlmostEqual
  };
  Kind kind = Kind::Equal;
  double tolerance = 0;
  std::int64_t minUlps = 0;
  std::int64_t maxUlps = 0;
  std::size_t actual = 0;    // index of an output
  std::size_t expected = 0;  // index of an output
  std::string location;      // file:line:col of the check
};

struct CheckProgram {
  std::string source;    // StableHLO text; the entry has the outputs that `checks` name
  std::string function;  // its name
  std::vector<Check> checks;
};

/// Splits the checks off the entry function of `source` (`main`, else the only public function), calls
/// inlined. Throws `error`: invalid_argument where the program does not parse, unimplemented, with its
/// location, for a check inside a region and for one that this page does not list.
CheckProgram splitChecks(std::string_view source, std::string_view name);

}  // namespace wherry::compile
