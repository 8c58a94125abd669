// Executions into buffers that the caller supplies, the same on every kind of device.
#include <wherry/exec/executable.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class executions_into : public programs_on_every_device {
 protected:
  static execute_options into(std::vector<buffer> outputs) {
    execute_options options;
    options.into = std::move(outputs);
    return options;
  }
  /// The message of what `f` throws, which must be invalid_argument; empty if nothing.
  template <class F>
  static std::string refusal(F&& f) {
    try {
      f();
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
      return e.what();
    }
    return "";
  }
};

/// (x, y) -> (x + y, x + x)
plan two_sums() {
  plan p = add_program();
  p.name = "two sums";
  p.outputs.push_back(f32());
  p.slots.push_back(output(1, 4));
  p.blocks[0].push_back(launch(kernels::k_add, {0, 0, 3}));
  return p;
}

TEST_P(executions_into, the_result_lives_in_the_buffer_that_was_given) {
  const executable add = load(add_program());
  const buffer target = scalar(-1);
  const std::vector<buffer> args{scalar(1), scalar(2)};
  const execution run = add.call(args, into({target}));
  EXPECT_EQ(run[0], target);
  EXPECT_EQ(target.id(), run.id());
  EXPECT_EQ(run.value().item<float>(), 3);
  EXPECT_EQ(item(target), 3);
}

TEST_P(executions_into, outputs_without_a_buffer_are_allocated) {
  const executable sums = load(two_sums());
  const buffer target = scalar(-1);
  const std::vector<buffer> args{scalar(1), scalar(2)};
  const execution run = sums.call(args, into({buffer(), target}));
  EXPECT_EQ(item(run[0]), 3);
  EXPECT_EQ(run[1], target);
  EXPECT_EQ(item(target), 2);
}

TEST_P(executions_into, a_read_before_sees_the_old_contents_and_one_after_the_new) {
  const executable add = load(add_program());
  const buffer target = scalar(-1), x = scalar(1);
  const auto gate = hold_back(target);
  const array_promise before = target.as_array();
  const std::vector<buffer> args{x, x};
  const execution run = add.call(args, into({target}));
  const array_promise after = target.as_array();
  EXPECT_FALSE(run.is_ready());
  gate->end();
  EXPECT_EQ(before.value().item<float>(), -1);
  EXPECT_EQ(after.value().item<float>(), 2);
}

