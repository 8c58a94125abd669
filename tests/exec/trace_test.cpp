// Traces and statistics of real requests, on every kind of device: every request once, times that nest, order
// and data edges that are those of the program.
#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class traces : public programs_on_every_device {
 protected:
  void start(const trace_options& options = {}) {
    recorder_ = make_ref<trace_recorder>(options);
    device().trace_into(recorder_);
  }
  /// Waits for what is in flight, so that all of it is in the trace.
  trace stop() {
    wherry::device(shared_device()).drain();
    device().trace_into(nullptr);
    return recorder_->stop();
  }

  ref<trace_recorder> recorder_;
};

std::map<std::uint16_t, std::vector<const traced_request*>> by_unit(const trace& t) {
  std::map<std::uint16_t, std::vector<const traced_request*>> units;
  for (const traced_request& r : t.requests()) units[r.id.unit()].push_back(&r);
  return units;
}

const traced_request* find(const trace& t, ticket id) {
  for (const traced_request& r : t.requests()) {
    if (r.id == id) return &r;
  }
  return nullptr;
}

bool has_edge(const trace& t, ticket from, ticket to) {
  return std::find(t.edges().begin(), t.edges().end(), traced_edge{from, to}) != t.edges().end();
}

/// What holds for every trace of which nothing was dropped.
void expect_sound(const trace& t) {
  EXPECT_EQ(t.dropped(), 0u);
  std::set<std::pair<std::uint16_t, std::uint64_t>> seen;
  for (const traced_request& r : t.requests()) {
    EXPECT_TRUE(seen.emplace(r.id.unit(), r.id.number()).second) << to_string(r.id) << " is there twice";
    EXPECT_LE(t.begin(), r.submitted);
    if (r.started != 0) {
      EXPECT_LE(r.submitted, r.started) << to_string(r.id);
    }
    EXPECT_LE(r.started, r.began) << to_string(r.id);
    EXPECT_LE(r.submitted, r.began) << to_string(r.id);
    EXPECT_LE(r.began, r.finished) << to_string(r.id);
    EXPECT_LE(r.finished, t.end());
  }
  for (const auto& [unit, requests] : by_unit(t)) {
    for (std::size_t k = 1; k < requests.size(); ++k) {
      EXPECT_EQ(requests[k]->id.number(), requests[k - 1]->id.number() + 1) << "in order, and none missing";
      EXPECT_LE(requests[k - 1]->submitted, requests[k]->submitted);
      EXPECT_LE(requests[k - 1]->started, requests[k]->started);
      EXPECT_LE(requests[k - 1]->finished, requests[k]->began) << "one after the other";
    }
  }
  for (const traced_edge& e : t.edges()) {
    const traced_request* from = find(t, e.from);
    const traced_request* to = find(t, e.to);
    ASSERT_TRUE(from && to);
    EXPECT_LE(from->submitted, to->submitted) << "an edge points backwards";
    EXPECT_LE(from->finished, to->began) << "what is read is there";
  }
}

TEST_P(traces, a_loop_of_training_steps_is_there_completely) {
  constexpr int steps = 20;
  const executable step = load(add_program({}, true));  // the first argument is donated
  start();
  buffer w = scalar(0);
  const ticket first_write = w.handle()->memory->written_by;
  std::vector<ticket> runs;
  std::vector<ticket> writes;
  std::vector<float> losses;
  for (int k = 0; k < steps; ++k) {
    const buffer x = scalar(1);
    writes.push_back(x.handle()->memory->written_by);
    const execution run = step(w, x);
    runs.push_back(run.id());
    w = run[0];
    if (k % 5 == 4) losses.push_back(w.as_array().value().item<float>());
  }
  const trace t = stop();
  expect_sound(t);
  EXPECT_EQ(losses.back(), steps);
  ASSERT_TRUE(first_write);
  EXPECT_TRUE(has_edge(t, first_write, runs[0]));
  for (int k = 0; k < steps; ++k) {
    const traced_request* run = find(t, runs[static_cast<std::size_t>(k)]);
    ASSERT_TRUE(run);
    EXPECT_EQ(t.name(run->name), "execution of add");
    EXPECT_EQ(run->code, absl::StatusCode::kOk);
    EXPECT_TRUE(has_edge(t, writes[static_cast<std::size_t>(k)], run->id));
    if (k == 0) continue;
    EXPECT_TRUE(has_edge(t, runs[static_cast<std::size_t>(k) - 1], run->id)) << "through donated memory";
  }
  EXPECT_EQ(t.unfinished(), 0u);
  for (const traced_unit& u : t.units()) EXPECT_EQ(u.device, device().name());
  EXPECT_EQ(t.units().size(), device().units().size());
}

