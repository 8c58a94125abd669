// opencl_source.hpp: OpenCL C as the definitions that it consists of, so that those of several plans can be
// built together and none twice.
//
// The compiler writes lines that begin with `#`, then functions, each ending with a line `}`. A kernel's name
// ends with a hash of its text, so kernels of the same name are the same kernel wherever they come from.
//
// Threads: any (pure functions).
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace wherry {

/// One function. `text` is all of it, with its last line end.
struct opencl_definition {
  std::string_view text;
  std::string_view name;
  bool is_kernel = false;
};

struct opencl_parts {
  std::vector<std::string_view> directives;  // lines that begin with `#`, with their ends
  std::vector<opencl_definition> definitions;
};

/// Returns the parts of `source`, which they refer to; nothing for a text of another shape than the
/// compiler's.
inline std::optional<opencl_parts> split_opencl(std::string_view source) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  opencl_parts parts;
  while (true) {
    source.remove_prefix(std::min(source.find_first_not_of('\n'), source.size()));
    if (source.empty()) return parts;
    if (source.front() == '#') {
      const std::size_t end = source.find('\n');
      if (end == std::string_view::npos || source[end - 1] == '\\' || !parts.definitions.empty())
        return std::nullopt;
      parts.directives.push_back(source.substr(0, end + 1));
      source.remove_prefix(end + 1);
      continue;
    }
    const std::size_t end = source.find("\n}\n");
    if (end == std::string_view::npos) return std::nullopt;
    opencl_definition made;
    made.text = source.substr(0, end + 3);
    const std::size_t open = made.text.find('(');
    if (open == std::string_view::npos) return std::nullopt;
    const std::string_view head = made.text.substr(0, open);  // `__kernel void name`
    if (head.find_first_not_of("* ", head.find_last_of(letters) + 1) != std::string_view::npos ||
        head.find_first_of("\n;{=/\"") != std::string_view::npos)
      return std::nullopt;
    made.name = head.substr(head.find_last_not_of(letters) + 1);
    made.is_kernel = head.substr(0, 9) == "__kernel ";
    if (made.name.empty()) return std::nullopt;
    parts.definitions.push_back(made);
    source.remove_prefix(end + 3);
  }
}

}  // namespace wherry
