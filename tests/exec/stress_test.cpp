// Many threads, random data edges, two devices, four units: whatever the order, every value is right.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class stress : public programs_on_every_device {
 protected:
  /// A value on a device together with what it must be.
  struct known {
    buffer value;
    float expected = 0;
  };
};

TEST_P(stress, random_programs_over_two_devices_and_four_units_give_exact_values) {
  constexpr int threads_count = 8;
  const int rounds = is_driver(GetParam()) ? 60 : 400;
  const auto other = open_device(GetParam(), 1, bound);
  const ref<device_core> devices[] = {shared_device(), other.core};
  std::vector<executable> adds;
  std::vector<std::vector<unit*>> units(2);
  for (std::size_t d = 0; d < 2; ++d) {
    adds.push_back(load_on(devices[d], add_program()));
    for (int k = 0; k < 2; ++k) units[d].push_back(&devices[d]->add_unit(unit_kind::compute));
  }
  std::mutex mutex;
  std::vector<known> shared[2];
  for (std::size_t d = 0; d < 2; ++d) {
    for (int k = 0; k < 4; ++k)
      shared[d].push_back({on(devices[d], {static_cast<float>(k)}, {}), static_cast<float>(k)});
  }
  std::atomic<int> wrong{0};
  const auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    const auto pick = [&](std::size_t d) {
      const std::lock_guard lock(mutex);
      return shared[d][random() % shared[d].size()];
    };
    const auto keep = [&](std::size_t d, known k) {
      if (k.expected > 1e6F) return;  // sums stay exact
      const std::lock_guard lock(mutex);
      shared[d][random() % shared[d].size()] = std::move(k);
    };
    for (int round = 0; round < rounds; ++round) {
      const std::size_t d = random() % 2;
      const known a = pick(d);
      const known b = pick(d);
      switch (random() % 8) {
        case 0:  // to the other device
          keep(1 - d, {a.value.copy_to(wherry::device(devices[1 - d])), a.expected});
          break;
        case 1:  // look at it now
          if (item(a.value) != a.expected) ++wrong;
          break;
        case 2: {  // start over
          const auto fresh = static_cast<float>(random() % 100);
          keep(d, {on(devices[d], {fresh}, {}), fresh});
          break;
        }
        case 3:  // a handle that nobody keeps
          (void)adds[d](a.value, b.value);
          break;
        default: {
          const std::vector<buffer> args{a.value, b.value};
          execute_options options;
          if (random() % 2 == 0) options.unit = units[d][random() % 2];
          keep(d, {adds[d].call(args, options)[0], a.expected + b.expected});
        }
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < threads_count; ++t) threads.emplace_back(work, t);
  for (auto& t : threads) t.join();
  for (const auto& all : shared) {
    for (const known& k : all) {
      if (item(k.value) != k.expected) ++wrong;
    }
  }
  EXPECT_EQ(wrong.load(), 0);
  for (const auto& d : devices) {
    wherry::device(d).drain();
    for (const unit* u : d->units()) EXPECT_EQ(u->depth(), 0u);
  }
}

TEST_P(stress, independent_chains_of_donations_from_many_threads_stay_apart) {
  const int length = is_driver(GetParam()) ? 100 : 1000;
  const executable add = load(add_program({}, true));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const buffer step = scalar(static_cast<float>(t));
      buffer x = scalar(0);
      for (int k = 0; k < length; ++k) {
        x = add(x, step)[0];
        if (k % 97 == 0 && item(x) != static_cast<float>(t * (k + 1))) ++wrong;
      }
      if (item(x) != static_cast<float>(t * length)) ++wrong;
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(stress, failures_and_cancellations_in_between_reach_their_dependants_only) {
  const int rounds = is_driver(GetParam()) ? 40 : 200;
  const executable add = load(add_program());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int round = 0; round < rounds; ++round) {
        const buffer good = scalar(1);
        const buffer bad = scalar(1);
        const auto gate = hold_back(bad);
        const execution doomed = add(bad, good);
        const execution after = add(doomed[0], good);
        const execution fine = add(good, good);
        const bool cancels = random() % 2 == 0 && doomed.cancel();
        if (cancels && doomed.status().code() != absl::StatusCode::kCancelled) ++wrong;
        gate->end(fault("broken"));
        if (after.status().ok() || doomed.status().ok()) ++wrong;
        if (item(fine[0]) != 2) ++wrong;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(devices, stress, all_devices, device_name);

}  // namespace
}  // namespace wherry