TEST_P(traces, kernels_lie_inside_their_execution_with_their_names) {
  const executable doubling = load(doubling_program());
  (void)doubling(scalar(3)).value();
  start();
  const execution run = doubling(scalar(3));
  EXPECT_EQ(run.value().item<float>(), 192);
  const trace t = stop();
  const traced_request* const whole = find(t, run.id());
  ASSERT_TRUE(whole);
  int adds = 0;
  std::int64_t last = 0;
  for (const traced_kernel& k : t.kernels()) {
    EXPECT_EQ(k.request, run.id());
    EXPECT_LE(k.begin, k.end);
    EXPECT_LE(last, k.begin);
    last = k.end;
    adds += t.name(k.name).ends_with("add");
    // A driver's clock is matched with ours to within a few microseconds.
    const std::int64_t slack = is_driver(GetParam()) ? 1'000'000 : 0;
    EXPECT_GE(k.begin, whole->started - slack);
    EXPECT_LE(k.end, whole->finished + slack);
  }
  EXPECT_EQ(adds, 6);
}

TEST_P(traces, without_kernels_there_are_none) {
  const executable add = load(add_program());
  start({.kernels = false});
  (void)add(scalar(1), scalar(2)).value();
  const trace t = stop();
  EXPECT_TRUE(t.kernels().empty());
  EXPECT_GE(t.requests().size(), 3u);
}

TEST_P(traces, only_what_is_submitted_meanwhile_is_in_it) {
  const executable add = load(add_program());
  const buffer before = add(scalar(1), scalar(2))[0];
  before.await();
  start();
  const execution run = add(before, before);
  const trace t = stop();
  const execution later = add(before, before);
  later.await();
  expect_sound(t);
  EXPECT_EQ(t.requests().size(), 1u);
  EXPECT_TRUE(find(t, run.id()));
  EXPECT_TRUE(t.edges().empty()) << "who wrote what it reads is not in the trace";
}

TEST_P(traces, a_second_trace_knows_nothing_of_the_first) {
  const executable add = load(add_program());
  start();
  const buffer one = add(scalar(1), scalar(2))[0];
  EXPECT_EQ(stop().requests().size(), 3u);
  const buffer two = add(one, one)[0];  // nobody sees this one
  start();
  const execution run = add(one, two);
  const trace t = stop();
  EXPECT_EQ(t.requests().size(), 1u);
  EXPECT_TRUE(t.edges().empty());
}

TEST_P(traces, how_a_request_ended_is_in_it_and_what_never_started_says_so) {
  start();
  const auto memory_of = memory();
  const auto gate = hold(compute(), "gate", {writes(memory_of)});
  const auto dependant = pass(another(), "dependant", {reads(memory_of)});
  gate->end(fault("broken"));
  ASSERT_TRUE(outcome_of(dependant));
  const auto waits = hold(compute(), "first");
  const auto cancelled = pass(compute(), "cancelled");
  ASSERT_TRUE(dispatcher::cancel(*cancelled, make_failure(absl::StatusCode::kCancelled, "no more")));
  waits->end();
  const trace t = stop();
  const traced_request* failed = find(t, gate->id());
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, absl::StatusCode::kInternal);
  EXPECT_NE(failed->started, 0);
  const traced_request* downstream = find(t, dependant->id());
  ASSERT_TRUE(downstream);
  EXPECT_EQ(downstream->code, absl::StatusCode::kInternal);
  EXPECT_EQ(downstream->started, 0);
  EXPECT_TRUE(has_edge(t, gate->id(), dependant->id()));
  const traced_request* dropped = find(t, cancelled->id());
  ASSERT_TRUE(dropped);
  EXPECT_EQ(dropped->code, absl::StatusCode::kCancelled);
  EXPECT_EQ(dropped->started, 0);
}

TEST_P(traces, runs_of_one_program_have_one_name_and_a_caller_may_give_another) {
  const executable add = load(add_program());
  const std::vector<buffer> args{scalar(1), scalar(2)};
  start();
  for (int k = 0; k < 3; ++k) (void)add.call(args).value();
  execute_options options;
  options.name = "the last one";
  const execution named = add.call(args, options);
  const trace t = stop();
  std::map<std::string, int> names;
  for (const traced_request& r : t.requests()) ++names[std::string(t.name(r.name))];
  EXPECT_EQ(names["execution of add"], 3);
  const traced_request* const last = find(t, named.id());
  ASSERT_TRUE(last);
  EXPECT_EQ(t.name(last->name), "execution of add (the last one)");
}

TEST_P(traces, units_that_are_added_meanwhile_are_traced_too) {
  start();
  unit& late = another();
  const auto r = pass(late, "late");
  const trace t = stop();
  EXPECT_TRUE(find(t, r->id()));
  EXPECT_TRUE(std::any_of(t.units().begin(), t.units().end(),
                          [&](const traced_unit& u) { return u.id == late.id() && u.kind == "compute"; }));
}

