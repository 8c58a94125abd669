// Calls by name, outputs by name, single outputs as buffers, and asking after any ticket.
#include <wherry/exec/executable.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class named_calls : public programs_on_every_device {
 protected:
  /// (images, weights) -> (loss: images + weights, twice: images + images)
  executable step() const {
    plan p = add_program();
    p.name = "step";
    p.outputs.push_back(f32());
    p.slots.push_back(output(1, 4));
    p.blocks[0].push_back(launch(kernels::k_add, {0, 0, 3}));
    p.input_names = {"images", "weights"};
    p.output_names = {"loss", "twice"};
    return load(std::move(p));
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
};

TEST_P(named_calls, a_set_is_called_by_the_names_of_the_program) {
  const executable e = step();
  EXPECT_EQ(e.input_names(), (std::vector<std::string>{"images", "weights"}));
  EXPECT_EQ(e.output_names(), (std::vector<std::string>{"loss", "twice"}));
  const tensor_set inputs{{"weights", scalar(10)}, {"images", scalar(1)}, {"labels", scalar(7)}};
  const execution run = e.call(inputs);
  EXPECT_EQ(item(run["loss"]), 11);
  EXPECT_EQ(item(run["twice"]), 2);
  EXPECT_EQ(run.named_outputs()["loss"], run[0]);
}

TEST_P(named_calls, a_set_of_outputs_says_where_they_go) {
  const executable e = step();
  const buffer loss = scalar(-1);
  const execution run = e.call({{"images", scalar(1)}, {"weights", scalar(2)}}, {{"loss", loss}});
  EXPECT_EQ(run[0], loss);
  EXPECT_EQ(item(loss), 3);
  EXPECT_EQ(item(run["twice"]), 2);
}

TEST_P(named_calls, what_is_missing_or_not_known_is_named) {
  const executable e = step();
  const buffer x = scalar(1);
  EXPECT_EQ(message([&] { e.call({{"images", x}, {"weight", x}}); }),
            "execution of step: no buffer called 'weights' (argument 1) in the set; it has images, weight");
  EXPECT_EQ(message([&] { e.call({{"images", x}, {"weights", x}}, {{"los", x}}); }),
            "execution of step: the program has no result called 'los'; it has loss, twice");
  const execution run = e.call({{"images", x}, {"weights", x}});
  EXPECT_NE(message([&] { (void)run["los"]; }).find("has no output called 'los'; it has loss, twice"),
            std::string::npos);
}

TEST_P(named_calls, a_program_without_names_has_numbers) {
  const executable add = load(add_program());
  EXPECT_EQ(add.input_names(), (std::vector<std::string>{"arg0", "arg1"}));
  EXPECT_EQ(item(add.call({{"arg0", scalar(1)}, {"arg1", scalar(2)}})["out0"]), 3);
}

TEST_P(named_calls, a_set_owns_handles_only) {
  tensor_set set;
  const buffer x = scalar(1);
  set.set("x", x).set("y", scalar(2));
  EXPECT_EQ(set.size(), 2u);
  set.set("x", scalar(3));
  EXPECT_EQ(item(set["x"]), 3);
  EXPECT_EQ(item(x), 1);
  EXPECT_TRUE(set.remove("x"));
  EXPECT_FALSE(set.remove("x"));
  EXPECT_EQ(set.find("x"), nullptr);
  EXPECT_EQ(message([&] { (void)set["x"]; }), "no buffer called 'x' in the set; it has y");
}

TEST_P(named_calls, an_execution_with_one_output_is_that_buffer) {
  const executable add = load(add_program());
  const buffer one = scalar(1);
  const buffer sum = add(add(one, one), one);
  EXPECT_EQ(item(sum), 3);
  buffer x = one;
  for (int k = 0; k < 5; ++k) x = add(x, one);
  EXPECT_EQ(item(x), 6);
  const std::vector<execution> runs{add(one, one), add(one, x)};
  EXPECT_EQ(item(add(runs)), 9);
  const execution two = step()(one, one);
  EXPECT_THROW((void)static_cast<buffer>(two), error);
  EXPECT_THROW(two.value(), error);
  EXPECT_THROW((void)two.unpack<1>(), error);
}

