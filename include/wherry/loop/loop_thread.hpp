// loop_thread.hpp: a loop with a thread of its own.
//
// The thread and its loop start at first use and end with this object, which finishes the work posted
// before, cancels the operations still in flight and joins.
//
// Threads: `get` from any; destruction from any but the loop's own. In a forked child the destructor
// forgets the thread, which does not exist there.
#pragma once

#include <pthread.h>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <wherry/coro/detail/futex.hpp>
#include <wherry/coro/scheduler.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/status/broken_rule.hpp>

namespace wherry {

class loop_thread {
 public:
  explicit loop_thread(const loop_options& options = {}) : options_(options) {}
  loop_thread(const loop_thread&) = delete;
  loop_thread& operator=(const loop_thread&) = delete;
  ~loop_thread();

  /// Returns one whose last owner may go on any thread, its own loop's included, which cannot join itself.
  static std::shared_ptr<loop_thread> shared(const loop_options& options = {});

  /// Returns the loop. The first call waits until thread and loop are made; it throws what the loop's
  /// constructor threw, or std::system_error without a thread, and the next call tries again.
  loop& get();

  /// True once `get` has succeeded.
  bool has_started() const noexcept { return loop_.load(std::memory_order_acquire) != nullptr; }

 private:
  struct stop_work : work {
    bool has_run = false;  // loop thread only
  };

  void serve(detail::one_shot_flag& is_made, std::exception_ptr& thrown) noexcept;

  const loop_options options_;
  std::mutex starting_;
  std::atomic<loop*> loop_{nullptr};
  stop_work stop_;
  std::thread thread_;
};

inline loop& loop_thread::get() {
  if (loop* const l = loop_.load(std::memory_order_acquire)) {
    l->require_own_process("loop_thread");
    return *l;
  }
  const std::lock_guard lock(starting_);
  if (loop* const l = loop_.load(std::memory_order_acquire)) return *l;
  detail::one_shot_flag is_made;
  std::exception_ptr thrown;
  thread_ = std::thread([&] { serve(is_made, thrown); });
  is_made.wait();
  if (thrown) {
    thread_.join();
    std::rethrow_exception(thrown);
  }
  return *loop_.load(std::memory_order_acquire);
}

inline void loop_thread::serve(detail::one_shot_flag& is_made, std::exception_ptr& thrown) noexcept {
  ::pthread_setname_np(::pthread_self(), "wherry-loop");
  std::optional<loop> own;
  try {
    own.emplace(options_);
  } catch (...) {
    thrown = std::current_exception();
    is_made.set();
    return;
  }
  loop_.store(&*own, std::memory_order_release);
  is_made.set();
  own->run_until([this] { return stop_.has_run; });
}

inline std::shared_ptr<loop_thread> loop_thread::shared(const loop_options& options) {
  return {new loop_thread(options), [](loop_thread* l) {
            const loop* const home = l->loop_.load(std::memory_order_acquire);
            if (home != nullptr && !home->is_forked() && home->is_here()) {
              std::thread([l] { delete l; }).detach();
            } else {
              delete l;
            }
          }};
}

inline loop_thread::~loop_thread() {
  loop* const l = loop_.load(std::memory_order_acquire);
  if (l == nullptr) return;
  if (l->is_forked()) {
    new std::thread(std::move(thread_));  // never joined, never detached: there is nothing to join
    return;
  }
  if (l->is_here()) broken_rule("wrong_thread", "a loop_thread was destroyed on its own thread");
  stop_.run = [](work& w) noexcept { static_cast<stop_work&>(w).has_run = true; };
  l->post(stop_);
  thread_.join();
}

}  // namespace wherry
