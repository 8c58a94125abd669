// Pipelines: checked when built, run many times, stopped by the first failure; the same on every kind of
// device.
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>
#include <wherry/coro/when_all.hpp>
#include <wherry/device/place_in.hpp>
#include <wherry/exec/pipeline.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class pipelines : public programs_on_every_device {
 protected:
  /// x + one -> a, a + one -> b, b + one -> c
  pipeline three_sums() const {
    return pipeline({{add(), {x, one}, {a}}, {add(), {a, one}, {b}}, {add(), {b, one}, {c}}});
  }

  void SetUp() override {
    programs_on_every_device::SetUp();
    if (IsSkipped()) return;
    add_ = load(add_program());
    add_in_place_ = load(add_program({}, true));
    for (buffer* p : {&x, &one, &a, &b, &c}) *p = scalar(p == &one ? 1.0F : 0.0F);
  }
  template <class F>
  static std::string message(F&& f) {
    try {
      f();
    } catch (const error& e) {
      return e.what();
    }
    return "";
  }
  std::uint64_t submitted() const {
    std::uint64_t count = 0;
    for (const unit* u : device().units()) {
      if (u->kind() == unit_kind::compute) count += u->last_submitted().number();
    }
    return count;
  }

  /// A request that does nothing, in a place that was taken before.
  static void pass_with_place(unit& u, place& room) {
    ref<request> r(new called("pass", [] { return failure(); }));
    request_options options;
    options.place = &room;
    dispatcher::submit(u, *r, submit_options().with(options));
  }
  /// On the clock of the device's loop.
  std::chrono::steady_clock::time_point now() const {
    struct asking {
      static task<loop_clock::time_point> ask(loop& l) { co_return l.now(); }
    };
    return sync_wait(home(), asking::ask(home()));
  }

  const executable& add() const { return *add_; }
  const executable& add_in_place() const { return *add_in_place_; }

  buffer x, one, a, b, c;

 private:
  std::optional<executable> add_, add_in_place_;
};

TEST_P(pipelines, a_run_writes_the_buffers_of_all_its_stages) {
  const pipeline p = three_sums();
  const pipeline_run run = p.run();
  run.await();
  EXPECT_EQ(item(a), 1);
  EXPECT_EQ(item(b), 2);
  EXPECT_EQ(item(c), 3);
  EXPECT_EQ(run.value().item<float>(), 3);
  EXPECT_EQ(run.outputs()[0], c);
  EXPECT_EQ(p.size(), 3u);
}

TEST_P(pipelines, every_stage_has_a_ticket_of_its_own) {
  const pipeline_run run = three_sums().run();
  const std::vector<ticket> tickets = run.tickets();
  ASSERT_EQ(tickets.size(), 3u);
  EXPECT_LT(tickets[0], tickets[1]);
  EXPECT_LT(tickets[1], tickets[2]);
  run.await();
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(run.poll(k), request_state::completed);
    EXPECT_EQ(run[k].id(), tickets[k]);
    EXPECT_TRUE(run[k].status().ok());
    EXPECT_EQ(run[k].value().item<float>(), static_cast<float>(k + 1));
  }
  EXPECT_THROW((void)run[3], error);
  EXPECT_THROW((void)run.poll(3), error);
}

TEST_P(pipelines, it_returns_before_its_inputs_are_ready) {
  const auto gate = hold_back(x);
  const pipeline_run run = three_sums().run();
  EXPECT_FALSE(run.is_ready());
  EXPECT_EQ(run.poll(2), request_state::pending);
  gate->end();
  EXPECT_EQ(run.value().item<float>(), 3);
}

TEST_P(pipelines, it_runs_many_times_and_each_run_sees_the_inputs_of_its_moment) {
  // x is counted up in place by the pipeline itself.
  const pipeline p({{add_in_place(), {x, one}, {x}}, {add(), {x, x}, {a}}});
  std::vector<array_promise> results;
  for (int k = 0; k < 20; ++k) {
    p.run();
    results.push_back(a.as_array());
  }
  for (int k = 0; k < 20; ++k)
    EXPECT_EQ(results[static_cast<std::size_t>(k)].value().item<float>(), static_cast<float>(2 * (k + 1)));
}

