#include <gtest/gtest.h>

#include <compare>
#include <cstdint>
#include <wherry/status/ticket.hpp>

namespace wherry {
namespace {

TEST(ticket, keeps_unit_and_number_apart) {
  constexpr ticket t(65535, ticket::max_number);
  EXPECT_EQ(t.unit(), 65535);
  EXPECT_EQ(t.number(), (std::uint64_t{1} << 48) - 1);
  constexpr ticket u(3, 17);
  EXPECT_EQ(u.unit(), 3);
  EXPECT_EQ(u.number(), 17u);
}

TEST(ticket, a_default_ticket_names_nothing) {
  EXPECT_FALSE(ticket());
  EXPECT_FALSE(ticket(7, 0));
  EXPECT_TRUE(ticket(0, 1));
}

TEST(ticket, tickets_of_one_unit_are_ordered_by_number) {
  EXPECT_LT(ticket(2, 5), ticket(2, 6));
  EXPECT_GE(ticket(2, 6), ticket(2, 6));
  EXPECT_EQ(ticket(2, 6), ticket(2, 6));
}

TEST(ticket, tickets_of_different_units_do_not_compare) {
  EXPECT_EQ(ticket(1, 5) <=> ticket(2, 5), std::partial_ordering::unordered);
  EXPECT_FALSE(ticket(1, 5) < ticket(2, 6));
  EXPECT_FALSE(ticket(1, 5) >= ticket(2, 6));
  EXPECT_NE(ticket(1, 5), ticket(2, 5));
}

TEST(ticket, is_written_as_unit_and_number) { EXPECT_EQ(to_string(ticket(3, 17)), "3:17"); }

TEST(ticket_death, a_number_beyond_48_bits_is_a_broken_rule) {
  EXPECT_DEATH(ticket(1, ticket::max_number + 1), "broken rule: ticket_number");
}

}  // namespace
}  // namespace wherry
