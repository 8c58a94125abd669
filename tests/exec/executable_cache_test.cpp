// The cache of executables: one compilation a key, the oldest dropped, failures told and forgotten.
#include <atomic>
#include <latch>
#include <thread>
#include <wherry/coro/as_status.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/exec/executable_cache.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class executable_caches : public programs_on_every_device {
 protected:
  /// Compiles sums of the shape of the first argument, and counts.
  executable_cache cache(std::size_t capacity) {
    return executable_cache(capacity, [this](const call_signature& s) {
      ++compiled;
      if (on_compile) on_compile();
      if (s.program == "bad") throw error(absl::StatusCode::kInvalidArgument, "bad:1:1: error: no such sum");
      return load(add_program(s.arguments.at(0).dims));
    });
  }
  call_signature signature(const shape& dims, std::vector<static_value> statics = {}) const {
    return {"add", {f32(dims), f32(dims)}, std::move(statics), wherry::device(shared_device())};
  }

  std::atomic<int> compiled{0};
  std::function<void()> on_compile;
};

TEST_P(executable_caches, what_was_compiled_is_found_again) {
  const executable_cache c = cache(4);
  const std::vector<buffer> args{scalar(1), scalar(2)};
  for (int k = 0; k < 3; ++k) EXPECT_EQ(c.call("add", args).value().item<float>(), 3);
  EXPECT_EQ(c.get(signature({})).name(), "add");
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(c.size(), 1u);
  EXPECT_EQ(c.statistics().hits, 3u);
  EXPECT_EQ(c.statistics().misses, 1u);
}

TEST_P(executable_caches, programs_types_statics_and_devices_are_told_apart) {
  const executable_cache c = cache(100);
  const auto other = open_device(device_kind::direct, 1);
  std::vector<call_signature> keys{signature({}), signature({1}), signature({1, 1}), signature({2})};
  for (const static_value& v : std::vector<static_value>{true, false, std::int64_t{0}, std::int64_t{1}, 0.0,
                                                         -0.0, 1.0, std::string(), std::string("1")})
    keys.push_back(signature({}, {v}));
  keys.push_back(signature({}, {std::int64_t{1}, std::int64_t{1}}));
  keys.push_back(signature({}));
  keys.back().program = "sum";
  keys.push_back(signature({}));
  keys.back().arguments.pop_back();
  keys.push_back(signature({}));
  keys.back().arguments[1].element = dtype::i32;
  keys.push_back(signature({}));
  keys.back().device = {};
  keys.push_back(signature({}));
  keys.back().device = wherry::device(other.core);
  for (int round = 0; round < 2; ++round) {
    for (const call_signature& s : keys) c.get(s);
  }
  EXPECT_EQ(compiled, static_cast<int>(keys.size()));
  EXPECT_EQ(c.size(), keys.size());
}

TEST_P(executable_caches, the_one_used_longest_ago_is_dropped) {
  const executable_cache c = cache(2);
  c.get(signature({1}));
  c.get(signature({2}));
  c.get(signature({1}));
  c.get(signature({3}));
  EXPECT_TRUE(c.contains(signature({1})));
  EXPECT_FALSE(c.contains(signature({2})));
  EXPECT_TRUE(c.contains(signature({3})));
  EXPECT_EQ(c.size(), 2u);
  EXPECT_EQ(c.statistics().evictions, 1u);
  c.clear();
  EXPECT_EQ(c.size(), 0u);
  c.get(signature({1}));
  EXPECT_EQ(compiled, 4);
}

TEST_P(executable_caches, what_was_dropped_runs_on) {
  const executable_cache c = cache(1);
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const std::vector<buffer> args{late, late};
  const execution run = c.call("add", args);
  c.get(signature({7}));
  c.clear();
  gate->end();
  EXPECT_EQ(run.value().item<float>(), 2);
}

TEST_P(executable_caches, eight_threads_that_ask_for_one_key_compile_once) {
  const executable_cache c = cache(4);
  std::latch together(8);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      together.arrive_and_wait();
      right += c.get(signature({})).name() == "add";
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(compiled, 1);
}

