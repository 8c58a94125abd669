#include <gtest/gtest.h>

#include <csignal>
#include <wherry/status/broken_rule.hpp>

namespace wherry {
namespace {

TEST(broken_rule_death, names_the_rule_and_aborts) {
  EXPECT_EXIT(broken_rule("one_owner", "two threads own it"), testing::KilledBySignal(SIGABRT),
              "wherry: broken rule: one_owner: two threads own it");
}

}  // namespace
}  // namespace wherry
