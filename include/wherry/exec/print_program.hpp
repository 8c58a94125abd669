// print_program.hpp: programs and executables on an ostream, for people.
//
// A program prints as its name, its size and its first lines, an executable as its signature and device.
// Nothing here waits.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <wherry/array/print.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/program.hpp>

namespace wherry {

namespace detail {

/// True for text that can be shown: bytecode and artifacts have bytes that no text has.
inline bool is_readable(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t' && c != '\r';
  });
}

inline void print_types(std::ostream& out, std::span<const tensor_type> types) {
  out << '(';
  for (std::size_t k = 0; k < types.size(); ++k) out << (k ? ", " : "") << types[k];
  out << ')';
}

}  // namespace detail

/// Prints `program add, 586 bytes` and the first `lines` lines of its source, then `...` if there are more;
/// all of them if `lines` is negative, none of what is not text.
inline void print(std::ostream& out, const program& p, int lines = 5) {
  std::string_view rest = p.text();
  out << "program " << p.name() << ", " << rest.size() << " bytes\n";
  if (!detail::is_readable(rest)) return;
  for (int k = 0; !rest.empty(); ++k) {
    if (k == lines) {
      out << "...\n";
      return;
    }
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out << rest.substr(0, end) << '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}
inline std::ostream& operator<<(std::ostream& out, const program& p) {
  print(out, p);
  return out;
}

/// Prints `executable add(tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>) on cpu:0`; without the results
/// where they depend on the arguments.
inline std::ostream& operator<<(std::ostream& out, const executable& e) {
  out << "executable " << e.name();
  detail::print_types(out, e.inputs());
  if (!e.code().open) {
    out << " -> ";
    detail::print_types(out, e.outputs());
  }
  return out << " on " << e.device();
}

}  // namespace wherry
