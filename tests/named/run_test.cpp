// What runs kernels by name for the other tests of this folder, and the tests of the call itself.
#include "named/run.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <wherry/array/element.hpp>
#include <wherry/client.hpp>
#include <wherry/exec/pipeline.hpp>
#include <wherry/loop/sync_wait.hpp>

namespace wherry::testing_support {
namespace {

std::uint64_t bits_of(double value, dtype type) {
  if (is_float(type)) return encode_float(format_of(type), value);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
}

array to_array(const tensor& t) {
  array a(t.type);
  const std::size_t size = size_of(t.type.element);
  for (std::size_t i = 0; i < t.values.size(); ++i) {
    const std::uint64_t bits = bits_of(t.values[i], t.type.element);
    std::memcpy(a.bytes().data() + i * size, &bits, size);
  }
  return a;
}

tensor to_tensor(const array& a) {
  tensor t{a.type(), {}};
  for (std::int64_t i = 0; i < a.size(); ++i) t.values.push_back(element_double(a, i));
  return t;
}

const client& the_client() {
  static const auto* const c = new client;
  return *c;
}

}  // namespace

constexpr const char* queue_name = "opencl:Portable Computing Language/pthread";

bool has_queue() {
  try {
    (void)the_client().device(queue_name);
    return true;
  } catch (const error&) {
    return false;
  }
}

tensor rounded(const tensor& t) { return to_tensor(to_array(t)); }

tensor noise(dtype type, const shape& dims, unsigned seed, double low, double high) {
  std::mt19937 generator(seed);
  tensor t{{type, dims}, {}};
  for (std::int64_t i = 0; i < dims.elements(); ++i)
    t.values.push_back(low + (high - low) * (static_cast<double>(generator()) / 4294967296.0));
  return rounded(t);
}

tensor bytes(const shape& dims, unsigned seed) {
  std::mt19937 generator(seed);
  tensor t{{dtype::ui8, dims}, {}};
  for (std::int64_t i = 0; i < dims.elements(); ++i) t.values.push_back(static_cast<double>(i % 256));
  std::shuffle(t.values.begin(), t.values.end(), generator);
  return t;
}

tensor run(const std::string& kernel, const std::vector<tensor>& inputs, const kernel_parameters& parameters,
           place where) {
  const client& c = the_client();
  compile_options options;
  options.cache = false;
  if (where == place::opencl) options.codegen = "opencl";
  if (where == place::queue) options.device = c.device(queue_name);
  std::vector<tensor_type> types;
  std::vector<buffer> buffers;
  for (const tensor& t : inputs) {
    types.push_back(t.type);
    buffers.push_back(c.buffer(to_array(t), options.device));
  }
  return to_tensor(c.kernel(kernel, types, parameters, options).call(buffers).value());
}

std::string refusal(const std::string& kernel, const std::vector<tensor_type>& inputs,
                    const kernel_parameters& parameters) {
  try {
    (void)the_client().kernel(kernel, inputs, parameters);
  } catch (const error& e) {
    EXPECT_TRUE(e.code() == absl::StatusCode::kInvalidArgument || e.code() == absl::StatusCode::kNotFound);
    return e.what();
  }
  return "";
}

void expect_near(const tensor& actual, const tensor& expected, double absolute, double relative) {
  ASSERT_EQ(to_string(actual.type), to_string(expected.type));
  ASSERT_EQ(actual.values.size(), expected.values.size());
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const double a = actual.values[i], e = expected.values[i];
    if (std::isnan(a) && std::isnan(e)) continue;
    if (a == e) continue;
    ASSERT_LE(std::abs(a - e), absolute + relative * std::abs(e))
        << "at " << index_text(actual.type.dims, static_cast<std::int64_t>(i)) << ": " << a << ", expected "
        << e;
  }
}

void expect_rounded(const tensor& actual, const tensor& unrounded, double slack) {
  ASSERT_EQ(to_string(actual.type), to_string(unrounded.type));
  ASSERT_EQ(actual.values.size(), unrounded.values.size());
  const double low = actual.type.element == dtype::ui8 ? 0 : -32768, high = low == 0 ? 255 : 32767;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const double e = std::min(std::max(unrounded.values[i], low), high);
    ASSERT_LE(std::abs(actual.values[i] - e), slack)
        << "at " << index_text(actual.type.dims, static_cast<std::int64_t>(i)) << ": " << actual.values[i]
        << ", expected " << e;
  }
}

