// The simulated device: any seed gives right values, one seed gives one history.
#include <gtest/gtest.h>

#include <set>
#include <wherry/coro/scope.hpp>
#include <wherry/exec/simulated_executable.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

/// A whole runtime in virtual time on this thread.
class simulation {
 public:
  explicit simulation(std::uint64_t seed, std::function<failure(const request&)> fails = nullptr)
      : home_(options(seed)) {
    simulated_device_options o;
    o.seed = seed;
    o.requests_in_flight = 4;
    o.fails = std::move(fails);
    device_ = simulated_device::open(home_, o);
    device_->set_callbacks([this]() -> scheduler& { return home_; });
    add_.emplace(load("add"));
    doomed_.emplace(load("doomed"));
  }

  buffer scalar(float value) const {
    ref<host_block> block(new host_block(sizeof value));
    std::memcpy(block->data(), &value, sizeof value);
    ref<storage> target = device_->allocate(sizeof value);
    ref<request> write(new transfer("write", {nullptr, block->data(), 0}, {target, nullptr, 0}, sizeof value,
                                    device_.get(), {block, {}}));
    dispatcher::submit(device_->pick(unit_kind::tensor_write), *write, {});
    return buffer(make_ref<detail::buffer_core>(f32(), target, device_));
  }

  loop& home() { return home_; }
  const executable& add() const { return *add_; }
  /// The same sum under another name.
  const executable& doomed() const { return *doomed_; }
  device_core& device() const { return *device_; }

  /// What happened, in order: the names of promises as they became ready.
  std::vector<int> history;

 private:
  static loop_options options(std::uint64_t seed) {
    loop_options o;
    o.backend = loop_options::kind::simulated;
    o.seed = seed;
    return o;
  }

  executable load(const char* name) const {
    plan p = add_program();
    p.name = name;
    add_kernels(p, false);
    return executable(
        ref<executable_core>(new simulated_executable(std::make_shared<const plan>(std::move(p)), device_)));
  }

  loop home_;
  ref<device_core> device_;
  std::optional<executable> add_;
  std::optional<executable> doomed_;
};

task<void> chain(simulation& s, int name, int length, bool& right) {
  buffer x = s.scalar(static_cast<float>(name));
  const buffer one = s.scalar(1);
  for (int k = 0; k < length; ++k) {
    const execution run = co_await s.add().submit(x, one);
    x = run[0];
    s.history.push_back(name);
  }
  const array result = co_await x.as_array();
  s.history.push_back(-name);
  if (result.item<float>() != static_cast<float>(name + length)) right = false;
}

task<void> six_chains(simulation& s, bool& right) {
  scope all;
  for (int name = 1; name <= 6; ++name) all.spawn(chain(s, name, 5, right));
  co_await all.join();
}

TEST(simulated, every_seed_gives_right_values_and_most_seeds_another_order) {
  std::set<std::vector<int>> histories;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    simulation s(seed);
    bool right = true;
    sync_wait(s.home(), six_chains(s, right));
    EXPECT_TRUE(right) << "seed " << seed;
    histories.insert(s.history);
  }
  EXPECT_GT(histories.size(), 25u);
}

TEST(simulated, a_seed_gives_the_same_history_again) {
  std::vector<int> first;
  for (int round = 0; round < 3; ++round) {
    simulation s(11);
    bool right = true;
    sync_wait(s.home(), six_chains(s, right));
    if (round == 0) first = s.history;
    EXPECT_EQ(s.history, first);
  }
}

task<void> expect_failure(simulation& s, absl::StatusCode& code, float& good) {
  const buffer x = s.scalar(1);
  const execution doomed = co_await s.doomed().submit(x, x);
  const execution after = co_await s.add().submit(doomed[0], x);
  const execution fine = co_await s.add().submit(x, x);
  const array value = co_await fine[0].as_array();
  good = value.item<float>();
  try {
    co_await after;
  } catch (const error& e) {
    code = e.code();
  }
}

TEST(simulated, a_failing_command_fails_its_dependants_for_every_seed) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    simulation s(seed, [](const request& r) {
      return r.describe() == "execution of doomed" ? fault("drawn") : failure();
    });
    absl::StatusCode code = absl::StatusCode::kOk;
    float good = 0;
    sync_wait(s.home(), expect_failure(s, code, good));
    EXPECT_EQ(code, absl::StatusCode::kInternal) << "seed " << seed;
    EXPECT_EQ(good, 2) << "seed " << seed;
  }
}

TEST(simulated, time_is_virtual) {
  simulation s(3);
  const auto sleepy = [](simulation& sim) -> task<void> {
    co_await sleep_for(sim.home(), std::chrono::hours(1));
    const buffer x = sim.scalar(1);
    const execution run = co_await sim.add().submit(x, x);
    co_await run;
  };
  const auto before = s.home().now();
  sync_wait(s.home(), sleepy(s));
  EXPECT_GE(s.home().now() - before, std::chrono::hours(1));
}

TEST(simulated, its_memory_is_hidden_from_the_host) {
  simulation s(1);
  const ref<storage> memory = s.device().allocate(64);
  EXPECT_EQ(memory->host(), nullptr);
  EXPECT_FALSE(s.device().is_host());
}

}  // namespace
}  // namespace wherry
