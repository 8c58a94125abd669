// The simulated device: any seed gives right values, one seed gives one history.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <set>
#include <wherry/coro/as_status.hpp>
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
  explicit simulation(std::uint64_t seed, std::function<failure(const request&)> fails = nullptr,
                      bool drops_behind_failure = false)
      : home_(options(seed)) {
    simulated_device_options o;
    o.seed = seed;
    o.requests_in_flight = 4;
    o.fails = std::move(fails);
    o.drops_behind_failure = drops_behind_failure;
    device_ = simulated_device::open(home_, o);
    device_->set_home([this]() -> loop& { return home_; });
    add_.emplace(load("add"));
    doomed_.emplace(load("doomed"));
    add_in_place_.emplace(load("add in place", true));
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
  /// The sum in the memory of its first argument, which is donated.
  const executable& add_in_place() const { return *add_in_place_; }
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

  executable load(const char* name, bool donates = false) const {
    plan p = add_program({}, donates);
    p.name = name;
    add_kernels(p, false);
    return executable(
        ref<executable_core>(new simulated_executable(std::make_shared<const plan>(std::move(p)), device_)));
  }

  loop home_;
  ref<device_core> device_;
  std::optional<executable> add_;
  std::optional<executable> doomed_;
  std::optional<executable> add_in_place_;
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
      return r.describe().ends_with("of doomed") ? fault("drawn") : failure();
    });
    absl::StatusCode code = absl::StatusCode::kOk;
    float good = 0;
    sync_wait(s.home(), expect_failure(s, code, good));
    EXPECT_EQ(code, absl::StatusCode::kInternal) << "seed " << seed;
    EXPECT_EQ(good, 2) << "seed " << seed;
  }
}

/// A value that was submitted; none is expected downstream of a failure.
struct submitted {
  buffer value;
  std::optional<float> expected;
};

task<void> random_sums(simulation& s, std::uint64_t seed, int& wrong) {
  std::mt19937_64 random(seed);
  s.device().add_unit(unit_kind::compute);
  std::vector<unit*> units;
  for (unit* u : s.device().units()) {
    if (u->kind() == unit_kind::compute) units.push_back(u);
  }
  std::vector<submitted> all;
  for (int k = 0; k < 8; ++k) all.push_back({s.scalar(static_cast<float>(k)), static_cast<float>(k)});
  for (int k = 0; k < 60; ++k) {
    const std::size_t i = random() % all.size();
    const std::size_t j = random() % all.size();
    const bool fails = random() % 6 == 0;
    const bool donates = !fails && i != j && all.size() > 4 && random() % 2 == 0;
    const std::vector<buffer> args{all[i].value, all[j].value};
    execute_options options;
    options.unit = units[random() % units.size()];
    const executable& program = fails ? s.doomed() : donates ? s.add_in_place() : s.add();
    const execution run = co_await program.submit_with(args, options);
    submitted next{run[0], std::nullopt};
    if (!fails && all[i].expected && all[j].expected) next.expected = *all[i].expected + *all[j].expected;
    if (donates) {
      all[i] = next;
    } else {
      all.push_back(next);
    }
    if (random() % 4 == 0) all.push_back({s.scalar(1), 1.0F});
  }
  for (const submitted& v : all) {
    const array_promise read = v.value.as_array();
    const auto result = co_await as_status(read);
    if (result.ok() != v.expected.has_value()) ++wrong;
    if (result.ok() && v.expected && result->item<float>() != *v.expected) ++wrong;
  }
}

TEST(simulated, random_failures_reach_what_reads_them_and_nothing_else) {
  for (const bool drops : {false, true}) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const auto fails = [](const request& r) {
        return r.describe().ends_with("of doomed") ? fault("drawn") : failure();
      };
      simulation s(seed, fails, drops);
      int wrong = 0;
      sync_wait(s.home(), random_sums(s, seed, wrong));
      EXPECT_EQ(wrong, 0) << "seed " << seed << (drops ? ", dropping" : "");
      for (const unit* u : s.device().units()) EXPECT_EQ(u->depth(), 0u) << "seed " << seed;
    }
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
