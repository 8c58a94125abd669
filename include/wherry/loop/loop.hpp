// loop.hpp: one thread's event loop.
//
// A loop runs posted work and completes operations (files, descriptors, timers) in turns: take what other
// threads posted, end the timers whose time has come, hand new operations to the kernel and collect
// completions, or sleep if nothing is ready, then run what was ready when the turn began. A turn enters
// the kernel at most once, and no kind of work can starve another.
//
// A loop belongs to the thread that constructs it: only that thread runs it, starts operations on it and
// destroys it. Others post. `loop_thread` gives a loop a thread of its own. In a forked child a loop is of
// no use: what can throws says `forked`, and its destructor leaves the parent's ring alone.
//
// Ending: the destructor cancels every operation and runs the coroutines that waited for them; operations
// they start then fail at once as cancelled.
//
// Threads: `post`, `is_here` and the constants from any; the rest from the owner.
#pragma once

#include <absl/status/status.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <wherry/coro/scheduler.hpp>
#include <wherry/loop/backend.hpp>
#include <wherry/loop/detail/process_generation.hpp>
#include <wherry/loop/event_fd.hpp>
#include <wherry/loop/operation.hpp>
#include <wherry/loop/poll_backend.hpp>
#include <wherry/loop/simulated_backend.hpp>
#include <wherry/loop/timer_queue.hpp>
#include <wherry/loop/uring_backend.hpp>
#include <wherry/loop/wake_queue.hpp>
#include <wherry/loop/work_list.hpp>
#include <wherry/status/broken_rule.hpp>
#include <wherry/status/error.hpp>
#include <wherry/status/log.hpp>

namespace wherry {

class loop final : public scheduler {
 public:
  /// Throws `unavailable` (ring_unusable) when io_uring is asked for and forbidden, `invalid_argument` when
  /// WHERRY_LOOP is neither `uring` nor `poll`, and other codes when descriptors or memory ran out.
  explicit loop(const loop_options& options = {});
  ~loop() override;

  /// Runs `item` once, later, on the loop's thread, in the order of posting. Never waits, never allocates.
  /// The loop must live until `item` runs. Aborts in a forked child.
  void post(work& item) noexcept override;

  /// Waits: runs the loop until `is_done()`, which is asked once per turn. Throws `failed_precondition`:
  /// deadlock_would_occur on a loop's or worker's thread (this loop's own included), wrong_thread on a
  /// thread that does not own the loop, forked in a forked child.
  template <class Predicate>
  void run_until(Predicate is_done);

  /// Time on the scale of this loop's timers: virtual if it is simulated.
  loop_clock::time_point now() const noexcept { return backend_->now(); }

  std::string_view backend_name() const noexcept { return backend_->name(); }
  capability_set capabilities() const noexcept { return backend_->capabilities(); }

  /// True on the thread that owns the loop.
  bool is_here() const noexcept { return owner_ == std::this_thread::get_id(); }
  bool is_forked() const noexcept { return detail::was_forked_since(generation_); }

  /// Number of operations and timers that have not completed.
  std::size_t in_flight() const noexcept { return backend_->in_flight() + timers_in_flight_; }

  /// Why no operation can succeed any more, or null.
  const failure& broken() const noexcept { return backend_->broken(); }

  // For awaiters.

  /// Lends `op` to the loop until it runs as work. Throws `failed_precondition`: forked, or wrong_thread
  /// unless the loop is running the caller.
  void start(operation& op);

  /// Ends `op`, if it is in flight, as early as possible; it still runs as work.
  void cancel(operation& op) noexcept;

  /// Cancels `op`, waits for its end and takes it back: it does not run as work. Waits for as long as the
  /// kernel needs, which for a read from a disk is until it is done.
  void abandon(operation& op) noexcept;

  /// Takes back `item`, which was posted and has not run.
  void withdraw(work& item) noexcept;

  /// Throws `failed_precondition` (forked) in a forked child.
  void require_own_process(const char* what) const {
    if (is_forked()) refuse_process(what);
  }

 private:
  static std::unique_ptr<backend> make_backend(const loop_options& options, event_fd& wake);

  [[noreturn]] static void refuse_process(const char* what);
  [[noreturn]] static void refuse_thread(const char* message);
  void turn() noexcept;
  void sleep() noexcept;
  void end_timers() noexcept;
  void end_timer(timer& t, std::int32_t result) noexcept;

  // constant after construction
  const std::thread::id owner_ = std::this_thread::get_id();
  const std::uint32_t generation_ = detail::process_generation();

  // any thread
  event_fd wake_;
  wake_queue remote_;

