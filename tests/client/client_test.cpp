// The front door: devices by name, buffers from host memory, compilation, two devices, processes.
#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <thread>
#include <wherry/client.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "client/table_compiler.hpp"
#include "loop/child_process.hpp"

namespace wherry {
namespace {

using namespace testing_support;

client_options two_devices() {
  client_options o;
  o.cpu_devices = cpu_devices_in_tests;
  return o;
}

compile_options uncached(device where = {}) {
  compile_options o;
  o.device = std::move(where);
  o.cache = false;
  return o;
}

const program add_source = program::from_text("add");
const program donating_source = program::from_text("add, donating");

TEST(client, finds_devices_by_name_and_names_those_it_knows_otherwise) {
  const client c(two_devices());
  EXPECT_EQ(c.device().name(), "cpu:0");
  EXPECT_EQ(c.device("cpu").name(), "cpu:0");
  EXPECT_EQ(c.device("cpu:1").name(), "cpu:1");
  for (const char* unknown : {"cpu:2", "cpu:", "cpu:x", "tpu:0", "", "opencl:999", "opencl:no such driver"}) {
    try {
      (void)c.device(unknown);
      ADD_FAILURE() << unknown << " was found";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kNotFound) << unknown;
      EXPECT_NE(std::string(e.what()).find("known:"), std::string::npos) << e.what();
    }
  }
}

TEST(client, devices_are_interned_so_that_identity_is_equality) {
  const client here;
  EXPECT_EQ(here.device("cpu"), here.device("cpu:0"));
  EXPECT_EQ(here.device().core(), here.devices().front().core());
  EXPECT_FALSE(client().device() == here.device());
  EXPECT_EQ(here.platform(), "cpu");
}

TEST(client, attributes_tell_versions_and_choices) {
  const client here;
  const std::map<std::string, std::string> told = here.attributes();
  EXPECT_EQ(told.at("wherry_version"), version);
  EXPECT_EQ(told.at("workers"), std::to_string(worker_pool::instance().width()));
}

TEST(client, only_the_first_client_of_a_process_chooses_the_number_of_workers) {
  const client first;
  client_options same, other;
  same.workers = worker_pool::instance().width();
  other.workers = same.workers + 1;
  const client second(same);
  try {
    const client third(other);
    FAIL() << "the pool grew";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(std::string(e.what()).find("cannot make it " + std::to_string(other.workers)),
              std::string::npos);
  }
}

TEST(client, a_driver_s_device_has_the_memory_limit_too) {
  client_options small;
  small.memory_limit = 1 << 20;
  const client here(small);
  device queue;
  try {
    queue = here.device("opencl:0");
  } catch (const error& e) {
    GTEST_SKIP() << e.what();
  }
  const buffer fits = here.empty({dtype::ui8, {1 << 18}}, queue);
  EXPECT_THROW(here.empty({dtype::ui8, {1 << 21}}, queue), error);
}

TEST(client, copied_host_memory_may_be_reused_on_return) {
  const client c;
  std::vector<float> values(100'000, 1.0F);
  const buffer b = c.buffer(values, {100'000});
  std::fill(values.begin(), values.end(), 2.0F);
  EXPECT_EQ(b.value().data<float>()[99'999], 1);
}

TEST(client, lent_memory_is_used_in_place_and_given_back_after_its_last_use) {
  const table_compiler compiles;
  const client c;
  alignas(64) float memory[16] = {5};
  std::atomic<bool> returned{false};
  {
    const buffer b = c.from_host(memory, f32(), host_memory_use::zero_copy, [&] { returned = true; });
    EXPECT_EQ(b.handle()->memory->host(), memory);
    const execution run = c.compile(add_source, uncached())(b, b);
    EXPECT_EQ(run.value().item<float>(), 10);
  }
  c.drain();
  EXPECT_TRUE(returned.load());
}

TEST(client, donating_read_only_memory_leaves_it_alone_and_mutable_memory_takes_the_result) {
  const table_compiler compiles;
  const client c;
  const executable add = c.compile(donating_source, uncached());
  alignas(64) float kept[16] = {1};
  alignas(64) float written[16] = {1};
  const buffer two = c.scalar(2.0F);
  EXPECT_EQ(add(c.from_host(kept, f32(), host_memory_use::zero_copy, {}), two).value().item<float>(), 3);
  EXPECT_EQ(
      add(c.from_host(written, f32(), host_memory_use::mutable_zero_copy, {}), two).value().item<float>(), 3);
  c.drain();
  EXPECT_EQ(kept[0], 1);
  EXPECT_EQ(written[0], 3);
}

TEST(client, memory_that_is_not_aligned_is_copied) {
  const client c;
  alignas(64) float memory[16] = {0, 7};
  const buffer b = c.from_host(memory + 1, f32(), host_memory_use::zero_copy, {});
  EXPECT_EQ(item(b), 7);
  EXPECT_NE(b.handle()->memory->host(), memory + 1);
}

TEST(client, a_deleter_runs_once_the_transfer_has_completed) {
  const client c;
  std::vector<float> values(50'000, 3.0F);
  std::atomic<int> calls{0};
  const buffer b =
      c.from_host(values.data(), f32({50'000}), host_memory_use::until_transfer_completes, [&] { ++calls; });
  b.await();
  EXPECT_EQ(calls.load(), 1);
  EXPECT_EQ(b.value().data<float>()[1], 3);
}

TEST(client, values_that_do_not_fill_the_shape_are_refused) {
  const client c;
  EXPECT_THROW(c.buffer(std::vector<float>{1, 2, 3}, {2}), error);
}

TEST(client, copies_go_between_two_devices_and_wait_for_their_source) {
  const table_compiler compiles;
  const client c(two_devices());
  const device one = c.device("cpu:1");
  const buffer here = c.scalar(4.0F);
  const auto gate =
      hold(c.device().core()->pick(unit_kind::tensor_op), "late", {writes(here.handle()->memory)});
  const buffer there = here.copy_to(one);
  const execution run = c.compile(add_source, uncached(one))(there, there);
  EXPECT_EQ(there.device(), one);
  EXPECT_FALSE(run.is_ready());
  gate->end();
  EXPECT_EQ(run.value().item<float>(), 8);
  EXPECT_EQ(run[0].copy_to(c.device()).value().item<float>(), 8);
  EXPECT_TRUE(here.copy_to(c.device()) == here);
}

TEST(client, copies_go_to_command_queues_and_back) {
  const client c(two_devices());
  std::optional<device> queue;
  try {
    queue = c.device("opencl:0");
  } catch (const error&) {
    GTEST_SKIP() << "no OpenCL device behind command queues";
  }
  std::vector<float> values(1000);
  std::iota(values.begin(), values.end(), 0.0F);
  const buffer there = c.buffer(values, {1000}).copy_to(*queue);
  EXPECT_EQ(there.device(), *queue);
  const buffer back = there.copy_to(c.device());
  EXPECT_EQ(back.value().data<float>()[999], 999);
  EXPECT_EQ(there.value().data<float>()[998], 998);
}

TEST(client, a_failed_copy_fails_its_reader_on_the_other_device) {
  const client c(two_devices());
  const buffer here = c.scalar(4.0F);
  const auto gate =
      hold(c.device().core()->pick(unit_kind::tensor_op), "late", {writes(here.handle()->memory)});
  const buffer there = here.copy_to(c.device("cpu:1"));
  gate->end(fault("broken"));
  EXPECT_THROW(there.value(), error);
}

TEST(client, compiles_a_program_once_however_many_threads_ask) {
  table_compiler compiles;
  compiles.on_compile = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  const client c;
  std::vector<std::optional<executable>> made(4);  // a program that nobody holds may be compiled again
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&] { mine = c.compile(add_source, uncached()); });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(compiles.compilations.load(), 1);
  for (const auto& add : made) EXPECT_EQ((*add)(c.scalar(1.0F), c.scalar(2.0F)).value().item<float>(), 3);
}

TEST(client, a_program_that_does_not_compile_says_where_every_time) {
  table_compiler compiles;
  const client c;
  const program bad = program::from_text("nonsense", "bad.mlir");
  for (int k = 0; k < 2; ++k) {
    try {
      (void)c.compile(bad, uncached());
      FAIL() << "it compiled";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(std::string(e.what()).rfind("bad.mlir:1:1: error:", 0), 0u) << e.what();
    }
  }
  EXPECT_EQ(compiles.compilations.load(), 2);
}

TEST(client, keeps_compiled_programs_in_the_cache_until_the_compiler_changes) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("wherry-client-test-" + std::to_string(getpid()));
  const char* const set = std::getenv("WHERRY_CACHE_DIR");
  const std::string before = set ? set : "";
  setenv("WHERRY_CACHE_DIR", folder.c_str(), 1);
  {
    table_compiler compiles;
    const auto use = [] {
      const client c;
      EXPECT_EQ(c.compile(add_source)(c.scalar(1.0F), c.scalar(2.0F)).value().item<float>(), 3);
    };
    use();
    use();
    EXPECT_EQ(compiles.compilations.load(), 1);
    compiles.made_by = "table 2";
    use();
    EXPECT_EQ(compiles.compilations.load(), 2);
  }
  set ? setenv("WHERRY_CACHE_DIR", before.c_str(), 1) : unsetenv("WHERRY_CACHE_DIR");
  std::filesystem::remove_all(folder);
}

TEST(client, without_a_compiler_a_source_program_is_refused) {
  if (compiler::installed()) GTEST_SKIP() << "a compiler is linked in";
  const client c;
  try {
    (void)c.compile(add_source, uncached());
    FAIL() << "it compiled";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kUnimplemented);
    EXPECT_NE(std::string(e.what()).find("link wherry::compiler"), std::string::npos);
  }
}

TEST(client, compiling_on_a_loop_is_refused_and_compiling_on_a_worker_is_not) {
  table_compiler compiles;
  const client c;
  const auto plain = [](const client& where) -> task<reason> {
    reason why = reason::none;
    try {
      (void)where.compile(add_source, uncached());
    } catch (const error& e) {
      why = e.reason();
    }
    co_return why;
  };
  EXPECT_EQ(sync_wait(c.loop(), plain(c)), reason::deadlock_would_occur);
  const auto suspended = [](const client& where) -> task<float> {
    const executable add = co_await where.compile_async(add_source, uncached());
    EXPECT_EQ(scheduler::current(), &where.loop());
    const array sum = co_await add(where.scalar(1.0F), where.scalar(2.0F))[0].as_array();
    co_return sum.item<float>();
  };
  EXPECT_EQ(sync_wait(c.loop(), suspended(c)), 3);
}

TEST(client, memory_has_a_limit_that_finished_work_makes_room_in) {
  client_options o;
  o.memory_limit = 1 << 20;
  const client c(o);
  {
    const buffer large = c.empty(f32({200'000}));
    EXPECT_THROW((void)c.empty(f32({200'000})), error);
  }
  EXPECT_NO_THROW((void)c.empty(f32({200'000})));
}

TEST(client, a_forked_child_is_refused_and_told_why) {
  const client c;
  const buffer b = c.scalar(1.0F);
  const int status = in_child([&] {
    try {
      (void)b.as_array();
      ADD_FAILURE() << "a submission was accepted in the child";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::forked);
    }
    try {
      const client another;
      ADD_FAILURE() << "a client was made in the child of a process that had one";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::forked);
    }
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(item(b), 1);
}

}  // namespace
}  // namespace wherry
