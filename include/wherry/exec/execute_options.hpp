// execute_options.hpp: what may be said about one execution, and what a run is made of.
//
// Threads: values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>
#include <wherry/array/buffer.hpp>

namespace wherry {

/// With `request_options`: unit (null: see `executable`), stop token, deadline, error tracker, name and
/// place.
struct execute_options : request_options {
  /// Arguments that must not be donated in this run, by index.
  std::vector<std::uint32_t> keep = {};

  /// Where the outputs go: empty, or one for each output, an empty handle where the run allocates as usual.
  /// Such a buffer has the type of its output, is on the executable's device and becomes that output: its
  /// old contents are replaced, after whatever still uses them. It must not share memory with an argument,
  /// with one exception: the argument that the program aliases with that very output (`tf.aliasing_output`)
  /// may be the same buffer, which is then updated in place and not deleted. An argument whose output goes
  /// elsewhere is not donated.
  std::vector<buffer> into = {};

  /// Looks for NaN and infinity in the outputs of floating-point and complex types once they are computed.
  /// The execution then fails with out_of_range (`reason::numerical_error`), naming the first one found; its
  /// outputs hold what was computed, may be read and are good inputs.
  bool check_numerics = false;

  /// A number of the caller's, for messages; 0: none.
  std::uint64_t launch_id = 0;

  /// Options that say nothing, for calls without any: making them anew costs more than looking at them.
  static const execute_options& none() {
    static const execute_options& nothing = *new execute_options;  // outlives static executables
    return nothing;
  }
};

/// What one run works on, as `executable_core::new_run` takes it.
struct run_arguments {
  std::span<storage* const> inputs;
  std::span<storage* const> outputs;
  bool is_in_place = false;  // some output is the memory of an input
  bool has_given = false;    // some output was there before, and may hold a failure
  bool check_numerics = false;
  std::uint64_t launch_id = 0;
};

}  // namespace wherry
