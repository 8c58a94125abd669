// configurations.hpp: the kinds of device on which the same tests must pass.
//
// `cpu` is PoCL's `basic` device, `direct` the same without OpenCL, `queue` PoCL's `pthread` device behind
// command queues, `intel` Intel's CPU driver, which lies about failure the other way round; `simulated` is a
// device of host functions on a simulated loop, `dropping` one that drops what is behind a failure, as PoCL's
// queues do. A configuration whose driver is not on the machine skips its tests and says so.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <wherry/device/cpu_device.hpp>
#include <wherry/device/queue_device.hpp>
#include <wherry/device/simulated_device.hpp>
#include <wherry/loop/loop_thread.hpp>

namespace wherry::testing_support {

enum class device_kind { cpu, direct, queue, intel, simulated, dropping };

inline std::string name_of(device_kind kind) {
  const char* const names[] = {"cpu", "direct", "queue", "intel", "simulated", "dropping"};
  return names[static_cast<std::size_t>(kind)];
}

/// True for devices behind an OpenCL driver's queues, where each command costs tens of microseconds.
inline bool is_driver(device_kind kind) { return kind == device_kind::queue || kind == device_kind::intel; }

/// What `client::device` finds the device of a driver by.
inline std::string client_name_of(device_kind kind) {
  return kind == device_kind::intel ? "opencl:Intel(R) OpenCL/"
                                    : "opencl:Portable Computing Language/pthread";
}

/// Why a test of `kind` is skipped where the device is missing.
inline std::string missing(device_kind kind) {
  return kind == device_kind::intel ? "Intel's OpenCL driver for CPUs is not installed"
                                    : "PoCL's pthread device is not there: is PoCL installed?";
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
  if (kind == device_kind::simulated || kind == device_kind::dropping) {
    loop_options simulated;
    simulated.backend = loop_options::kind::simulated;
    d.home = loop_thread::shared(simulated);
    simulated_device_options options;
    options.index = index;
    options.drops_behind_failure = kind == device_kind::dropping;
    options.requests_in_flight = requests;
    options.transfer_bytes_in_flight = transfer_bytes;
    d.core = simulated_device::open(d.home->get(), options, d.home);
  } else if (is_driver(kind)) {
    const std::string wanted = client_name_of(kind).substr(sizeof "opencl:" - 1);
    for (const auto& found : queue_devices(cpu_devices_in_tests)) {
      if ((found.platform_name + "/" + found.device_name).find(wanted) != 0) continue;
      d.core = queue_device::open(found, index, d.home, requests, transfer_bytes);
      break;
    }
    if (!d.core) return d;
  } else {
    cpu_device_options options;
    options.index = index;
    options.devices = cpu_devices_in_tests;
    options.direct = kind == device_kind::direct;
    options.requests_in_flight = requests;
    options.transfer_bytes_in_flight = transfer_bytes;
    d.core = cpu_device::open(options);
  }
  d.core->set_home([home = d.home]() -> loop& { return home->get(); });
  return d;
}

/// The fixture of tests that run on every kind.
class on_every_device : public ::testing::TestWithParam<device_kind> {
 protected:
  void SetUp() override {
    device_ = open_device(GetParam(), 0, bound);
    if (!device_.core) GTEST_SKIP() << missing(GetParam());
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
    ::testing::Values(device_kind::cpu, device_kind::direct, device_kind::queue, device_kind::intel,
                      device_kind::simulated, device_kind::dropping);
/// Those whose commands are enqueued and end later.
inline const auto queueing_devices =
    ::testing::Values(device_kind::queue, device_kind::intel, device_kind::simulated, device_kind::dropping);
inline const auto device_name = [](const auto& info) { return name_of(info.param); };

}  // namespace wherry::testing_support
