// modules.cpp: see modules.hpp.
#include "modules.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <wherry/exec/program.hpp>

namespace wherry::cli {
namespace {

namespace fs = std::filesystem;

bool has_module_name(const std::string& path) {
  for (const std::string_view ending : {".mlir", ".mlirbc", ".mlir.bc"}) {
    if (path.size() > ending.size() && std::string_view(path).substr(path.size() - ending.size()) == ending)
      return true;
  }
  return false;
}

/// Adds the module files below `folder`. Links to folders are not followed, so there is no cycle.
void add_folder(const fs::path& folder, std::set<std::string>& files) {
  std::error_code problem;
  fs::recursive_directory_iterator at(folder, problem);
  while (!problem && at != fs::recursive_directory_iterator()) {
    if (at->is_regular_file(problem) && has_module_name(at->path().string()))
      files.insert(at->path().string());
    if (!problem) at.increment(problem);
  }
  if (problem)
    throw error(absl::StatusCode::kInvalidArgument,
                folder.string() + ": cannot read the folder: " + problem.message());
}

}  // namespace

std::vector<std::string> split_modules(const std::string& text) {
  constexpr std::string_view separator = "// -----";
  std::vector<std::string> modules(1);
  if (text.rfind("ML\xEFR", 0) == 0) {
    modules.front() = text;
    return modules;
  }
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(at, end - at);
    ++lines;
    if (line.substr(0, separator.size()) == separator) {
      modules.emplace_back(lines, '\n');
    } else {
      modules.back() += line;
    }
    at = end;
  }
  return modules;
}

std::vector<module_name> find_modules(const std::vector<std::string>& paths) {
  std::set<std::string> files;
  for (const std::string& path : paths) {
    std::error_code problem;
    if (fs::is_directory(path, problem)) {
      add_folder(path, files);
    } else {
      files.insert(path);
    }
  }
  std::vector<module_name> modules;
  for (const std::string& path : files) {
    const std::size_t count = split_modules(std::string(program::from_file(path).text())).size();
    for (std::size_t n = 1; n <= count; ++n) modules.push_back({path, n, count > 1});
  }
  return modules;
}

}  // namespace wherry::cli
