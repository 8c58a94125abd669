// The order of requests: within a unit by ticket, across units by data edges, on every kind of device.
#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class order : public on_every_device {
 protected:
  /// A body that notes `number` when it runs.
  std::function<failure()> note(int number) {
    return [this, number] {
      std::lock_guard lock(mutex_);
      noted_.push_back(number);
      return failure();
    };
  }
  std::vector<int> noted() {
    std::lock_guard lock(mutex_);
    return noted_;
  }

 private:
  std::mutex mutex_;
  std::vector<int> noted_;
};

TEST_P(order, requests_of_a_unit_run_in_the_order_of_submission) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  std::vector<ref<request>> all;
  std::vector<int> expected;
  for (int k = 0; k < 6; ++k) {
    all.push_back(call(u, "noted", note(k)));
    expected.push_back(k);
  }
  gate->end();
  EXPECT_EQ(outcome_of(all.back()), nullptr);
  EXPECT_EQ(noted(), expected);
}

TEST_P(order, tickets_of_a_unit_increase_and_name_it) {
  unit& u = compute();
  ticket before = u.last_submitted();
  for (int k = 0; k < 20; ++k) {
    const auto r = pass(u, "nothing");
    EXPECT_EQ(r->id().unit(), u.id());
    EXPECT_EQ(r->id().number(), before.number() + 1);
    EXPECT_EQ(u.last_submitted(), r->id());
    before = r->id();
  }
}

TEST_P(order, last_completed_follows_the_tickets_one_by_one) {
  unit& u = compute();
  const auto first = hold(u, "first");
  const auto second = hold(u, "second");
  const ticket before(u.id(), first->id().number() - 1);
  EXPECT_EQ(u.last_completed(), before);
  EXPECT_EQ(u.depth(), 2u);
  first->end();
  EXPECT_EQ(u.last_completed(), first->id());
  EXPECT_TRUE(u.is_completed(first->id()));
  EXPECT_FALSE(u.is_completed(second->id()));
  second->end();
  EXPECT_EQ(u.last_completed(), second->id());
  EXPECT_EQ(u.depth(), 0u);
}

TEST_P(order, a_head_that_waits_for_data_holds_the_later_requests_of_its_unit) {
  unit& u = compute();
  unit& other = another();
  const auto s = memory();
  const auto producer = hold(other, "producer", {writes(s)});
  const auto head = call(u, "head", note(1), {reads(s)});
  const auto later = call(u, "later", note(2));
  producer->wait_for_start();
  EXPECT_FALSE(head->done().is_ready());
  EXPECT_FALSE(later->done().is_ready());
  EXPECT_TRUE(noted().empty());
  producer->end();
  EXPECT_EQ(outcome_of(later), nullptr);
  EXPECT_EQ(noted(), (std::vector<int>{1, 2}));
}

TEST_P(order, units_are_independent_without_data_edges) {
  unit& other = another();
  const auto blocked = hold(compute(), "blocked");
  const auto free = call(other, "free", note(1));
  EXPECT_EQ(outcome_of(free), nullptr);
  EXPECT_FALSE(blocked->done().is_ready());
  blocked->end();
}

TEST_P(order, a_read_waits_for_the_last_write) {
  unit& a = compute();
  unit& b = another();
  const auto s = memory();
  const auto write = hold(a, "write", {writes(s)});
  const auto read = call(b, "read", note(1), {reads(s)});
  EXPECT_FALSE(read->done().is_ready());
  write->end();
  EXPECT_EQ(outcome_of(read), nullptr);
}

TEST_P(order, a_write_waits_for_every_read_before_it) {
  unit& a = compute();
  unit& b = another();
  unit& c = another();
  const auto s = memory();
  const auto one = hold(a, "one read", {reads(s)});
  const auto two = hold(b, "another read", {reads(s)});
  const auto write = call(c, "write", note(1), {writes(s)});
  one->end();
  two->wait_for_start();
  EXPECT_FALSE(write->done().is_ready());
  two->end();
  EXPECT_EQ(outcome_of(write), nullptr);
}

