// modules.hpp: the modules that `wherry check` is given: files, and files that hold several modules.
//
// Test files put modules one after the other, each separated from the next by a line that starts with
// `// -----`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace wherry::cli {

struct module_name {
  std::string path;
  std::size_t number = 1;  // from 1
  bool is_part = false;    // the file holds several

  /// `path`, or `path#number`.
  std::string text() const { return is_part ? path + "#" + std::to_string(number) : path; }
};

/// Returns the modules of one file's text. Each but the first has empty lines in front, so that a position in
/// it is the position in the file. Bytecode is one module.
std::vector<std::string> split_modules(const std::string& text);

/// Returns the modules of the files and folders in `paths`, sorted by path, each once; of folders all files
/// whose name ends in .mlir, .mlirbc or .mlir.bc, however deep. Throws `error` for a path that cannot be
/// read.
std::vector<module_name> find_modules(const std::vector<std::string>& paths);

}  // namespace wherry::cli
