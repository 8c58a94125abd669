// Executions behind commands that have not completed: in the driver's hands as far as their plans allow.
#include <gtest/gtest.h>

#include <wherry/coro/task.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "device/commands.hpp"
#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class executions_ahead : public programs_on_every_device {
 protected:
  /// The request that makes `b`.
  static ref<request> writer_of(const buffer& b) {
    const detail::dispatch_lock lock;
    return ref<request>(b.handle()->memory->writer.load());
  }
  static bool is_with_the_driver(const buffer& b) {
    const ref<request> r = writer_of(b);
    return r && comes_to_the_driver(*r);
  }
  /// Closes a gate on `u`, behind which `b` is not there.
  ref<gated> close(unit& u, const buffer& b) const {
    return gate(device(), u, "late", {writes(b.handle()->memory)});
  }
  static execution on_unit(unit& u, const executable& e, const std::vector<buffer>& args) {
    execute_options options;
    options.unit = &u;
    return e.call(args, options);
  }
};

/// (x) -> x + x, by way of an arena.
plan through_an_arena() {
  plan p;
  p.name = "through an arena";
  p.inputs = {f32()};
  p.outputs = {f32()};
  p.arena_bytes = 1 << 16;
  p.slots = {input(0, 4), output(0, 4), {slot::region::arena, 0, 64, 4}};
  step in;
  in.what = step::kind::copy;
  in.slots = {0, 2};
  p.blocks = {{in, launch(kernels::k_add, {2, 2, 1})}};
  return p;
}

TEST_P(executions_ahead, a_chain_over_two_units_and_its_read_are_handed_over_before_it_begins) {
  const executable add = load(add_program());
  const buffer late = scalar(1);
  const buffer two = scalar(2);
  late.await();
  two.await();
  const auto closed = close(device().pick(unit_kind::tensor_op), late);
  const buffer y = on_unit(compute(), add, {late, two})[0];
  const buffer z = on_unit(another(), add, {y, late})[0];
  const buffer w = on_unit(compute(), add, {z, y})[0];
  for (const buffer& b : {y, z, w}) EXPECT_TRUE(is_with_the_driver(b));
  EXPECT_EQ(writer_of(y)->waits().size(), 1u);
  EXPECT_EQ(writer_of(z)->waits().size(), 2u);
  EXPECT_EQ(writer_of(w)->waits().size(), 1u);
  const array_promise read = w.as_array();
  EXPECT_FALSE(read.is_ready());
  closed->open(home());
  EXPECT_EQ(read.value().item<float>(), 7);
}

TEST_P(executions_ahead, donated_memory_is_updated_in_order_by_what_was_handed_over) {
  const executable add = load(add_program({}, true));
  buffer x = scalar(0);
  const buffer one = scalar(1);
  x.await();
  one.await();
  const auto closed = close(device().pick(unit_kind::tensor_op), x);
  for (std::uint64_t k = 0; k < bound; ++k) x = on_unit(compute(), add, {x, one})[0];
  EXPECT_TRUE(is_with_the_driver(x));
  EXPECT_EQ(compute().depth(), bound);
  closed->open(home());
  EXPECT_EQ(item(x), static_cast<float>(bound));
}

TEST_P(executions_ahead, runs_behind_a_failure_that_do_not_read_it_give_their_values) {
  const executable add = load(add_program({}, true));
  const buffer bad = scalar(1);
  const buffer one = scalar(1);
  buffer x = scalar(1);
  for (const buffer& b : {bad, one, x}) b.await();
  const auto closed = close(compute(), bad);
  const execution doomed = on_unit(compute(), add, {bad, one});
  for (int k = 0; k < 3; ++k) x = on_unit(compute(), add, {x, one})[0];
  const buffer y = on_unit(another(), add, {x, one})[0];
  EXPECT_TRUE(is_with_the_driver(y));
  closed->open(home(), true);
  EXPECT_FALSE(doomed.status().ok());
  EXPECT_EQ(item(y), 5);
}

INSTANTIATE_TEST_SUITE_P(devices, executions_ahead, queueing_devices, device_name);

class commands_ahead : public executions_ahead {};

TEST_P(commands_ahead, a_loop_of_unknown_length_holds_its_unit_until_its_last_command_is_known) {
  const executable doubling = load(doubling_program());
  const executable add = load(add_program());
  const buffer late = scalar(3);
  const buffer one = scalar(1);
  late.await();
  one.await();
  const auto closed = close(device().pick(unit_kind::tensor_op), late);
  const buffer y = on_unit(compute(), doubling, {late})[0];
  const buffer z = on_unit(compute(), add, {one, one})[0];
  EXPECT_TRUE(comes_to_the_driver(*closed));
  sync_wait(home(), []() -> task<void> { co_return; }());
  EXPECT_FALSE(dispatcher::is_handed_over(*writer_of(y)));
  EXPECT_FALSE(dispatcher::is_handed_over(*writer_of(z)));
  closed->open(home());
  EXPECT_EQ(item(y), 192);
  EXPECT_EQ(item(z), 2);
}

TEST_P(commands_ahead, runs_in_flight_on_one_unit_share_an_arena) {
  const executable twice = load(through_an_arena());
  std::vector<buffer> values;
  for (int k = 0; k < 4; ++k) values.push_back(scalar(static_cast<float>(k)));
  for (const buffer& b : values) b.await();
  const std::size_t before = device().statistics().in_use;
  const auto closed = close(compute(), scalar(0));
  for (buffer& b : values) b = on_unit(compute(), twice, {b})[0];
  EXPECT_TRUE(is_with_the_driver(values.back()));
  EXPECT_LT(device().statistics().in_use, before + 2 * twice.code().arena_bytes);
  closed->open(home());
  for (int k = 0; k < 4; ++k) EXPECT_EQ(item(values[static_cast<std::size_t>(k)]), 2 * k);
}

INSTANTIATE_TEST_SUITE_P(drivers, commands_ahead, ::testing::Values(device_kind::queue, device_kind::intel),
                         device_name);

}  // namespace
}  // namespace wherry
