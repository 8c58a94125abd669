// Many programs compiled together: each gets its result or its error, none twice.
#include <gtest/gtest.h>

#include <wherry/client.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "client/table_compiler.hpp"

namespace wherry {
namespace {

using namespace testing_support;

compile_options uncached() {
  compile_options o;
  o.cache = false;
  return o;
}

float sum_of(const client& c, const executable& add, float x, float y) {
  return add(c.scalar(x), c.scalar(y)).value().item<float>();
}

const program add = program::from_text("add", "add.mlir");
const program donating = program::from_text("add, donating", "donating.mlir");
const program bad = program::from_text("nonsense", "bad.mlir");

TEST(compile_many, gives_the_executables_in_the_order_of_the_programs) {
  const table_compiler compiles;
  const client c;
  const std::vector<program> sources = {add, donating, add};
  const std::vector<executable> made = c.compile(sources, uncached());
  ASSERT_EQ(made.size(), 3u);
  EXPECT_TRUE(made[0].code().aliases.empty());
  EXPECT_EQ(made[1].code().aliases.size(), 1u);
  for (const executable& e : made) EXPECT_EQ(sum_of(c, e, 1, 2), 3);
}

TEST(compile_many, of_no_programs_is_no_executables) {
  const table_compiler compiles;
  const client c;
  EXPECT_TRUE(c.compile(std::span<const program>(), uncached()).empty());
  EXPECT_TRUE(c.compile_each({}, uncached()).empty());
}

TEST(compile_many, compiles_equal_programs_once) {
  table_compiler compiles;
  compiles.on_compile = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  const client c;
  const std::vector<program> sources(20, add);
  for (const executable& e : c.compile(sources, uncached())) EXPECT_EQ(sum_of(c, e, 2, 2), 4);
  EXPECT_EQ(compiles.compilations.load(), 1);
}

TEST(compile_many, many_threads_may_compile_many) {
  const table_compiler compiles;
  const client c;
  const std::vector<program> sources = {add, donating, add, bad};
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        for (const auto& made : c.compile_each(sources, uncached())) good += made.ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(good.load(), 4 * 20 * 3);
}

TEST(compile_many, throws_the_first_failure_with_the_place_and_name_of_its_program) {
  const table_compiler compiles;
  const client c;
  const std::vector<program> sources = {add, bad, program::from_text("more nonsense", "worse.mlir")};
  try {
    (void)c.compile(sources, uncached());
    FAIL() << "it compiled";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_STREQ(e.what(), "program 2 of 3: bad.mlir:1:1: error: no such plan");
  }
}

TEST(compile_many, the_failure_of_one_leaves_the_others_alone) {
  const table_compiler compiles;
  const client c;
  const std::vector<program> sources = {bad, add, bad, donating};
  const auto made = c.compile_each(sources, uncached());
  ASSERT_EQ(made.size(), 4u);
  for (const std::size_t k : {0u, 2u}) {
    EXPECT_EQ(made[k].status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(made[k].status().message(), "bad.mlir:1:1: error: no such plan");
  }
  for (const std::size_t k : {1u, 3u}) EXPECT_EQ(sum_of(c, *made[k], 3, 4), 7);
}

TEST(compile_many, an_artifact_may_be_among_them) {
  const table_compiler compiles;
  const client c;
  plan p = add_program();
  add_kernels(p, false);
  const auto bytes = write_plan(p);
  const program whole =
      program::from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "add.wherry");
  const program half =
      program::from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size() / 2}, "half.wherry");
  const std::vector<program> sources = {add, whole, half};
  const auto made = c.compile_each(sources, uncached());
  EXPECT_EQ(sum_of(c, *made[1], 1, 1), 2);
  EXPECT_EQ(reason_of(made[2].status()), reason::corrupt_file);
  EXPECT_EQ(made[2].status().message().substr(0, 13), "half.wherry: ");
}

TEST(compile_many, on_a_loop_it_is_refused_and_awaited_it_is_not) {
  const table_compiler compiles;
  const client c;
  const auto plain = [](const client& where) -> task<reason> {
    reason why = reason::none;
    try {
      (void)where.compile_each(std::vector<program>{add}, uncached());
    } catch (const error& e) {
      why = e.reason();
    }
    co_return why;
  };
  EXPECT_EQ(sync_wait(c.loop(), plain(c)), reason::deadlock_would_occur);
  const auto suspended = [](const client& where) -> task<float> {
    std::vector<program> sources = {add, donating};
    const std::vector<executable> made = co_await where.compile_async(std::move(sources), uncached());
    EXPECT_EQ(scheduler::current(), &where.loop());
    const array sum = co_await made[1](where.scalar(1.0F), where.scalar(2.0F))[0].as_array();
    co_return sum.item<float>();
  };
  EXPECT_EQ(sync_wait(c.loop(), suspended(c)), 3);
}

TEST(compile_many, in_opencl_c_one_wrong_program_leaves_the_others_alone) {
  table_compiler compiles;
  const client c;
  if (c.device("cpu").description().carrier != "native") GTEST_SKIP() << "no OpenCL device behind cpu:0";
  compile_options o = uncached();
  o.codegen = "opencl";
  plan p = add_program();
  add_kernels(p, true);
  p.opencl_source = "__kernel void add(this is no OpenCL C) {\n}\n";
  p.kernels.resize(1);
  const auto bytes = write_plan(p);
  const program wrong =
      program::from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "wrong.wherry");
  const std::vector<program> sources = {add, wrong, donating};
  const auto made = c.compile_each(sources, o);
  EXPECT_EQ(sum_of(c, *made[0], 1, 2), 3);
  EXPECT_EQ(made[1].status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(made[1].status().message().find("clBuildProgram"), std::string::npos) << made[1].status();
  EXPECT_EQ(sum_of(c, *made[2], 1, 2), 3);
}

}  // namespace
}  // namespace wherry
