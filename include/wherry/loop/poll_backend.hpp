// poll_backend.hpp: a loop's backend on poll(2), for kernels and containers that forbid io_uring.
//
// Pipes, sockets and the like wait in poll(2) and are read and written when they are ready. Files, which
// poll(2) calls ready always, are read and written at once if their data is in memory (RWF_NOWAIT: 2.6 us
// for 64 KiB, as fast as a ring); what would wait for a disk goes to a helper thread, one request at a
// time.
//
// Threads: the one that made it.
#pragma once

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <vector>
#include <wherry/loop/backend.hpp>
#include <wherry/loop/detail/file_helper.hpp>
#include <wherry/loop/detail/perform.hpp>
#include <wherry/loop/event_fd.hpp>

namespace wherry {

class poll_backend final : public backend {
 public:
  /// `wake` outlives the backend.
  poll_backend(const loop_options& options, event_fd& wake) : wake_(wake), helper_(wake) {
    if (options.allow.has(capability::immediate_file_io)) has_.add(capability::immediate_file_io);
    // poll(2) refuses more entries than the process may have descriptors.
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    most_entries_ = limit.rlim_cur;
    entries_.push_back({wake.fd(), POLLIN, 0});
    waiting_.push_back(nullptr);
  }

  std::string_view name() const noexcept override { return "poll"; }
  capability_set capabilities() const noexcept override { return has_; }

  void cancel(operation& op) noexcept override {
    const auto found = std::find(waiting_.begin(), waiting_.end(), &op);
    if (found != waiting_.end()) {
      forget(static_cast<std::size_t>(found - waiting_.begin()));
      finish(op, -ECANCELED, early_);
    } else if (helper_.cancel(op)) {
      finish(op, -ECANCELED, early_);
    }
  }

  void poll(work_list& done) noexcept override {
    done.append(early_);
    take_helped(done);
    // Every fourth turn of a busy loop is soon enough: a look costs 230 ns even if nothing happened.
    if (waiting_.size() > 1 && ++polls_ % 4 == 0) {
      const timespec now{0, 0};
      look(done, &now);
    }
  }

  void wait(work_list& done, const loop_clock::time_point* deadline) noexcept override {
    done.append(early_);
    take_helped(done);
    timespec timeout{0, 0};
    if (done.is_empty() && deadline != nullptr) {
      const std::chrono::nanoseconds left = *deadline - loop_clock::now();
      if (left.count() > 0) {
        timeout.tv_sec = left.count() / 1'000'000'000;
        timeout.tv_nsec = left.count() % 1'000'000'000;
      }
    }
    look(done, done.is_empty() && deadline == nullptr ? nullptr : &timeout);
    take_helped(done);
  }

 protected:
  void submit(operation& op) noexcept override {
    switch (op.what) {
      case operation::kind::nop:
      case operation::kind::timer:
        return finish(op, 0, early_);
      case operation::kind::poll:
        return await(op);
      case operation::kind::read:
      case operation::kind::write:
        return transfer(op);
      default:
        return help(op);
    }
  }

 private:
  void transfer(operation& op) noexcept {
    if (has_.has(capability::immediate_file_io)) {
      const std::int32_t result = detail::perform(op, op.size, RWF_NOWAIT);
      if (result != -EAGAIN && result != -EOPNOTSUPP) return finish(op, result, early_);
    }
    if (detail::is_pollable(op.fd)) return await(op);
    help(op);
  }

  void help(operation& op) noexcept {
    const int result = helper_.submit(op);
    if (result < 0) finish(op, result, early_);
  }

  void await(operation& op) noexcept {
    if (op.fd < 0) return finish(op, -EBADF, early_);
    if (entries_.size() >= most_entries_) return finish(op, -EMFILE, early_);
    try {
      entries_.push_back({op.fd, detail::awaited_events(op), 0});
      waiting_.resize(entries_.size(), &op);
    } catch (...) {
      entries_.resize(waiting_.size());
      finish(op, -ENOMEM, early_);
    }
  }

  void forget(std::size_t i) noexcept {
    entries_[i] = entries_.back();
    entries_.pop_back();
    waiting_[i] = waiting_.back();
    waiting_.pop_back();
  }

  void look(work_list& done, const timespec* timeout) noexcept {
    int left = ::ppoll(entries_.data(), entries_.size(), timeout, nullptr);
    if (left <= 0) return;
    if (entries_[0].revents != 0) {
      wake_.drain();
      --left;
    }
    for (std::size_t i = entries_.size(); left > 0 && i-- > 1;) {
      if (entries_[i].revents == 0) continue;
      --left;
      operation& op = *waiting_[i];
      std::int32_t result = entries_[i].revents;
      if ((result & POLLNVAL) != 0) {
        result = -EBADF;
      } else if (op.what != operation::kind::poll) {
        result = detail::perform(op, op.size, RWF_NOWAIT);
        if (result == -EOPNOTSUPP) result = detail::perform(op, op.size);
        if (result == -EAGAIN) continue;  // somebody else was faster
      }
      forget(i);
      finish(op, result, done);
    }
  }

  void take_helped(work_list& done) noexcept {
    if (helper_.has_done()) helper_.take([&](operation& op) { finish(op, op.result, done); });
  }

  capability_set has_;            // constant after construction
  event_fd& wake_;                // constant after construction
  std::size_t most_entries_ = 0;  // constant after construction

  // loop thread only; `entries_[0]` is the event_fd, `waiting_[i]` waits for `entries_[i]`
  std::vector<pollfd> entries_;
  std::vector<operation*> waiting_;
  work_list early_;
  unsigned polls_ = 0;
  detail::file_helper helper_;
};

}  // namespace wherry
