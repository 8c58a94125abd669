// Waiters of all kinds against completers, from several threads. The value of these tests is in the
// sanitizers; the counts below make sure that nobody is lost or called twice.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>

namespace wherry {
namespace {

// Starts threads together and joins them.
template <class Body>
void on_threads(int count, Body body) {
  std::atomic<int> missing = count;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      missing.fetch_sub(1);
      while (missing.load() != 0) std::this_thread::yield();
      body(i);
    });
  }
  for (auto& t : threads) t.join();
}

struct tally : completion::waiter {
  tally() {
    notify = [](completion::waiter& w) noexcept { static_cast<tally&>(w).count.fetch_add(1); };
  }
  std::atomic<int> count = 0;
};

TEST(completion_stress, every_registered_waiter_is_notified_once_or_removed) {
  for (int round = 0; round < 400; ++round) {
    completion c;
    on_threads(4, [&](int thread) {
      if (thread == 0) {
        for (int i = 0; i < round % 7; ++i) std::this_thread::yield();
        c.complete();
        return;
      }
      std::minstd_rand random(static_cast<unsigned>(round * 4 + thread));
      tally waiters[8];
      bool registered[8] = {};
      for (int step = 0; step < 40; ++step) {
        const auto i = random() % 8;
        if (!registered[i]) {
          if (waiters[i].count.load() == 0) registered[i] = c.add(waiters[i]);
        } else if (c.remove(waiters[i])) {
          registered[i] = false;
          ASSERT_EQ(waiters[i].count.load(), 0);
        } else {
          break;  // complete: the rest of the waiters stay
        }
      }
      for (int i = 0; i < 8; ++i) {
        if (registered[i] && c.remove(waiters[i])) registered[i] = false;
      }
      for (int i = 0; i < 8; ++i) {
        if (registered[i]) {
          while (waiters[i].count.load() == 0) std::this_thread::yield();
        }
        ASSERT_EQ(waiters[i].count.load(), registered[i] ? 1 : 0);
      }
    });
    EXPECT_TRUE(c.is_ready());
  }
}

TEST(completion_stress, threads_that_block_with_and_without_deadlines_all_return) {
  for (int round = 0; round < 200; ++round) {
    completion c;
    int data = 0;
    on_threads(4, [&](int thread) {
      if (thread == 0) {
        data = round;
        if (round % 2 == 0) {
          c.complete();
        } else {
          c.fail(make_failure(absl::StatusCode::kAborted, "broke"));
        }
      } else if (thread == 1) {
        while (!c.wait_until(std::chrono::steady_clock::now() + std::chrono::microseconds(round % 50))) {
        }
      } else {
        c.wait();
      }
      EXPECT_EQ(data, round);
      EXPECT_EQ(c.has_failed(), round % 2 != 0);
      EXPECT_EQ(c.why() != nullptr, round % 2 != 0);
    });
  }
}

TEST(completion_stress, the_first_to_see_it_complete_may_destroy_it) {
  for (int round = 0; round < 1000; ++round) {
    auto c = std::make_unique<completion>();
    completion* const raw = c.get();
    std::thread completer([raw] { raw->complete(); });
    if (round % 2 == 0) {
      raw->wait();
    } else {
      while (!raw->is_ready()) std::this_thread::yield();
    }
    c.reset();
    completer.join();
  }
}

task<int> await_all(const std::vector<std::unique_ptr<completion>>& all, std::stop_token token) {
  int count = 0;
  for (const auto& c : all) {
    if (count % 2 == 0) {
      co_await *c;
    } else {
      co_await until(*c, token);
    }
    ++count;
  }
  co_return count;
}

TEST(completion_stress, coroutines_on_several_threads_await_the_same_completions) {
  constexpr int many = 2000;
  std::vector<std::unique_ptr<completion>> all;
  for (int i = 0; i < many; ++i) all.push_back(std::make_unique<completion>());
  on_threads(4, [&](int thread) {
    if (thread == 0) {
      for (const auto& c : all) c->complete();
    } else {
      std::stop_source source;
      EXPECT_EQ(sync_wait(await_all(all, source.get_token())), many);
    }
  });
}

// How the waits ended; each must end in one of two ways, once.
struct outcomes {
  int completed = 0;
  int cancelled = 0;
};

task<outcomes> await_each(std::vector<std::unique_ptr<completion>>& all,
                          std::vector<std::stop_source>& sources) {
  outcomes seen;
  for (std::size_t i = 0; i < all.size(); ++i) {
    try {
      co_await until(*all[i], sources[i].get_token());
      ++seen.completed;
      EXPECT_TRUE(all[i]->is_ready());
    } catch (const error& e) {
      ++seen.cancelled;
      EXPECT_EQ(e.reason(), reason::cancelled);
      EXPECT_TRUE(sources[i].stop_requested());
    }
  }
  co_return seen;
}

TEST(completion_stress, stop_and_completion_race_for_each_waiter) {
  constexpr int many = 2000;
  std::vector<std::unique_ptr<completion>> all;
  std::vector<std::stop_source> sources(many);
  for (int i = 0; i < many; ++i) all.push_back(std::make_unique<completion>());
  outcomes seen;
  on_threads(3, [&](int thread) {
    if (thread == 0) {
      for (const auto& c : all) c->complete();
    } else if (thread == 1) {
      for (auto& s : sources) s.request_stop();
    } else {
      seen = sync_wait(await_each(all, sources));
    }
  });
  EXPECT_EQ(seen.completed + seen.cancelled, many);
}

}  // namespace
}  // namespace wherry
