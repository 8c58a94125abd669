// The ways to wait for a request: helping, sleeping, polling, suspending, and where waiting is refused.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>
#include <wherry/coro/move_to.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/device/promise.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

bool is_readable(int fd, int timeout_ms = 0) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

/// The least promise: a request on a device.
class request_promise : public promise<request_promise> {
 public:
  request_promise(ref<request> r, ref<device_core> d) : request_(std::move(r)), device_(std::move(d)) {}
  pending outcome() const { return pending(request_); }
  device_core& place() const { return *device_; }
  auto operator co_await() const { return promise_awaiter<int>(outcome(), 7); }

 private:
  ref<request> request_;
  ref<device_core> device_;
};

class waiting : public on_every_device {
 protected:
  request_promise promise_of(ref<request> r) const { return {std::move(r), shared_device()}; }
};

TEST_P(waiting, readiness_never_waits_and_is_true_for_failure) {
  const auto gate = hold(compute(), "gate");
  const auto p = promise_of(gate);
  EXPECT_FALSE(p.is_ready());
  gate->end(fault("broken"));
  EXPECT_TRUE(p.is_ready());
  EXPECT_EQ(p.status().code(), absl::StatusCode::kInternal);
}

TEST_P(waiting, readiness_agrees_with_the_ticket) {
  for (int round = 0; round < 200; ++round) {
    const auto gate = hold(compute(), "gate");
    const auto p = promise_of(gate);
    std::thread opener([&] { gate->end(round % 2 ? fault("broken") : nullptr); });
    while (!compute().is_completed(gate->id())) std::this_thread::yield();
    EXPECT_TRUE(p.is_ready());
    EXPECT_EQ(p.status().ok(), round % 2 == 0);
    opener.join();
  }
}

TEST_P(waiting, awaiting_a_failure_throws_it_every_time) {
  const auto p = promise_of(call(compute(), "failing", [] { return fault("broken"); }));
  EXPECT_THROW(p.await(), error);
  EXPECT_THROW(p.await(), error);
  EXPECT_FALSE(p.status().ok());
}

TEST_P(waiting, a_waiter_sleeps_until_another_thread_ends_the_request) {
  const auto gate = hold(compute(), "gate");
  const auto p = promise_of(gate);
  std::thread opener([&] { gate->end(); });
  p.await();
  EXPECT_TRUE(p.is_ready());
  opener.join();
}

TEST_P(waiting, many_threads_wait_for_one_request) {
  const auto gate = hold(compute(), "gate");
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, p = promise_of(gate)] {
      p.await();
      ++woken;
    });
  }
  gate->end();
  for (auto& t : threads) t.join();
  EXPECT_EQ(woken.load(), 4);
}

TEST_P(waiting, a_pending_wait_on_a_loop_is_refused_with_the_rule) {
  const auto gate = hold(compute(), "gate");
  const auto wait_here = [](request_promise p) -> task<void> {
    try {
      p.await();
      ADD_FAILURE() << "the loop's thread waited";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
      EXPECT_NE(std::string(e.what()).find("deadlock_would_occur"), std::string::npos);
    }
    co_return;
  };
  sync_wait(home(), wait_here(promise_of(gate)));
  gate->end();
  const auto ready_is_fine = [](request_promise p) -> task<void> {
    EXPECT_NO_THROW(p.await());
    co_return;
  };
  sync_wait(home(), ready_is_fine(promise_of(gate)));
}

TEST_P(waiting, a_coroutine_resumes_on_the_loop_it_awaited_from) {
  const auto gate = hold(compute(), "gate");
  const auto wait_here = [](request_promise p, scheduler& here) -> task<int> {
    const int payload = co_await p;
    EXPECT_EQ(scheduler::current(), &here);
    co_return payload;
  };
  std::thread opener([&] { gate->end(); });
  EXPECT_EQ(sync_wait(home(), wait_here(promise_of(gate), home())), 7);
  opener.join();
}

TEST_P(waiting, a_coroutine_gets_the_failure_as_an_exception) {
  const auto gate = hold(compute(), "gate");
  const auto wait_here = [](request_promise p) -> task<void> { co_await p; };
  std::thread opener([&] { gate->end(fault("broken")); });
  EXPECT_THROW(sync_wait(home(), wait_here(promise_of(gate))), error);
  opener.join();
}

TEST_P(waiting, callbacks_run_once_on_the_loop_and_never_inline) {
  const auto gate = hold(compute(), "gate");
  std::atomic<int> calls{0};
  std::atomic<bool> on_loop{true};
  const auto callback = [&](const absl::Status& s) {
    if (scheduler::current() != &home() || !s.ok()) on_loop = false;
    ++calls;
    calls.notify_all();
  };
  promise_of(gate).on_ready(callback);
  EXPECT_EQ(calls.load(), 0);
  gate->end();
  promise_of(gate).on_ready(callback);  // ready already: still on the loop
  for (int seen = calls.load(); seen != 2; seen = calls.load()) calls.wait(seen);
  EXPECT_TRUE(on_loop.load());
}

