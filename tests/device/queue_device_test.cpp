// Commands on a driver's queue: how their end is learned, and failures that the driver keeps to itself.
#include <gtest/gtest.h>

#include <thread>
#include <wherry/coro/task.hpp>
#include <wherry/device/queue_device.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class queue_commands : public ::testing::TestWithParam<device_kind> {
 protected:
  void SetUp() override {
    device_ = open_device(GetParam());
    if (!device_.core) GTEST_SKIP() << missing(GetParam());
  }
  queue_device& device() const { return static_cast<queue_device&>(*device_.core); }
  loop& home() const { return device_.home->get(); }
  cl_handle<cl_event> user_event() const {
    cl_int code = CL_SUCCESS;
    cl_handle<cl_event> event(clCreateUserEvent(device().context(), &code));
    EXPECT_EQ(code, CL_SUCCESS);
    return event;
  }
  failure outcome_of_event(cl_handle<cl_event> event) const {
    const auto wait_for = [](queue_device& d, cl_handle<cl_event> e) -> task<failure> {
      failure why;
      try {
        co_await d.watch(std::move(e));
      } catch (...) {
        why = as_failure(std::current_exception());
      }
      co_return why;
    };
    return sync_wait(home(), wait_for(device(), std::move(event)));
  }

  device_under_test device_;
};

TEST_P(queue_commands, an_event_that_completes_later_resumes_its_waiter) {
  const auto event = user_event();
  std::thread other([&] { EXPECT_EQ(clSetUserEventStatus(event.get(), CL_COMPLETE), CL_SUCCESS); });
  EXPECT_EQ(outcome_of_event(event), nullptr);
  other.join();
}

TEST_P(queue_commands, an_event_that_is_complete_already_resumes_its_waiter) {
  const auto event = user_event();
  ASSERT_EQ(clSetUserEventStatus(event.get(), CL_COMPLETE), CL_SUCCESS);
  EXPECT_EQ(outcome_of_event(event), nullptr);
}

TEST_P(queue_commands, a_failure_that_the_driver_reports_or_keeps_to_itself_is_found) {
  const auto event = user_event();
  std::thread other([&] { EXPECT_EQ(clSetUserEventStatus(event.get(), CL_OUT_OF_RESOURCES), CL_SUCCESS); });
  const failure late = outcome_of_event(event);
  other.join();
  ASSERT_TRUE(late);
  const failure at_once = outcome_of_event(event);  // it has failed before anybody asks
  ASSERT_TRUE(at_once);
}

TEST_P(queue_commands, many_events_at_once_all_end) {
  const auto wait_for_all = [](queue_device& d, std::vector<cl_handle<cl_event>> events) -> task<int> {
    int ended = 0;
    for (auto& e : events) {
      co_await d.watch(e);
      ++ended;
    }
    co_return ended;
  };
  std::vector<cl_handle<cl_event>> events;
  for (int k = 0; k < 50; ++k) events.push_back(user_event());
  std::thread other([&] {
    for (auto at = events.rbegin(); at != events.rend(); ++at)
      EXPECT_EQ(clSetUserEventStatus(at->get(), CL_COMPLETE), CL_SUCCESS);
  });
  EXPECT_EQ(sync_wait(home(), wait_for_all(device(), events)), 50);
  other.join();
}

TEST_P(queue_commands, a_transfer_outside_its_memory_fails_and_its_successor_does_not) {
  unit& u = device().pick(unit_kind::tensor_write);
  const ref<storage> memory = device().allocate(64);
  const ref<host_block> block(new host_block(1 << 20));
  ref<request> wrong(new transfer("write", {nullptr, block->data(), 0}, {memory, nullptr, 1 << 20}, 64,
                                  &device(), {block, {}}));
  dispatcher::submit(u, *wrong, {});
  const ref<storage> other = device().allocate(64);
  ref<request> right(
      new transfer("write", {nullptr, block->data(), 0}, {other, nullptr, 0}, 64, &device(), {block, {}}));
  dispatcher::submit(u, *right, {});
  const failure why = outcome_of(wrong);
  ASSERT_TRUE(why);
  EXPECT_NE(std::string(why->what()).find("clEnqueueWriteBuffer: CL_INVALID_VALUE"), std::string::npos)
      << why->what();
  EXPECT_EQ(why->id(), wrong->id());
  EXPECT_EQ(outcome_of(right), nullptr);
}

INSTANTIATE_TEST_SUITE_P(drivers, queue_commands, ::testing::Values(device_kind::queue, device_kind::intel),
                         device_name);

}  // namespace
}  // namespace wherry
