#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <wherry/status/error.hpp>

namespace wherry {
namespace {

TEST(error, carries_code_message_reason_and_ticket) {
  const error e(absl::StatusCode::kCancelled, "stopped", reason::cancelled, ticket(2, 9));
  EXPECT_EQ(e.code(), absl::StatusCode::kCancelled);
  EXPECT_STREQ(e.what(), "stopped");
  EXPECT_EQ(e.reason(), reason::cancelled);
  EXPECT_EQ(e.id(), ticket(2, 9));
}

TEST(error, copies_never_throw_and_share_the_message) {
  static_assert(std::is_nothrow_copy_constructible_v<error>);
  static_assert(std::is_nothrow_copy_assignable_v<error>);
  const error e(absl::StatusCode::kInternal, "once");
  const error copy = e;
  EXPECT_EQ(e.what(), copy.what());
}

TEST(error, ok_is_no_code_of_an_error) {
  EXPECT_EQ(error(absl::StatusCode::kOk, "odd").code(), absl::StatusCode::kInternal);
}

TEST(error, every_reason_has_its_own_name) {
  std::set<std::string_view> names;
  for (std::uint16_t i = 0; i < static_cast<std::uint16_t>(reason::count_); ++i) {
    const auto name = name_of(static_cast<reason>(i));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(name_of(reason::none), "none");
  EXPECT_EQ(name_of(reason::deadlock_would_occur), "deadlock_would_occur");
  EXPECT_EQ(name_of(reason::ring_unusable), "ring_unusable");
  EXPECT_EQ(name_of(reason::driver_failed), "driver_failed");
  EXPECT_EQ(name_of(reason::count_), "unknown");
}

TEST(error, a_status_keeps_reason_and_ticket) {
  const error e(absl::StatusCode::kUnavailable, "gone", reason::device_lost, ticket(4, 8));
  const absl::Status status = e.to_status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::string(status.message()), "gone");
  EXPECT_EQ(reason_of(status), reason::device_lost);
  EXPECT_EQ(ticket_of(status), ticket(4, 8));
}

TEST(error, a_status_without_payload_has_no_reason_and_no_ticket) {
  const absl::Status status = error(absl::StatusCode::kNotFound, "no such file").to_status();
  EXPECT_EQ(reason_of(status), reason::none);
  EXPECT_FALSE(ticket_of(status));
  EXPECT_EQ(reason_of(absl::OkStatus()), reason::none);
}

TEST(failure, raise_throws_a_copy_that_outlives_the_failure) {
  failure f = make_failure(absl::StatusCode::kAborted, "kept", reason::upstream_failed, ticket(1, 2));
  std::exception_ptr thrown;
  try {
    raise(f);
  } catch (...) {
    thrown = std::current_exception();
  }
  f.reset();
  const failure again = as_failure(thrown);
  EXPECT_STREQ(again->what(), "kept");
  EXPECT_EQ(again->id(), ticket(1, 2));
}

TEST(failure, an_error_is_kept_as_it_is) {
  const auto f = as_failure(std::make_exception_ptr(
      error(absl::StatusCode::kDataLoss, "torn", reason::corrupt_file, ticket(5, 6))));
  EXPECT_EQ(f->code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(f->reason(), reason::corrupt_file);
  EXPECT_EQ(f->id(), ticket(5, 6));
}

TEST(failure, other_exceptions_become_internal_with_their_text) {
  const auto f = as_failure(std::make_exception_ptr(std::runtime_error("odd")));
  EXPECT_EQ(f->code(), absl::StatusCode::kInternal);
  EXPECT_STREQ(f->what(), "odd");
  EXPECT_EQ(as_failure(std::make_exception_ptr(7))->code(), absl::StatusCode::kInternal);
}

TEST(failure, a_failed_allocation_becomes_resource_exhausted) {
  const auto f = as_failure(std::make_exception_ptr(std::bad_alloc()));
  EXPECT_EQ(f->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(f->reason(), reason::out_of_memory);
}

TEST(failure, no_exception_is_no_failure) { EXPECT_EQ(as_failure(nullptr), nullptr); }

TEST(failure_death, raising_nothing_is_a_broken_rule) { EXPECT_DEATH(raise(nullptr), "broken rule: raise"); }

}  // namespace
}  // namespace wherry
