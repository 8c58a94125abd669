// Ways to wait and to ask beyond the five of a promise: tickets, barriers, several promises, for a while, and
// descriptors, on every kind of device. And what failures tell.
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>
#include <wherry/coro/task.hpp>
#include <wherry/device/barrier.hpp>
#include <wherry/device/ticket_promise.hpp>
#include <wherry/device/when.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

bool is_readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}
std::uint64_t counter_of(int fd) {
  std::uint64_t value = 0;
  return ::read(fd, &value, sizeof value) == sizeof value ? value : 0;
}

class ways : public on_every_device {
 protected:
  class run : public promise<run> {
   public:
    run(ref<request> r, device_core& d) : request_(std::move(r)), device_(&d) {}
    pending outcome() const { return pending(request_); }
    device_core& place() const { return *device_; }
    auto operator co_await() const { return promise_awaiter<ticket>(outcome(), request_->id()); }

   private:
    ref<request> request_;
    device_core* device_;
  };
  run of(ref<request> r) const { return {std::move(r), device()}; }
  ticket_promise when(unit& u, ticket t) const { return {shared_device(), u, t}; }
  wherry::device handle() const { return wherry::device(shared_device()); }
};

TEST_P(ways, a_ticket_can_be_waited_for_in_all_ways) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  const auto r = pass(u, "behind");
  const ticket_promise by_ticket = when(u, r->id());
  EXPECT_FALSE(by_ticket.is_ready());
  EXPECT_FALSE(by_ticket.wait_for(1ms));
  const completion_fd fd = by_ticket.ready_fd();
  EXPECT_FALSE(is_readable(fd.get()));
  gate->end();
  by_ticket.await();
  EXPECT_TRUE(u.is_completed(r->id()));
  EXPECT_TRUE(by_ticket.wait_for(0ms));
  EXPECT_TRUE(is_readable(fd.get()));
  const auto waits = [](ticket_promise p) -> task<ticket> { co_return co_await p; };
  EXPECT_EQ(sync_wait(home(), waits(when(u, r->id()))), r->id());
}

TEST_P(ways, a_ticket_that_was_never_given_out_is_refused) {
  unit& u = compute();
  const ticket newest = outcome_of(pass(u, "one")) ? ticket() : u.last_submitted();
  EXPECT_THROW(when(u, ticket(u.id(), newest.number() + 1)), error);
  EXPECT_THROW(when(u, ticket()), error);
  EXPECT_THROW(when(another(), newest), error);
}

TEST_P(ways, a_ticket_in_flight_fails_as_its_request_does) {
  unit& u = compute();
  const auto failing = hold(u, "failing");
  const ticket_promise p = when(u, failing->id());
  failing->end(fault("broken"));
  EXPECT_EQ(p.status().code(), absl::StatusCode::kInternal);
  dispatcher::drain(u);
  const absl::Status later = when(u, failing->id()).status();
  EXPECT_EQ(later.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ticket_of(later), failing->id());
}

TEST_P(ways, a_barrier_is_ready_when_everything_before_it_has_counted_and_does_not_fail) {
  unit& a = compute();
  unit& b = another();
  const auto first = hold(a, "first");
  const auto second = hold(b, "second");
  const barrier all = handle().drained();
  const barrier one = handle().drained(a);
  const auto later = hold(a, "later");
  EXPECT_FALSE(all.is_ready());
  first->end(fault("broken"));
  one.await();
  EXPECT_FALSE(all.is_ready());
  second->end();
  EXPECT_TRUE(all.status().ok());
  EXPECT_FALSE(later->done().is_ready());
  later->end();
}

TEST_P(ways, a_barrier_waits_for_what_was_cancelled_in_the_queue_to_have_its_turn) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  const auto victim = pass(u, "victim");
  const barrier all = handle().drained();
  dispatcher::cancel(*victim, make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled));
  EXPECT_FALSE(all.is_ready());
  gate->end();
  all.await();
  EXPECT_TRUE(u.is_completed(victim->id()));
}

TEST_P(ways, a_barrier_of_an_idle_device_is_ready_and_can_be_awaited) {
  const auto waits = [](barrier b) -> task<void> { co_await b; };
  sync_wait(home(), waits(handle().drained()));
  const auto gate = hold(compute(), "gate");
  const barrier b = handle().drained();
  const completion_fd fd = b.ready_fd();
  std::thread opener([&] { gate->end(); });
  sync_wait(home(), waits(b));
  opener.join();
  EXPECT_TRUE(is_readable(fd.get()));
}

