// Calls out of a plan, on every kind of device: what handlers see, the order of calls, and how they fail.
#include <gtest/gtest.h>

#include <atomic>
#include <wherry/exec/bind.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

custom_call call_of(const char* target, std::size_t operands, std::size_t results, const shape& dims) {
  custom_call call;
  call.target = target;
  call.operands.assign(operands, call_value{f32(dims), {}});
  call.results.assign(results, call_value{f32(dims), {}});
  return call;
}

step call_step(std::uint32_t call, std::vector<std::uint32_t> slots) {
  step s;
  s.what = step::kind::call;
  s.kernel = call;
  s.slots = std::move(slots);
  return s;
}

/// (x) -> f(x + x) + x, `target` being f.
plan calling_program(const char* target, const shape& dims = {3}) {
  plan p;
  p.name = "calling";
  p.inputs = {f32(dims)};
  p.outputs = {f32(dims)};
  const std::uint64_t bytes = p.inputs[0].bytes();
  p.arena_bytes = 256;
  p.slots = {input(0, bytes),
             output(0, bytes),
             {slot::region::arena, 0, 64, bytes},
             {slot::region::arena, 0, 128, bytes}};
  p.calls = {call_of(target, 1, 1, dims)};
  p.blocks = {{launch(kernels::k_add, {0, 0, 2}, dims.elements()), call_step(0, {2, 3}),
               launch(kernels::k_add, {3, 0, 1}, dims.elements())}};
  p.bounded = false;
  return p;
}

/// A handler that is registered as long as this lives.
class registered {
 public:
  registered(const char* target, call_handler handler) : target_(target) {
    register_call(target, std::move(handler));
  }
  registered(const registered&) = delete;
  registered& operator=(const registered&) = delete;
  ~registered() { kernel_registry::instance().remove_target(target_); }

 private:
  const char* target_;
};

call_handler negate() {
  return bind([](std::span<const float> x, std::span<float> y) {
    for (std::size_t k = 0; k < x.size(); ++k) y[k] = -x[k];
  });
}

class calls : public programs_on_every_device {};

TEST_P(calls, a_handler_takes_its_place_between_kernels) {
  const registered target("test.negate", negate());
  const executable program = load(calling_program("test.negate"));
  for (int k = 0; k < 3; ++k) {
    const array sum = program(on_device({1, 2, 3}, {3})).value();
    EXPECT_EQ(sum.data<float>()[0], -1);
    EXPECT_EQ(sum.data<float>()[2], -3);
  }
}

TEST_P(calls, inputs_need_not_be_ready_and_results_feed_other_programs) {
  const registered target("test.negate", negate());
  const executable program = load(calling_program("test.negate", {}));
  const buffer late = scalar(4);
  const auto gate = hold_back(late);
  buffer x = late;
  for (int k = 0; k < 3; ++k) x = program(x)[0];
  gate->end();
  EXPECT_EQ(item(x), -4);
}

