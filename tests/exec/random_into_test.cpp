// Random executions into random buffers, some cancelled, some downstream of failures: every read sees what a
// plain calculator says, whatever the device makes of the order.
#include <optional>
#include <random>
#include <vector>
#include <wherry/exec/executable.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class random_executions : public programs_on_every_device {};

/// A buffer and what reading it gives after all that has been submitted; nothing for a failure.
struct modelled {
  buffer where;
  std::optional<float> expected;
};
struct read_back {
  array_promise value;
  std::optional<float> expected;
  int step;
};

TEST_P(random_executions, into_shared_buffers_give_what_their_order_says) {
  const executable add = load(add_program());
  const executable add_in_place = load(add_program({}, true));
  std::vector<unit*> units{&another()};
  for (unit* u : device().units()) {
    if (u->kind() == unit_kind::compute) units.push_back(u);
  }
  const int rounds = is_driver(GetParam()) ? 4 : 60;
  for (int round = 0; round < rounds; ++round) {
    std::mt19937 random(static_cast<unsigned>(round));
    const auto one_in = [&random](unsigned n) { return random() % n == 0; };
    std::vector<modelled> all;
    for (int k = 0; k < 6; ++k) all.push_back({scalar(static_cast<float>(k)), static_cast<float>(k)});
    std::vector<read_back> reads;
    ref<held> gate;
    bool gate_fails = false;
    const auto open_gate = [&] {
      if (gate) gate->end(gate_fails ? fault("drawn") : failure());
      gate = nullptr;
    };
    for (int step = 0; step < 60; ++step) {
      if (step % 5 == 0) {
        open_gate();
        modelled& m = all[random() % all.size()];
        if (m.expected) {  // else it would never start
          gate_fails = one_in(3);
          gate = hold_back(m.where);
          if (gate_fails) m.expected.reset();
        }
      }
      const std::size_t i = random() % all.size(), j = random() % all.size(), k = random() % all.size();
      const bool in_place = k == i && k != j;
      if (!in_place && (k == i || k == j)) continue;
      execute_options options;
      options.into = {all[k].where};
      options.unit = units[random() % units.size()];
      const std::vector<buffer> args{all[i].where, all[j].where};
      const execution run = (in_place ? add_in_place : add).call(args, options);
      if (all[i].expected && all[j].expected) {
        all[k].expected = *all[i].expected + *all[j].expected;
      } else {
        all[k].expected.reset();
      }
      if (one_in(4) && run.cancel()) all[k].expected.reset();
      const modelled& looked_at = all[random() % all.size()];
      if (one_in(2)) reads.push_back({looked_at.where.as_array(), looked_at.expected, step});
    }
    open_gate();
    for (const modelled& m : all) reads.push_back({m.where.as_array(), m.expected, 60});
    for (const read_back& r : reads) {
      const absl::Status status = r.value.status();
      ASSERT_EQ(status.ok(), r.expected.has_value()) << "round " << round << ", step " << r.step << status;
      if (r.expected) {
        ASSERT_EQ(r.value.value().item<float>(), *r.expected) << "round " << round << ", step " << r.step;
      }
    }
    for (const unit* u : units) dispatcher::drain(const_cast<unit&>(*u));
  }
}

INSTANTIATE_TEST_SUITE_P(devices, random_executions, all_devices, device_name);

}  // namespace
}  // namespace wherry
