// uring_backend.hpp: a loop's backend on io_uring.
//
// Operations become submission entries as they start and go to the kernel together, once per turn of the
// loop: a wait is one system call that submits, waits and collects. Completions present when collecting
// begins become work; the kernel gets their slots back before any of it runs.
//
// The ring belongs to the thread that made it, for life: io_uring runs completion work on the thread that
// submitted, and a shared ring showed completions milliseconds late and reads cancelled when their
// submitter exited (kernel 6.18). Set-up tries, in this order, and takes what completes a NOP:
//
//   SINGLE_ISSUER | DEFER_TASKRUN | TASKRUN_FLAG   6.1    completion work only inside our own waits
//   SINGLE_ISSUER | COOP_TASKRUN | TASKRUN_FLAG    6.0    ... or at any other system call of ours
//   COOP_TASKRUN | TASKRUN_FLAG                    5.19
//   SUBMIT_ALL                                     5.18   interrupts the loop
//   (none)                                         5.7
//
// EINVAL leads to the next line; EPERM, ENOSYS or EACCES, as a seccomp filter gives them, mean that this
// process may have no ring. A filter installed later makes io_uring_enter fail: then the backend is
// broken, every operation fails, and only the event_fd and deadlines go on, through poll(2).
//
// Threads: the one that made it.
#pragma once

#include <absl/status/status.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <wherry/loop/backend.hpp>
#include <wherry/loop/detail/file_helper.hpp>
#include <wherry/loop/detail/perform.hpp>
#include <wherry/loop/event_fd.hpp>
#include <wherry/status/log.hpp>

namespace wherry {

class uring_backend final : public backend {
 public:
  /// Returns a backend, or null with `refusal` saying why if this process may not use io_uring. Throws
  /// `error` when it may, but something ran out. `wake` outlives the backend.
  static std::unique_ptr<uring_backend> make(const loop_options& options, event_fd& wake,
                                             std::string& refusal);

  uring_backend(event_fd& wake, capability_set allowed) : allowed_(allowed), wake_(wake), helper_(wake) {}
  ~uring_backend() override {
    if (!has_ring_) return;
    detail::release_ring_memory();
    io_uring_queue_exit(&ring_);
  }

  std::string_view name() const noexcept override { return "uring"; }
  capability_set capabilities() const noexcept override { return has_; }

  void cancel(operation& op) noexcept override;
  void poll(work_list& done) noexcept override;
  void wait(work_list& done, const loop_clock::time_point* deadline) noexcept override;

 protected:
  void submit(operation& op) noexcept override;

 private:
  // What a completion entry is for. An operation's address, which is aligned, is told from these by its size.
  enum : std::uint64_t { for_nobody = 1, for_wake = 2, first_address = 4096 };

  int set_up(unsigned entries, unsigned flags) noexcept;
  int complete_a_nop() noexcept;
  io_uring_sqe* next_entry() noexcept;
  io_uring_sqe* make_room() noexcept;
  void prepare(io_uring_sqe& entry, operation& op) noexcept;
  bool helps_with(operation::kind what) const noexcept;
  void collect(work_list& done) noexcept;
  void take_helped(work_list& done) noexcept;
  void arm_wake() noexcept;
  void judge(int result) noexcept;
  void break_down(int errno_value) noexcept;

  // constant after construction
  capability_set allowed_;
  capability_set has_;
  event_fd& wake_;