TEST_P(ways, a_barrier_of_another_device_is_refused) {
  const auto other = open_device(GetParam(), 1, bound);
  EXPECT_THROW((void)handle().drained(other.core->pick(unit_kind::compute)), error);
}

TEST_P(ways, leaving_early_disturbs_nobody) {
  const auto gate = hold(compute(), "gate");
  const run p = of(gate);
  const auto leaves = [](run p) -> task<bool> {
    const bool came = co_await wait_for(p, 1ms);
    co_return came;
  };
  EXPECT_FALSE(sync_wait(home(), leaves(p)));
  EXPECT_FALSE(p.wait_for(1ms));
  EXPECT_FALSE(p.is_ready());
  gate->end();
  EXPECT_TRUE(p.status().ok());
  EXPECT_TRUE(sync_wait(home(), leaves(p)));
}

TEST_P(ways, a_waiter_leaves_when_its_token_says_so) {
  const auto gate = hold(compute(), "gate");
  const run p = of(gate);
  const auto leaves = [](run p, std::stop_token stop) -> task<reason> {
    try {
      const ticket t = co_await until(p, stop);
      (void)t;
    } catch (const error& e) {
      co_return e.reason();
    }
    co_return reason::none;
  };
  std::stop_source source;
  std::thread stopper([&] { source.request_stop(); });
  EXPECT_EQ(sync_wait(home(), leaves(p, source.get_token())), reason::cancelled);
  stopper.join();
  EXPECT_FALSE(p.is_ready());
  gate->end();
  EXPECT_EQ(sync_wait(home(), leaves(p, {})), reason::none);
}

TEST_P(ways, the_first_of_several_promises_wins_and_the_others_go_on) {
  const auto a = hold(compute(), "a");
  const auto b = hold(another(), "b");
  const auto first = [](run x, barrier y, run z) -> task<std::size_t> {
    co_return co_await when_any(x, y, z);
  };
  std::thread ender([&] { b->end(fault("broken")); });
  EXPECT_EQ(sync_wait(home(), first(of(a), handle().drained(), of(b))), 2u);
  ender.join();
  EXPECT_FALSE(a->done().is_ready());
  a->end();
  const auto among = [](std::vector<run> all) -> task<std::size_t> { co_return co_await when_any(all); };
  EXPECT_EQ(sync_wait(home(), among({of(a), of(b)})), 0u);
  EXPECT_THROW(sync_wait(home(), among({})), error);
}

TEST_P(ways, all_of_several_promises_give_their_values_or_the_first_failure) {
  const auto a = pass(compute(), "a");
  const auto b = pass(another(), "b");
  const auto both = [](run x, run y) -> task<bool> {
    const std::tuple<ticket, ticket> got = co_await when_all(x, y);
    const std::vector<run> list{x, y};
    const std::vector<ticket> same = co_await when_all(list);
    co_return std::get<0>(got) == same[0] && std::get<1>(got) == same[1];
  };
  EXPECT_TRUE(sync_wait(home(), both(of(a), of(b))));
  const auto failing = call(compute(), "failing", [] { return fault("broken"); });
  EXPECT_THROW(sync_wait(home(), both(of(a), of(failing))), error);
}

TEST_P(ways, a_callers_eventfd_is_told_of_a_promise_also_if_that_was_before) {
  const ref<event_target> mine = event_target::make();
  const auto gate = hold(compute(), "gate");
  event_registration early = of(gate).notify(mine->get());
  EXPECT_FALSE(is_readable(mine->get()));
  gate->end();
  (void)outcome_of(gate);
  EXPECT_EQ(counter_of(mine->get()), 1u);
  const event_registration late = of(gate).notify(mine->get());
  EXPECT_EQ(counter_of(mine->get()), 1u);
  EXPECT_THROW((void)of(gate).notify(-1), error);
}

TEST_P(ways, nothing_is_written_once_a_registration_has_ended) {
  const ref<event_target> mine = event_target::make();
  const auto gate = hold(compute(), "gate");
  {
    const event_registration one = of(gate).notify(mine->get());
    const event_registration all(compute(), mine->get());
  }
  gate->end();
  dispatcher::drain(compute());
  EXPECT_FALSE(is_readable(mine->get()));
}

