// number_ranges.hpp: a set of numbers as short text, for messages that list ids.
//
// Threads: a pure function.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace wherry {

/// Returns `ids` in ascending order, three and more that follow each other as a range: "1, 2, 5 to 9".
inline std::string number_ranges(std::vector<std::uint16_t> ids) {
  std::sort(ids.begin(), ids.end());
  std::string text;
  for (std::size_t first = 0; first < ids.size();) {
    std::size_t last = first;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1) ++last;
    if (last == first + 1) last = first;
    if (!text.empty()) text += ", ";
    text += std::to_string(ids[first]);
    if (last != first) text += " to " + std::to_string(ids[last]);
    first = last + 1;
  }
  return text;
}

}  // namespace wherry