  // loop thread only
  std::unique_ptr<backend> backend_;
  work_list ready_;    // will run in the next turn
  work_list running_;  // still to run in this turn
  timer_queue timers_;
  std::size_t timers_in_flight_ = 0;
  bool is_ending_ = false;
};

inline loop::loop(const loop_options& options)
    : scheduler(scheduler::kind::loop), backend_(make_backend(options, wake_)) {}

inline std::unique_ptr<backend> loop::make_backend(const loop_options& options, event_fd& wake) {
  auto kind = options.backend;
  if (kind == loop_options::kind::automatic) {
    const char* const forced = std::getenv("WHERRY_LOOP");
    const std::string_view name = forced != nullptr ? forced : "";
    if (name == "uring") {
      kind = loop_options::kind::uring;
    } else if (name == "poll") {
      kind = loop_options::kind::poll;
    } else if (!name.empty()) {
      throw error(absl::StatusCode::kInvalidArgument,
                  "WHERRY_LOOP: expected uring or poll, got '" + std::string(name) + "'");
    }
  }
  if (kind == loop_options::kind::simulated) return std::make_unique<simulated_backend>(options, wake);
  if (kind == loop_options::kind::poll) return std::make_unique<poll_backend>(options, wake);
  std::string refusal;
  if (auto ring = uring_backend::make(options, wake, refusal)) return ring;
  if (kind == loop_options::kind::uring) {
    throw error(absl::StatusCode::kUnavailable, refusal + "; this process may not use io_uring",
                reason::ring_unusable);
  }
  static const bool said = [&] {
    log(log_level::warn,
        refusal + "; this process may not use io_uring: event loops use poll and a helper thread");
    return true;
  }();
  static_cast<void>(said);
  return std::make_unique<poll_backend>(options, wake);
}

inline loop::~loop() {
  if (is_forked()) {
    // The ring is the parent's, and a lock may be held by a thread that does not exist here.
    static_cast<void>(backend_.release());
    return;
  }
  if (!is_here()) broken_rule("wrong_thread", "a loop was destroyed by a thread that does not own it");
  const scheduler_scope scope(*this);
  is_ending_ = true;
  while (timer* const t = timers_.first()) cancel(*t);
  for (operation* op = backend_->newest_in_flight(); op != nullptr;) {
    operation* const older = op->older;  // a backend that cancels at once unlinks `op`
    cancel(*op);
    op = older;
  }
  for (;;) {
    backend_->poll(ready_);
    if (ready_.is_empty() && backend_->in_flight() == 0 && !remote_.has_news()) break;
    turn();
  }
  remote_.wait_for_wakers();
}

inline void loop::post(work& item) noexcept {
  if (is_forked()) broken_rule("forked", "a loop was used in a forked child");
  if (is_here()) {
    ready_.push_back(item);
  } else {
    remote_.push(item, [this] { wake_.signal(); });
  }
}

template <class Predicate>
void loop::run_until(Predicate is_done) {
  require_own_process("run_until");
  if (!is_here())
    refuse_thread("run_until: wrong_thread: only the thread that owns a loop runs it; post to it instead");
  require_may_block("run_until");
  const scheduler_scope scope(*this);
  while (!is_done()) turn();
}

inline void loop::turn() noexcept {
  if (remote_.has_news()) remote_.take_all(ready_);
  end_timers();
  if (ready_.is_empty()) {
    sleep();
  } else {
    backend_->poll(ready_);
  }
  running_.append(ready_);
  while (work* const item = running_.pop_front()) item->run(*item);
}

inline void loop::sleep() noexcept {
  if (!remote_.try_sleep()) {
    backend_->poll(ready_);
  } else {
    const timer* const first = timers_.first();
    backend_->wait(ready_, first != nullptr ? &first->deadline : nullptr);
  }
  remote_.take_all(ready_);
  end_timers();
}

inline void loop::end_timers() noexcept {
  if (timers_.is_empty()) return;
  const auto time = backend_->now();
  for (timer* t = timers_.first(); t != nullptr && t->deadline <= time; t = timers_.first()) end_timer(*t, 0);
}

inline void loop::end_timer(timer& t, std::int32_t result) noexcept {
  timers_.remove(t);
  --timers_in_flight_;
  t.result = result;
  t.is = operation::state::completed;
  ready_.push_back(t);
}

inline void loop::start(operation& op) {
  require_own_process("an operation");
  if (scheduler::current() != this) {
    refuse_thread(
        "an operation: wrong_thread: only a coroutine that runs on a loop awaits its operations;"
        " use sync_wait(loop, task) or resume_on(loop)");
  }
  if (is_ending_) {
    op.result = -ECANCELED;
    op.is = operation::state::completed;
    ready_.push_back(op);
  } else if (op.what == operation::kind::timer) {
    op.is = operation::state::in_flight;
    op.turn = backend_->next_turn();
    timers_.insert(static_cast<timer&>(op));
    ++timers_in_flight_;
  } else {
    backend_->start(op);
  }
}

inline void loop::cancel(operation& op) noexcept {
  if (op.is != operation::state::in_flight) return;
  if (op.what == operation::kind::timer) {
    end_timer(static_cast<timer&>(op), -ECANCELED);
  } else {
    backend_->cancel(op);
  }
}

inline void loop::abandon(operation& op) noexcept {
  if (is_forked()) return;
  if (!is_here())
    broken_rule("wrong_thread", "a coroutine was destroyed while it waited on another thread's loop");
  cancel(op);
  while (op.is == operation::state::in_flight) backend_->wait(ready_, nullptr);
  backend_->poll(ready_);  // it may have completed without having been handed out
  withdraw(op);
}

inline void loop::withdraw(work& item) noexcept {
  if (is_forked()) return;
  if (!is_here())
    broken_rule("wrong_thread", "a coroutine was destroyed while it waited on another thread's loop");
  if (running_.remove(item) || ready_.remove(item)) return;
  remote_.take_all(ready_);
  ready_.remove(item);
}

inline void loop::refuse_process(const char* what) {
  throw error(
      absl::StatusCode::kFailedPrecondition,
      std::string(what) + ": forked: this loop belongs to the parent process; make a new one after fork",
      reason::forked);
}

inline void loop::refuse_thread(const char* message) {
  throw error(absl::StatusCode::kFailedPrecondition, message, reason::wrong_thread);
}

}  // namespace wherry
