// check_worker.hpp: the process that runs modules for `wherry check`, and what its parent says to it.
//
// Over one socket, a line of JSON each way: the parent sends a module's name, the worker answers with its
// verdict. A worker that cannot open its device answers `fatal` once and ends. Its standard output is
// standard error, so that whatever a driver prints stays out of the results.
#pragma once

#include <string>

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

std::string request_line(const module_name& which);
std::string answer_line(const check_answer& answer);
module_name parse_request(const std::string& line);
check_answer parse_answer(const std::string& line);

}  // namespace wherry::cli
