// What a caller may say about one request: cancellation, deadlines, trackers, names and places, on every kind
// of device.
#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>
#include <thread>
#include <wherry/coro/task.hpp>
#include <wherry/device/place_in.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

class asked : public on_every_device {
 protected:
  static ref<request> pass_with(unit& u, const request_options& options, std::vector<storage_use> uses = {}) {
    ref<request> r(new called("asked for", [] { return failure(); }, std::move(uses)));
    submit_options how{.cheap = true};
    dispatcher::submit(u, *r, how.with(options));
    return r;
  }
  static ref<held> hold_with(unit& u, const request_options& options, std::vector<storage_use> uses = {}) {
    ref<held> r(new held("held", std::move(uses)));
    submit_options how;
    dispatcher::submit(u, *r, how.with(options));
    return r;
  }
  /// Runs `body` on the loop's thread: virtual time, which leaps to the next deadline when the loop has
  /// nothing to do, stands still meanwhile.
  template <class Body>
  void on_the_loop(Body body) const {
    struct question {
      static task<void> run(Body& b) {
        b();
        co_return;
      }
    };
    sync_wait(home(), question::run(body));
  }
  /// Submits a request with a deadline that has not passed yet, however busy the machine is.
  ref<request> pass_in_time(unit& u, std::vector<storage_use> uses = {}) const {
    ref<request> r;
    for (auto margin = 2ms; !r; margin *= 2) {
      on_the_loop([&] {
        try {
          r = pass_with(u, {.deadline = home().now() + margin}, uses);
        } catch (const error& e) {
          EXPECT_EQ(e.reason(), reason::deadline_exceeded);
        }
      });
    }
    return r;
  }
  /// Now, on the clock by which this device tells deadlines.
  std::chrono::steady_clock::time_point now() const {
    struct question {
      static task<loop_clock::time_point> ask(loop& l) { co_return l.now(); }
    };
    return sync_wait(home(), question::ask(home()));
  }
};