  // loop thread only
  io_uring ring_{};
  bool has_ring_ = false;
  bool is_wake_armed_ = false;
  __kernel_timespec timeout_{};  // read by the kernel when the request that names it is submitted
  work_list early_;              // completed outside `poll` and `wait`, for the next of them
  detail::file_helper helper_;
};

inline std::unique_ptr<uring_backend> uring_backend::make(const loop_options& options, event_fd& wake,
                                                          std::string& refusal) {
  struct attempt {
    unsigned flags;
    capability_set gives;
  };
  using enum capability;
  const attempt attempts[] = {
      {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
           IORING_SETUP_SUBMIT_ALL,
       {single_issuer, defer_taskrun}},
      {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
           IORING_SETUP_SUBMIT_ALL,
       {single_issuer, coop_taskrun}},
      {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL, {coop_taskrun}},
      {IORING_SETUP_SUBMIT_ALL, {}},
      {0, {}},
  };
  int result = -EINVAL;
  for (const attempt& a : attempts) {
    bool is_allowed = true;
    for (const capability c : {single_issuer, defer_taskrun, coop_taskrun}) {
      if (a.gives.has(c) && !options.allow.has(c)) is_allowed = false;
    }
    if (!is_allowed) continue;
    auto made = std::make_unique<uring_backend>(wake, options.allow);
    result = made->set_up(options.entries, a.flags);
    if (result == 0) {
      for (const capability c : {single_issuer, defer_taskrun, coop_taskrun}) {
        if (a.gives.has(c)) made->has_.add(c);
      }
      return made;
    }
    if (result != -EINVAL) break;
  }
  const std::string text = "io_uring: " + std::generic_category().message(-result);
  if (result == -EINVAL || result == -EPERM || result == -ENOSYS || result == -EACCES) {
    refusal = text;
    return nullptr;
  }
  throw error(absl::ErrnoToStatusCode(-result), text, reason::ring_unusable);
}

// Returns 0 or minus an errno.
inline int uring_backend::set_up(unsigned entries, unsigned flags) noexcept {
  int result = -ENOMEM;
  // Before 5.12 a ring counts against RLIMIT_MEMLOCK; a smaller one may fit.
  for (; entries >= 8 && result == -ENOMEM; entries /= 2) {
    io_uring_params parameters{};
    parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = 4 * entries;
    result = io_uring_queue_init_params(entries, &ring_, &parameters);
  }
  if (result < 0) return result;
  detail::acquire_ring_memory();
  has_ring_ = true;
  // FAST_POLL (5.7) stands for every operation used here but renameat and unlinkat, NATIVE_WORKERS (5.12) for
  // those too. A probe would need io_uring_register, which may be forbidden on its own.
  if ((ring_.features & IORING_FEAT_FAST_POLL) == 0 || (ring_.features & IORING_FEAT_NODROP) == 0)
    return -ENOSYS;
  if ((ring_.features & IORING_FEAT_NATIVE_WORKERS) != 0 && allowed_.has(capability::file_operations)) {
    has_.add(capability::file_operations);
  }
  if ((ring_.features & IORING_FEAT_EXT_ARG) != 0 && allowed_.has(capability::wait_timeout)) {
    has_.add(capability::wait_timeout);
  }
  if (allowed_.has(capability::registered_ring_fd) && io_uring_register_ring_fd(&ring_) == 1) {
    has_.add(capability::registered_ring_fd);
  }
  return complete_a_nop();
}

// A filter may allow io_uring_setup and deny io_uring_enter: only a completion proves the ring.
inline int uring_backend::complete_a_nop() noexcept {
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
  io_uring_prep_nop(entry);
  io_uring_sqe_set_data64(entry, for_nobody);
  while (io_uring_cq_ready(&ring_) == 0) {
    const int result = io_uring_submit_and_wait(&ring_, 1);
    if (result < 0 && result != -EINTR) return result;
  }
  io_uring_cq_advance(&ring_, 1);
  return 0;
}

// Returns null only if the ring broke.
inline io_uring_sqe* uring_backend::next_entry() noexcept {
  if (!has_ring_) return nullptr;
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
  return entry != nullptr ? entry : make_room();
}

// The queue is full: the kernel takes all of it.
inline io_uring_sqe* uring_backend::make_room() noexcept {
  while (has_ring_) {
    const int result = io_uring_submit(&ring_);
    if (result == -EBUSY) {  // completions overflowed: taking some makes room
      io_uring_get_events(&ring_);
      collect(early_);
    } else {
      judge(result);
    }
    if (!has_ring_) break;
    if (io_uring_sqe* const entry = io_uring_get_sqe(&ring_)) return entry;
  }
  return nullptr;
}

inline bool uring_backend::helps_with(operation::kind what) const noexcept {
  return !has_.has(capability::file_operations) && what >= operation::kind::open &&
         what <= operation::kind::remove;
}

inline void uring_backend::submit(operation& op) noexcept {
  if (helps_with(op.what)) {
    const int result = helper_.submit(op);
    if (result < 0) finish(op, result, early_);
    return;
  }
  io_uring_sqe* const entry = next_entry();
  if (entry == nullptr) {  // the ring is broken, and `break_down` may have completed this one already
    if (op.is == operation::state::in_flight) finish(op, -EPERM, early_);
    return;
  }
  prepare(*entry, op);
}

inline void uring_backend::prepare(io_uring_sqe& entry, operation& op) noexcept {
  switch (op.what) {
    case operation::kind::poll:
      io_uring_prep_poll_add(&entry, op.fd, op.flags);
      break;
    case operation::kind::read:
      io_uring_prep_read(&entry, op.fd, op.to, op.size, op.offset);
      break;
    case operation::kind::write:
      io_uring_prep_write(&entry, op.fd, op.from, op.size, op.offset);
      break;
    case operation::kind::open:
      io_uring_prep_openat(&entry, AT_FDCWD, static_cast<const char*>(op.from), static_cast<int>(op.flags),
                           op.size);
      break;
    case operation::kind::close:
      io_uring_prep_close(&entry, op.fd);
      break;
    case operation::kind::stat:
      io_uring_prep_statx(&entry, op.fd, static_cast<const char*>(op.from), static_cast<int>(op.flags),
                          STATX_BASIC_STATS, static_cast<struct statx*>(op.to));
      break;
    case operation::kind::sync:
      io_uring_prep_fsync(&entry, op.fd, op.flags != 0 ? IORING_FSYNC_DATASYNC : 0);
      break;
    case operation::kind::rename:
      io_uring_prep_renameat(&entry, AT_FDCWD, static_cast<const char*>(op.from), AT_FDCWD, op.new_path, 0);
      break;
    case operation::kind::remove:
      io_uring_prep_unlinkat(&entry, AT_FDCWD, static_cast<const char*>(op.from), 0);
      break;
    case operation::kind::nop:
    case operation::kind::timer:
      io_uring_prep_nop(&entry);
      break;
  }
  io_uring_sqe_set_data(&entry, &op);
}

inline void uring_backend::cancel(operation& op) noexcept {
  if (helps_with(op.what)) {
    if (helper_.cancel(op)) finish(op, -ECANCELED, early_);
    return;
  }
  // If `op` completes before the kernel sees this, it finds nothing: entries are taken in order, so an
  // operation started later at the same address is not there yet.
  if (io_uring_sqe* const entry = next_entry()) {
    io_uring_prep_cancel(entry, &op, 0);
    io_uring_sqe_set_data64(entry, for_nobody);
  }
}

inline void uring_backend::collect(work_list& done) noexcept {
  const unsigned count = io_uring_cq_ready(&ring_);
  if (count == 0) return;
  const unsigned mask = *ring_.cq.kring_mask;
  const unsigned head = *ring_.cq.khead;
  for (unsigned i = 0; i != count; ++i) {
    const io_uring_cqe& entry = ring_.cq.cqes[(head + i) & mask];
    if (entry.user_data >= first_address) {
      operation& op = *reinterpret_cast<operation*>(static_cast<std::uintptr_t>(entry.user_data));
      finish(op, entry.res, done);
    } else if (entry.user_data == for_wake) {
      is_wake_armed_ = false;
      wake_.drain();
    }
  }
  io_uring_cq_advance(&ring_, count);
}

inline void uring_backend::take_helped(work_list& done) noexcept {
  if (helper_.has_done()) helper_.take([&](operation& op) { finish(op, op.result, done); });
  done.append(early_);
}

inline void uring_backend::poll(work_list& done) noexcept {
  if (has_ring_) {
    const unsigned pending = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    if ((__atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED) & pending) != 0) {
      judge(io_uring_submit_and_get_events(&ring_));
    } else if (io_uring_sq_ready(&ring_) != 0) {
      judge(io_uring_submit(&ring_));
    }
    if (has_ring_) collect(done);
  }
  take_helped(done);
}

