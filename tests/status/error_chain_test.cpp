// The chain of a failure, and who is told of one that nobody looks at.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>
#include <wherry/status/error.hpp>

namespace wherry {
namespace {

class collector final : public unobserved_sink {
 public:
  void unobserved(const error& e) noexcept override { seen.push_back(e); }
  std::vector<error> seen;
};

failure root(std::shared_ptr<unobserved_sink> sink = nullptr) {
  const error plain(absl::StatusCode::kInvalidArgument, "expected 512 bytes, got 510", reason::driver_failed);
  return std::make_shared<const error>(plain.begun_in({ticket(2, 5), "write of labels"}, std::move(sink)));
}
failure after(const failure& f, ticket id, std::string what) {
  return std::make_shared<const error>(f->followed_by({id, std::move(what)}));
}

TEST(error_chain, the_message_names_every_request_on_the_way_to_the_origin) {
  const failure f =
      after(after(root(), ticket(3, 17), "execution 17 of mlp_step"), ticket(1, 4), "read of loss");
  EXPECT_STREQ(f->what(),
               "read of loss <- execution 17 of mlp_step <- write of labels: expected 512 bytes, got 510");
  ASSERT_EQ(f->chain().size(), 3u);
  EXPECT_EQ(f->chain()[0].id, ticket(1, 4));
  EXPECT_EQ(f->chain()[1].what, "execution 17 of mlp_step");
  EXPECT_EQ(f->chain()[2].id, f->id());
}

TEST(error_chain, code_reason_and_ticket_stay_those_of_the_origin) {
  const failure f = after(root(), ticket(3, 17), "execution 17 of mlp_step");
  EXPECT_EQ(f->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(f->reason(), reason::driver_failed);
  EXPECT_EQ(f->id(), ticket(2, 5));
}

TEST(error_chain, a_long_chain_keeps_both_ends_and_counts_what_is_between) {
  failure f = root();
  for (std::uint64_t k = 1; k <= 100000; ++k) f = after(f, ticket(3, k), "step " + std::to_string(k));
  EXPECT_EQ(f->chain().size(), error::most_links);
  EXPECT_EQ(f->left_out(), 100001 - error::most_links);
  EXPECT_EQ(f->chain().front().what, "step 100000");
  EXPECT_EQ(f->chain().back().what, "write of labels");
  EXPECT_EQ(f->chain()[error::most_links - 2].what, "step 1");
  const std::string text = f->what();
  EXPECT_NE(text.find("<- (99985 more) <- step 3 <- step 2 <- step 1 <- write of labels: "),
            std::string::npos)
      << text;
}

TEST(error_chain, an_error_without_a_request_has_no_chain) {
  const error e(absl::StatusCode::kNotFound, "no device");
  EXPECT_TRUE(e.chain().empty());
  EXPECT_STREQ(e.what(), "no device");
}

TEST(unobserved, a_failure_that_is_dropped_unseen_is_told_once_where_it_began) {
  const auto sink = std::make_shared<collector>();
  {
    const failure f = root(sink);
    const failure a = after(f, ticket(3, 17), "execution 17 of mlp_step");
    const failure b = after(f, ticket(3, 18), "execution 18 of mlp_step");
    EXPECT_TRUE(sink->seen.empty());
  }
  ASSERT_EQ(sink->seen.size(), 1u);
  EXPECT_EQ(sink->seen[0].id(), ticket(2, 5));
  EXPECT_STREQ(sink->seen[0].what(), "write of labels: expected 512 bytes, got 510");
}

TEST(unobserved, the_last_of_what_follows_decides_when) {
  const auto sink = std::make_shared<collector>();
  failure last;
  {
    const failure f = root(sink);
    last = after(f, ticket(3, 17), "execution 17 of mlp_step");
  }
  EXPECT_TRUE(sink->seen.empty());
  last = nullptr;
  EXPECT_EQ(sink->seen.size(), 1u);
}

TEST(unobserved, one_that_was_thrown_anywhere_downstream_is_not_told) {
  const auto sink = std::make_shared<collector>();
  {
    const failure f = root(sink);
    const failure a = after(f, ticket(3, 17), "execution 17 of mlp_step");
    EXPECT_THROW(raise(a), error);
  }
  EXPECT_TRUE(sink->seen.empty());
}

}  // namespace
}  // namespace wherry