TEST_P(asked, a_stop_completes_what_is_queued_at_once_and_its_ticket_counts_in_its_turn) {
  unit& u = compute();
  const auto s = memory();
  std::stop_source source;
  const auto gate = hold(u, "gate");
  const auto victim = pass_with(u, {.stop = source.get_token()}, {writes(s)});
  const auto dependant = pass(another(), "dependant", {reads(s)});
  source.request_stop();
  ASSERT_TRUE(victim->done().is_ready());
  EXPECT_EQ(victim->done().why()->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(victim->done().why()->reason(), reason::cancelled);
  EXPECT_EQ(victim->done().why()->id(), victim->id());
  EXPECT_EQ(outcome_of(dependant)->code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(u.is_completed(victim->id()));
  gate->end();
  dispatcher::drain(u);
  EXPECT_TRUE(u.is_completed(victim->id()));
}

TEST_P(asked, a_stop_of_what_has_started_drops_its_result_when_it_ends) {
  const auto s = memory();
  std::stop_source source;
  const auto running = hold_with(compute(), {.stop = source.get_token()}, {writes(s)});
  running->wait_for_start();
  source.request_stop();
  EXPECT_FALSE(running->done().is_ready());
  running->end();
  EXPECT_EQ(outcome_of(running)->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(outcome_of(pass(another(), "dependant", {reads(s)}))->code(), absl::StatusCode::kCancelled);
}

TEST_P(asked, a_stop_that_was_requested_before_refuses_the_call_and_changes_nothing) {
  unit& u = compute();
  std::stop_source source;
  source.request_stop();
  const ticket newest = u.last_submitted();
  try {
    pass_with(u, {.stop = source.get_token()});
    ADD_FAILURE() << "accepted";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::cancelled);
  }
  EXPECT_EQ(u.last_submitted(), newest);
  EXPECT_EQ(outcome_of(pass(u, "next")), nullptr);
}

TEST_P(asked, a_stop_after_the_end_changes_nothing) {
  std::stop_source source;
  const auto r = pass_with(compute(), {.stop = source.get_token()});
  EXPECT_EQ(outcome_of(r), nullptr);
  source.request_stop();
  EXPECT_EQ(outcome_of(r), nullptr);
}

TEST_P(asked, one_token_stops_any_number_of_requests) {
  unit& u = compute();
  std::stop_source source;
  const auto gate = hold(u, "gate");
  std::vector<ref<request>> all;
  for (std::uint64_t k = 1; k < u.bound(); ++k) all.push_back(pass_with(u, {.stop = source.get_token()}));
  source.request_stop();
  for (const auto& r : all) EXPECT_EQ(outcome_of(r)->reason(), reason::cancelled);
  gate->end();
}

TEST_P(asked, a_deadline_completes_what_is_queued_when_it_passes) {
  unit& u = compute();
  const auto s = memory();
  const auto gate = hold(u, "gate");
  const auto victim = pass_in_time(u, {writes(s)});
  const auto dependant = pass(another(), "dependant", {reads(s)});
  EXPECT_EQ(outcome_of(victim)->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(outcome_of(dependant)->reason(), reason::deadline_exceeded);
  EXPECT_FALSE(u.is_completed(victim->id()));
  gate->end();
}

TEST_P(asked, a_deadline_drops_the_result_of_what_has_started) {
  // It has to start before its deadline: on a machine that is busy a later one may be needed.
  ref<held> running;
  auto deadline = now();
  for (auto wait = 2ms; !running || !running->has_started(); wait *= 2) {
    on_the_loop([&] {
      deadline = home().now() + wait;
      try {
        running = hold_with(compute(), {.deadline = deadline});
      } catch (const error& e) {
        EXPECT_EQ(e.reason(), reason::deadline_exceeded);
      }
    });
    while (running && !running->has_started() && !running->done().is_ready()) std::this_thread::yield();
  }
  while (now() < deadline) std::this_thread::yield();
  for (int turn = 0; turn < 3; ++turn) (void)now();  // it has been told by then
  EXPECT_FALSE(running->done().is_ready());
  running->end();
  EXPECT_EQ(outcome_of(running)->code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(asked, deadlines_pass_in_their_own_order) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  error_tracker errors;
  std::vector<ref<request>> all;
  for (auto step = 1ms; all.size() < 4; step *= 2) {
    for (const auto& r : std::exchange(all, {})) (void)outcome_of(r);
    (void)errors.take();
    on_the_loop([&] {
      const auto start = home().now();
      try {
        for (const int steps : {8, 2, 6, 4})
          all.push_back(pass_with(u, {.deadline = start + steps * step, .errors = &errors}));
      } catch (const error&) {  // the machine is busy
      }
    });
  }
  for (const auto& r : all) EXPECT_TRUE(outcome_of(r));
  gate->end();
  const auto entries = errors.take();
  ASSERT_EQ(entries.size(), 4u);
  const int order[] = {1, 3, 2, 0};
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(entries[k].id, all[order[k]]->id());
}

TEST_P(asked, a_deadline_that_is_not_reached_changes_nothing_and_keeps_nobody) {
  for (int k = 0; k < 100; ++k) {
    ref<request> r;
    on_the_loop([&] { r = pass_with(compute(), {.deadline = home().now() + std::chrono::hours(1)}); });
    EXPECT_EQ(outcome_of(r), nullptr);
  }
}

TEST_P(asked, a_deadline_in_the_past_refuses_the_call) {
  const auto too_late = [](loop& l, unit& u) -> task<void> {
    try {
      pass_with(u, {.deadline = l.now() - 1ms});
      ADD_FAILURE() << "accepted";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::deadline_exceeded);
    }
    co_return;
  };
  sync_wait(home(), too_late(home(), compute()));
}

TEST_P(asked, a_stop_and_a_deadline_end_the_wait_for_a_place) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  for (std::uint64_t k = 1; k < u.bound(); ++k) pass(u, "behind the gate");
  const ticket newest = u.last_submitted();
  std::stop_source source;
  std::thread stopper([&] {
    std::this_thread::sleep_for(2ms);
    source.request_stop();
  });
  const auto reason_of_refusal = [&](const request_options& options) {
    try {
      pass_with(u, options);
    } catch (const error& e) {
      return e.reason();
    }
    return reason::none;
  };
  EXPECT_EQ(reason_of_refusal({.stop = source.get_token()}), reason::cancelled);
  stopper.join();
  EXPECT_EQ(reason_of_refusal({.deadline = now() + 2ms}), reason::deadline_exceeded);
  EXPECT_EQ(u.last_submitted(), newest);
  gate->end();
  dispatcher::drain(u);
  EXPECT_EQ(outcome_of(pass(u, "next")), nullptr);
}

TEST_P(asked, a_tracker_collects_what_failed_and_how_in_order) {
  error_tracker errors;
  const auto s = memory();
  const request_options options{.errors = &errors};
  submit_options how;
  how.with(options);
  ref<request> fine(new called("fine", [] { return failure(); }));
  dispatcher::submit(compute(), *fine, how);
  ref<request> broken(new called("broken", [] { return fault("broken"); }, {writes(s)}));
  dispatcher::submit(compute(), *broken, how);
  const auto after = pass_with(compute(), options, {reads(s)});
  (void)outcome_of(after);
  const auto entries = errors.take();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0], (error_tracker::entry{broken->id(), absl::StatusCode::kInternal}));
  EXPECT_EQ(entries[1], (error_tracker::entry{after->id(), absl::StatusCode::kInternal}));
}

