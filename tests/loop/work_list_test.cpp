#include <gtest/gtest.h>

#include <wherry/loop/work_list.hpp>

namespace wherry {
namespace {

TEST(work_list, items_leave_in_the_order_in_which_they_came) {
  work a, b, c;
  work_list list;
  EXPECT_TRUE(list.is_empty());
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_EQ(list.pop_front(), &b);
  EXPECT_EQ(list.pop_front(), &c);
  EXPECT_EQ(list.pop_front(), nullptr);
  EXPECT_TRUE(list.is_empty());
}

TEST(work_list, appending_moves_everything_behind_what_is_there) {
  work a, b, c, d;
  work_list list, other;
  list.push_back(a);
  other.push_back(b);
  other.push_back(c);
  list.append(other);
  EXPECT_TRUE(other.is_empty());
  list.append(other);
  other.push_back(d);
  EXPECT_EQ(other.pop_front(), &d);
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_EQ(list.pop_front(), &b);
  EXPECT_EQ(list.pop_front(), &c);
}

TEST(work_list, an_item_can_be_removed_from_every_place) {
  for (int removed = 0; removed != 3; ++removed) {
    work items[3];
    work_list list;
    for (work& w : items) list.push_back(w);
    EXPECT_TRUE(list.remove(items[removed]));
    EXPECT_FALSE(list.remove(items[removed]));
    list.push_back(items[removed]);  // the end of the list is right too
    for (int i = 0; i != 3; ++i) {
      if (i != removed) {
        EXPECT_EQ(list.pop_front(), &items[i]);
      }
    }
    EXPECT_EQ(list.pop_front(), &items[removed]);
    EXPECT_TRUE(list.is_empty());
  }
}

}  // namespace
}  // namespace wherry
