// Size classes, reuse, limits and statistics of the memory pool.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <thread>
#include <vector>
#include <wherry/device/memory_pool.hpp>

namespace wherry {
namespace {

/// Counts blocks and runs out when told to.
struct counting_source {
  std::size_t* live;
  std::size_t* left;
  void* allocate(std::size_t bytes) {
    if (*left < bytes) return nullptr;
    *left -= bytes;
    ++*live;
    return ::operator new(bytes);
  }
  void free(void* block, std::size_t bytes) noexcept {
    *left += bytes;
    --*live;
    ::operator delete(block);
  }
};
using counting_pool = memory_pool<void*, counting_source>;

TEST(memory_pool, a_class_holds_its_request_and_wastes_at_most_a_quarter) {
  for (std::size_t bytes = 1; bytes < (std::size_t{1} << 40); bytes += 1 + bytes / 7) {
    const std::size_t size = host_pool::class_size(bytes);
    ASSERT_GE(size, bytes);
    if (bytes > 64) {
      ASSERT_LE(size - bytes, size / 4) << bytes;
    }
  }
}

TEST(memory_pool, classes_do_not_shrink_as_requests_grow) {
  std::size_t before = 0;
  for (std::size_t bytes = 0; bytes < 100'000; ++bytes) {
    ASSERT_GE(host_pool::class_size(bytes), before);
    before = host_pool::class_size(bytes);
  }
}

TEST(memory_pool, a_freed_block_serves_the_next_request_of_its_class) {
  host_pool pool;
  void* const first = pool.allocate(1000);
  pool.deallocate(first, 1000);
  EXPECT_EQ(pool.statistics().cached, host_pool::class_size(1000));
  void* const second = pool.allocate(990);
  EXPECT_EQ(second, first);
  pool.deallocate(second, 990);
}

TEST(memory_pool, blocks_are_aligned_for_the_widest_vector) {
  host_pool pool;
  for (const std::size_t bytes : {0, 1, 65, 100, 4097}) {
    void* const block = pool.allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
    std::memset(block, 1, host_pool::class_size(bytes));
    pool.deallocate(block, bytes);
  }
}

TEST(memory_pool, statistics_follow_what_is_out_and_what_is_kept) {
  host_pool pool;
  void* const a = pool.allocate(64);
  void* const b = pool.allocate(64);
  EXPECT_EQ(pool.statistics().in_use, 128u);
  pool.deallocate(a, 64);
  EXPECT_EQ(pool.statistics().in_use, 64u);
  EXPECT_EQ(pool.statistics().peak, 128u);
  EXPECT_EQ(pool.statistics().cached, 64u);
  pool.trim();
  EXPECT_EQ(pool.statistics().cached, 0u);
  pool.deallocate(b, 64);
}

TEST(memory_pool, a_limit_bounds_what_is_out) {
  host_pool pool({}, 1024);
  void* const a = pool.allocate(512);
  EXPECT_NE(a, nullptr);
  EXPECT_EQ(pool.allocate(640), nullptr);
  EXPECT_EQ(pool.statistics().in_use, 512u);
  pool.deallocate(a, 512);
  void* const b = pool.allocate(1024);  // the kept block counts no more than it must
  EXPECT_NE(b, nullptr);
  pool.deallocate(b, 1024);
}

TEST(memory_pool, the_cache_is_given_back_before_a_request_is_refused) {
  std::size_t live = 0;
  std::size_t left = 1024;
  {
    counting_pool pool({&live, &left});
    void* const small = pool.allocate(512);
    pool.deallocate(small, 512);
    void* const large = pool.allocate(1024);
    EXPECT_NE(large, nullptr);
    EXPECT_EQ(pool.statistics().cached, 0u);
    EXPECT_EQ(pool.allocate(64), nullptr);
    pool.deallocate(large, 1024);
  }
  EXPECT_EQ(live, 0u);
  EXPECT_EQ(left, 1024u);
}

TEST(memory_pool, a_request_that_no_class_holds_is_refused) {
  host_pool pool;
  EXPECT_EQ(pool.allocate(std::numeric_limits<std::size_t>::max()), nullptr);
  EXPECT_EQ(pool.allocate(std::numeric_limits<std::size_t>::max() - 64), nullptr);
  EXPECT_EQ(pool.statistics().in_use, 0u);
}

TEST(memory_pool, blocks_freed_on_another_thread_come_back) {
  std::size_t live = 0;
  std::size_t left = 1 << 20;
  counting_pool pool({&live, &left});
  for (int round = 0; round < 1000; ++round) {
    std::vector<void*> blocks;
    for (int k = 0; k < 10; ++k) blocks.push_back(pool.allocate(200));
    std::thread other([&] {
      for (void* b : blocks) pool.deallocate(b, 200);
    });
    other.join();
  }
  // What two threads keep, and one batch on its way.
  EXPECT_LE(live, 400u);
  EXPECT_EQ(pool.statistics().in_use, 0u);
  pool.trim();
  EXPECT_EQ(live, 0u);
}

TEST(memory_pool, threads_never_share_a_block) {
  host_pool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int round = 0; round < 500; ++round) {
        const std::size_t bytes = 64 + static_cast<std::size_t>(round % 7) * 100;
        auto* const block = static_cast<unsigned char*>(pool.allocate(bytes));
        std::memset(block, t, bytes);
        for (std::size_t k = 0; k < bytes; ++k) ASSERT_EQ(block[k], t);
        pool.deallocate(block, bytes);
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(pool.statistics().in_use, 0u);
}

}  // namespace
}  // namespace wherry
