// place_in.hpp: asking for a place in a unit without blocking: at once, or by suspending.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <coroutine>
#include <optional>
#include <wherry/device/dispatcher.hpp>
#include <wherry/device/place.hpp>

namespace wherry {

/// Returns a place of `weight` (requests, or bytes for transfers) in `u` if it has room and nobody waits for
/// some, else nothing. Throws what the unit refuses submissions with.
[[nodiscard]] inline std::optional<place> try_place(unit& u, std::uint64_t weight = 1) {
  weight = std::max<std::uint64_t>(weight, 1);
  if (!dispatcher::try_enter(u, weight)) return std::nullopt;
  return place(u, weight);
}

/// What `co_await place_in(...)` awaits.
class place_awaiter : slot_waiter, work {
 public:
  place_awaiter(unit& u, std::uint64_t weight, std::stop_token stop,
                std::optional<std::chrono::steady_clock::time_point> deadline)
      : unit_(&u), stop_(std::move(stop)), deadline_(deadline) {
    slot_waiter::weight = std::max<std::uint64_t>(weight, 1);
  }
  place_awaiter(const place_awaiter&) = delete;
  place_awaiter& operator=(const place_awaiter&) = delete;
  ~place_awaiter() {
    // A coroutine that is destroyed while it waits for a place leaves the line.
    watch_.disarm();
    stop_waiting();
  }

  bool await_ready() const noexcept { return false; }

  bool await_suspend(std::coroutine_handle<> h) {
    handle_ = h;
    home_ = &require_scheduler("co_await place_in");
    slot_waiter::granted = [](slot_waiter& w) noexcept { static_cast<place_awaiter&>(w).go_on(); };
    work::run = [](work& w) noexcept { resume(static_cast<place_awaiter&>(w).handle_); };
    const bool has_place = dispatcher::enter(*unit_, *this);
    waits_ = true;
    if (has_place) return false;
    try {
      watch_.arm(stop_, deadline_, unit_->around());
    } catch (...) {
      stop_waiting();
      throw;
    }
    phase expected = phase::arming;
    return phase_.compare_exchange_strong(expected, phase::armed);
  }

  place await_resume() {
    watch_.disarm();
    waits_ = false;
    if (left_ != reason::none)
      raise(interrupted_failure(left_, "waiting for a place in unit " + std::to_string(unit_->id()) + ": "));
    return place(*unit_, slot_waiter::weight);
  }

 private:
  // arming -> armed:  await_suspend is over, whoever fires posts the coroutine
  // arming -> fired:  await_suspend goes on without suspending
  // armed  -> fired:  posted
  enum class phase : std::uint8_t { arming, armed, fired };
  struct watch : interruption {
    explicit watch(place_awaiter& a)
        : interruption([](interruption& i, reason why) noexcept {
            place_awaiter& self = static_cast<watch&>(i).self;
            if (!dispatcher::withdraw(*self.unit_, self)) return;  // the place came first
            self.left_ = why;
            self.go_on();
          }),
          self(a) {}
    place_awaiter& self;
  };

  void stop_waiting() noexcept {
    if (!std::exchange(waits_, false) || left_ != reason::none) return;
    if (!dispatcher::withdraw(*unit_, *this)) dispatcher::leave(*unit_, slot_waiter::weight);
  }

  void go_on() noexcept {
    scheduler* const home = home_;
    if (phase_.exchange(phase::fired) == phase::armed) home->post(*this);
  }

  ref<unit> unit_;
  std::stop_token stop_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  watch watch_{*this};
  std::atomic<phase> phase_{phase::arming};
  bool waits_ = false;
  reason left_ = reason::none;
  scheduler* home_ = nullptr;
  std::coroutine_handle<> handle_;
};

/// Suspends until `u` has room for `weight` (requests, or bytes for transfers), in the order of asking, and
/// yields the place. Throws `cancelled` or `deadline_exceeded` when one of these comes first, and what the
/// unit refuses submissions with. Resumes on the scheduler of the suspending thread.
[[nodiscard("co_await it")]] inline place_awaiter place_in(
    unit& u, std::uint64_t weight = 1, std::stop_token stop = {},
    std::optional<std::chrono::steady_clock::time_point> deadline = {}) {
  return place_awaiter(u, weight, std::move(stop), deadline);
}

}  // namespace wherry
