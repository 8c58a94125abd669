// What a device does when it has no memory left: it gives back its cache, waits for work in flight, tries
// once more.
#include <gtest/gtest.h>

#include <thread>
#include <wherry/device/cpu_device.hpp>

#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

constexpr std::size_t most_of_it = 800'000;

ref<device_core> small_device() {
  cpu_device_options options;
  options.direct = true;
  options.memory_limit = 1 << 20;
  return cpu_device::open(options);
}

TEST(out_of_memory, work_in_flight_is_waited_for_and_what_it_releases_is_used) {
  const ref<device_core> device = small_device();
  ref<storage> first = device->allocate(most_of_it);
  const ref<held> gate(new held("gate", {{std::move(first), true}}));
  dispatcher::submit(device->pick(unit_kind::compute), *gate, {});
  std::thread opener([&] { gate->end(); });
  EXPECT_TRUE(device->allocate(most_of_it));
  opener.join();
}

TEST(out_of_memory, memory_that_stays_in_use_is_refused_with_both_amounts) {
  const ref<device_core> device = small_device();
  const ref<storage> kept = device->allocate(most_of_it);
  try {
    (void)device->allocate(most_of_it);
    ADD_FAILURE() << "more than the limit was handed out";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(e.reason(), reason::out_of_memory);
    EXPECT_NE(std::string(e.what()).find("800000 bytes asked for"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace wherry
