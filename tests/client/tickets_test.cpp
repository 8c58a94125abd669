// A client's units and tickets, by their numbers alone; barriers; the hook for failures nobody looks at.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <wherry/client.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

TEST(tickets, every_unit_is_listed_with_its_device_kind_and_queue) {
  client_options two;
  two.cpu_devices = 2;
  const client c(two);
  const auto all = c.units();
  EXPECT_EQ(all.size(), c.device("cpu:0").units().size() + c.device("cpu:1").units().size());
  for (unit* u : all) {
    EXPECT_EQ(&c.unit(u->id()), u);
    EXPECT_EQ(c.last_submitted(u->id()).unit(), u->id());
  }
  EXPECT_EQ(all.front()->device_name(), "cpu:0");
  EXPECT_EQ(all.back()->device_name(), "cpu:1");
}

TEST(tickets, a_unit_of_a_device_that_is_gone_or_never_was_is_not_found) {
  const client here;
  std::uint16_t gone = 0;
  {
    const client other;
    gone = other.units().back()->id();
  }
  for (const std::uint16_t id : {gone, std::uint16_t{0}, std::uint16_t{65535}}) {
    try {
      (void)here.unit(id);
      ADD_FAILURE() << "found " << id;
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kNotFound);
      EXPECT_NE(std::string(e.what()).find("known: cpu:0: "), std::string::npos) << e.what();
    }
    EXPECT_THROW((void)here.is_completed(ticket(id, 1)), error);
    EXPECT_THROW((void)here.when(ticket(id, 1)), error);
  }
}

TEST(tickets, a_transfer_is_known_by_its_ticket) {
  const client c;
  const buffer b = c.buffer(std::vector<float>{1, 2}, {2});
  c.wait(b.id());
  EXPECT_TRUE(c.is_completed(b.id()));
  EXPECT_TRUE(c.last_completed(b.id().unit()) >= b.id());
  const auto waits = [](const client& c, ticket t) -> task<ticket> { co_return co_await c.when(t); };
  loop l;
  EXPECT_EQ(sync_wait(l, waits(c, b.id())), b.id());
}

TEST(tickets, a_barrier_of_the_client_covers_all_devices) {
  client_options two;
  two.cpu_devices = 2;
  const client c(two);
  const auto a = hold(*c.device("cpu:0").units().back(), "a");
  const auto b = hold(*c.device("cpu:1").units().back(), "b");
  const barrier all = c.drained();
  a->end();
  EXPECT_FALSE(all.is_ready());
  b->end();
  all.await();
}

TEST(tickets, the_hook_is_told_of_a_failure_that_nobody_looked_at) {
  const client c;
  std::atomic<int> count{0};
  std::string text;
  c.on_unobserved_error([&](const error& e) {
    text = e.what();
    ++count;
    count.notify_all();
  });
  call(*c.units().back(), "culprit", [] { return fault("broken"); });
  count.wait(0);
  EXPECT_EQ(text, "culprit: broken");
  EXPECT_EQ(count.load(), 1);
}

TEST(tickets, without_a_hook_it_is_logged) {
  std::mutex mutex;
  std::string lines;
  set_log_sink([&](log_level, std::string_view line) {
    const std::lock_guard lock(mutex);
    lines += line;
  });
  {
    const client c;
    call(*c.units().back(), "culprit", [] { return fault("broken"); });
  }
  set_log_sink({});
  const std::lock_guard lock(mutex);
  EXPECT_NE(lines.find("culprit: broken"), std::string::npos) << lines;
}

TEST(tickets, options_of_a_transfer_choose_its_unit_and_name_it) {
  const client c;
  unit& writes = c.device().add_unit(unit_kind::tensor_write);
  const buffer b = c.buffer(std::vector<float>{1, 2}, {2}, {.unit = &writes, .name = "labels"});
  EXPECT_EQ(b.id(), ticket(writes.id(), 1));
  try {
    (void)c.buffer(std::vector<float>{1}, {1}, {.unit = &c.device().add_unit(unit_kind::compute)});
    ADD_FAILURE() << "a compute unit took a transfer";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("expected a tensor_write unit of cpu:0"), std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace wherry
