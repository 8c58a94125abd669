// What starts behind commands that the driver has but that have not completed, and what becomes of it.
#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/commands.hpp"
#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class hand_over : public on_every_device {
 protected:
  unit& writes_of_bytes() const { return device().add_unit(unit_kind::tensor_write); }
  ref<gated> closed(unit& u, std::string name, std::vector<storage_use> uses = {}) const {
    return gate(device(), u, std::move(name), std::move(uses));
  }
  /// Waits until the loop has done what it was told before.
  void settle() const {
    sync_wait(home(), []() -> task<void> { co_return; }());
    sync_wait(home(), []() -> task<void> { co_return; }());
  }
};

TEST_P(hand_over, the_next_of_a_unit_comes_to_the_driver_before_the_first_has_completed) {
  unit& u = writes_of_bytes();
  const auto s = memory();
  const auto first = closed(u, "first");
  const auto next = write(device(), u, s, 7);
  const auto last = read(device(), u, s);
  EXPECT_TRUE(comes_to_the_driver(*first));
  EXPECT_TRUE(comes_to_the_driver(*next));
  EXPECT_TRUE(comes_to_the_driver(*last.done));
  EXPECT_TRUE(next->waits().empty());  // the queue of the unit keeps the order
  EXPECT_TRUE(last.done->waits().empty());
  EXPECT_EQ(u.depth(), 3u);
  first->open(home());
  EXPECT_EQ(outcome_of(last.done), nullptr);
  EXPECT_EQ(last.value(), 7);
  EXPECT_EQ(u.depth(), 0u);
}

TEST_P(hand_over, a_reader_on_another_unit_comes_to_the_driver_with_what_it_waits_for) {
  unit& a = writes_of_bytes();
  unit& b = writes_of_bytes();
  unit& c = writes_of_bytes();
  const auto s = memory();
  const auto t = memory();
  const auto first = closed(a, "first");
  const auto producer = write(device(), a, s, 7);
  const auto other = closed(b, "other producer", {writes(t)});
  const ref<request> reader(new transfer("copy", {s, nullptr, 0}, {t, nullptr, 0}, 4, &device()));
  dispatcher::submit(c, *reader, {});
  const auto last = read(device(), a, t);
  EXPECT_TRUE(comes_to_the_driver(*reader));
  EXPECT_EQ(reader->waits().size(), 2u);
  EXPECT_TRUE(comes_to_the_driver(*last.done));
  EXPECT_EQ(last.done->waits().size(), 1u);
  EXPECT_FALSE(producer->done().is_ready());
  other->open(home());
  first->open(home());
  EXPECT_EQ(outcome_of(last.done), nullptr);
  EXPECT_EQ(last.value(), 7);
}

TEST_P(hand_over, a_writer_waits_on_the_host_for_readers_on_other_units) {
  unit& a = writes_of_bytes();
  unit& b = writes_of_bytes();
  const auto s = memory();
  const auto reader = closed(a, "reader", {reads(s)});
  const auto writer = write(device(), b, s, 7);
  EXPECT_TRUE(comes_to_the_driver(*reader));
  settle();
  EXPECT_FALSE(dispatcher::is_handed_over(*writer));
  reader->open(home(), true);
  EXPECT_TRUE(outcome_of(reader));
  EXPECT_EQ(outcome_of(writer), nullptr);
}

TEST_P(hand_over, work_on_the_host_waits_for_what_is_in_flight) {
  unit& a = compute();
  unit& b = another();
  const auto s = memory();
  const auto first = closed(a, "first", {writes(s)});
  std::atomic<bool> opened{false};
  const auto looks = [&] { return opened ? failure() : fault("too early"); };
  const auto next = call(a, "next", looks);
  const auto reader = call(b, "reader", looks, {reads(s)});
  const auto behind = write(device(), b, memory(), 1);  // a queue has no place for work on the host
  EXPECT_TRUE(comes_to_the_driver(*first));
  settle();
  EXPECT_FALSE(dispatcher::is_handed_over(*behind));
  opened = true;
  first->open(home());
  EXPECT_EQ(outcome_of(next), nullptr);
  EXPECT_EQ(outcome_of(reader), nullptr);
  EXPECT_EQ(outcome_of(behind), nullptr);
}