// A poll and not a read: the kernel then never writes to memory of a ring that is being closed.
inline void uring_backend::arm_wake() noexcept {
  io_uring_sqe* const entry = next_entry();
  if (entry == nullptr) return;
  io_uring_prep_poll_add(entry, wake_.fd(), POLLIN);
  io_uring_sqe_set_data64(entry, for_wake);
  is_wake_armed_ = true;
}

inline void uring_backend::wait(work_list& done, const loop_clock::time_point* deadline) noexcept {
  if (!is_wake_armed_) arm_wake();
  take_helped(done);
  if (!done.is_empty()) return poll(done);
  std::chrono::nanoseconds left{0};
  if (deadline != nullptr) {
    left = *deadline - loop_clock::now();
    if (left.count() <= 0) return poll(done);
    timeout_.tv_sec = left.count() / 1'000'000'000;
    timeout_.tv_nsec = left.count() % 1'000'000'000;
  }
  if (!has_ring_) {
    pollfd wake{wake_.fd(), POLLIN, 0};
    const timespec timeout{timeout_.tv_sec, static_cast<long>(timeout_.tv_nsec)};
    ::ppoll(&wake, 1, deadline != nullptr ? &timeout : nullptr, nullptr);
    wake_.drain();
  } else if (deadline == nullptr) {
    judge(io_uring_submit_and_wait(&ring_, 1));
  } else if (has_.has(capability::wait_timeout)) {
    io_uring_cqe* first = nullptr;
    judge(io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout_, nullptr));
  } else if (io_uring_sqe* const entry = next_entry()) {
    io_uring_prep_timeout(entry, &timeout_, 1, 0);  // gone by itself after one completion
    io_uring_sqe_set_data64(entry, for_nobody);
    judge(io_uring_submit_and_wait(&ring_, 1));
  }
  if (has_ring_) collect(done);
  take_helped(done);
}

// Every result of entering the kernel comes here.
inline void uring_backend::judge(int result) noexcept {
  if (result >= 0 || result == -EINTR || result == -ETIME || result == -EBUSY) return;
  if (result == -EAGAIN) {  // the kernel is out of memory for requests; the entries stay queued
    ::sched_yield();
    return;
  }
  break_down(-result);
}

inline void uring_backend::break_down(int errno_value) noexcept {
  std::string text = "io_uring_enter: " + std::generic_category().message(errno_value);
  if (errno_value == EPERM || errno_value == EACCES || errno_value == ENOSYS) {
    text +=
        "; a seccomp filter installed after the loop was made forbids it; WHERRY_LOOP=poll avoids io_uring";
  }
  log(log_level::error, text);
  broken_ = make_failure(absl::StatusCode::kUnavailable, std::move(text), reason::ring_unusable);
  // Closing the ring ends what the kernel still does for it; only then are the buffers ours again.
  detail::release_ring_memory();
  io_uring_queue_exit(&ring_);
  has_ring_ = false;
  for (operation* op = newest_in_flight(); op != nullptr;) {
    operation* const older = op->older;
    if (!helps_with(op->what)) finish(*op, -EPERM, early_);
    op = older;
  }
}

}  // namespace wherry