TEST_P(executions_into, what_replaces_a_failed_buffer_makes_it_good) {
  const executable add = load(add_program());
  const buffer target = scalar(-1), x = scalar(1);
  const auto gate = hold_back(target);
  const array_promise broken = target.as_array();
  const std::vector<buffer> args{x, x};
  const execution early = add.call(args, into({target}));  // submitted before the failure
  gate->end(fault("broken"));
  EXPECT_EQ(broken.status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(early.status().ok());
  EXPECT_EQ(item(target), 2);
  hold_back(target)->end(fault("broken again"));
  EXPECT_EQ(target.status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(add.call(args, into({target})).status().ok());  // and after it
  EXPECT_EQ(item(target), 2);
}

TEST_P(executions_into, a_failed_run_leaves_its_failure_in_the_buffer) {
  const executable add = load(add_program());
  const buffer target = scalar(-1), late = scalar(1);
  const auto gate = hold_back(late);
  const std::vector<buffer> args{late, late};
  const execution run = add.call(args, into({target}));
  gate->end(fault("broken"));
  EXPECT_EQ(run.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(target.status().code(), absl::StatusCode::kInternal);
  EXPECT_THROW(run.value(), error);
}

TEST_P(executions_into, the_argument_that_is_aliased_with_the_output_is_updated_in_place) {
  const executable add = load(add_program({}, true));
  const buffer sum = scalar(0), one = scalar(1);
  for (int k = 0; k < 30; ++k) {
    const std::vector<buffer> args{sum, one};
    const execution run = add.call(args, into({sum}));
    EXPECT_EQ(run[0], sum);
    EXPECT_FALSE(sum.is_deleted());
  }
  EXPECT_EQ(item(sum), 30);
}

TEST_P(executions_into, an_argument_whose_output_goes_elsewhere_is_not_donated) {
  const executable add = load(add_program({}, true));
  const buffer x = scalar(1), target = scalar(-1);
  const std::vector<buffer> args{x, scalar(2)};
  EXPECT_EQ(add.call(args, into({target})).value().item<float>(), 3);
  EXPECT_EQ(item(x), 1);
}

TEST_P(executions_into, an_argument_that_is_read_meanwhile_is_no_place_for_an_output) {
  const executable add = load(add_program());
  const executable donating = load(add_program({}, true));
  const buffer x = scalar(1), y = scalar(2);
  const std::vector<buffer> args{x, y};
  EXPECT_EQ(refusal([&] { add.call(args, into({x})); }),
            "execution of add: output 0 is to go into the memory of argument 0, which is read meanwhile: the "
            "program does not alias the two (tf.aliasing_output)");
  EXPECT_NE(refusal([&] { donating.call(args, into({y})); }), "");
  const std::vector<buffer> twice{x, x};
  EXPECT_NE(refusal([&] { donating.call(twice, into({x})); }), "");
  EXPECT_EQ(item(x), 1);
  EXPECT_EQ(item(y), 2);
}

TEST_P(executions_into, two_outputs_in_one_memory_are_refused) {
  const executable sums = load(two_sums());
  const buffer target = scalar(-1);
  const std::vector<buffer> args{scalar(1), scalar(2)};
  EXPECT_EQ(refusal([&] { sums.call(args, into({target, target})); }),
            "execution of two sums: output 1 and output 0 are to go into the same memory");
  EXPECT_EQ(item(target), -1);
}

TEST_P(executions_into, parts_of_one_buffer_take_several_outputs) {
  const executable sums = load(two_sums());
  const buffer both = on_device({-1, -2, -3}, {3});
  const std::vector<buffer> args{both.slice(0, {}), both.slice(2, {})};
  sums.call(args, into({both.slice(1, {}), both.slice(2, {})})).await();
  const array values = both.value();
  EXPECT_EQ(values.data<float>()[0], -1);
  EXPECT_EQ(values.data<float>()[1], -4);
  EXPECT_EQ(values.data<float>()[2], -2);
  EXPECT_NE(refusal([&] { sums.call(args, into({both.slice(1, {}), both.slice(1, {})})); }), "");
}

TEST_P(executions_into, a_part_that_is_written_does_not_make_the_rest_of_a_failed_buffer_good) {
  const executable add = load(add_program());
  const buffer all = on_device({1, 2}, {2}), x = scalar(1);
  hold_back(all)->end(fault("broken"));
  const std::vector<buffer> args{x, x};
  EXPECT_FALSE(add.call(args, into({all.slice(0, {})})).status().ok());
  EXPECT_FALSE(all.status().ok());
}

TEST_P(executions_into, buffers_that_do_not_fit_are_refused_and_nothing_is_donated) {
  const executable add = load(add_program({}, true));
  const auto other = open_device(device_kind::direct, 1);
  const buffer x = scalar(1);
  const std::vector<buffer> args{x, scalar(2)};
  EXPECT_EQ(refusal([&] { add.call(args, into({on_device({1, 2}, {2})})); }),
            "execution of add: output 0: expected tensor<f32>, got tensor<2xf32>");
  EXPECT_NE(refusal([&] { add.call(args, into({on(other.core, {1}, {})})); }), "");
  EXPECT_EQ(refusal([&] { add.call(args, into({scalar(1), scalar(1)})); }),
            "execution of add: expected a buffer for each of 1 outputs, got 2");
  const buffer gone = scalar(3);
  gone.delete_now();
  EXPECT_THROW(add.call(args, into({gone})), error);
  EXPECT_EQ(item(x), 1);
}

TEST_P(executions_into, a_coroutine_submits_into_buffers_too) {
  const executable add = load(add_program());
  const buffer target = scalar(-1);
  const auto run = [](executable program, std::vector<buffer> args, execute_options options) -> task<float> {
    const execution r = co_await program.submit_with(args, options);
    const array value = co_await r[0].as_array();
    co_return value.item<float>();
  };
  EXPECT_EQ(sync_wait(home(), run(add, {scalar(1), scalar(2)}, into({target}))), 3);
  EXPECT_EQ(item(target), 3);
}

TEST_P(executions_into, a_cancelled_run_does_not_let_the_next_one_overtake_what_is_in_flight) {
  const executable add = load(add_program());
  const buffer target = scalar(-1), x = scalar(1);
  const auto gate = hold_back(target);  // still writes there
  const std::vector<buffer> args{x, x};
  const execution dropped = add.call(args, into({target}));
  ASSERT_TRUE(dropped.cancel());
  EXPECT_EQ(target.status().code(), absl::StatusCode::kCancelled);
  execute_options options = into({target});
  options.unit = &another();
  const execution next = add.call(args, options);
  gate->wait_for_start();
  EXPECT_FALSE(next.is_ready());
  gate->end();
  EXPECT_EQ(next.value().item<float>(), 2);
}

TEST_P(executions_into, a_write_that_was_queued_behind_a_cancelled_one_waits_for_what_is_in_flight) {
  const executable add = load(add_program());
  const buffer target = scalar(-1), x = scalar(1);
  const auto gate = hold_back(target);
  const std::vector<buffer> args{x, x};
  const execution dropped = add.call(args, into({target}));
  execute_options options = into({target});
  options.unit = &another();
  const execution next = add.call(args, options);
  ASSERT_TRUE(dropped.cancel());
  gate->wait_for_start();
  EXPECT_FALSE(next.is_ready());
  gate->end();
  EXPECT_EQ(next.value().item<float>(), 2);
}

TEST_P(executions_into, what_depends_on_a_cancelled_run_completes_at_once_over_many_steps) {
  const executable add = load(add_program());
  const buffer late = scalar(1), one = scalar(1);
  const auto gate = hold_back(late);
  const execution first = add(late, one);
  const execution second = add(first, one);
  const buffer target = scalar(-1);
  const std::vector<buffer> args{second[0], one};
  execute_options options = into({target});
  options.unit = &another();
  const execution third = add.call(args, options);
  const array_promise read = target.as_array();
  ASSERT_TRUE(first.cancel());
  EXPECT_EQ(third.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(add(third, late).status().code(), absl::StatusCode::kCancelled);  // submitted afterwards
  EXPECT_FALSE(late.is_ready());
  gate->end();
  EXPECT_EQ(add.call(std::vector<buffer>{late, one}, into({target})).value().item<float>(), 2);
}

INSTANTIATE_TEST_SUITE_P(devices, executions_into, all_devices, device_name);

}  // namespace
}  // namespace wherry
