// configurations.hpp: the kinds of device on which the same tests must pass.
//
// `cpu` is PoCL's `basic` device, `direct` the same without OpenCL, `queue` the first device behind command
// queues (PoCL's `pthread` driver), `simulated` a device of host functions on a simulated loop. A
// configuration whose driver is not on the machine skips its tests and says so.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <wherry/device/cpu_device.hpp>
#include <wherry/device/queue_device.hpp>
#include <wherry/device/simulated_device.hpp>
#include <wherry/loop/loop_thread.hpp>

namespace wherry::testing_support {

enum class device_kind { cpu, direct, queue, simulated };

inline std::string name_of(device_kind kind) {
  const char* const names[] = {"cpu", "direct", "queue", "simulated"};
  return names[static_cast<std::size_t>(kind)];
}

/// A device of one kind, with the loop that a client would give it.
struct device_under_test {
  std::shared_ptr<loop_thread> home = loop_thread::shared();
  ref<device_core> core;
};

inline constexpr unsigned cpu_devices_in_tests = 2;

/// Opens device `index` of `kind`; `core` is null where the machine has none.
inline device_under_test open_device(device_kind kind, unsigned index = 0, std::uint64_t requests = 32,
                                     std::uint64_t transfer_bytes = std::uint64_t{1} << 20) {
  device_under_test d;
  if (kind == device_kind::simulated) {
    loop_options simulated;
    simulated.backend = loop_options::kind::simulated;
    d.home = loop_thread::shared(simulated);
    simulated_device_options options;
    options.index = index;
    options.requests_in_flight = requests;
    options.transfer_bytes_in_flight = transfer_bytes;
    d.core = simulated_device::open(d.home->get(), options, d.home);
  } else if (kind == device_kind::queue) {
    const auto found = queue_devices(cpu_devices_in_tests);
    if (found.empty()) return d;
    d.core = queue_device::open(found.front(), index, d.home, requests, transfer_bytes);
  } else {
    cpu_device_options options;
    options.index = index;
    options.devices = cpu_devices_in_tests;
    options.direct = kind == device_kind::direct;
    options.requests_in_flight = requests;
    options.transfer_bytes_in_flight = transfer_bytes;
    d.core = cpu_device::open(options);
  }
  d.core->set_callbacks([home = d.home]() -> scheduler& { return home->get(); });
  return d;
}

/// The fixture of tests that run on every kind.
class on_every_device : public ::testing::TestWithParam<device_kind> {
 protected:
  void SetUp() override {
    device_ = open_device(GetParam(), 0, bound);
    if (!device_.core) GTEST_SKIP() << "no OpenCL device behind command queues";
  }
  void TearDown() override {
    if (!device_.core) return;
    for (unit* u : device_.core->units()) dispatcher::drain(*u);
  }

  static constexpr std::uint64_t bound = 8;

  device_core& device() const { return *device_.core; }
  const ref<device_core>& shared_device() const { return device_.core; }
  loop& home() const { return device_.home->get(); }
  /// The same unit at every call; `pick` would give whichever is idle.
  unit& compute() const {
    if (!compute_) compute_ = &device_.core->pick(unit_kind::compute);
    return *compute_;
  }
  unit& another() const { return device_.core->add_unit(unit_kind::compute); }
  ref<storage> memory(std::size_t bytes = 64) const { return device_.core->allocate(bytes); }

 private:
  device_under_test device_;
  mutable unit* compute_ = nullptr;
};

inline const auto all_devices =
    ::testing::Values(device_kind::cpu, device_kind::direct, device_kind::queue, device_kind::simulated);
inline const auto device_name = [](const auto& info) { return name_of(info.param); };

}  // namespace wherry::testing_support