TEST_P(ways, a_units_descriptor_counts_its_tickets_after_they_are_visible) {
  unit& u = another();
  const unit_fd fd(u);
  constexpr std::uint64_t all = 200;
  std::thread submitter([&] {
    for (std::uint64_t k = 0; k < all; ++k) pass(u, "counted");
  });
  std::uint64_t seen = 0;
  bool visible = true;
  while (seen < all) {
    pollfd p{fd.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&p, 1, 10000), 1);
    seen += counter_of(fd.get());
    visible = visible && u.last_completed().number() >= seen;
  }
  submitter.join();
  EXPECT_EQ(seen, all);
  EXPECT_TRUE(visible);
}

TEST_P(ways, units_know_their_kind_their_queue_and_their_device) {
  unit& more = another();
  EXPECT_EQ(more.device_name(), device().name());
  std::size_t compute_units = 0;
  for (const unit* u : device().units()) {
    if (u->kind() != unit_kind::compute) continue;
    EXPECT_EQ(u->queue(), compute_units++);
  }
  EXPECT_EQ(more.queue() + 1u, compute_units);
}

TEST_P(ways, a_failure_tells_every_request_it_came_through) {
  const auto s = memory();
  const auto t = memory();
  const auto failing =
      call(compute(), "write of labels", [] { return fault("expected 512 bytes, got 510"); }, {writes(s)});
  const auto step = pass(another(), "step", {reads(s), writes(t)});
  const auto read = pass(another(), "read of loss", {reads(t)});
  const failure f = outcome_of(read);
  ASSERT_TRUE(f);
  EXPECT_STREQ(f->what(), "read of loss <- step <- write of labels: expected 512 bytes, got 510");
  ASSERT_EQ(f->chain().size(), 3u);
  EXPECT_EQ(f->chain()[1].id, step->id());
  EXPECT_EQ(f->id(), failing->id());
}

class unobserved_requests : public ways {
 protected:
  void SetUp() override {
    ways::SetUp();
    if (IsSkipped()) return;
    told_ = std::make_shared<unobserved_errors>([this]() -> loop& { return home(); });
    told_->set_hook([this](const error& e) {
      ++count_;
      last_ = e.what();
    });
    device().set_unobserved(told_);
  }
  void TearDown() override {
    ways::TearDown();
    if (told_) told_->close();
  }
  int told() {
    dispatcher::drain(compute());
    const auto turn = []() -> task<void> { co_return; };
    for (int k = 0; k < 3; ++k) sync_wait(home(), turn());
    return count_;
  }
  std::shared_ptr<unobserved_errors> told_;
  std::atomic<int> count_{0};
  std::string last_;
};

TEST_P(unobserved_requests, a_failure_that_nobody_looked_at_is_told_once_at_its_root) {
  {
    const auto s = memory();
    const auto failing = call(compute(), "culprit", [] { return fault("broken"); }, {writes(s)});
    const auto a = pass(compute(), "after", {reads(s)});
    const auto b = pass(compute(), "after too", {reads(s)});
    dispatcher::drain(compute());
    EXPECT_EQ(told(), 0);
  }
  EXPECT_EQ(told(), 1);
  EXPECT_EQ(last_, "culprit: broken");
}

TEST_P(unobserved_requests, whoever_looks_at_a_dependant_has_seen_it) {
  {
    const auto s = memory();
    pass(compute(), "fine");
    call(compute(), "culprit", [] { return fault("broken"); }, {writes(s)});
    EXPECT_FALSE(of(pass(compute(), "after", {reads(s)})).status().ok());
  }
  EXPECT_EQ(told(), 0);
}

TEST_P(unobserved_requests, what_was_cancelled_is_not_told) {
  {
    const auto gate = hold(compute(), "gate");
    std::stop_source source;
    ref<request> victim(new called("victim", [] { return failure(); }));
    const request_options options{.stop = source.get_token()};
    submit_options how;
    dispatcher::submit(compute(), *victim, how.with(options));
    source.request_stop();
    gate->end();
  }
  EXPECT_EQ(told(), 0);
}

INSTANTIATE_TEST_SUITE_P(devices, ways, all_devices, device_name);
INSTANTIATE_TEST_SUITE_P(devices, unobserved_requests, all_devices, device_name);

}  // namespace
}  // namespace wherry
