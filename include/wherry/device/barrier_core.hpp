// barrier_core.hpp: what a barrier waits for: on each of some units, the newest ticket when it was made.
//
// Threads: any.
#pragma once

#include <atomic>
#include <utility>
#include <vector>
#include <wherry/coro/completion.hpp>
#include <wherry/device/dispatcher.hpp>

namespace wherry {

class barrier_core final : public ref_counted<barrier_core> {
 public:
  static ref<barrier_core> of(const std::vector<unit*>& units) {
    auto made = make_ref<barrier_core>();
    for (unit* u : units) made->until_.emplace_back(ref<unit>(u), u->last_submitted());
    for (const auto& [u, newest] : made->until_) {
      if (!newest) continue;
      ref<unit_listener> one(new arrival(made));
      made->left_.fetch_add(1);
      if (!dispatcher::listen(*u, one, newest.number())) made->arrive();
    }
    made->arrive();
    return made;
  }

  const completion& done() const noexcept { return done_; }

  /// Waits on an ordinary thread, helping.
  void wait() const {
    for (const auto& [u, newest] : until_)
      dispatcher::drain_until(*u, newest, std::chrono::steady_clock::time_point::max());
    done_.wait();
  }

 private:
  struct arrival final : unit_listener {
    explicit arrival(ref<barrier_core> b) : to(std::move(b)) {}
    void counted(std::uint64_t) noexcept override { to->arrive(); }
    ref<barrier_core> to;
  };
  void arrive() noexcept {
    if (left_.fetch_sub(1) == 1) done_.complete();
  }

  std::vector<std::pair<ref<unit>, ticket>> until_;  // constant once made
  std::atomic<std::size_t> left_{1};
  completion done_;
};

}  // namespace wherry
