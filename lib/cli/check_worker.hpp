// check_worker.hpp: the process that runs modules for `wherry check`, and what its parent says to it.
//
// Over one socket, in lines of JSON: the parent sends the names of some modules, the worker answers with a
// verdict for each, in their order. It compiles them together, which pays where drivers build the code. A
// worker that cannot open its device answers `fatal` once and ends. Its standard output is standard error, so
// that whatever a driver prints stays out of the results.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "command.hpp"
#include "modules.hpp"
#include "self_check.hpp"

namespace wherry::cli {

/// Serves requests from `socket` until the parent closes it; returns the exit code of the process.
int serve_checks(int socket, const device_options& place);

/// What a worker answered: a verdict, or why no module can be run at all.
struct check_answer {
  verdict of;
  std::string fatal;
  int fatal_code = fine;
};

std::string request_line(std::span<const module_name> modules);
std::string answer_line(const check_answer& answer);
std::vector<module_name> parse_request(const std::string& line);
check_answer parse_answer(const std::string& line);

}  // namespace wherry::cli
