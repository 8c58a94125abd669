// commands.hpp: commands in a device's own queue that a test holds back, whatever the driver.
//
// `gated` is what a device does that takes long: one command, handed over as soon as its unit lets it start,
// that waits for an event which the test ends. With it a test sees what starts before something else has
// completed.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry::testing_support {

class gated final : public request {
 public:
  gated(device_core& d, std::string name, std::vector<storage_use> uses) : name_(std::move(name)) {
    for (storage_use& use : uses) add_use(std::move(use.memory), use.writes);
    set_follows_on_device();
    queues_ = dynamic_cast<queue_device*>(&d);
    simulation_ = dynamic_cast<simulated_device*>(&d);
    if (queues_) {
      cl_int code = CL_SUCCESS;
      event_ = cl_handle<cl_event>(clCreateUserEvent(queues_->context(), &code));
      EXPECT_EQ(code, CL_SUCCESS);
    } else {
      gate_ = make_ref<simulated_device::gate>();
    }
  }
  std::string describe() const override { return name_; }

  /// Lets the command end, well or not. `home` is the loop of its device.
  void open(loop& home, bool fails = false) {
    if (queues_) {
      EXPECT_EQ(clSetUserEventStatus(event_.get(), fails ? CL_OUT_OF_RESOURCES : CL_COMPLETE), CL_SUCCESS);
      return;
    }
    struct opening : work {
      ref<simulated_device::gate> gate;
      bool fails = false;
    };
    auto* o = new opening;
    o->gate = gate_;
    o->fails = fails;
    o->run = [](work& w) noexcept {
      const std::unique_ptr<opening> self(&static_cast<opening&>(w));
      self->gate->end(self->fails);
    };
    home.post(*o);
  }

 protected:
  started start(failure& outcome) noexcept override {
    if (simulation_) {
      simulation_->enqueue(*this, [](void*) noexcept { return failure(); }, nullptr, gate_.get());
      return started::in_flight;
    }
    cl_int status = CL_COMPLETE;
    const cl_int asked =
        clGetEventInfo(event_.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    EXPECT_EQ(asked, CL_SUCCESS);
    if (status <
        0) {  // started again after it was dropped: PoCL 3.1 never ends what waits for a failed event
      outcome = cl_failure(status, "the gate");
      return started::finished;
    }
    const queue_device::wait_list list(*this);
    std::vector<cl_event> events(list.data(), list.data() + list.size());
    events.push_back(event_.get());
    cl_event made = nullptr;
    const cl_int code = clEnqueueMarkerWithWaitList(
        queue_device::queue_of(*where()), static_cast<cl_uint>(events.size()), events.data(), &made);
    if (code != CL_SUCCESS) {
      outcome = cl_failure(code, "clEnqueueMarkerWithWaitList");
      return started::finished;
    }
    const cl_handle<cl_event> owned(made);
    queues_->hand_over(*this, owned, owned);
    return started::in_flight;
  }

 private:
  std::string name_;
  queue_device* queues_ = nullptr;
  simulated_device* simulation_ = nullptr;
  cl_handle<cl_event> event_;
  ref<simulated_device::gate> gate_;
};

/// Submits a `gated` to `u` of `d`.
inline ref<gated> gate(device_core& d, unit& u, std::string name, std::vector<storage_use> uses = {}) {
  ref<gated> r(new gated(d, std::move(name), std::move(uses)));
  dispatcher::submit(u, *r, {});
  return r;
}

/// Blocks until `r` has been handed over or is done, and returns whether it is in the driver's hands.
inline bool comes_to_the_driver(const request& r) {
  while (!dispatcher::is_handed_over(r)) {
    if (r.done().is_ready()) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Submits the write of one integer to `s`.
inline ref<request> write(device_core& d, unit& u, const ref<storage>& s, std::int32_t value) {
  const ref<host_block> block(new host_block(sizeof value));
  std::memcpy(block->data(), &value, sizeof value);
  ref<request> r(
      new transfer("write", {nullptr, block->data(), 0}, {s, nullptr, 0}, sizeof value, &d, {block, {}}));
  dispatcher::submit(u, *r, {});
  return r;
}

/// The read of one integer, and where it comes to.
struct reading {
  ref<host_block> block = ref<host_block>(new host_block(sizeof(std::int32_t)));
  ref<request> done;

  std::int32_t value() const {
    std::int32_t v = 0;
    std::memcpy(&v, block->data(), sizeof v);
    return v;
  }
};

/// Submits a read of `s`.
inline reading read(device_core& d, unit& u, const ref<storage>& s) {
  reading r;
  r.done = ref<request>(new transfer("read", {s, nullptr, 0}, {nullptr, r.block->data(), 0},
                                     sizeof(std::int32_t), &d, {r.block, {}}));
  dispatcher::submit(u, *r.done, {});
  return r;
}

}  // namespace wherry::testing_support