TEST_P(order, reads_of_one_storage_run_side_by_side) {
  unit& b = another();
  const auto s = memory();
  const auto one = hold(compute(), "one read", {reads(s)});
  const auto two = hold(b, "another read", {reads(s)});
  one->wait_for_start();
  two->wait_for_start();
  one->end();
  two->end();
}

TEST_P(order, a_write_waits_for_the_write_before_it) {
  unit& b = another();
  const auto s = memory();
  const auto first = hold(compute(), "first write", {writes(s)});
  const auto second = call(b, "second write", note(2), {writes(s)});
  first->wait_for_start();
  EXPECT_FALSE(second->done().is_ready());
  first->end();
  EXPECT_EQ(outcome_of(second), nullptr);
}

TEST_P(order, a_read_after_a_write_sees_the_write_and_not_earlier_reads) {
  unit& b = another();
  unit& c = another();
  const auto s = memory();
  const auto old_read = hold(compute(), "old read", {reads(s)});
  const auto write = hold(b, "write", {writes(s)});
  const auto new_read = call(c, "new read", note(3), {reads(s)});
  old_read->wait_for_start();
  EXPECT_FALSE(write->has_started());
  old_read->end();
  write->wait_for_start();
  EXPECT_FALSE(new_read->done().is_ready());
  write->end();
  EXPECT_EQ(outcome_of(new_read), nullptr);
}

TEST_P(order, a_storage_that_is_read_and_written_by_one_request_orders_it_once) {
  unit& b = another();
  const auto s = memory();
  const auto first = hold(compute(), "first", {writes(s)});
  const auto both = call(b, "update", note(1), {writes(s), reads(s)});
  const auto last = pass(compute(), "last", {reads(s)});
  first->end();
  EXPECT_EQ(outcome_of(both), nullptr);
  EXPECT_EQ(outcome_of(last), nullptr);
}

TEST_P(order, a_diamond_over_four_units_joins_at_its_end) {
  unit& b = another();
  unit& c = another();
  unit& d = another();
  const auto top = memory();
  const auto left = memory();
  const auto right = memory();
  const auto source = hold(compute(), "source", {writes(top)});
  const auto l = call(b, "left", note(1), {reads(top), writes(left)});
  const auto r = hold(c, "right", {reads(top), writes(right)});
  const auto join = call(d, "join", note(2), {reads(left), reads(right)});
  source->end();
  EXPECT_EQ(outcome_of(l), nullptr);
  r->wait_for_start();
  EXPECT_FALSE(join->done().is_ready());
  r->end();
  EXPECT_EQ(outcome_of(join), nullptr);
  EXPECT_EQ(noted(), (std::vector<int>{1, 2}));
}

TEST_P(order, memory_stays_while_a_request_uses_it_whatever_handles_were_dropped) {
  const std::size_t before = device().statistics().in_use;
  auto s = memory(4096);
  const auto user = hold(compute(), "user", {writes(s)});
  s = nullptr;
  EXPECT_GT(device().statistics().in_use, before);
  user->end();
  EXPECT_EQ(device().statistics().in_use, before);
}

TEST_P(order, draining_waits_for_what_was_submitted_before) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  const auto last = call(u, "last", note(1));
  std::thread opener([&] { gate->end(); });
  dispatcher::drain(u);
  EXPECT_TRUE(last->done().is_ready());
  opener.join();
}

TEST_P(order, draining_with_a_deadline_gives_up_on_what_never_ends) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  EXPECT_FALSE(dispatcher::drain_until(u, std::chrono::steady_clock::now() + std::chrono::milliseconds(5)));
  gate->end();
  EXPECT_TRUE(dispatcher::drain_until(u, std::chrono::steady_clock::now() + std::chrono::seconds(60)));
}

INSTANTIATE_TEST_SUITE_P(devices, order, all_devices, device_name);

}  // namespace
}  // namespace wherry
