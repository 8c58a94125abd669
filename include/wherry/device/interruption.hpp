// interruption.hpp: a stop token and a deadline, watched for somebody who does not wait on a thread.
//
//   idle -> armed    `arm`; `interrupted` may be called from now on, before `arm` has returned, too
//   armed -> idle    `disarm`, or the end of its life: `interrupted` is neither called nor running then,
//   except
//                    on the thread that disarms
//
// Each of the two calls at most once, the token's on the thread that requests stop, the deadline's on the
// client's loop; who is interrupted twice keeps the first.
//
// Threads: `arm` and `disarm` by one at a time.
#pragma once

#include <optional>
#include <stop_token>
#include <wherry/device/request_options.hpp>
#include <wherry/device/unit_services.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

class interruption {
 public:
  /// Called with `cancelled` or `deadline_exceeded`; may disarm, and free this.
  using callback = void (*)(interruption&, reason) noexcept;

  explicit interruption(callback interrupted) noexcept : interrupted_(interrupted) {}
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;
  ~interruption() { disarm(); }

  /// Watches what `options` name. Calls at once for what has happened already.
  void arm(const std::stop_token& stop, const std::optional<std::chrono::steady_clock::time_point>& deadline,
           const unit_services& around) {
    if (stop.stop_possible()) stop_.emplace(stop, stop_call{*this});
    if (!deadline) return;
    loop& home = around.home();
    if (deadline_queue::has_passed(*deadline, home)) return interrupted_(*this, reason::deadline_exceeded);
    deadline_.self = this;
    deadline_.deadline = *deadline;
    deadline_.passed = [](deadline_queue::entry& e) noexcept {
      interruption& self = *static_cast<timed&>(e).self;
      self.interrupted_(self, reason::deadline_exceeded);
    };
    queue_ = ref<deadline_queue>(&around.deadlines());
    queue_->add(deadline_, home);
  }

  void disarm() noexcept {
    stop_.reset();
    if (const ref<deadline_queue> queue = std::move(queue_)) queue->remove(deadline_);
  }

 private:
  struct stop_call {
    interruption& self;
    void operator()() const noexcept { self.interrupted_(self, reason::cancelled); }
  };
  struct timed : deadline_queue::entry {
    interruption* self = nullptr;
  };

  const callback interrupted_;
  std::optional<std::stop_callback<stop_call>> stop_;
  timed deadline_;
  ref<deadline_queue> queue_;
};

/// Returns the failure that `why` (cancelled or deadline_exceeded) stands for; `after` is put behind the
/// text.
inline failure interrupted_failure(reason why, const std::string& before, const std::string& after = {}) {
  if (why == reason::deadline_exceeded)
    return make_failure(absl::StatusCode::kDeadlineExceeded, before + "the deadline has passed" + after, why);
  return make_failure(absl::StatusCode::kCancelled, before + "stop was requested" + after, why);
}

}  // namespace wherry
