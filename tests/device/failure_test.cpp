// Failures: along data edges and along nothing else, the same on every kind of device.
#include <gtest/gtest.h>

#include <vector>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class failures : public on_every_device {};

TEST_P(failures, a_failing_request_fails_its_dependant_and_not_its_successor) {
  unit& u = compute();
  const auto s = memory();
  const auto failing = call(u, "failing", [] { return fault("broken"); }, {writes(s)});
  bool dependant_ran = false;
  const auto dependant = call(u, "dependant",
                              [&] {
                                dependant_ran = true;
                                return failure();
                              },
                              {reads(s)});
  const auto successor = pass(u, "successor");
  EXPECT_EQ(outcome_of(successor), nullptr);
  const failure first = outcome_of(failing);
  const failure second = outcome_of(dependant);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_FALSE(dependant_ran);
  EXPECT_EQ(second->code(), absl::StatusCode::kInternal);
  EXPECT_EQ(std::string(second->what()), "dependant <- " + std::string(first->what()));
  EXPECT_EQ(u.last_completed(), successor->id());
}

TEST_P(failures, every_failure_names_the_original_request) {
  const auto s = memory();
  const auto t = memory();
  const auto failing = call(compute(), "the culprit", [] { return fault("broken"); }, {writes(s)});
  const auto middle = pass(another(), "middle", {reads(s), writes(t)});
  const auto last = pass(another(), "last", {reads(t)});
  for (const auto& r : {failing, middle, last}) {
    const failure f = outcome_of(r);
    ASSERT_TRUE(f);
    EXPECT_EQ(f->id(), failing->id());
    EXPECT_NE(std::string(f->what()).find("the culprit"), std::string::npos) << f->what();
    EXPECT_NE(std::string(f->what()).find("broken"), std::string::npos) << f->what();
  }
}

TEST_P(failures, a_dependant_that_was_queued_before_the_failure_fails_too) {
  const auto s = memory();
  const auto failing = hold(compute(), "failing", {writes(s)});
  bool ran = false;
  const auto dependant = call(another(), "dependant",
                              [&] {
                                ran = true;
                                return failure();
                              },
                              {reads(s)});
  failing->end(fault("late"));
  ASSERT_TRUE(outcome_of(dependant));
  EXPECT_FALSE(ran);
}

TEST_P(failures, a_storage_remembers_the_failure_of_its_writer) {
  const auto s = memory();
  const auto failing = call(compute(), "failing", [] { return fault("broken"); }, {writes(s)});
  ASSERT_TRUE(outcome_of(failing));
  EXPECT_TRUE(outcome_of(pass(compute(), "read later", {reads(s)})));
  EXPECT_TRUE(pending::writer_of(*s).why());
}

TEST_P(failures, a_failed_reader_does_not_fail_the_writer_that_waited_for_it) {
  const auto s = memory();
  const auto reader = hold(compute(), "reader", {reads(s)});
  const auto writer = pass(another(), "writer", {writes(s)});
  reader->end(fault("only the reader"));
  EXPECT_TRUE(outcome_of(reader));
  EXPECT_EQ(outcome_of(writer), nullptr);
  EXPECT_EQ(outcome_of(pass(compute(), "next reader", {reads(s)})), nullptr);
}

TEST_P(failures, other_storages_of_a_failed_reader_stay_good) {
  const auto good = memory();
  const auto result = memory();
  const auto failing =
      call(compute(), "failing", [] { return fault("broken"); }, {reads(good), writes(result)});
  EXPECT_TRUE(outcome_of(failing));
  EXPECT_EQ(outcome_of(pass(compute(), "reader", {reads(good)})), nullptr);
}

