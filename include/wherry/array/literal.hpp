// literal.hpp: an array as a StableHLO literal, `dense<[[1.0, 2.0], [3.0, 4.0]]>`.
//
// Every element is written, in a form that parses back to the same value: floating-point numbers with as
// few digits as identify them, NaN and infinities as hexadecimal bits (MLIR's rule for float literals).
//
// Threads: any, as for reading an array.
#pragma once

#include <string>
#include <wherry/array/element.hpp>

namespace wherry {

namespace detail {

inline void append_literal(std::string& text, const array& a, std::size_t axis, std::int64_t& next) {
  if (axis == a.dims().rank()) {
    text += element_literal(a, next++);
    return;
  }
  text += '[';
  for (std::int64_t k = 0; k < a.dims()[axis]; ++k) {
    if (k != 0) text += ", ";
    append_literal(text, a, axis + 1, next);
  }
  text += ']';
}

}  // namespace detail

/// Returns the literal without its type; `dense<>` when there are no elements.
inline std::string literal(const array& a) {
  std::string text = "dense<";
  std::int64_t next = 0;
  if (a.size() != 0) detail::append_literal(text, a, 0, next);
  return text + ">";
}

}  // namespace wherry
