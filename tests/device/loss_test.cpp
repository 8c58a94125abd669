// A lost device: its units refuse until it is reset; nothing else does.
#include <gtest/gtest.h>

#include <wherry/device/transfer.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class losses : public on_every_device {
 protected:
  static failure loss() {
    return make_failure(absl::StatusCode::kUnavailable, "CL_DEVICE_NOT_AVAILABLE", reason::device_lost);
  }
  wherry::device handle() const { return wherry::device(shared_device()); }
};

TEST_P(losses, what_is_queued_completes_with_the_loss_and_later_submissions_are_refused_with_it) {
  const auto gate = hold(compute(), "gate");
  const auto queued = pass(compute(), "queued");
  gate->wait_for_start();
  device().note(loss());
  EXPECT_EQ(outcome_of(queued)->reason(), reason::device_lost);
  for (unit* u : device().units()) {
    try {
      pass(*u, "refused");
      ADD_FAILURE() << "accepted by a " << name_of(u->kind()) << " unit";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::device_lost);
      EXPECT_EQ(e.code(), absl::StatusCode::kUnavailable);
    }
  }
  EXPECT_EQ(handle().status().code(), absl::StatusCode::kUnavailable);
  gate->end();
}

TEST_P(losses, reset_accepts_work_again) {
  device().note(loss());
  EXPECT_THROW(pass(compute(), "refused"), error);
  handle().reset();
  EXPECT_TRUE(handle().status().ok());
  EXPECT_EQ(outcome_of(pass(compute(), "accepted")), nullptr);
  // Commands run, too.
  const auto s = memory(64);
  std::byte from[64] = {std::byte{7}}, to[64] = {};
  device_core* const mover = device().is_host() ? nullptr : &device();
  ref<request> write(new transfer("write", {nullptr, from, 0}, {s, nullptr, 0}, 64, mover));
  ref<request> read(new transfer("read", {s, nullptr, 0}, {nullptr, to, 0}, 64, mover));
  dispatcher::submit(device().pick(unit_kind::tensor_write), *write, {});
  dispatcher::submit(device().pick(unit_kind::tensor_read), *read, {});
  EXPECT_EQ(outcome_of(read), nullptr);
  EXPECT_EQ(to[0], std::byte{7});
}

TEST_P(losses, out_of_memory_is_not_a_loss) {
  device().note(make_failure(absl::StatusCode::kResourceExhausted, "no memory", reason::out_of_memory));
  EXPECT_EQ(outcome_of(pass(compute(), "accepted")), nullptr);
}

TEST_P(losses, a_closed_client_does_not_open_again) {
  const failure closed = make_failure(absl::StatusCode::kFailedPrecondition, "closed", reason::client_closed);
  device().refuse(closed, nullptr);
  EXPECT_THROW(handle().reset(), error);
  EXPECT_THROW(pass(compute(), "refused"), error);
}

INSTANTIATE_TEST_SUITE_P(devices, losses, all_devices, device_name);

TEST(loss, a_command_that_reports_it_fails_the_units_of_its_device_and_of_no_other) {
  loop_options simulated;
  simulated.backend = loop_options::kind::simulated;
  const auto home = loop_thread::shared(simulated);
  simulated_device_options options;
  options.fails = [](const request& r) -> failure {
    if (r.name() != "fatal") return nullptr;
    return make_failure(absl::StatusCode::kUnavailable, "the device is gone", reason::device_lost);
  };
  const auto lost = simulated_device::open(home->get(), options, home);
  options.index = 1;
  const auto other = simulated_device::open(home->get(), options, home);
  for (const auto& d : {lost, other}) d->set_home([home]() -> loop& { return home->get(); });
  const auto write = [](const ref<device_core>& d, std::string_view name) {
    static std::byte bytes[64];
    ref<request> r(new transfer("write", {nullptr, bytes, 0}, {d->allocate(64), nullptr, 0}, 64, d.get()));
    const request_options named{.name = name};
    submit_options how;
    dispatcher::submit(d->pick(unit_kind::tensor_write), *r, how.with(named));
    return r;
  };
  const failure f = outcome_of(write(lost, "fatal"));
  ASSERT_TRUE(f);
  EXPECT_STREQ(f->what(), "write of fatal: the device is gone");
  EXPECT_THROW(write(lost, "next"), error);
  EXPECT_EQ(outcome_of(write(other, "next")), nullptr);
  lost->reset();
  EXPECT_EQ(outcome_of(write(lost, "after")), nullptr);
}

}  // namespace
}  // namespace wherry