TEST_P(pipelines, the_first_failure_stops_it_and_what_came_before_stays) {
  // The middle stage reads something that fails; the last one has no data edge to it.
  const buffer doomed = scalar(0);
  const pipeline p({{add(), {x, one}, {a}}, {add(), {doomed, one}, {b}}, {add(), {x, one}, {c}}});
  const auto gate = hold_back(doomed);
  const pipeline_run run = p.run();
  gate->end(fault("broken"));
  EXPECT_EQ(run.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(run.poll(0), request_state::completed);
  EXPECT_EQ(run.poll(1), request_state::failed);
  EXPECT_EQ(run.poll(2), request_state::failed);
  EXPECT_EQ(item(a), 1);
  EXPECT_NE(message([&] { run.value(); }).find("broken"), std::string::npos);
  EXPECT_EQ(c.status().code(), absl::StatusCode::kInternal);
}

TEST_P(pipelines, a_run_after_a_failed_one_starts_afresh) {
  const pipeline p = three_sums();
  const auto gate = hold_back(x);
  const pipeline_run failed = p.run();
  gate->end(fault("broken"));
  EXPECT_FALSE(failed.status().ok());
  execute_options into_x;
  into_x.into = {x};
  add().call(std::vector<buffer>{one, one}, into_x);
  EXPECT_EQ(p.run().value().item<float>(), 5);
}

TEST_P(pipelines, a_numerical_error_that_was_asked_for_stops_it_and_can_be_looked_at) {
  const buffer wild = scalar(std::numeric_limits<float>::infinity());
  const pipeline p({{add(), {x, one}, {a}}, {add(), {wild, one}, {b}, "wild", true}, {add(), {x, one}, {c}}});
  const pipeline_run run = p.run();
  EXPECT_EQ(run.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(run.poll(2), request_state::failed);
  EXPECT_EQ(item(b), std::numeric_limits<float>::infinity());
}

TEST_P(pipelines, everything_that_can_be_checked_is_checked_when_it_is_built) {
  const std::uint64_t before = submitted();
  const buffer pair = on_device({1, 2}, {2});
  const buffer gone = scalar(1);
  gone.delete_now();
  const auto other = open_device(device_kind::direct, 1);
  const buffer elsewhere = on(other.core, {1}, {});
  EXPECT_EQ(
      message([&] { pipeline({{add(), {x, one}, {a}}, {add(), {a, pair}, {b}, "blur"}}); }),
      "pipeline: stage 1 (blur): execution of add: argument 1: expected tensor<f32>, got tensor<2xf32>");
  EXPECT_EQ(message([&] { pipeline({{add(), {x}, {a}}}); }),
            "pipeline: stage 0 (add): execution of add: expected 2 arguments, got 1");
  EXPECT_EQ(message([&] { pipeline({{add(), {x, one}, {}}}); }),
            "pipeline: stage 0 (add): expected 1 outputs, got 0");
  EXPECT_EQ(message([&] { pipeline({{add(), {x, one}, {buffer()}}}); }),
            "pipeline: stage 0 (add): output 0 is an empty buffer handle");
  EXPECT_NE(message([&] { pipeline({{add(), {x, one}, {pair}}}); }), "");
  EXPECT_NE(message([&] { pipeline({{add(), {x, elsewhere}, {a}}}); }), "");
  EXPECT_NE(message([&] { pipeline({{add(), {x, gone}, {a}}}); }), "");
  EXPECT_NE(message([&] { pipeline({{add(), {x, one}, {x}}}); }), "");
  EXPECT_EQ(submitted(), before);
}

TEST_P(pipelines, a_buffer_that_was_deleted_since_is_refused_before_anything_runs) {
  const pipeline p = three_sums();
  p.run().await();
  const std::uint64_t before = submitted();
  b.delete_now();
  EXPECT_EQ(message([&] { p.run(); }).substr(0, 56), "pipeline: stage 1 (add): output 0: buffer was deleted");
  EXPECT_EQ(submitted(), before);
  EXPECT_EQ(item(a), 1);
}

TEST_P(pipelines, nothing_is_donated) {
  const pipeline p({{add_in_place(), {x, one}, {a}}, {add_in_place(), {a, one}, {a}}});
  p.run();
  p.run();
  EXPECT_FALSE(x.is_deleted());
  EXPECT_EQ(item(x), 0);
  EXPECT_EQ(item(a), 2);
}

TEST_P(pipelines, it_may_be_dropped_while_it_runs) {
  std::optional<pipeline_run> run;
  const array_promise result = [&] {
    const buffer source = scalar(5), target = scalar(0);
    const auto gate = hold_back(source);
    std::optional<pipeline> p;
    p.emplace(std::vector<pipeline_stage>{{load(add_program()), {source, one}, {target}}});
    run = p->run();
    p.reset();
    const array_promise read = target.as_array();
    gate->end();
    return read;
  }();
  EXPECT_EQ(result.value().item<float>(), 6);
  EXPECT_TRUE(run->status().ok());
}

TEST_P(pipelines, an_empty_one_is_ready_at_once) {
  const pipeline p(std::vector<pipeline_stage>{});
  const pipeline_run run = p.run();
  EXPECT_TRUE(run.is_ready());
  EXPECT_TRUE(run.status().ok());
  EXPECT_TRUE(run.tickets().empty());
  EXPECT_THROW(run.value(), error);
  std::atomic<bool> called{false};
  run.on_ready([&](const absl::Status& s) {
    EXPECT_TRUE(s.ok());
    called = true;
    called.notify_all();
    throw std::runtime_error("it is only logged");
  });
  called.wait(false);
  EXPECT_THROW(run.on_ready(nullptr), error);
}

TEST_P(pipelines, a_pipeline_longer_than_the_bound_of_its_unit_runs) {
  std::vector<pipeline_stage> stages;
  for (std::uint64_t k = 0; k < 3 * bound; ++k) stages.push_back({add_in_place(), {x, one}, {x}});
  const pipeline p(std::move(stages));
  p.run();
  p.run().await();
  EXPECT_EQ(item(x), static_cast<float>(6 * bound));
}

TEST_P(pipelines, trying_a_full_unit_returns_nothing_and_submits_nothing) {
  const pipeline p = three_sums();
  const auto gate = hold_back(x);
  std::vector<pipeline_run> runs;
  std::optional<pipeline_run> next;
  while ((next = p.try_run())) runs.push_back(*next);
  EXPECT_GE(runs.size(), bound / 3);
  const std::uint64_t before = submitted();
  EXPECT_FALSE(p.try_run().has_value());
  EXPECT_EQ(submitted(), before);
  gate->end();
  for (const pipeline_run& r : runs) EXPECT_TRUE(r.status().ok());
  EXPECT_TRUE(p.try_run().has_value());
}

TEST_P(pipelines, runs_of_many_threads_do_not_mix) {
  // Each run counts x up by one and sums it twice: if runs mixed, the parts of a result would differ.
  const pipeline p({{add_in_place(), {x, one}, {x}}, {add(), {x, x}, {a}}, {add(), {x, x}, {b}}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int k = 0; k < 15; ++k) p.run().await();
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(item(x), 60);
  EXPECT_EQ(item(a), 120);
  EXPECT_EQ(item(b), 120);
}

TEST_P(pipelines, a_run_is_awaited_by_a_coroutine_and_told_to_callbacks) {
  const pipeline p = three_sums();
  const auto wait = [](pipeline what, buffer last) -> task<float> {
    const pipeline_run done = co_await what.run();
    const array value = co_await last.as_array();
    co_return value.item<float>() + static_cast<float>(done.size());
  };
  EXPECT_EQ(sync_wait(home(), wait(p, c)), 6);
  std::atomic<bool> called{false};
  const pipeline_run run = p.run();
  run.on_ready([&](const absl::Status& s) {
    EXPECT_TRUE(s.ok());
    called = true;
    called.notify_all();
  });
  called.wait(false);
}

TEST_P(pipelines, a_coroutine_suspends_while_a_unit_is_full) {
  const pipeline p({{add_in_place(), {x, one}, {x}}, {add(), {x, one}, {a}}});
  const auto run_often = [](pipeline what, int times) -> task<void> {
    for (int k = 0; k < times; ++k) {
      const pipeline_run submitted = co_await what.submit();
      EXPECT_EQ(submitted.size(), 2u);
    }
  };
  const auto all = [&run_often](pipeline what) -> task<void> {
    std::vector<task<void>> tasks;
    for (int k = 0; k < 4; ++k) tasks.push_back(run_often(what, 10));
    co_await when_all(std::move(tasks));
  };
  sync_wait(home(), all(p));
  EXPECT_EQ(item(x), 40);
  EXPECT_EQ(item(a), 41);
}

TEST_P(pipelines, options_are_those_of_every_stage) {
  const pipeline p({{add(), {x, one}, {a}, "blur"}, {add(), {a, one}, {b}}});
  unit& u = another();
  std::stop_source stop;
  error_tracker failures;
  request_options options;
  options.unit = &u;
  options.stop = stop.get_token();
  options.errors = &failures;
  options.name = "frame 7";
  const auto gate = hold_back(x);
  const pipeline_run run = p.run(options);
  for (const ticket t : run.tickets()) EXPECT_EQ(t.unit(), u.id());
  stop.request_stop();
  EXPECT_EQ(run.status().code(), absl::StatusCode::kCancelled);
  EXPECT_NE(run[0].status().message().find("(blur)"), absl::string_view::npos) << run[0].status();
  EXPECT_EQ(failures.size(), 2u);
  gate->end();
  EXPECT_NE(message([&] { p.run(options); }), "");  // stop has been requested
  options.stop = {};
  p.run(options).await();
  EXPECT_EQ(item(b), 2);
}

TEST_P(pipelines, cancelling_stops_the_stages_that_have_not_started) {
  const pipeline p = three_sums();
  const auto gate = hold_back(x);
  const pipeline_run run = p.run();
  EXPECT_TRUE(run.cancel());
  EXPECT_FALSE(run.cancel());
  EXPECT_EQ(run.status().code(), absl::StatusCode::kCancelled);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(run.poll(k), request_state::failed);
  gate->end();
  EXPECT_EQ(p.run().value().item<float>(), 3);
}

TEST_P(pipelines, views_that_begin_inside_their_memory_are_read_and_written_at_their_place) {
  const buffer all = on_device({1, 10, 100, 1000}, {4});
  const buffer second = all.slice(1, {}), third = all.slice(2, {}), fourth = all.slice(3, {});
  const pipeline p({{add(), {second, one}, {third}}, {add(), {third, second}, {fourth}}});
  EXPECT_EQ(p.inputs(0)[0], second);
  EXPECT_EQ(p.outputs(1)[0], fourth);
  const pipeline_run run = p.run();
  EXPECT_EQ(run.value().item<float>(), 21);
  EXPECT_EQ(run[0][0], third);
  EXPECT_EQ(third.id(), run[0].id());
  EXPECT_EQ(run[0].value().item<float>(), 11);
  const array values = all.value();
  const auto floats = values.data<float>();
  EXPECT_EQ(std::vector<float>(floats.begin(), floats.end()), (std::vector<float>{1, 10, 11, 21}));
}

TEST_P(pipelines, runs_over_views_see_what_the_one_before_wrote) {
  // Two elements that each stage writes from the other one.
  const buffer all = on_device({0, 1, 1}, {3});
  const buffer left = all.slice(1, {}), right = all.slice(2, {});
  const pipeline p({{add_in_place(), {left, right}, {left}}, {add_in_place(), {right, left}, {right}}});
  std::vector<array_promise> results;
  for (int k = 0; k < 5; ++k) {
    p.run();
    results.push_back(right.as_array());
  }
  float low = 1, high = 1;  // numbers of Fibonacci
  for (const array_promise& result : results) {
    low += high;
    high += low;
    EXPECT_EQ(result.value().item<float>(), high);
  }
  EXPECT_FALSE(left.is_deleted());
}

TEST_P(pipelines, a_view_that_a_failed_stage_was_to_write_holds_the_failure) {
  const buffer all = on_device({1, 2, 3}, {3});
  const pipeline p({{add(), {one, one}, {a}}, {add(), {x, one}, {all.slice(1, {})}}, {add(), {x, one}, {b}}});
  const auto gate = hold_back(x);
  const pipeline_run run = p.run();
  gate->end(fault("broken"));
  EXPECT_EQ(run.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(item(a), 2);
  EXPECT_EQ(all.slice(1, {}).status().code(), absl::StatusCode::kInternal);
}

TEST_P(pipelines, copies_of_views_do_not_wait_for_room_among_transfers) {
  unit& copies = device().pick(unit_kind::tensor_op);
  const buffer all = on_device({1, 2}, {2});
  const pipeline p({{add(), {all.slice(1, {}), one}, {all.slice(1, {})}}});
  const auto gate = hold(copies, "gate");
  while (auto room = try_place(copies)) pass_with_place(copies, *room);
  const std::optional<pipeline_run> run = p.try_run();
  ASSERT_TRUE(run.has_value());
  EXPECT_FALSE(run->is_ready());
  gate->end();
  EXPECT_EQ(run->value().item<float>(), 3);
}

TEST_P(pipelines, a_deadline_and_a_stop_end_the_wait_for_room) {
  const pipeline p = three_sums();
  unit& u = another();
  request_options options;
  options.unit = &u;
  const auto gate = hold(u, "gate");
  std::vector<place> taken;
  while (std::optional<place> one_more = try_place(u)) taken.push_back(std::move(*one_more));
  const std::uint64_t before = submitted();
  const auto reason_of_refusal = [&] {
    try {
      p.run(options);
    } catch (const error& e) {
      EXPECT_NE(std::string(e.what()).find("waiting for a place in unit"), std::string::npos) << e.what();
      return e.reason();
    }
    return reason::none;
  };
  options.deadline = now() + std::chrono::milliseconds(2);
  EXPECT_EQ(reason_of_refusal(), reason::deadline_exceeded);
  options.deadline.reset();
  std::stop_source stop;
  options.stop = stop.get_token();
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    stop.request_stop();
  });
  EXPECT_EQ(reason_of_refusal(), reason::cancelled);
  stopper.join();
  EXPECT_EQ(submitted(), before);
  // What came while it waited takes the place that is freed.
  std::stop_source unused;
  options.stop = unused.get_token();
  std::thread freeing([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    taken.clear();
    gate->end();
  });
  EXPECT_EQ(p.run(options).value().item<float>(), 3);
  freeing.join();
}

TEST_P(pipelines, stages_on_two_devices_come_one_after_the_other) {
  const auto other = open_device(device_kind::direct, 1);
  const executable there = load_on(other.core, add_program());
  const buffer y = on(other.core, {10}, {}), z = on(other.core, {0}, {});
  const pipeline p({{add(), {x, one}, {a}}, {there, {y, y}, {z}}, {add(), {a, one}, {b}}});
  const auto gate = hold_back(x);
  const pipeline_run run = p.run();
  EXPECT_EQ(run.poll(1), request_state::pending);
  gate->end();
  EXPECT_EQ(run.value().item<float>(), 2);
  EXPECT_EQ(item(z), 20);
}

INSTANTIATE_TEST_SUITE_P(devices, pipelines, all_devices, device_name);

}  // namespace
}  // namespace wherry