TEST_P(named_calls, programs_without_arguments_or_results_run) {
  plan none;
  none.name = "none";
  none.blocks.resize(1);
  const executable e = load(none);
  const execution run = e();
  EXPECT_TRUE(run.status().ok());
  EXPECT_EQ(run.size(), 0u);
  EXPECT_THROW(run.value(), error);

  plan constant;
  constant.name = "constant";
  constant.outputs = {f32({0}), f32()};
  constant.constants.resize(64);
  const float ten = 10;
  std::memcpy(constant.constants.data(), &ten, sizeof ten);
  wherry::step copy;
  copy.what = wherry::step::kind::copy;
  copy.slots = {0, 1};
  constant.slots = {{slot::region::constant, 0, 0, 4}, output(1, 4)};
  constant.blocks = {{copy}};
  const auto [empty, filled] = load(constant)().unpack<2>();
  EXPECT_EQ(empty.value().size(), 0);
  EXPECT_EQ(item(filled), 10);
}

TEST_P(named_calls, a_launch_id_is_in_the_messages) {
  const executable add = load(add_program());
  const buffer late = scalar(1);
  execute_options options;
  options.launch_id = 42;
  options.check_numerics = true;
  const std::vector<buffer> args{scalar(std::numeric_limits<float>::infinity()), late};
  const execution run = add.call(args, options);
  EXPECT_NE(message([&] { run.await(); }).find("launch 42"), std::string::npos);
}

TEST_P(named_calls, any_ticket_tells_what_became_of_it_for_ever) {
  const executable add = load(add_program());
  unit& u = another();
  execute_options options;
  options.unit = &u;
  const auto run = [&](const buffer& x) { return add.call(std::vector<buffer>{x, x}, options).id(); };
  std::vector<ticket> good, bad;
  for (int round = 0; round < 100; ++round) {
    good.push_back(run(scalar(1)));
    const buffer late = scalar(1);
    const auto gate = hold_back(late);
    bad.push_back(run(late));
    gate->end(fault("broken"));
  }
  dispatcher::drain(u);
  for (const ticket t : good) EXPECT_EQ(dispatcher::poll(u, t), request_state::completed);
  for (const ticket t : bad) {
    EXPECT_EQ(dispatcher::poll(u, t), request_state::failed);
    EXPECT_EQ(dispatcher::code_of(u, t), absl::StatusCode::kInternal);
  }
  EXPECT_EQ(dispatcher::code_of(u, good[0]), absl::StatusCode::kOk);
  EXPECT_THROW(dispatcher::poll(u, ticket(u.id(), 1000)), error);
  EXPECT_THROW(dispatcher::poll(u, ticket()), error);
}

TEST_P(named_calls, a_request_is_pending_then_running_then_completed_or_failed) {
  unit& u = another();
  const auto first = hold(u, "first");
  const auto second = hold(u, "second");
  first->wait_for_start();
  EXPECT_EQ(dispatcher::poll(u, first->id()), request_state::running);
  EXPECT_EQ(dispatcher::poll(u, second->id()), request_state::pending);
  const auto third = hold(u, "third");
  EXPECT_TRUE(dispatcher::cancel(*third, make_failure(absl::StatusCode::kCancelled, "not wanted")));
  EXPECT_EQ(dispatcher::poll(u, third->id()), request_state::failed);  // before its turn
  EXPECT_EQ(dispatcher::code_of(u, third->id()), absl::StatusCode::kCancelled);
  first->end();
  second->end(fault("broken"));
  dispatcher::drain(u);
  EXPECT_EQ(dispatcher::poll(u, first->id()), request_state::completed);
  EXPECT_EQ(dispatcher::poll(u, second->id()), request_state::failed);
}

INSTANTIATE_TEST_SUITE_P(devices, named_calls, all_devices, device_name);

}  // namespace
}  // namespace wherry