TEST_P(traces, a_trace_may_start_and_stop_under_load) {
  const executable add = load(add_program());
  std::atomic<bool> enough{false};
  std::vector<std::thread> crew;
  for (int k = 0; k < 3; ++k) {
    crew.emplace_back([&] {
      const buffer one = scalar(1);
      while (!enough) EXPECT_EQ(add(one, one).value().item<float>(), 2);
    });
  }
  for (int k = 0; k < 20; ++k) {
    const auto recorder = make_ref<trace_recorder>(trace_options{});
    device().trace_into(recorder);
    (void)add(scalar(1), scalar(1)).value();
    device().trace_into(nullptr);
    const trace t = recorder->stop();
    expect_sound(t);
    EXPECT_GE(t.requests().size(), 1u);
  }
  enough = true;
  for (auto& t : crew) t.join();
}

INSTANTIATE_TEST_SUITE_P(devices, traces, all_devices, device_name);

class statistics : public programs_on_every_device {};

TEST_P(statistics, units_count_what_was_submitted_completed_and_failed) {
  unit& u = another();
  const auto first = hold(u, "first");
  const auto second = pass(u, "second");
  const auto third = call(u, "third", [] { return fault("broken"); });
  unit_statistics now = u.statistics();
  EXPECT_EQ(now.id, u.id());
  EXPECT_EQ(now.submitted, 3u);
  EXPECT_EQ(now.completed, 0u);
  EXPECT_EQ(now.depth, 3u);
  EXPECT_EQ(now.deepest, 3u);
  EXPECT_EQ(now.in_flight, 3u);
  EXPECT_EQ(now.bound, bound);
  EXPECT_FALSE(now.latencies);
  first->end();
  EXPECT_TRUE(outcome_of(third));
  (void)outcome_of(pass(u, "fourth"));
  now = u.statistics();
  EXPECT_EQ(now.submitted, 4u);
  EXPECT_EQ(now.completed, 4u);
  EXPECT_EQ(now.failed, 1u);
  EXPECT_EQ(now.depth, 0u);
  EXPECT_EQ(now.deepest, 3u);
  EXPECT_EQ(now.in_flight, 0u);
}

TEST_P(statistics, latencies_are_kept_on_request_for_what_ran) {
  unit& before = another();
  device().keep_latencies();
  unit& after = another();
  for (unit* u : {&before, &after}) {
    const auto first = hold(*u, "first");
    const auto second = pass(*u, "second");
    const auto cancelled = pass(*u, "cancelled");
    ASSERT_TRUE(dispatcher::cancel(*cancelled, make_failure(absl::StatusCode::kCancelled, "no more")));
    first->end();
    (void)outcome_of(second);
    dispatcher::drain(*u);
    const auto latencies = u->statistics().latencies;
    ASSERT_TRUE(latencies);
    EXPECT_EQ(latencies->wait.count(), 2u);
    EXPECT_EQ(latencies->run.count(), 2u);
    EXPECT_GE(latencies->wait.max_ns(), latencies->run.percentile_ns(0));
  }
}

TEST_P(statistics, latencies_stay_when_a_trace_ends) {
  device().keep_latencies();
  unit& u = another();
  const auto recorder = make_ref<trace_recorder>(trace_options{});
  device().trace_into(recorder);
  (void)outcome_of(pass(u, "traced"));
  device().trace_into(nullptr);
  (void)outcome_of(pass(u, "untraced"));
  EXPECT_EQ(u.statistics().latencies.value().run.count(), 2u);
  EXPECT_EQ(recorder->stop().requests().size(), 1u);
}

TEST_P(statistics, a_device_adds_its_memory_and_says_it_all_as_text_and_json) {
  const auto held_memory = memory(1 << 20);
  unit& u = another();
  device().keep_latencies();
  (void)outcome_of(pass(u, "one"));
  const device_statistics now = wherry::device(shared_device()).statistics();
  EXPECT_EQ(now.name, device().name());
  EXPECT_GE(now.memory.in_use, std::size_t{1} << 20);
  EXPECT_GE(now.memory.peak, now.memory.in_use);
  EXPECT_EQ(now.units.size(), device().units().size());
  const std::string line = "unit " + std::to_string(u.id()) + " compute: 1 submitted, 1 completed, 0 failed";
  EXPECT_NE(to_string(now).find(line), std::string::npos) << to_string(now);
  EXPECT_EQ(to_string(now).find("collectives"), std::string::npos) << "of units that were used";
  const std::string json = to_json(now);
  EXPECT_EQ(json.find("{\"name\":\"" + device().name() + "\",\"memory\":{\"in_use\":"), 0u) << json;
  EXPECT_NE(json.find("{\"id\":" + std::to_string(u.id()) +
                      ",\"kind\":\"compute\",\"submitted\":1,\"completed\":1,"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find("\"run\":{\"count\":1,\"total_ns\":"), std::string::npos) << json;
}

INSTANTIATE_TEST_SUITE_P(devices, statistics, all_devices, device_name);

}  // namespace
}  // namespace wherry
