// Kernels by name as the client compiles, keeps and binds them, without a compiler. The kernels of the
// library are tested in tests/named.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>
#include <wherry/client.hpp>

#include "client/table_compiler.hpp"

namespace wherry::testing_support {
namespace {

/// x + offset, where the offset is an operand and `note` is written into the program.
class offset_kernel final : public named_kernel {
 public:
  offset_kernel() : named_kernel(described()) {}
  kernel_program write(const kernel_call& call) const override {
    if (!(call.input(0) == f32())) call.refuse_input(0, "tensor<f32>");
    return {call.text("note") == "bad" ? "no such program" : "add"};
  }

 private:
  static kernel_signature described() {
    kernel_parameter offset, note;
    offset.name = "offset";
    offset.fallback = 1;
    offset.is_operand = true;
    note.name = "note";
    note.kind = parameter_value::kind::text;
    note.fallback = "";
    return {"test_offset", "test", "x + offset", {{"x", "tensor<f32>"}}, "as x", {offset, note}};
  }
};

class NamedKernelOfAClient : public ::testing::Test {
 protected:
  NamedKernelOfAClient() { named_kernels::instance().add(std::make_unique<offset_kernel>()); }

  static float run(const client& c, const kernel_parameters& p, const device& where = {}) {
    return c.run_kernel("test_offset", {c.scalar(10.0F, where)}, p).value().item<float>();
  }

  table_compiler compiles_;
};

TEST_F(NamedKernelOfAClient, compiles_once_whatever_its_operands_are) {
  compiles_.made_by = "kernels_test, once";
  const client c;
  const compile_options uncached{
      .device = {}, .codegen = {}, .cpu = "native", .cache = false, .arguments = {}};
  for (const double offset : {1.0, 2.0, 2.0, -3.0, 1.0}) {
    const executable e = c.kernel("test_offset", {f32()}, {{"offset", offset}}, uncached);
    EXPECT_EQ(e.inputs().size(), 1U);
    EXPECT_EQ(e(c.scalar(10.0F)).value().item<float>(), 10 + static_cast<float>(offset));
  }
  EXPECT_EQ(compiles_.compilations, 1);
  (void)c.kernel("test_offset", {f32()}, {{"note", "another program"}}, uncached);
  EXPECT_LE(compiles_.compilations, 2);
}

TEST_F(NamedKernelOfAClient, takes_its_defaults) {
  const client c;
  EXPECT_EQ(run(c, {}), 11);
}

TEST_F(NamedKernelOfAClient, keeps_the_operands_of_executables_that_are_held) {
  const client c;
  const executable two = c.kernel("test_offset", {f32()}, {{"offset", 2}});
  const executable five = c.kernel("test_offset", {f32()}, {{"offset", 5}});
  EXPECT_EQ(two(c.scalar(1.0F)).value().item<float>(), 3);
  EXPECT_EQ(five(c.scalar(1.0F)).value().item<float>(), 6);
}

TEST_F(NamedKernelOfAClient, runs_on_every_device_there_is) {
  const client c;
  for (const device& d : c.devices()) {
    SCOPED_TRACE(d.name());
    EXPECT_EQ(run(c, {{"offset", 4}}, d), 14);
    EXPECT_EQ(run(c, {{"offset", 5}}, d), 15);
  }
}

TEST_F(NamedKernelOfAClient, that_does_not_compile_says_so_each_time) {
  const client c;
  for (int i = 0; i < 2; ++i) {
    try {
      (void)c.kernel("test_offset", {f32()}, {{"note", "bad"}});
      FAIL();
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_NE(std::string(e.what()).find("test_offset"), std::string::npos) << e.what();
    }
  }
}

TEST_F(NamedKernelOfAClient, is_called_from_many_threads_with_their_own_operands) {
  const client c;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        if (run(c, {{"offset", t * 100 + i % 3}}) != static_cast<float>(10 + t * 100 + i % 3)) ++wrong;
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(NamedKernelOfAClient, stays_usable_without_its_client) {
  std::optional<executable> e;
  {
    const client c;
    e = c.kernel("test_offset", {f32()});
  }
  EXPECT_EQ(e->outputs().size(), 1U);
}

TEST_F(NamedKernelOfAClient, is_dropped_when_too_many_others_were_used_since) {
  const client c;
  const executable e = c.kernel("test_offset", {f32()});
  kernel_cache cache;
  cache.keep("first", {e});
  cache.keep("second", {e});
  for (std::size_t i = 2; i < kernel_cache::capacity; ++i) cache.keep(std::to_string(i), {e});
  EXPECT_TRUE(cache.find("first"));  // used again: now the second is the oldest
  cache.keep("one more", {e});
  EXPECT_EQ(cache.size(), kernel_cache::capacity);
  EXPECT_TRUE(cache.find("first"));
  EXPECT_FALSE(cache.find("second"));
}

TEST(NamedKernels, that_are_not_linked_in_are_not_found) {
  const client c;
  try {
    (void)c.kernel("relu", {f32()});
    FAIL();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(std::string(e.what()).find("no kernel 'relu'; "), 0U) << e.what();
  }
}

}  // namespace
}  // namespace wherry::testing_support