TEST_P(asked, a_place_can_be_tried_for_and_is_taken_by_the_submission_that_names_it) {
  unit& u = compute();
  std::optional<place> mine = try_place(u);
  ASSERT_TRUE(mine);
  EXPECT_EQ(outcome_of(pass_with(u, {.place = &*mine})), nullptr);
  EXPECT_FALSE(*mine);
  {
    const auto gate = hold(u, "gate");
    for (std::uint64_t k = 1; k < u.bound(); ++k) pass(u, "behind the gate");
    EXPECT_FALSE(try_place(u));
    gate->end();
  }
  dispatcher::drain(u);
  std::vector<place> all;
  while (std::optional<place> p = try_place(u)) all.push_back(std::move(*p));
  EXPECT_EQ(all.size(), u.bound());
}

TEST_P(asked, a_place_of_another_unit_is_refused) {
  place elsewhere = *try_place(another());
  EXPECT_THROW(pass_with(compute(), {.place = &elsewhere}), error);
  EXPECT_TRUE(elsewhere);
}

TEST_P(asked, a_coroutine_suspends_until_there_is_a_place_or_it_is_stopped) {
  struct waits {
    static task<reason> in(unit& u, std::stop_token stop) {
      try {
        const place p = co_await place_in(u, 1, stop);
        EXPECT_EQ(p.where(), &u);
      } catch (const error& e) {
        co_return e.reason();
      }
      co_return reason::none;
    }
  };
  unit& u = compute();
  const auto gate = hold(u, "gate");
  for (std::uint64_t k = 1; k < u.bound(); ++k) pass(u, "behind the gate");
  std::stop_source source;
  std::thread stopper([&] {
    std::this_thread::sleep_for(2ms);
    source.request_stop();
  });
  EXPECT_EQ(sync_wait(home(), waits::in(u, source.get_token())), reason::cancelled);
  stopper.join();
  std::thread opener([&] {
    std::this_thread::sleep_for(2ms);
    gate->end();
  });
  EXPECT_EQ(sync_wait(home(), waits::in(u, {})), reason::none);
  opener.join();
}

TEST_P(asked, stops_from_many_threads_and_deadlines_in_between_lose_no_request) {
  std::atomic<int> odd{0};
  unit* const units[] = {&device().pick(unit_kind::tensor_op), &compute()};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      unit& u = *units[t % 2];
      for (int k = 0; k < 200; ++k) {
        std::stop_source source;
        const auto s = memory();
        std::vector<ref<request>> chain;
        std::thread stopper([&] { source.request_stop(); });
        try {
          for (int i = 0; i < 3; ++i) {
            chain.push_back(pass_with(u, {.stop = source.get_token(), .deadline = loop_clock::now() + 50us},
                                      {writes(s)}));
          }
        } catch (const error& e) {
          if (e.reason() != reason::cancelled && e.reason() != reason::deadline_exceeded) ++odd;
        }
        for (const auto& r : chain) {
          const failure f = outcome_of(r);
          if (f && f->reason() != reason::cancelled && f->reason() != reason::deadline_exceeded) ++odd;
        }
        stopper.join();
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(odd.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(devices, asked, all_devices, device_name);

}  // namespace
}  // namespace wherry
