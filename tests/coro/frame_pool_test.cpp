#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>
#include <wherry/coro/frame_pool.hpp>

namespace wherry {
namespace {

TEST(frame_pool, counts_live_frames) {
  const auto before = frame_pool::live();
  void* const a = frame_pool::allocate(100);
  void* const b = frame_pool::allocate(100000);
  EXPECT_EQ(frame_pool::live(), before + 2);
  frame_pool::release(a, 100);
  frame_pool::release(b, 100000);
  EXPECT_EQ(frame_pool::live(), before);
}

TEST(frame_pool, memory_of_every_size_is_aligned_writable_and_its_own) {
  std::vector<std::pair<unsigned char*, std::size_t>> frames;
  for (std::size_t bytes = 1; bytes < 6000; bytes += 61) {
    auto* const p = static_cast<unsigned char*>(frame_pool::allocate(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignof(std::max_align_t), 0u);
    std::memset(p, static_cast<int>(bytes & 0xff), bytes);
    frames.emplace_back(p, bytes);
  }
  for (const auto& [p, bytes] : frames) {
    EXPECT_EQ(p[0], bytes & 0xff);
    EXPECT_EQ(p[bytes - 1], bytes & 0xff);
    frame_pool::release(p, bytes);
  }
}

TEST(frame_pool, a_freed_frame_is_used_again_by_its_thread) {
  if (WHERRY_FRAME_POOL == 0) GTEST_SKIP() << "AddressSanitizer frames come from the heap";
  void* const first = frame_pool::allocate(300);
  frame_pool::release(first, 300);
  void* const second = frame_pool::allocate(290);
  EXPECT_EQ(first, second);
  frame_pool::release(second, 290);
}

TEST(frame_pool, frames_made_on_one_thread_may_be_freed_on_another) {
  const auto before = frame_pool::live();
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> frames;
    for (int i = 0; i < 500; ++i) {
      void* const p = frame_pool::allocate(200);
      std::memset(p, i & 0xff, 200);
      frames.push_back(p);
    }
    std::thread([&frames] {
      for (void* p : frames) frame_pool::release(p, 200);
    }).join();
  }
  EXPECT_EQ(frame_pool::live(), before);
}

TEST(frame_pool, threads_share_the_depot_without_races) {
  const auto before = frame_pool::live();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::vector<unsigned char*> mine;
      for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 150; ++i) {
          auto* const p = static_cast<unsigned char*>(frame_pool::allocate(256));
          std::memset(p, t, 256);
          mine.push_back(p);
        }
        for (auto* p : mine) {
          EXPECT_EQ(p[255], t);
          frame_pool::release(p, 256);
        }
        mine.clear();
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(frame_pool::live(), before);
}

}  // namespace
}  // namespace wherry
