// Donation to the letter, the same on every kind of device: what is donated, when, and what is left of it.
#include <functional>
#include <thread>
#include <wherry/exec/executable.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class donation : public programs_on_every_device {
 protected:
  static reason reason_of(const std::function<void()>& f) {
    try {
      f();
    } catch (const error& e) {
      return e.reason();
    }
    return reason::none;
  }
  static storage* memory_of(const buffer& b) { return b.handle()->memory.get(); }
};

/// (x0, ..., xn-1, y) -> (xn-1 + y, ..., x0 + y), output k in the memory of the argument it is made of.
plan reversed_sums(std::uint32_t count) {
  plan p;
  p.name = "reversed sums";
  p.inputs.assign(count + 1, f32());
  p.outputs.assign(count, f32());
  for (std::uint32_t i = 0; i <= count; ++i) p.slots.push_back(input(i, 4));
  for (std::uint32_t k = 0; k < count; ++k) p.slots.push_back(output(k, 4));
  p.blocks.resize(1);
  for (std::uint32_t k = 0; k < count; ++k) {
    const std::uint32_t from = count - 1 - k;
    p.aliases.push_back({k, from});
    p.blocks[0].push_back(launch(kernels::k_add, {from, count, count + 1 + k}));
  }
  return p;
}

TEST_P(donation, a_program_that_aliases_nothing_donates_nothing) {
  const executable add = load(add_program());
  const buffer x = scalar(1);
  add(x, scalar(2)).await();
  EXPECT_FALSE(x.is_deleted());
  EXPECT_EQ(item(x), 1);
}

TEST_P(donation, every_use_of_a_donated_buffer_names_who_took_it) {
  const executable add = load(add_program({}, true));
  const auto other = open_device(device_kind::direct, 1);
  const buffer x = scalar(1), one = scalar(1);
  const execution run = add(x, one);
  execute_options into_x;
  into_x.into = {x};
  const std::vector<buffer> args{one, scalar(2)};
  for (const auto& use : std::vector<std::function<void()>>{
           [&] { x.value(); }, [&] { x.as_array(); }, [&] { x.await(); }, [&] { (void)x.is_ready(); },
           [&] { add(x, one); }, [&] { add(one, x); }, [&] { x.copy_to(wherry::device(other.core)); },
           [&] { add.call(args, into_x); }}) {
    try {
      use();
      FAIL() << "a donated buffer was used";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(e.reason(), reason::buffer_donated);
      EXPECT_EQ(e.id(), run.id());
      const std::string expected = "buffer was donated to add, request " + to_string(run.id());
      EXPECT_NE(std::string(e.what()).find(expected), std::string::npos) << e.what();
    }
  }
  x.delete_now();  // nothing is left to delete
  EXPECT_EQ(x.type(), f32());
  EXPECT_EQ(reason_of([&] { x.value(); }), reason::buffer_donated);
  EXPECT_FALSE(one.is_deleted());
}

TEST_P(donation, outputs_may_take_the_memory_of_arguments_in_any_order) {
  const executable swap = load(reversed_sums(2));
  const buffer x = scalar(1), y = scalar(2);
  storage *const mx = memory_of(x), *const my = memory_of(y);
  const auto [first, second] = swap(x, y, scalar(10)).unpack<2>();
  EXPECT_EQ(memory_of(first), my);
  EXPECT_EQ(memory_of(second), mx);
  EXPECT_EQ(item(first), 12);
  EXPECT_EQ(item(second), 11);
  EXPECT_TRUE(x.is_deleted() && y.is_deleted());
}

TEST_P(donation, a_dozen_arguments_are_donated_at_once) {
  const executable sums = load(reversed_sums(12));
  std::vector<buffer> x;
  std::vector<storage*> memory;
  for (int k = 0; k < 12; ++k) {
    x.push_back(scalar(static_cast<float>(k)));
    memory.push_back(memory_of(x.back()));
  }
  const execution run = sums(x, scalar(100));
  for (std::size_t k = 0; k < 12; ++k) {
    EXPECT_TRUE(x[k].is_deleted());
    EXPECT_EQ(memory_of(run[k]), memory[11 - k]);
    EXPECT_EQ(item(run[k]), static_cast<float>(111 - k));
  }
}

