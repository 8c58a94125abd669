// docs/errors.md lists every reason and every status code, by the names that messages use.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>
#include <wherry/status/error.hpp>

namespace wherry {
namespace {

/// The cells of the rows of the table under `heading`.
std::vector<std::vector<std::string>> table_under(const std::string& heading) {
  std::ifstream page(WHERRY_SOURCE_DIR "/docs/errors.md");
  std::vector<std::vector<std::string>> rows;
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("## ", 0) == 0) here = line == "## " + heading;
    if (!here || line.rfind("| ", 0) != 0) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 1; at < line.size();) {
      const std::size_t end = line.find('|', at);
      const std::string cell = line.substr(at, end - at);
      const std::size_t first = cell.find_first_not_of(" `");
      cells.push_back(first == std::string::npos
                          ? std::string()
                          : cell.substr(first, cell.find_last_not_of(" `") - first + 1));
      at = end == std::string::npos ? line.size() : end + 1;
    }
    rows.push_back(std::move(cells));
  }
  if (!rows.empty()) rows.erase(rows.begin());  // the headings
  return rows;
}

TEST(errors_page, has_a_row_for_each_reason_in_order) {
  const auto rows = table_under("Reasons");
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(reason::count_));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    EXPECT_EQ(rows[k].at(0), name_of(static_cast<reason>(k)));
    EXPECT_FALSE(rows[k].at(2).empty()) << rows[k].at(0);
  }
}

TEST(errors_page, has_a_row_for_each_status_code) {
  const auto rows = table_under("Status codes");
  ASSERT_EQ(rows.size(), 17u);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    EXPECT_EQ(rows[k].at(0), std::to_string(k));
    EXPECT_EQ(rows[k].at(1), absl::StatusCodeToString(static_cast<absl::StatusCode>(k)));
  }
}

TEST(errors_page, reasons_name_codes_that_exist) {
  std::string known = " any";
  for (int k = 0; k < 17; ++k) known += " " + absl::StatusCodeToString(static_cast<absl::StatusCode>(k));
  known += ' ';
  for (const auto& row : table_under("Reasons")) {
    std::string codes = row.at(1);
    for (std::size_t at = 0; at < codes.size();) {
      const std::size_t end = std::min(codes.find(", ", at), codes.size());
      EXPECT_NE(known.find(" " + codes.substr(at, end - at) + " "), std::string::npos) << row.at(0);
      at = end + 2;
    }
  }
}

}  // namespace
}  // namespace wherry
