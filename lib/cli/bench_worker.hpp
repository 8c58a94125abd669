// bench_worker.hpp: the process that measures one program for `wherry bench`.
//
// A process of its own, so that its memory is the program's and its caches are empty: it answers with one
// line of JSON, the figures or why there are none, and ends.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace wherry::cli {

struct bench_options {
  std::vector<std::string> files;
  std::vector<std::string> inputs;
  device_options place;
  double seconds = 3;
  json_option json;
  int worker_socket = -1;
};

/// Measures `options.files[0]` and sends the answer to the socket: the figures of the command's JSON, or
/// `fatal` and `code`. Returns the exit code of the process.
int measure_program(const bench_options& options);

}  // namespace wherry::cli