TEST_P(donation, some_arguments_of_many_may_be_kept) {
  const executable sums = load(reversed_sums(12));
  std::vector<buffer> args;
  for (int k = 0; k < 13; ++k) args.push_back(scalar(static_cast<float>(k)));
  execute_options options;
  options.keep = {0, 11};
  const execution run = sums.call(args, options);
  for (std::size_t k = 0; k < 13; ++k) EXPECT_EQ(args[k].is_deleted(), k >= 1 && k <= 10) << k;
  EXPECT_EQ(item(run[0]), 23);
  EXPECT_EQ(item(args[11]), 11);
  EXPECT_NE(memory_of(run[0]), memory_of(args[11]));
}

TEST_P(donation, keeping_an_argument_that_is_not_there_is_refused) {
  const executable add = load(add_program({}, true));
  const std::vector<buffer> args{scalar(1), scalar(2)};
  execute_options options;
  options.keep = {2};
  EXPECT_THROW(add.call(args, options), error);
  EXPECT_FALSE(args[0].is_deleted());
}

TEST_P(donation, one_buffer_donated_twice_is_refused_before_anything_is_donated) {
  const executable sums = load(reversed_sums(3));
  const buffer other = scalar(5), x = scalar(1);
  try {
    sums(other, x, x, scalar(1));
    FAIL() << "a buffer was donated twice";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::donated_twice);
    EXPECT_NE(std::string(e.what()).find("donate the same buffer twice"), std::string::npos) << e.what();
  }
  EXPECT_EQ(item(other), 5);
  EXPECT_EQ(item(x), 1);
}

TEST_P(donation, the_result_lives_in_the_memory_of_the_argument_and_leaves_it_alone_when_kept) {
  for (const shape& dims : {shape{6}, shape{2, 3}}) {
    const executable add = load(add_program(dims, true));
    const buffer x = on_device({1, 2, 3, 4, 5, 6}, dims), one = on_device({1, 1, 1, 1, 1, 1}, dims);
    storage* const memory = memory_of(x);
    execute_options keep;
    keep.keep = {0};
    const std::vector<buffer> args{x, one};
    const execution kept = add.call(args, keep);
    EXPECT_NE(memory_of(kept[0]), memory);
    EXPECT_EQ(kept.value().data<float>()[5], 7);
    EXPECT_EQ(x.value().data<float>()[5], 6);
    const execution run = add(x, one);
    EXPECT_EQ(memory_of(run[0]), memory);
    EXPECT_EQ(run.value().data<float>()[5], 7);
  }
}

TEST_P(donation, a_refused_call_donates_nothing) {
  const executable sums = load(reversed_sums(2));
  const buffer x = scalar(1), y = scalar(2);
  EXPECT_THROW(sums(x, y, on_device({1, 2}, {2})), error);
  EXPECT_THROW(sums(x, y), error);
  EXPECT_FALSE(x.is_deleted() || y.is_deleted());
}

TEST_P(donation, twenty_dropped_donations_of_ten_million_elements_run_to_their_end) {
  const shape dims{10'000'000};
  plan p = add_program(dims, true);
  // A driver needs too long for as many units of work; the memory is what this is about.
  if (is_driver(GetParam())) p.blocks[0][0].extent = 1000;
  const executable add = load(std::move(p));
  const buffer one = on_device(std::vector<float>(10'000'000, 1.0F), dims);
  buffer x = on_device(std::vector<float>(10'000'000, 0.0F), dims);
  storage* const memory = memory_of(x);
  for (int k = 0; k < 20; ++k) x = add(x, one);
  EXPECT_EQ(memory_of(x), memory);
  const array sum = x.value();
  EXPECT_EQ(sum.data<float>()[0], 20);
  EXPECT_EQ(sum.data<float>()[999], 20);
  if (!is_driver(GetParam())) {
    EXPECT_EQ(sum.data<float>()[9'999'999], 20);
  }
}

TEST_P(donation, handles_dropped_before_anything_ran_free_nothing_under_the_device) {
  const executable add = load(add_program({1000}, true));
  const buffer one = on_device(std::vector<float>(1000, 1.0F), {1000});
  const std::size_t before = device().statistics().in_use;
  {
    buffer x = on_device(std::vector<float>(1000, 0.0F), {1000});
    const auto gate = hold_back(x);
    for (int k = 0; k < 5; ++k) x = add(x, one);
    x = {};
    gate->end();
  }
  wherry::device(shared_device()).drain();
  EXPECT_EQ(device().statistics().in_use, before);
}

INSTANTIATE_TEST_SUITE_P(devices, donation, all_devices, device_name);

}  // namespace
}  // namespace wherry
