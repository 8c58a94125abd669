#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/read_file.hpp>
#include <wherry/loop/simulated_backend.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

using namespace std::chrono_literals;

loop_options simulated(std::uint64_t seed) {
  return {.backend = loop_options::kind::simulated, .seed = seed};
}

task<void> a_busy_one(loop& where, int number, std::string path, std::vector<int>& order) {
  co_await nop(where);
  order.push_back(number);
  const std::vector<std::byte> bytes = co_await read_file(where, path);
  order.push_back(100 + number);
  co_await sleep_for(where, 1ms);
  order.push_back(200 + number);
  co_await nop(where);
  order.push_back(300 + number);
}

task<void> busy_ones(loop& where, std::string path, std::vector<int>& order) {
  std::vector<task<void>> all;
  for (int i = 0; i != 8; ++i) all.push_back(a_busy_one(where, i, path, order));
  co_await when_all(std::move(all));
}

struct history {
  std::vector<int> order;
  loop_clock::duration took;
  friend bool operator==(const history&, const history&) = default;
  friend bool operator<(const history& a, const history& b) { return a.order < b.order; }
};

history run_with_seed(std::uint64_t seed, const std::string& path) {
  loop own(simulated(seed));
  history h;
  const auto begin = own.now();
  sync_wait(own, busy_ones(own, path, h.order));
  h.took = own.now() - begin;
  return h;
}

TEST(simulated_backend, a_seed_decides_order_and_time) {
  const scratch_folder folder;
  std::ofstream(folder / "f") << "some text";
  std::set<history> different;
  for (std::uint64_t seed = 0; seed != 50; ++seed) {
    const history h = run_with_seed(seed, folder / "f");
    EXPECT_EQ(h.order.size(), 32u);
    EXPECT_TRUE(h == run_with_seed(seed, folder / "f")) << seed;
    different.insert(h);
  }
  EXPECT_GT(different.size(), 40u);
}

task<void> sleep_a_year(loop& where) { co_await sleep_for(where, 365 * 24h); }

TEST(simulated_backend, virtual_time_jumps_over_sleeps) {
  loop own(simulated(1));
  const auto begin = own.now();
  const auto really = std::chrono::steady_clock::now();
  sync_wait(own, sleep_a_year(own));
  EXPECT_GE(own.now() - begin, 365 * 24h);
  EXPECT_LT(own.now() - begin, 365 * 24h + 1s);
  EXPECT_LT(std::chrono::steady_clock::now() - really, 1h);
}

task<void> note_after(loop& where, loop_clock::time_point deadline, int number, std::vector<int>& order) {
  co_await sleep_until(where, deadline);
  order.push_back(number);
}

task<void> same_deadline(loop& where, std::vector<int>& order) {
  const auto deadline = where.now() + 1ms;
  std::vector<task<void>> all;
  for (int i = 0; i != 6; ++i) all.push_back(note_after(where, deadline, i, order));
  co_await when_all(std::move(all));
}

TEST(simulated_backend, the_seed_orders_timers_with_equal_deadlines) {
  std::set<std::vector<int>> different;
  for (std::uint64_t seed = 0; seed != 30; ++seed) {
    loop own(simulated(seed));
    std::vector<int> order;
    sync_wait(own, same_deadline(own, order));
    different.insert(order);
  }
  EXPECT_GT(different.size(), 20u);
}

task<std::size_t> one_read(loop& where, std::string path) {
  const file f = co_await open(where, std::move(path));
  std::vector<std::byte> bytes(1000);
  const std::span<std::byte> into = bytes;
  const std::size_t count = co_await read(where, f, into, 0);
  co_return count;
}

TEST(simulated_backend, short_transfers_move_less_than_asked_for_and_never_nothing) {
  const scratch_folder folder;
  std::ofstream(folder / "f") << std::string(1000, 'x');
  std::set<std::size_t> counts;
  for (std::uint64_t seed = 0; seed != 30; ++seed) {
    loop_options options = simulated(seed);
    options.short_transfers = true;
    loop own(options);
    const std::size_t count = sync_wait(own, one_read(own, folder / "f"));
    EXPECT_GE(count, 1u);
    EXPECT_LE(count, 1000u);
    counts.insert(count);
  }
  EXPECT_GT(counts.size(), 15u);
}

}  // namespace
}  // namespace wherry
