// simulated_backend.hpp: a loop's backend in virtual time, with every order drawn from a seed.
//
// A turn of the loop takes 1 us of virtual time while there is work, and when there is none the clock jumps
// to the next event, so an hour of timers passes at once. Every operation completes after a delay of 0 to 100
// us of virtual time drawn from the seed, which also decides the order of timers with equal deadlines; with
// `short_transfers`, reads and writes move a drawn part of what was asked. Files are real, and their system
// calls are made when the operation completes, so effects follow the drawn order as well. The same program
// with the same seed does the same things in the same order, as long as no other thread and no foreign end of
// a pipe takes part; when only those can continue the program, the loop really waits.
//
// Threads: the one that made it.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <vector>
#include <wherry/loop/backend.hpp>
#include <wherry/loop/detail/perform.hpp>
#include <wherry/loop/event_fd.hpp>

namespace wherry {

class simulated_backend final : public backend {
 public:
  /// `wake` outlives the backend.
  simulated_backend(const loop_options& options, event_fd& wake)
      : wake_(wake), shortens_(options.short_transfers), random_(options.seed) {}

  std::string_view name() const noexcept override { return "simulated"; }
  capability_set capabilities() const noexcept override { return {}; }
  loop_clock::time_point now() const noexcept override { return now_; }
  std::uint64_t next_turn() noexcept override { return random_(); }

  void cancel(operation& op) noexcept override {
    if (std::erase(pending_, &op) + std::erase(blocked_, &op) != 0) finish(op, -ECANCELED, early_);
  }

  void poll(work_list& done) noexcept override {
    now_ += std::chrono::microseconds(1);
    collect(done);
  }

  void wait(work_list& done, const loop_clock::time_point* deadline) noexcept override {
    collect(done);
    if (!done.is_empty()) return;
    const operation* const due = next_due();
    if (due != nullptr && (deadline == nullptr || due_time(*due) <= *deadline)) {
      now_ = std::max(now_, due_time(*due));
    } else if (deadline != nullptr) {
      now_ = std::max(now_, *deadline);
    } else {
      look(done, -1);
    }
    collect(done);
  }

 protected:
  void submit(operation& op) noexcept override {
    const std::chrono::nanoseconds delay(random_() % 100'000);
    op.turn = static_cast<std::uint64_t>((now_ + delay).time_since_epoch().count());
    try {
      pending_.push_back(&op);
      // Room for all, so that `attempt` and `look` cannot fail.
      if (blocked_.capacity() < in_flight()) blocked_.reserve(2 * in_flight());
      if (entries_.capacity() < in_flight() + 1) entries_.reserve(2 * in_flight() + 1);
    } catch (...) {
      std::erase(pending_, &op);
      finish(op, -ENOMEM, early_);
    }
  }

 private:
  void collect(work_list& done) noexcept {
    done.append(early_);
    for (operation* due = next_due(); due != nullptr && due_time(*due) <= now_; due = next_due()) {
      std::erase(pending_, due);
      attempt(*due, done);
    }
    if (!blocked_.empty()) look(done, 0);
  }

  static loop_clock::time_point due_time(const operation& op) noexcept {
    return loop_clock::time_point(loop_clock::duration(static_cast<std::int64_t>(op.turn)));
  }

  // Of operations due at the same time, the one that was started first.
  operation* next_due() const noexcept {
    const auto found =
        std::min_element(pending_.begin(), pending_.end(),
                         [](const operation* a, const operation* b) { return a->turn < b->turn; });
    return found != pending_.end() ? *found : nullptr;
  }

  void attempt(operation& op, work_list& done) noexcept {
    const bool transfers = op.what == operation::kind::read || op.what == operation::kind::write;
    if (op.what == operation::kind::poll && op.fd < 0) return finish(op, -EBADF, done);
    if (op.what == operation::kind::poll || (transfers && detail::is_pollable(op.fd))) {
      blocked_.push_back(&op);
      return;
    }
    finish(op, detail::perform(op, transfers ? transfer_size(op) : op.size), done);
  }

  std::uint32_t transfer_size(const operation& op) noexcept {
    if (!shortens_ || op.size < 2) return op.size;
    return static_cast<std::uint32_t>(1 + random_() % op.size);
  }

  // Completes the blocked operations whose descriptors are ready. `timeout` as in poll(2).
  void look(work_list& done, int timeout) noexcept {
    entries_.clear();
    for (const operation* op : blocked_) entries_.push_back({op->fd, detail::awaited_events(*op), 0});
    entries_.push_back({wake_.fd(), POLLIN, 0});
    if (::poll(entries_.data(), entries_.size(), timeout) <= 0) return;
    if (entries_.back().revents != 0) wake_.drain();
    std::size_t kept = 0;
    for (std::size_t i = 0; i != blocked_.size(); ++i) {
      operation& op = *blocked_[i];
      std::int32_t result = entries_[i].revents;
      if ((result & POLLNVAL) != 0) {
        result = -EBADF;
      } else if (result == 0) {
        result = -EAGAIN;
      } else if (op.what != operation::kind::poll) {
        result = detail::perform(op, transfer_size(op));
      }
      if (result == -EAGAIN) {
        blocked_[kept++] = &op;
      } else {
        finish(op, result, done);
      }
    }
    blocked_.resize(kept);
  }

  event_fd& wake_;       // constant after construction
  const bool shortens_;  // constant after construction

  // loop thread only
  std::mt19937_64 random_;
  loop_clock::time_point now_{std::chrono::seconds(1)};
  std::vector<operation*> pending_;  // until its time has come; `turn` is that time
  std::vector<operation*> blocked_;  // its time has come, its descriptor is not ready
  std::vector<pollfd> entries_;
  work_list early_;
};

}  // namespace wherry
