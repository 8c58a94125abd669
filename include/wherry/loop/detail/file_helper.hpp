// file_helper.hpp: one thread that makes system calls which may wait for a disk.
//
// For operations that a loop's kernel interface cannot do without waiting. It starts with the first
// operation and does them in the order in which they came. A completed one is kept until the loop's
// thread takes it; the event_fd tells the loop to come.
//
// Threads: the loop's; `serve` runs on the helper's own. The mutex guards `waiting_`, `done_`, `is_ending_`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <wherry/loop/detail/perform.hpp>
#include <wherry/loop/event_fd.hpp>
#include <wherry/loop/operation.hpp>
#include <wherry/loop/work_list.hpp>

namespace wherry::detail {

class file_helper {
 public:
  explicit file_helper(event_fd& wake) : wake_(wake) {}
  file_helper(const file_helper&) = delete;
  file_helper& operator=(const file_helper&) = delete;

  /// Waits for the operation that is being done; those behind it are not done.
  ~file_helper() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  /// Returns 0, or minus an errno if the thread could not be started; then `op` is not taken.
  int submit(operation& op) noexcept {
    if (!thread_.joinable()) {
      try {
        thread_ = std::thread([this] { serve(); });
      } catch (const std::system_error& e) {
        return -e.code().value();
      }
    }
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(op);
    }
    changed_.notify_one();
    return 0;
  }

  /// Returns true if `op` was still waiting; it is not done then, and is the caller's again.
  bool cancel(operation& op) noexcept {
    const std::lock_guard lock(mutex_);
    return waiting_.remove(op);
  }

  /// True if `take` would find something. Never waits.
  bool has_done() const noexcept { return has_done_.load(std::memory_order_acquire); }

  /// Calls `each(operation&)` for everything that was done, with its result set.
  template <class Each>
  void take(Each&& each) noexcept {
    work_list done;
    {
      const std::lock_guard lock(mutex_);
      done.append(done_);
      has_done_.store(false, std::memory_order_relaxed);
    }
    while (work* const w = done.pop_front()) each(static_cast<operation&>(*w));
  }

 private:
  void serve() noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_ending_ || !waiting_.is_empty(); });
      if (is_ending_) return;
      operation& op = static_cast<operation&>(*waiting_.pop_front());
      lock.unlock();
      const std::int32_t result = perform(op, op.size);
      lock.lock();
      op.result = result;
      done_.push_back(op);
      has_done_.store(true, std::memory_order_release);

      wake_.signal();
    }
  }

  event_fd& wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  work_list waiting_;
  work_list done_;
  bool is_ending_ = false;
  std::atomic<bool> has_done_{false};
  std::thread thread_;
};

}  // namespace wherry::detail