TEST_P(failures, cancelling_in_the_queue_completes_at_once_and_counts_in_turn) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  bool ran = false;
  const auto s = memory();
  const auto victim = call(u, "victim",
                           [&] {
                             ran = true;
                             return failure();
                           },
                           {writes(s)});
  const auto dependant = pass(another(), "dependant", {reads(s)});
  const auto successor = pass(u, "successor");
  EXPECT_TRUE(dispatcher::cancel(
      *victim, make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled, victim->id())));
  EXPECT_TRUE(victim->done().is_ready());
  EXPECT_EQ(victim->done().why()->code(), absl::StatusCode::kCancelled);
  const failure downstream = outcome_of(dependant);
  ASSERT_TRUE(downstream);
  EXPECT_EQ(downstream->code(), absl::StatusCode::kCancelled);
  EXPECT_LT(u.last_completed().number(), victim->id().number());
  gate->end();
  EXPECT_EQ(outcome_of(successor), nullptr);
  EXPECT_EQ(u.last_completed(), successor->id());
  EXPECT_FALSE(ran);
}

TEST_P(failures, what_has_started_or_ended_cannot_be_cancelled) {
  const auto running = hold(compute(), "running");
  running->wait_for_start();
  const failure why = make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled);
  EXPECT_FALSE(dispatcher::cancel(*running, why));
  running->end();
  EXPECT_FALSE(dispatcher::cancel(*running, why));
  EXPECT_EQ(running->done().why(), nullptr);
}

TEST_P(failures, a_cancelled_reader_does_not_disturb_the_writer_behind_it) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  const auto s = memory();
  const auto reader = pass(u, "reader", {reads(s)});
  const auto writer = pass(another(), "writer", {writes(s)});
  EXPECT_TRUE(
      dispatcher::cancel(*reader, make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled)));
  EXPECT_EQ(outcome_of(writer), nullptr);
  gate->end();
}

TEST_P(failures, cancelling_the_whole_queue_from_its_end_leaves_the_unit_usable) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  std::vector<ref<request>> queued;
  for (int k = 0; k < 5; ++k) queued.push_back(pass(u, "queued"));
  for (auto at = queued.rbegin(); at != queued.rend(); ++at) {
    EXPECT_TRUE(
        dispatcher::cancel(**at, make_failure(absl::StatusCode::kCancelled, "stopped", reason::cancelled)));
  }
  gate->end();
  dispatcher::drain(u);
  EXPECT_EQ(outcome_of(pass(u, "next")), nullptr);
  EXPECT_EQ(u.depth(), 0u);
}

TEST_P(failures, a_lost_unit_fails_what_is_queued_and_refuses_the_rest_until_it_is_reset) {
  unit& u = compute();
  const auto gate = hold(u, "gate");
  gate->wait_for_start();
  const auto queued = pass(u, "queued");
  const failure lost = make_failure(absl::StatusCode::kUnavailable, "gone", reason::device_lost);
  dispatcher::refuse(u, lost, lost);
  try {
    pass(u, "refused");
    FAIL() << "the submission was accepted";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::device_lost);
  }
  gate->end();
  const failure f = outcome_of(queued);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->reason(), reason::device_lost);
  wherry::device(shared_device()).reset();
  EXPECT_EQ(outcome_of(pass(u, "after the reset")), nullptr);
}

TEST_P(failures, closing_a_unit_runs_what_is_queued_or_cancels_it) {
  for (const bool cancels : {false, true}) {
    unit& u = another();
    const auto gate = hold(u, "gate");
    gate->wait_for_start();
    const auto queued = pass(u, "queued");
    dispatcher::refuse(
        u, make_failure(absl::StatusCode::kFailedPrecondition, "closed", reason::client_closed),
        cancels ? make_failure(absl::StatusCode::kCancelled, "closed", reason::client_closed) : nullptr);
    EXPECT_THROW(pass(u, "refused"), error);
    gate->end();
    const failure f = outcome_of(queued);
    EXPECT_EQ(f != nullptr, cancels);
    if (f) {
      EXPECT_EQ(f->code(), absl::StatusCode::kCancelled);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(devices, failures, all_devices, device_name);

}  // namespace
}  // namespace wherry
