// Views as arguments: what a program sees of them, in which order, and what donating one does.
#include <wherry/device/place_in.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class views : public programs_on_every_device {
 protected:
  static std::vector<float> floats(const buffer& b) {
    const array a = b.value();
    const auto data = a.data<float>();
    return {data.begin(), data.end()};
  }
};

TEST_P(views, a_program_sees_the_part_that_the_view_shows) {
  const executable add = load(add_program({2}));
  const buffer b = on_device({1, 2, 3, 4, 5, 6}, {3, 2});
  EXPECT_EQ(floats(add(b.slice(1, {2}), b.slice(4, {2}))[0]), (std::vector<float>{7, 9}));
  EXPECT_EQ(floats(add(b.slice(0, {2}), b.slice(0, {2}))[0]), (std::vector<float>{2, 4}));
}

TEST_P(views, a_program_sees_what_was_written_before_the_call_and_not_after) {
  const executable add = load(add_program({2}));
  const buffer b = on_device({1, 2, 3, 4}, {4});
  const auto late = hold(device().pick(unit_kind::compute), "late", {writes(b.handle()->memory)});
  b.write(std::vector<float>{10, 20}, 8);
  const execution run = add(b.slice(2, {2}), b.slice(2, {2}));
  b.fill(0);
  EXPECT_FALSE(run.is_ready());
  late->end();
  EXPECT_EQ(floats(run[0]), (std::vector<float>{20, 40}));
  EXPECT_EQ(floats(b), (std::vector<float>{0, 0, 0, 0}));
}

TEST_P(views, donating_a_view_deletes_the_view_and_leaves_the_memory_alone) {
  const executable add = load(add_program({2}, true));
  const buffer b = on_device({1, 2, 3, 4}, {4});
  for (const std::int64_t first : {0, 2}) {
    const buffer part = b.slice(first, {2}), other = on_device({100, 100}, {2});
    const execution run = add(part, other);
    EXPECT_TRUE(part.is_deleted());
    EXPECT_EQ(floats(run[0])[1], 102 + static_cast<float>(first));
  }
  EXPECT_EQ(floats(b), (std::vector<float>{1, 2, 3, 4}));
}

TEST_P(views, donating_a_buffer_leaves_what_its_views_show_alone) {
  const executable add = load(add_program({2}, true));
  const buffer b = on_device({1, 2}, {2});
  const buffer part = b.slice(1, {1});
  EXPECT_EQ(floats(add(b, on_device({5, 5}, {2}))[0]), (std::vector<float>{6, 7}));
  EXPECT_TRUE(b.is_deleted());
  EXPECT_EQ(floats(part), (std::vector<float>{2}));
  EXPECT_THROW((void)b.slice(0, {1}), error);
}

TEST_P(views, a_buffer_and_a_view_of_it_are_one_buffer_to_a_donation) {
  const executable add = load(add_program({2}, true));
  const buffer b = on_device({1, 2}, {2});
  try {
    (void)add(b, b.reshape({2}));
    FAIL() << "it was accepted";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::donated_twice);
  }
  EXPECT_FALSE(b.is_deleted());
}

TEST_P(views, a_result_goes_into_the_part_that_the_given_view_shows) {
  const executable add = load(add_program({2}));
  const buffer b = on_device({1, 2, 3, 4, 5, 6}, {6}), x = on_device({10, 20}, {2});
  for (const std::int64_t first : {0, 2, 4}) {
    execute_options options;
    options.into = {b.slice(first, {2})};
    const execution run = add.call(std::vector{x, x}, options);
    EXPECT_TRUE(run[0] == options.into[0]);
    EXPECT_EQ(floats(run[0]), (std::vector<float>{20, 40}));
  }
  EXPECT_EQ(floats(b), (std::vector<float>{20, 40, 20, 40, 20, 40}));
}

TEST_P(views, a_view_is_updated_in_place_of_the_argument_that_it_is) {
  const executable add = load(add_program({2}, true));
  const buffer b = on_device({1, 2, 3, 4}, {4});
  const buffer part = b.slice(2, {2});
  execute_options options;
  options.into = {part};
  for (int k = 0; k < 3; ++k) (void)add.call(std::vector{part, on_device({10, 20}, {2})}, options);
  EXPECT_FALSE(part.is_deleted());
  EXPECT_EQ(floats(b), (std::vector<float>{1, 2, 33, 64}));
}

TEST_P(views, copies_of_views_do_not_wait_for_room_among_transfers) {
  const executable add = load(add_program({2}));
  const buffer b = on_device({1, 2, 3, 4}, {4});
  unit& copies = device().pick(unit_kind::tensor_op);
  const auto gate = hold(copies, "gate");
  for (std::uint64_t k = 1; k < copies.bound(); ++k) pass(copies, "behind the gate");
  EXPECT_FALSE(try_place(copies));
  const auto run = add.try_submit(b.slice(2, {2}), b.slice(1, {2}));
  ASSERT_TRUE(run.has_value());
  EXPECT_FALSE(run->is_ready());
  gate->end();
  EXPECT_EQ(floats((*run)[0]), (std::vector<float>{5, 7}));
}

TEST_P(views, a_result_that_could_not_go_into_its_view_is_refused_before_anything_runs) {
  const executable add = load(add_program({2}, true));
  const buffer b = on_device({1, 2, 3, 4}, {4}), x = on_device({10, 20}, {2});
  unit& copies = device().pick(unit_kind::tensor_op);
  const ticket newest = device().pick(unit_kind::compute).last_submitted();
  dispatcher::refuse(copies, fault("the unit is broken"), nullptr);
  execute_options options;
  options.unit = &device().pick(unit_kind::compute);
  options.into = {b.slice(2, {2})};
  try {
    (void)add.call(std::vector{x, x}, options);
    ADD_FAILURE() << "it was accepted";
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("the unit is broken"), std::string::npos) << e.what();
  }
  EXPECT_EQ(options.unit->last_submitted(), newest);
  dispatcher::accept(copies);
  EXPECT_EQ(floats(add.call(std::vector{x, x}, options)[0]), (std::vector<float>{20, 40}));
  EXPECT_EQ(floats(b), (std::vector<float>{1, 2, 20, 40}));
}

TEST_P(views, a_copy_into_a_view_that_is_refused_after_the_submission_leaves_its_failure_there) {
  const buffer b = on_device({1, 2, 3, 4}, {4});
  const buffer part = b.slice(2, {2});
  unit& copies = device().pick(unit_kind::tensor_op);
  dispatcher::refuse(copies, fault("the unit is broken"), nullptr);
  detail::copy_into_view(memory(8), *part.handle());
  dispatcher::accept(copies);
  EXPECT_EQ(part.status().code(), absl::StatusCode::kInternal);
}

INSTANTIATE_TEST_SUITE_P(devices, views, all_devices, device_name);

}  // namespace
}  // namespace wherry