TEST_P(hand_over, no_more_than_the_bound_of_a_unit_is_handed_over) {
  unit& u = another();
  const auto first = closed(u, "first");
  std::vector<ref<gated>> more;
  const auto submit = [](device_core& d, loop& here, unit& where, std::vector<ref<gated>>& to) -> task<void> {
    for (std::uint64_t k = 0; k < 3 * bound; ++k) {  // a loop overflows
      to.push_back(gate(d, where, "more"));
      to.back()->open(here);
    }
    co_return;
  };
  sync_wait(home(), submit(device(), home(), u, more));
  EXPECT_TRUE(comes_to_the_driver(*more[bound - 2]));
  settle();
  EXPECT_FALSE(dispatcher::is_handed_over(*more[bound - 1]));
  first->open(home());
  EXPECT_EQ(outcome_of(more.back()), nullptr);
}

TEST_P(hand_over, a_failure_reaches_dependants_that_were_handed_over_and_no_successor) {
  for (int round = 0; round < 3; ++round) {
    unit& a = writes_of_bytes();
    unit& b = writes_of_bytes();
    const auto s = memory();
    const auto t = memory();
    const auto good = memory();
    const auto failing = closed(a, "failing", {writes(s)});
    const auto successor = write(device(), a, good, 5);
    const ref<request> dependant(new transfer("copy", {s, nullptr, 0}, {t, nullptr, 0}, 4, &device()));
    dispatcher::submit(b, *dependant, {});
    const auto second = read(device(), b, good);
    const auto further = read(device(), a, t);
    const auto last = write(device(), b, good, 6);
    const auto result = read(device(), b, good);
    for (const request* r : {dependant.get(), successor.get(), second.done.get(), further.done.get(),
                             last.get(), result.done.get()})
      ASSERT_TRUE(comes_to_the_driver(*r));
    failing->open(home(), true);
    const failure why = outcome_of(failing);
    ASSERT_TRUE(why);
    for (const auto& r : {dependant, further.done}) {
      const failure inherited = outcome_of(r);
      ASSERT_TRUE(inherited);
      EXPECT_EQ(inherited->id(), failing->id());
      EXPECT_TRUE(std::string(inherited->what()).ends_with(std::string(" <- ") + why->what()))
          << inherited->what();
    }
    for (const auto& r : {successor, second.done, last, result.done}) {
      const failure own = outcome_of(r);
      EXPECT_EQ(own, nullptr) << own->what();
    }
    EXPECT_EQ(second.value(), 5);
    EXPECT_EQ(result.value(), 6);
    EXPECT_EQ(a.depth() + b.depth(), 0u);
  }
}

TEST_P(hand_over, what_fails_before_its_reader_could_start_never_lets_it_reach_the_driver) {
  unit& a = writes_of_bytes();
  unit& b = writes_of_bytes();
  const auto s = memory();
  const auto busy = hold(b, "busy");
  busy->wait_for_start();
  const auto failing = closed(a, "failing", {writes(s)});
  const auto reader = closed(b, "reader", {reads(s)});
  EXPECT_TRUE(comes_to_the_driver(*failing));
  failing->open(home(), true);
  ASSERT_TRUE(outcome_of(failing));
  busy->end();
  const failure inherited = outcome_of(reader);  // its own gate stays closed
  ASSERT_TRUE(inherited);
  EXPECT_EQ(inherited->id(), failing->id());
}

