// Executions: arguments, donation, order and failure, the same on every kind of device.
#include <numeric>
#include <thread>
#include <wherry/coro/as_status.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class executions : public programs_on_every_device {};

reason reason_thrown_by(const std::function<void()>& f) {
  try {
    f();
  } catch (const error& e) {
    return e.reason();
  }
  return reason::none;
}

absl::StatusCode code_thrown_by(const std::function<void()>& f) {
  try {
    f();
  } catch (const error& e) {
    return e.code();
  }
  return absl::StatusCode::kOk;
}

TEST_P(executions, a_run_returns_the_sum) {
  const executable add = load(add_program());
  EXPECT_EQ(add(scalar(1), scalar(2)).value().item<float>(), 3);
}

TEST_P(executions, outputs_are_inputs_before_they_are_ready) {
  const executable add = load(add_program());
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const buffer one = add(late, scalar(1))[0];
  const buffer two = add(one, one)[0];
  const array_promise read = two.as_array();
  EXPECT_FALSE(one.is_ready());
  EXPECT_FALSE(two.is_ready());
  EXPECT_FALSE(read.is_ready());
  EXPECT_EQ(two.type(), f32());
  gate->end();
  EXPECT_EQ(read.value().item<float>(), 4);
}

TEST_P(executions, a_long_vector_is_right_in_every_element) {
  const shape dims{40'000};
  plan p = add_program(dims);
  p.blocks[0][0].cost_ns = 5;  // 200 us: shared between threads where there are several
  const executable add = load(std::move(p));
  std::vector<float> x(40'000);
  std::iota(x.begin(), x.end(), 0.0F);
  const array sum = add(on_device(x, dims), on_device(x, dims)).value();
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(sum.data<float>()[i], 2 * x[i]) << i;
}

TEST_P(executions, an_empty_tensor_goes_through) {
  const executable add = load(add_program({0}));
  EXPECT_EQ(add(on_device({}, {0}), on_device({}, {0})).value().size(), 0);
}

TEST_P(executions, a_loop_of_unknown_length_runs_to_its_end) {
  const executable doubling = load(doubling_program());
  EXPECT_EQ(doubling(scalar(3)).value().item<float>(), 192);
  EXPECT_EQ(doubling(scalar(200)).value().item<float>(), 200);
}

TEST_P(executions, a_branch_runs_the_chosen_block_and_the_last_one_out_of_range) {
  const executable choosing = load(choosing_program());
  EXPECT_EQ(choosing(scalar(5), scalar(0.5F)).value().item<float>(), 5.5F);
  EXPECT_EQ(choosing(scalar(5), scalar(1)).value().item<float>(), 15);
  EXPECT_EQ(choosing(scalar(5), scalar(2)).value().item<float>(), 10);
  EXPECT_EQ(choosing(scalar(5), scalar(7)).value().item<float>(), 10);
  EXPECT_EQ(choosing(scalar(5), scalar(-7)).value().item<float>(), 10);
}

TEST_P(executions, wrong_arguments_throw_from_the_call_and_change_nothing) {
  const executable add = load(add_program());
  const ticket newest = compute().last_submitted();
  const buffer good = scalar(1);
  EXPECT_EQ(code_thrown_by([&] { add(good); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code_thrown_by([&] { add(good, good, good); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code_thrown_by([&] { add(good, on_device({1, 2}, {2})); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code_thrown_by([&] { add(good, buffer()); }), absl::StatusCode::kInvalidArgument);
  good.delete_now();
  EXPECT_EQ(reason_thrown_by([&] { add(good, scalar(1)); }), reason::buffer_deleted);
  EXPECT_EQ(compute().last_submitted(), newest);
}

TEST_P(executions, a_buffer_of_another_device_is_refused) {
  const auto other = open_device(device_kind::direct, 1);
  const executable add = load(add_program());
  EXPECT_EQ(code_thrown_by([&] { add(scalar(1), on(other.core, {1}, {})); }),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(executions, a_unit_of_another_device_or_kind_is_refused) {
  const auto other = open_device(device_kind::direct, 1);
  const executable add = load(add_program());
  const std::vector<buffer> args{scalar(1), scalar(2)};
  execute_options options;
  options.unit = &other.core->pick(unit_kind::compute);
  EXPECT_EQ(code_thrown_by([&] { add.call(args, options); }), absl::StatusCode::kInvalidArgument);
  options.unit = &device().pick(unit_kind::tensor_op);
  EXPECT_EQ(code_thrown_by([&] { add.call(args, options); }), absl::StatusCode::kInvalidArgument);
}

TEST_P(executions, a_call_that_names_a_unit_joins_it_and_a_plain_one_its_producer) {
  const executable add = load(add_program());
  unit& u = another();
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const std::vector<buffer> args{late, late};
  execute_options options;
  options.unit = &u;
  const execution named = add.call(args, options);
  EXPECT_EQ(named.id().unit(), u.id());
  EXPECT_EQ(add(named[0], scalar(1)).id().unit(), u.id());
  gate->end();
}

TEST_P(executions, a_donated_argument_is_deleted_at_once_and_says_to_whom) {
  const executable add = load(add_program({}, true));
  const buffer x = scalar(1);
  const execution run = add(x, scalar(2));
  EXPECT_TRUE(x.is_deleted());
  try {
    x.value();
    FAIL() << "a donated buffer was read";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::buffer_donated);
    EXPECT_EQ(e.id(), run.id());
    EXPECT_NE(std::string(e.what()).find("add"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find(to_string(run.id())), std::string::npos) << e.what();
  }
  EXPECT_EQ(run.value().item<float>(), 3);
  EXPECT_EQ(run[0].handle()->memory, x.handle()->memory);
}

TEST_P(executions, a_kept_argument_survives_a_program_that_donates) {
  const executable add = load(add_program({}, true));
  const buffer x = scalar(1);
  const std::vector<buffer> args{x, scalar(2)};
  execute_options options;
  options.keep = {0};
  EXPECT_EQ(add.call(args, options).value().item<float>(), 3);
  EXPECT_EQ(item(x), 1);
}

TEST_P(executions, donating_a_buffer_that_is_also_another_argument_is_refused) {
  const executable add = load(add_program({}, true));
  const buffer x = scalar(1);
  EXPECT_EQ(reason_thrown_by([&] { add(x, x); }), reason::donated_twice);
  EXPECT_EQ(item(x), 1);
}

TEST_P(executions, of_many_threads_that_donate_one_buffer_exactly_one_succeeds) {
  const executable add = load(add_program({}, true));
  const buffer one = scalar(1);
  for (int round = 0; round < 20; ++round) {
    const buffer x = scalar(1);
    std::atomic<int> accepted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        try {
          add(x, one);
          ++accepted;
        } catch (const error& e) {
          EXPECT_EQ(e.reason(), reason::buffer_donated);
        }
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(accepted.load(), 1);
  }
}

TEST_P(executions, a_read_before_a_donation_sees_the_old_contents) {
  const executable add = load(add_program({}, true));
  const buffer x = scalar(1);
  const auto gate = hold_back(x);
  const array_promise before = x.as_array();
  const execution run = add(x, scalar(2));
  gate->end();
  EXPECT_EQ(run.value().item<float>(), 3);
  EXPECT_EQ(before.value().item<float>(), 1);
}

TEST_P(executions, a_read_that_races_with_a_donation_sees_the_old_contents_or_is_refused) {
  const executable add = load(add_program({}, true));
  const buffer two = scalar(2);
  for (int round = 0; round < 100; ++round) {
    const buffer x = scalar(1);
    std::thread donor([&] { add(x, two); });
    try {
      EXPECT_EQ(item(x), 1);
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::buffer_donated);
    }
    donor.join();
  }
}

TEST_P(executions, a_chain_of_donated_executions_that_nobody_observes_runs_to_its_end) {
  const executable add = load(add_program({}, true));
  const buffer one = scalar(1);
  buffer x = scalar(0);
  const auto gate = hold_back(x);
  gate->wait_for_start();
  std::thread opener([&] { gate->end(); });
  for (int k = 0; k < 20; ++k) x = add(x, one)[0];  // the bound is 8: the calls wait for places
  opener.join();
  EXPECT_EQ(item(x), 20);
}

TEST_P(executions, dropped_handles_of_a_failed_chain_leave_the_unit_usable) {
  const executable add = load(add_program({}, true));
  {
    buffer x = scalar(0);
    const auto gate = hold_back(x);
    for (int k = 0; k < 5; ++k) x = add(x, scalar(1))[0];
    gate->end(fault("broken"));
  }
  wherry::device(shared_device()).drain();
  EXPECT_EQ(add(scalar(1), scalar(1)).value().item<float>(), 2);
}

TEST_P(executions, a_failure_reaches_every_output_downstream_and_names_its_origin) {
  const executable add = load(add_program());
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const buffer one = add(late, late)[0];
  const execution two = add(one, one);
  const array_promise read = two[0].as_array();
  const buffer good = add(scalar(1), scalar(1))[0];
  gate->end(fault("broken"));
  for (const auto& get : std::vector<std::function<void()>>{[&] { one.value(); }, [&] { two.await(); },
                                                            [&] { read.value(); }}) {
    try {
      get();
      FAIL() << "a failed value was returned";
    } catch (const error& e) {
      EXPECT_EQ(e.id(), gate->id());
      EXPECT_NE(std::string(e.what()).find("broken"), std::string::npos);
    }
  }
  EXPECT_EQ(item(good), 2);
}

TEST_P(executions, cancelling_a_queued_run_keeps_its_donated_input_deleted) {
  const executable add = load(add_program({}, true));
  const buffer x = scalar(1);
  const auto gate = hold_back(x);
  const execution run = add(x, scalar(2));
  EXPECT_TRUE(run.cancel());
  EXPECT_FALSE(run.cancel());
  EXPECT_EQ(run.status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(x.is_deleted());
  EXPECT_EQ(code_thrown_by([&] { run.value(); }), absl::StatusCode::kCancelled);
  gate->end();
}

TEST_P(executions, trying_a_full_unit_returns_nothing_and_donates_nothing) {
  const executable add = load(add_program({}, true));
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  buffer x = late;
  std::vector<buffer> chain;
  for (std::uint64_t k = 0; k < bound; ++k) {
    x = add(x, scalar(1))[0];
    chain.push_back(x);
  }
  EXPECT_FALSE(add.try_submit(x, scalar(1)).has_value());
  EXPECT_FALSE(x.is_deleted());
  gate->end();
  EXPECT_EQ(item(x), 1 + static_cast<float>(bound));
  EXPECT_TRUE(add.try_submit(x, scalar(1)).has_value());
}

TEST_P(executions, a_coroutine_suspends_while_the_unit_is_full) {
  const executable add = load(add_program());
  const auto chain = [](executable program, buffer x, buffer one, int length) -> task<float> {
    for (int k = 0; k < length; ++k) {
      const execution run = co_await program.submit(x, one);
      x = run[0];
    }
    const array result = co_await x.as_array();
    co_return result.item<float>();
  };
  EXPECT_EQ(sync_wait(home(), chain(add, scalar(0), scalar(1), 40)), 40);
}

TEST_P(executions, a_suspended_submission_that_is_refused_gives_its_place_back) {
  const executable add = load(add_program({}, true));
  const buffer late = scalar(0);
  const auto gate = hold_back(late);
  buffer x = late;
  const buffer one = scalar(1);
  for (std::uint64_t k = 0; k < bound; ++k) x = add(x, one)[0];
  struct deletion : work {
    buffer victim;
    ref<held> then;
  } later;
  later.victim = x;
  later.then = gate;
  later.run = [](work& w) noexcept {
    auto& self = static_cast<deletion&>(w);
    self.victim.delete_now();
    self.then->end();
  };
  const auto refused = [](executable program, buffer last, buffer other, work& deletes,
                          loop& here) -> task<reason> {
    here.post(
        deletes);  // runs once this coroutine is suspended: between the question for a place and its answer
    reason why = reason::none;
    try {
      co_await program.submit(last, other);
    } catch (const error& e) {
      why = e.reason();
    }
    co_return why;
  };
  gate->wait_for_start();
  EXPECT_EQ(sync_wait(home(), refused(add, x, one, later, home())), reason::buffer_deleted);
  wherry::device(shared_device()).drain();
  buffer y = scalar(0);
  for (std::uint64_t k = 0; k < 3 * bound; ++k) y = add(y, one)[0];
  EXPECT_EQ(item(y), static_cast<float>(3 * bound));
}

TEST_P(executions, a_status_is_a_result_for_code_that_does_not_throw) {
  const executable add = load(add_program());
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const execution run = add(late, late);
  gate->end(fault("broken"));
  const auto ask = [](array_promise p) -> task<absl::StatusCode> {
    const auto result = co_await as_status(p);
    co_return result.status().code();
  };
  EXPECT_EQ(sync_wait(home(), ask(run[0].as_array())), absl::StatusCode::kInternal);
}

TEST_P(executions, asking_for_an_output_that_is_not_there_throws) {
  const executable add = load(add_program());
  EXPECT_EQ(code_thrown_by([&] { (void)add(scalar(1), scalar(1))[1]; }), absl::StatusCode::kOutOfRange);
}

INSTANTIATE_TEST_SUITE_P(devices, executions, all_devices, device_name);

}  // namespace
}  // namespace wherry
