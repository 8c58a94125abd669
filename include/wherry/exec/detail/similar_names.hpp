// detail/similar_names.hpp: the names that somebody may have meant, for messages about unknown ones.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wherry::detail {

/// Returns how many letters must be added, removed or replaced to get from one to the other.
inline std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

/// Returns the (at most four) names nearest to `name`, the nearest first: `'relu', 'reshape'`. A name that
/// contains the other counts as near.
inline std::string similar_names(std::string_view name, const std::vector<std::string>& names) {
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const std::string& known : names) {
    const bool contains = !name.empty() && (known.find(name) != known.npos || name.find(known) != name.npos);
    ranked.emplace_back(contains ? 1 : edits_between(name, known), known);
  }
  std::sort(ranked.begin(), ranked.end());
  std::string all;
  for (std::size_t i = 0; i < ranked.size() && i < 4; ++i)
    all += (i ? ", '" : "'") + std::string(ranked[i].second) + "'";
  return all;
}

}  // namespace wherry::detail
