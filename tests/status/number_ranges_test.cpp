// Numbers in messages.
#include <gtest/gtest.h>

#include <wherry/status/number_ranges.hpp>

namespace wherry {
namespace {

TEST(number_ranges, are_listed_in_order_whatever_order_they_came_in) {
  EXPECT_EQ(number_ranges({6, 7, 8, 1, 2, 3}), "1 to 3, 6 to 8");
  EXPECT_EQ(number_ranges({12, 3, 4, 65535}), "3, 4, 12, 65535");
  EXPECT_EQ(number_ranges({6, 1}), "1, 6");
  EXPECT_EQ(number_ranges({5}), "5");
  EXPECT_EQ(number_ranges({}), "");
}

}  // namespace
}  // namespace wherry