TEST_P(calls, a_status_becomes_the_error_of_the_execution_and_of_what_depends_on_it) {
  const registered target("test.fails", {[](call_frame&) { return absl::OutOfRangeError("too hot"); }, {}});
  const executable program = load(calling_program("test.fails", {}));
  const execution run = program(scalar(1));
  const execution next = load(add_program())(run[0], run[0]);
  for (const absl::Status& status : {run.status(), run[0].as_array().status(), next.status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_NE(status.message().find("custom call \"test.fails\": too hot"), absl::string_view::npos)
        << status;
    EXPECT_NE(status.message().find(" of calling"), absl::string_view::npos) << status;
  }
  EXPECT_EQ(item(load(add_program())(scalar(1), scalar(2))[0]), 3) << "the device still works";
}

TEST_P(calls, what_a_handler_throws_becomes_the_error_too) {
  const registered target("test.throws",
                          {[](call_frame& c) -> absl::Status {
                             return absl::InternalError(std::to_string(c.operand(0).data<double>()[0]));
                           },
                           {}});
  const execution run = load(calling_program("test.throws"))(on_device({1, 2, 3}, {3}));
  EXPECT_EQ(run.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(run.status().message().find("operand 0: expected f64, got tensor<3xf32>"),
            absl::string_view::npos)
      << run.status();
}

TEST_P(calls, nothing_behind_a_failed_call_runs) {
  std::atomic<int> ran{0};
  const registered fails("test.fails", {[](call_frame&) { return absl::AbortedError("no"); }, {}});
  const registered counts("test.counts", {[&ran](call_frame&) {
                                            ++ran;
                                            return absl::OkStatus();
                                          },
                                          {}});
  plan p = calling_program("test.fails", {});
  p.calls.push_back(call_of("test.counts", 0, 0, {}));
  step loop;
  loop.what = step::kind::loop;
  loop.trips = 3;
  p.slots.push_back({slot::region::arena, 0, 0, 1});
  loop.slots = {4};
  loop.blocks = {1, 2};
  p.blocks.push_back({});
  p.blocks.push_back({call_step(1, {}), call_step(0, {0, 3}), call_step(1, {})});
  p.blocks[0] = {call_step(1, {}), loop, call_step(1, {})};
  EXPECT_EQ(load(p)(scalar(1)).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ran, 2);
}

TEST_P(calls, calls_of_one_unit_keep_their_order) {
  std::vector<float> order;
  const registered target("test.records", {[&order](call_frame& c) {
                                             order.push_back(c.operand(0).data<float>()[0]);
                                             std::copy_n(c.operand(0).bytes().data(), 4,
                                                         c.result(0).bytes().data());
                                             return absl::OkStatus();
                                           },
                                           {}});
  const executable program = load(calling_program("test.records", {}));
  std::vector<buffer> inputs, results;
  for (int k = 0; k < 5; ++k) inputs.push_back(scalar(static_cast<float>(k)));
  execute_options here;
  here.unit = &compute();
  for (const buffer& x : inputs) results.push_back(program.call(std::span(&x, 1), here)[0]);
  for (int k = 0; k < 5; ++k)
    EXPECT_EQ(item(results[static_cast<std::size_t>(k)]), 3.0F * static_cast<float>(k));
  EXPECT_EQ(order, (std::vector<float>{0, 2, 4, 6, 8}));
}

TEST_P(calls, a_loop_whose_length_a_handler_decides_ends) {
  // state = x; while (state < 100) state = f(state) + state
  const registered target("test.same",
                          bind([](std::span<const float> x, std::span<float> y) { y[0] = x[0]; }));
  plan p = doubling_program();
  p.calls = {call_of("test.same", 1, 1, {})};
  p.slots.push_back({slot::region::arena, 0, 0, 4});
  p.blocks[2] = {call_step(0, {1, 3}), launch(kernels::k_add, {1, 3, 1})};
  EXPECT_EQ(item(load(p)(scalar(3))[0]), 192);
}

TEST_P(calls, an_operand_and_a_result_in_one_slot_are_one_memory) {
  const registered target("test.in_place", {[](call_frame& c) -> absl::Status {
                                              if (c.operand(0).bytes().data() != c.result(0).bytes().data())
                                                return absl::InternalError("two memories");
                                              for (float& x : c.result(0).data<float>()) x *= 10;
                                              return absl::OkStatus();
                                            },
                                            {}});
  plan p = calling_program("test.in_place");
  p.blocks[0][1].slots = {2, 2};
  p.blocks[0][2].slots = {2, 0, 1};
  EXPECT_EQ(load(p)(on_device({1, 2, 3}, {3})).value().data<float>()[1], 42);
}

TEST_P(calls, memory_is_aligned_to_64_bytes) {
  std::atomic<bool> aligned{true};
  const registered target("test.aligned",
                          {[&aligned](call_frame& c) {
                             for (const void* p : {static_cast<const void*>(c.operand(0).bytes().data()),
                                                   static_cast<const void*>(c.result(0).bytes().data())})
                               aligned = aligned && reinterpret_cast<std::uintptr_t>(p) % 64 == 0;
                             return absl::OkStatus();
                           },
                           {}});
  load(calling_program("test.aligned"))(on_device({1, 2, 3}, {3})).await();
  EXPECT_TRUE(aligned);
}

TEST_P(calls, a_handler_that_waits_is_told_so) {
  const buffer never = scalar(1);
  const auto gate = hold_back(never);
  const registered target("test.waits", {[&never](call_frame&) -> absl::Status {
                                           (void)never.value();
                                           return absl::OkStatus();
                                         },
                                         {}});
  const execution run = load(calling_program("test.waits"))(on_device({1, 2, 3}, {3}));
  EXPECT_EQ(reason_of(run.status()), reason::deadlock_would_occur) << run.status();
  EXPECT_NE(run.status().message().find("handler of a custom call"), absl::string_view::npos) << run.status();
  gate->end();
}

TEST_P(calls, a_target_that_is_not_registered_is_refused_when_the_executable_is_made) {
  const registered other("test.other", negate());
  try {
    (void)load(calling_program("test.missing"));
    FAIL() << "it was made";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kNotFound);
    const std::string what = e.what();
    EXPECT_NE(what.find("custom call \"test.missing\" is not registered; registered: "), std::string::npos)
        << what;
    EXPECT_NE(what.find("test.other"), std::string::npos) << what;
  }
}

TEST_P(calls, a_call_that_does_not_fit_its_handler_is_refused_when_the_executable_is_made) {
  const registered target("test.two",
                          bind([](std::span<const float>, std::span<const double>, std::span<float>) {}));
  try {
    (void)load(calling_program("test.two"));
    FAIL() << "it was made";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_STREQ(e.what(), "calling: custom call \"test.two\": expected 2 operands, got 1");
  }
}

TEST_P(calls, an_executable_keeps_the_handler_that_it_found) {
  std::optional<registered> target(std::in_place, "test.kept", negate());
  const executable before = load(calling_program("test.kept", {}));
  kernel_registry::instance().replace_call(
      "test.kept", bind([](std::span<const float>, std::span<float> y) { y[0] = 0; }));
  const executable after = load(calling_program("test.kept", {}));
  target.reset();
  EXPECT_EQ(item(before(scalar(1))[0]), -1);
  EXPECT_EQ(item(after(scalar(1))[0]), 1);
}

INSTANTIATE_TEST_SUITE_P(devices, calls, all_devices, device_name);

TEST(call_registry, a_name_that_is_taken_is_refused_and_replaced_on_request_only) {
  const registered target("test.taken", negate());
  try {
    register_call("test.taken", negate());
    FAIL() << "it was registered twice";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_STREQ(e.what(), "register_call: 'test.taken' has a handler already: use replace_call");
  }
  const auto before = kernel_registry::instance().find_target("test.taken").host;
  EXPECT_TRUE(kernel_registry::instance().replace_call("test.taken", negate()));
  EXPECT_NE(kernel_registry::instance().find_target("test.taken").host, before);
}

TEST(call_registry, a_handler_needs_a_name_and_a_body) {
  EXPECT_THROW(register_call("", negate()), error);
  EXPECT_THROW(register_call("test.empty", call_handler{}), error);
  EXPECT_THROW(register_kernel("test.empty", device_kernel{}), error);
  EXPECT_EQ(kernel_registry::instance().find_target("test.empty").host, nullptr);
}

}  // namespace
}  // namespace wherry