TEST_P(executable_caches, a_failure_reaches_all_who_wait_and_is_not_kept) {
  const executable_cache c = cache(4);
  std::atomic<int> waiting{0};
  on_compile = [&] {
    while (waiting < 4) std::this_thread::yield();
  };
  call_signature bad = signature({});
  bad.program = "bad";
  std::vector<std::thread> threads;
  std::atomic<int> told{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      ++waiting;
      try {
        c.get(bad);
      } catch (const error& e) {
        told += std::string(e.what()).find("no such sum") != std::string::npos;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(told, 4);
  EXPECT_EQ(c.size(), 0u);
  const int before = compiled;
  EXPECT_THROW(c.get(bad), error);
  EXPECT_EQ(compiled, before + 1);
}

TEST_P(executable_caches, coroutines_compile_on_a_worker_and_share_one_compilation) {
  const executable_cache c = cache(4);
  const std::thread::id here = std::this_thread::get_id();
  on_compile = [here] { EXPECT_NE(std::this_thread::get_id(), here); };
  const auto ask = [](executable_cache from, call_signature s) -> task<std::string> {
    const std::thread::id before = std::this_thread::get_id();
    const executable e = co_await from.get_async(s);
    EXPECT_EQ(std::this_thread::get_id(), before);
    co_return e.name();
  };
  const auto both = [&ask](executable_cache from, call_signature s) -> task<int> {
    std::vector<task<std::string>> tasks;
    for (int k = 0; k < 5; ++k) tasks.push_back(ask(from, s));
    const std::vector<std::string> names = co_await when_all(std::move(tasks));
    co_return static_cast<int>(names.size());
  };
  loop own;
  EXPECT_EQ(sync_wait(own, both(c, signature({}))), 5);
  EXPECT_EQ(sync_wait(own, ask(c, signature({}))), "add");
  EXPECT_EQ(compiled, 1);
  call_signature bad = signature({});
  bad.program = "bad";
  const auto fail = [](executable_cache from, call_signature s) -> task<absl::StatusCode> {
    const auto result = co_await as_status(from.get_async(s));
    co_return result.status().code();
  };
  EXPECT_EQ(sync_wait(own, fail(c, bad)), absl::StatusCode::kInvalidArgument);
}

TEST_P(executable_caches, a_loops_thread_gets_what_is_there_and_is_refused_what_has_to_be_compiled) {
  const executable_cache c = cache(4);
  const auto ask = [](executable_cache from, call_signature s) -> task<reason> {
    reason why = reason::none;
    try {
      from.get(s);
    } catch (const error& e) {
      why = e.reason();
    }
    co_return why;
  };
  loop own;
  EXPECT_EQ(sync_wait(own, ask(c, signature({}))), reason::deadlock_would_occur);
  EXPECT_EQ(compiled, 0);
  c.get(signature({}));
  EXPECT_EQ(sync_wait(own, ask(c, signature({}))), reason::none);
}

TEST_P(executable_caches, a_compilation_that_asks_for_itself_is_refused) {
  std::optional<executable_cache> c;
  c.emplace(4, [&](const call_signature& s) { return c->get(s); });
  EXPECT_THROW(c->get(signature({})), error);
  EXPECT_THROW(executable_cache(0, [&](const call_signature& s) { return c->get(s); }), error);
}

TEST_P(executable_caches, wrong_arguments_are_refused_before_anything_is_compiled) {
  const executable_cache c = cache(4);
  const auto other = open_device(device_kind::direct, 1);
  const buffer gone = scalar(1);
  gone.delete_now();
  const std::vector<std::vector<buffer>> wrong{
      {scalar(1), buffer()}, {buffer(), scalar(1)}, {scalar(1), gone}, {scalar(1), on(other.core, {1}, {})}};
  for (const auto& args : wrong) EXPECT_THROW(c.call("add", args), error);
  EXPECT_EQ(compiled, 0);
}

INSTANTIATE_TEST_SUITE_P(devices, executable_caches, all_devices, device_name);

}  // namespace
}  // namespace wherry