TEST_P(hand_over, the_completions_of_a_unit_are_told_in_order) {
  struct listener : completion::waiter {
    std::vector<int>* told = nullptr;
    std::mutex* mutex = nullptr;
    int number = 0;
  };
  unit& u = another();
  std::mutex mutex;
  std::vector<int> told;
  std::vector<listener> listeners(bound);
  std::vector<ref<gated>> all;
  for (int k = 0; k < static_cast<int>(bound); ++k) {
    all.push_back(closed(u, "numbered"));
    listener& l = listeners[static_cast<std::size_t>(k)];
    l.told = &told;
    l.mutex = &mutex;
    l.number = k;
    l.notify = [](completion::waiter& w) noexcept {
      const auto& self = static_cast<const listener&>(w);
      const std::lock_guard lock(*self.mutex);
      self.told->push_back(self.number);
    };
    ASSERT_TRUE(all.back()->done().add(l));
  }
  EXPECT_TRUE(comes_to_the_driver(*all.back()));
  for (auto at = all.rbegin(); at != all.rend(); ++at) (*at)->open(home());
  dispatcher::drain(u);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(told.size(), bound);
  for (int k = 0; k < static_cast<int>(bound); ++k) EXPECT_EQ(told[static_cast<std::size_t>(k)], k);
}

TEST_P(hand_over, what_was_handed_over_cannot_be_cancelled_and_what_waits_behind_it_can) {
  unit& a = another();
  unit& b = another();
  const auto s = memory();
  const failure why = make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled);
  const auto producer = closed(a, "producer", {writes(s)});
  const auto reader = closed(b, "reader", {reads(s)});
  const auto on_host = pass(b, "on the host", {reads(s)});
  const auto behind = closed(b, "behind", {reads(s)});
  EXPECT_TRUE(comes_to_the_driver(*reader));
  EXPECT_FALSE(dispatcher::cancel(*reader, why));
  EXPECT_TRUE(dispatcher::cancel(*behind, why));
  EXPECT_TRUE(behind->done().is_ready());
  EXPECT_TRUE(dispatcher::cancel(*on_host, why));
  const auto next = closed(b, "next");  // goes past what was cancelled
  EXPECT_TRUE(comes_to_the_driver(*next));
  for (const auto& r : {producer, reader, next}) r->open(home());
  EXPECT_EQ(outcome_of(reader), nullptr);
  EXPECT_EQ(outcome_of(next), nullptr);
  EXPECT_EQ(b.depth(), 0u);
}

TEST_P(hand_over, memory_stays_until_what_was_handed_over_has_completed) {
  unit& a = another();
  const std::size_t before = device().statistics().in_use;
  auto s = memory(4096);
  const auto first = closed(a, "first");
  const auto user = closed(a, "user", {writes(s)});
  s = nullptr;
  EXPECT_TRUE(comes_to_the_driver(*user));
  EXPECT_GT(device().statistics().in_use, before);
  user->open(home());
  first->open(home());
  EXPECT_EQ(outcome_of(user), nullptr);
  EXPECT_EQ(device().statistics().in_use, before);
}

TEST_P(hand_over, a_lost_device_ends_what_waits_and_lets_the_driver_end_what_it_has) {
  unit& u = another();
  const auto first = closed(u, "first");
  const auto second = closed(u, "second");
  const auto queued = pass(u, "queued");
  EXPECT_TRUE(comes_to_the_driver(*second));
  const failure lost = make_failure(absl::StatusCode::kUnavailable, "gone", reason::device_lost);
  dispatcher::refuse(u, lost, lost);
  EXPECT_TRUE(queued->done().is_ready());
  EXPECT_FALSE(second->done().is_ready());
  EXPECT_FALSE(dispatcher::drain_until(u, std::chrono::steady_clock::now() + std::chrono::milliseconds(2)));
  second->open(home());
  first->open(home());
  dispatcher::drain(u);
  EXPECT_EQ(second->done().why(), nullptr);
  dispatcher::accept(u);
  EXPECT_EQ(outcome_of(pass(u, "after the reset")), nullptr);
}

INSTANTIATE_TEST_SUITE_P(devices, hand_over, queueing_devices, device_name);

}  // namespace
}  // namespace wherry
