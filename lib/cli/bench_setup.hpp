// bench_setup.hpp: what `wherry bench` feeds a program with.
//
// A `bench.json` beside the program says how to make its arguments and which results become arguments of the
// next call. Without one, floats are normal with deviation 1, integers uniform in [0, 10), and results that
// live in donated arguments are fed back to them.
#pragma once

#include <string>
#include <utility>
#include <vector>
#include <wherry/exec/executable.hpp>

namespace wherry::cli {

struct bench_setup {
  std::string name;  // of the program in reports
  std::vector<array> arguments;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> feedback;  // result, argument
};

/// Returns the setup of `program`, compiled from the file `path`. Tensors of `inputs` (safetensors files)
/// come before what `bench.json` says. Throws `error` or `usage_error` naming the file that does not fit the
/// program.
bench_setup setup_of(const std::string& path, const executable& program,
                     const std::vector<std::string>& inputs);

}  // namespace wherry::cli
