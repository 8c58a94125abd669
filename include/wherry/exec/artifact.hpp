// artifact.hpp: executables as bytes that run where nothing is linked but the headers.
//
// An artifact is a plan (plan_io.hpp) that brings all of its code: native code for one level of CPUs,
// prebuilt kernels included, or OpenCL C. `client.compile(program::from_file("step.wherry"))` loads it,
// checked and checksummed, and refuses it with both lists where the device or its features do not fit.
//
// Threads: any.
#pragma once

#include <wherry/exec/compiler.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/plan_io.hpp>

namespace wherry {

/// Returns a plan as the contents of a `.wherry` file. Throws failed_precondition for a program whose sizes
/// are still open, and unimplemented when it uses prebuilt kernels and no compiler is linked that has copies.
inline std::vector<std::byte> artifact_of(plan whole) {
  if (whole.open) {
    throw error(absl::StatusCode::kFailedPrecondition,
                whole.name + ": an artifact needs known sizes: compile it for the arguments it will get");
  }
  for (const kernel& k : whole.kernels) {
    if (k.from != kernel::origin::prebuilt) continue;
    compiler* c = compiler::installed();
    if (c && c->embed_prebuilt(whole)) break;
    throw error(absl::StatusCode::kUnimplemented,
                whole.name + ": no compiler is linked that has a copy of the prebuilt kernel '" + k.name +
                    "': link wherry::compiler",
                reason::unsupported);
  }
  return write_plan(whole);
}
inline std::vector<std::byte> artifact_of(const executable& e) {
  plan whole = e.code();
  whole.is_named |= whole.name != e.name();
  whole.name = e.name();
  return artifact_of(std::move(whole));
}

}  // namespace wherry