namespace {

buffer floats(const client& c, const std::vector<float>& values) {
  return c.buffer(values, {static_cast<std::int64_t>(values.size())});
}

TEST(NamedKernel, runs_by_name_like_any_execution) {
  const client c;
  const execution run = c.run_kernel("relu", {floats(c, {-1, 2, -3, 4})});
  EXPECT_EQ(run.size(), 1U);
  const auto values = run.value();
  EXPECT_EQ(std::vector<float>(values.data<float>().begin(), values.data<float>().end()),
            (std::vector<float>{0, 2, 0, 4}));
}

TEST(NamedKernel, takes_buffers_that_are_not_ready_and_chains) {
  const client c;
  buffer x = floats(c, {1, 2});
  for (int i = 0; i < 10; ++i) x = c.run_kernel("elementwise_add", {x, x})[0];
  EXPECT_EQ(x.value().data<float>()[1], 2048);
}

TEST(NamedKernel, is_compiled_once_for_types_and_modes_whatever_its_operands_are) {
  const client c;
  const buffer a = floats(c, {0, 0}), b = floats(c, {1, 1});
  const buffer x = c.buffer(std::vector<float>{0, 0}, {1, 2, 1}),
               y = c.buffer(std::vector<float>{1, 1}, {1, 2, 1});
  const auto code = [&](double ratio, const char* mode) {
    const executable e = c.kernel("video_mix", {x.type(), y.type()}, {{"mode", mode}, {"ratio", ratio}});
    EXPECT_EQ(e.inputs().size(), 2U);
    EXPECT_FLOAT_EQ(e(x, y).value().data<float>()[0], static_cast<float>(ratio));
    return e;
  };
  code(0.25, "dissolve");
  code(0.75, "dissolve");
  code(0.75, "dissolve");
  code(1, "add");
}

TEST(NamedKernel, keeps_the_operands_of_each_executable) {
  const client c;
  const buffer x = c.buffer(std::vector<float>{0.5F}, {1, 1, 1});
  const executable dark = c.kernel("brightness_contrast", {x.type()}, {{"brightness", -0.25}});
  const executable light = c.kernel("brightness_contrast", {x.type()}, {{"brightness", 0.25}});
  EXPECT_FLOAT_EQ(dark(x).value().data<float>()[0], 0.25F);
  EXPECT_FLOAT_EQ(light(x).value().data<float>()[0], 0.75F);
  EXPECT_FLOAT_EQ(dark(x).value().data<float>()[0], 0.25F);
}

TEST(NamedKernel, names_its_inputs_and_shows_its_stages) {
  const client c;
  const tensor_type frame{dtype::f32, {2, 2, 1}};
  const executable mix = c.kernel("video_mix", {frame, frame}, {{"mode", "add"}});
  EXPECT_EQ(mix.name(), "video_mix");
  EXPECT_EQ(mix.input_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(mix.stage("stablehlo").find("stablehlo.add"), std::string::npos);
  EXPECT_NE(mix.stage("plan").find("launch"), std::string::npos);
}

TEST(NamedKernel, writes_into_a_buffer_of_the_callers) {
  const client c;
  const buffer x = c.buffer(std::vector<float>{0.5F}, {1, 1, 1}), y = c.empty(x.type());
  execute_options options;
  options.into = {y};
  (void)c.run_kernel("brightness_contrast", {x}, {{"brightness", 0.25}}, options);
  EXPECT_EQ(y.value().data<float>()[0], 0.75F);
}

TEST(NamedKernel, is_a_stage_of_a_pipeline) {
  const client c;
  const buffer x = c.buffer(std::vector<float>{-0.5F, 0.5F}, {1, 2, 1}), y = c.empty(x.type()),
               z = c.empty(x.type());
  const pipeline stages({{c.kernel("relu", {x.type()}), {x}, {y}},
                         {c.kernel("brightness_contrast", {x.type()}, {{"brightness", 1}}), {y}, {z}}});
  for (int round = 0; round < 3; ++round) {
    stages.run().await();
    EXPECT_EQ(z.value().data<float>()[0], 1.0F);
    EXPECT_EQ(z.value().data<float>()[1], 1.5F);
  }
}

TEST(NamedKernel, outlives_the_handles_of_what_it_uses) {
  const client c;
  std::optional<executable> e;
  {
    const tensor_type type{dtype::f32, {1, 1, 1}};
    e = c.kernel("brightness_contrast", {type}, {{"brightness", 0.5}});
    (void)c.kernel("brightness_contrast", {type}, {{"brightness", 0.1}});
  }
  EXPECT_FLOAT_EQ((*e)(c.buffer(std::vector<float>{0}, {1, 1, 1})).value().data<float>()[0], 0.5F);
}

TEST(NamedKernel, runs_where_its_first_input_is) {
  client_options options;
  options.cpu_devices = 2;
  const client c(options);
  const buffer there = c.buffer(std::vector<float>{-2}, {1}, host_memory_use::copy, c.device("cpu:1"));
  const execution run = c.run_kernel("relu", {there});
  EXPECT_EQ(run[0].place().name(), "cpu:1");
  EXPECT_EQ(run.value().data<float>()[0], 0);
  try {
    (void)c.run_kernel("elementwise_add", {there, floats(c, {1})});
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("elementwise_add: argument 1 is on cpu:0"), std::string::npos)
        << e.what();
  }
}

task<float> doubled(const client& c, buffer x) {
  const executable add = co_await c.kernel_async("elementwise_add", {x.type(), x.type()});
  const execution first = co_await add.submit(x, x);
  const execution second = c.run_kernel("elementwise_add", {first[0], first[0]});  // compiled: nothing waits
  const array sum = co_await second[0].as_array();
  co_return sum.data<float>()[0];
}

TEST(NamedKernel, is_compiled_on_a_worker_for_coroutines) {
  const client c;
  loop l;
  EXPECT_EQ(sync_wait(l, doubled(c, floats(c, {1}))), 4);
}

task<float> hasty(const client& c, buffer x) {
  const execution run = c.run_kernel("relu", {x});
  const array values = co_await run[0].as_array();
  co_return values.data<float>()[0];
}

TEST(NamedKernel, is_refused_on_a_loop_if_it_has_to_be_compiled) {
  const client c;
  loop l;
  try {
    (void)sync_wait(l, hasty(c, floats(c, {1})));
    FAIL();
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
    EXPECT_NE(std::string(e.what()).find("relu"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("kernel_async"), std::string::npos) << e.what();
  }
}

TEST(NamedKernel, of_an_empty_handle_is_refused) {
  const client c;
  try {
    (void)c.run_kernel("relu", {buffer()});
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "relu: input 0 is an empty buffer handle");
  }
}

TEST(NamedKernel, is_used_from_many_threads_at_once) {
  const client c;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const float brightness = static_cast<float>(t) + static_cast<float>(i) / 32;
        const buffer x = c.buffer(std::vector<float>{0}, {1, 1, 1});
        const execution run = c.run_kernel("brightness_contrast", {x}, {{"brightness", brightness}});
        if (run.value().data<float>()[0] != brightness) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(NamedKernels, of_ones_own_join_the_others) {
  class twice final : public named_kernel {
   public:
    twice() : named_kernel({"test_twice", "test", "2 x", {{"x", "tensor<2xf32>"}}, "as x", {}}) {}
    kernel_program write(const kernel_call& call) const override {
      if (!(call.input(0) == tensor_type{dtype::f32, {2}})) call.refuse_input(0, "tensor<2xf32>");
      return {R"(func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
        %0 = stablehlo.add %x, %x : tensor<2xf32>
        return %0 : tensor<2xf32>
      })"};
    }
  };
  EXPECT_TRUE(named_kernels::instance().add(std::make_unique<twice>()));
  EXPECT_FALSE(named_kernels::instance().add(std::make_unique<twice>()));
  const client c;
  EXPECT_EQ(c.run_kernel("test_twice", {floats(c, {1, 2})}).value().data<float>()[1], 4);
  EXPECT_EQ(refusal("test_twice", {{dtype::f32, {3}}}),
            "test_twice: input 0 'x': expected tensor<2xf32>, got tensor<3xf32>");
}

}  // namespace
}  // namespace wherry::testing_support