TEST_P(waiting, a_callback_is_told_the_failure) {
  std::atomic<int> code{-1};
  promise_of(call(compute(), "failing", [] { return fault("broken"); })).on_ready([&](const absl::Status& s) {
    code = static_cast<int>(s.code());
    code.notify_all();
  });
  code.wait(-1);
  EXPECT_EQ(code.load(), static_cast<int>(absl::StatusCode::kInternal));
}

TEST_P(waiting, a_descriptor_is_readable_from_completion_on_for_ever) {
  const auto gate = hold(compute(), "gate");
  const completion_fd fd = promise_of(gate).ready_fd();
  EXPECT_FALSE(is_readable(fd.get()));
  gate->end();
  EXPECT_TRUE(is_readable(fd.get(), 60'000));
  EXPECT_TRUE(is_readable(fd.get()));
  const completion_fd late = promise_of(gate).ready_fd();
  EXPECT_TRUE(is_readable(late.get()));
}

TEST_P(waiting, a_descriptor_may_be_dropped_before_the_completion) {
  const auto gate = hold(compute(), "gate");
  {
    const completion_fd fd = promise_of(gate).ready_fd();
  }
  gate->end(fault("broken"));
  EXPECT_TRUE(promise_of(gate).is_ready());
}

TEST_P(waiting, dropping_every_handle_does_not_disturb_the_request) {
  std::atomic<bool> ran{false};
  const auto gate = hold(compute(), "gate");
  call(compute(), "unobserved", [&] {
    ran = true;
    return failure();
  });
  gate->end();
  dispatcher::drain(compute());
  EXPECT_TRUE(ran.load());
}

TEST_P(waiting, a_chain_over_many_units_is_led_to_its_end_by_who_waits) {
  unit* const units[] = {&compute(), &another(), &another(), &another()};
  const auto gate_result = memory();
  const auto gate = hold(another(), "gate", {writes(gate_result)});
  ref<storage> before = gate_result;
  ref<request> last;
  int ran = 0;  // the chain orders its links
  for (int k = 0; k < 24; ++k) {
    ref<storage> after = memory();
    last = call(*units[k % 4], "link",
                [&ran] {
                  ++ran;
                  return failure();
                },
                {reads(before), writes(after)});
    before = std::move(after);
  }
  gate->end();
  EXPECT_EQ(outcome_of(last), nullptr);
  EXPECT_EQ(ran, 24);
}

INSTANTIATE_TEST_SUITE_P(devices, waiting, all_devices, device_name);

TEST(helping, a_thread_in_value_leads_the_ready_request_itself) {
  // All workers are busy, so only the waiting thread can lead.
  const auto d = open_device(device_kind::direct);
  std::vector<ref<request>> busy;
  std::atomic<bool> go{false};
  std::atomic<unsigned> spinning{0};
  for (unsigned k = 0; k < worker_pool::instance().width(); ++k) {
    unit& u = d.core->add_unit(unit_kind::compute);
    ref<request> r(new called("busy", [&] {
      ++spinning;
      go.wait(false);
      return failure();
    }));
    dispatcher::submit(u, *r, {});
    busy.push_back(r);
  }
  while (spinning.load() != busy.size()) std::this_thread::yield();
  unit& a = d.core->add_unit(unit_kind::compute);
  unit& b = d.core->add_unit(unit_kind::compute);
  const ref<storage> s = d.core->allocate(64);
  std::thread::id led_by[2];
  const auto note = [&](int k) {
    return [&led_by, k] {
      led_by[k] = std::this_thread::get_id();
      return failure();
    };
  };
  ref<request> producer(new called("producer", note(0), {writes(s)}));
  ref<request> consumer(new called("consumer", note(1), {reads(s)}));
  dispatcher::submit(a, *producer, {});
  dispatcher::submit(b, *consumer, {});
  EXPECT_EQ(outcome_of(consumer), nullptr);
  EXPECT_EQ(led_by[0], std::this_thread::get_id());
  EXPECT_EQ(led_by[1], std::this_thread::get_id());
  go = true;
  go.notify_all();
  for (const auto& r : busy) EXPECT_EQ(outcome_of(r), nullptr);
}

TEST(helping, a_wait_on_a_worker_is_refused_with_the_rule) {
  const auto d = open_device(device_kind::direct);
  const auto gate = hold(d.core->pick(unit_kind::compute), "gate");
  const auto on_worker = [](ref<request> r, scheduler& back) -> task<reason> {
    co_await move_to(worker_pool::instance().as_scheduler());
    reason why = reason::none;
    try {
      pending(std::move(r)).wait();
    } catch (const error& e) {
      why = e.reason();
    }
    co_await move_to(back);
    co_return why;
  };
  EXPECT_EQ(sync_wait(d.home->get(), on_worker(gate, d.home->get())), reason::deadlock_would_occur);
  gate->end();
}

}  // namespace
}  // namespace wherry
