// wake_queue.hpp: work from any thread for one thread that may be asleep.
//
// Many producers push, one consumer takes everything at once. The word that heads the list also says
// that the consumer sleeps: the one producer that finds it so must wake the consumer, all others pay a
// compare-and-swap and no system call. Nothing is ever popped singly, so the list has no ABA problem.
//
// The word:   0 --push--> item --push--> item ...      (consumer awake)
//             0 --try_sleep--> asleep --push--> item   (this push must wake)
//             any --take_all--> 0
//
// Threads: `push` from any, the rest from the consumer. Owns nothing; an item must live until it was
// taken and run.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <wherry/coro/scheduler.hpp>
#include <wherry/loop/work_list.hpp>

namespace wherry {

class wake_queue {
 public:
  wake_queue() = default;
  wake_queue(const wake_queue&) = delete;
  wake_queue& operator=(const wake_queue&) = delete;

  /// Adds `item`. If the consumer sleeps, calls `wake()` once, after the item is visible. Afterwards it
  /// touches nothing that `wait_for_wakers` does not wait for.
  template <class Wake>
  void push(work& item, Wake&& wake) noexcept {
    std::uintptr_t head = head_.load(std::memory_order_relaxed);
    for (;;) {
      const bool was_asleep = head == asleep;
      // Counted before the item becomes visible: afterwards the consumer may already be on its way out.
      if (was_asleep) waking_.fetch_add(1, std::memory_order_relaxed);
      item.next = was_asleep ? nullptr : reinterpret_cast<work*>(head);
      if (head_.compare_exchange_weak(head, reinterpret_cast<std::uintptr_t>(&item),
                                      std::memory_order_acq_rel, std::memory_order_relaxed)) {
        if (was_asleep) {
          wake();
          waking_.fetch_sub(1, std::memory_order_release);
        }
        return;
      }
      if (was_asleep) waking_.fetch_sub(1, std::memory_order_release);
    }
  }

  /// True if items wait or the queue is marked asleep. Never waits.
  bool has_news() const noexcept { return head_.load(std::memory_order_relaxed) != 0; }

  /// Marks the consumer asleep. Returns false, changing nothing, if items wait.
  bool try_sleep() noexcept {
    std::uintptr_t expected = 0;
    return head_.compare_exchange_strong(expected, asleep, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
  }

  /// Moves all items, oldest first, behind those of `out`, and marks the consumer awake.
  void take_all(work_list& out) noexcept {
    const std::uintptr_t head = head_.exchange(0, std::memory_order_acq_rel);
    if (head == asleep) return;
    work* newest_first = reinterpret_cast<work*>(head);
    work* oldest_first = nullptr;
    while (newest_first != nullptr) {
      work* const item = newest_first;
      newest_first = item->next;
      item->next = oldest_first;
      oldest_first = item;
    }
    while (oldest_first != nullptr) {
      work* const item = oldest_first;
      oldest_first = item->next;
      out.push_back(*item);
    }
  }

  /// Waits for producers that are inside `wake`: a moment.
  void wait_for_wakers() const noexcept {
    while (waking_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  }

 private:
  static constexpr std::uintptr_t asleep = 1;  // no work lives at an odd address

  std::atomic<std::uintptr_t> head_{0};
  std::atomic<std::uint32_t> waking_{0};
};

}  // namespace wherry
