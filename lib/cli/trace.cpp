// trace.cpp: `wherry trace`: where the time of a traced run went.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "command.hpp"
#include "trace_summary.hpp"

namespace wherry::cli {
namespace {

int show_trace(const std::string& path) {
  if (std::filesystem::is_directory(path))
    throw usage_error(path + ": a folder, expected a file of run --trace");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw usage_error(path + ": cannot be opened: " + std::strerror(errno));
  std::cout << to_text(read_trace(in, path));
  return fine;
}

}  // namespace

void add_trace(command_line& line) {
  CLI::App* command =
      add_command(line, "trace", "Show the time per unit, request and kernel of a traced run");
  const auto path = std::make_shared<std::string>();
  command->add_option("file", *path, "What `wherry run --trace` wrote")->required()->type_name("FILE.json");
  command->callback([&line, path] { line.chosen = [path] { return show_trace(*path); }; });
}

}  // namespace wherry::cli
