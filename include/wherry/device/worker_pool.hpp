// worker_pool.hpp: the threads that compute for all `cpu:k` devices of the process.
//
// Two kinds of work reach a worker: a unit to lead, and shares of a kernel that another thread leads. Shares
// are claimed from a counter, so it never matters who comes late, and results do not depend on who came.
//
// There are never more runnable compute threads than allowed cores, the threads that help in `value()`
// counted: at most N-1 workers spin, for 50 microseconds, then sleep; a sleeping worker is woken only when
// work arrives (a wake-up costs 7 to 12 us on the waker, 13 to 30 on the woken; docs/architecture.md).
// N is what the first client asks for, else WHERRY_CPU_WORKERS, else the affinity mask and the cgroup quota.
//
// The pool is made at first use and never destroyed: its threads end with the process. After a fork the
// child has no workers; clients refuse to work there.
//
// Threads: any.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <wherry/coro/scheduler.hpp>
#include <wherry/device/dispatcher.hpp>

namespace wherry {

/// Returns the number that the variable `name` holds, 0 if it is not set or empty. Throws invalid_argument
/// for anything but a number from 1 to `most`.
inline unsigned number_from_environment(const char* name, unsigned most) {
  const char* const text = std::getenv(name);
  if (!text || !*text) return 0;
  unsigned value = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, problem] = std::from_chars(text, end, value);
  if (problem != std::errc() || rest != end || value == 0 || value > most) {
    throw error(absl::StatusCode::kInvalidArgument, std::string(name) + ": expected a number from 1 to " +
                                                        std::to_string(most) + ", got '" + text + "'");
  }
  return value;
}

/// Returns how many compute threads this process may run: WHERRY_CPU_WORKERS if it is set, else the cores of
/// the affinity mask, lowered to the cgroup's CPU quota.
inline unsigned allowed_cores() {
  if (const unsigned n = number_from_environment("WHERRY_CPU_WORKERS", 256)) return n;
  cpu_set_t mask;
  unsigned cores = 1;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = static_cast<unsigned>(CPU_COUNT(&mask));
  std::ifstream quota("/sys/fs/cgroup/cpu.max");  // "max 100000" or "150000 100000", cgroup v2
  std::string limit;
  double period = 0;
  if (quota >> limit >> period && limit != "max" && period > 0) {
    const double share = std::strtod(limit.c_str(), nullptr) / period;
    if (share >= 1 && share < cores) cores = static_cast<unsigned>(share);
    if (share < 1) cores = 1;
  }
  return cores ? cores : 1;
}

class worker_pool final : public engine {
 public:
  using share_function = void (*)(void* const* slots, std::int64_t lo, std::int64_t hi);

  /// The pool of the process. The first call makes it, of `width` compute threads if that is not 0; a later
  /// one that asks for another width throws failed_precondition.
  static worker_pool& instance(unsigned width = 0) {
    static worker_pool& pool = *new worker_pool(width != 0 ? width : allowed_cores());
    if (width != 0 && width != pool.width_) {
      throw error(absl::StatusCode::kFailedPrecondition,
                  "this process computes on " + std::to_string(pool.width_) +
                      " threads since its first client; another cannot make it " + std::to_string(width));
    }
    return pool;
  }

  /// True in a child of the process whose threads these are: the child has none.
  bool is_forked() const noexcept { return detail::was_forked_since(generation_); }

  /// N: the number of threads that compute at once, a caller in `value()` included.
  unsigned width() const noexcept { return width_; }

  /// Runs fn(slots, lo, hi) over [0, extent) in pieces of `grain`, on this thread and on workers that are
  /// free. Returns when all of it is done. `worth_waking`: there is enough work to wake a sleeping worker
  /// for.
  void share(share_function fn, void* const* slots, std::int64_t extent, std::int64_t grain,
             bool worth_waking) noexcept;

  /// Does shares of kernels that other threads lead, if there are any; returns whether it did.
  bool help_shares() noexcept;

  /// Pins worker k to the k-th allowed core, if there are as many workers as cores. For the life of the
  /// process.
  void pin() noexcept;

  void schedule(unit& u) noexcept override;
  void poke() noexcept override;
  bool leads_anywhere() const noexcept override { return true; }

  /// Counts an ordinary thread that computes (in `value()`) among the compute threads while it lives.
  class helper {
   public:
    explicit helper(worker_pool& pool) noexcept : pool_(pool) { pool_.computing_.fetch_add(1); }
    ~helper() {
      pool_.computing_.fetch_sub(1);
      if (pool_.pending_.load() != 0) pool_.poke();
    }
    helper(const helper&) = delete;
    helper& operator=(const helper&) = delete;

   private:
    worker_pool& pool_;
  };

 private:
  struct job {
    share_function fn;
    void* const* slots;
    std::int64_t extent;
    std::int64_t grain;
    std::atomic<int>& open;  // jobs with unclaimed shares; whoever claims the last share counts down
    std::atomic<std::int64_t> next{0};
    void run() noexcept {
      for (;;) {
        const std::int64_t lo = next.fetch_add(grain, std::memory_order_relaxed);
        if (lo >= extent) return;
        if (lo + grain >= extent) open.fetch_sub(1);
        fn(slots, lo, lo + grain < extent ? lo + grain : extent);
      }
    }
  };
  // A place where one leader offers shares. A helper announces itself in `helpers` before it looks at
  // `current`; the leader clears `current` and then waits for `helpers` to be 0 (sequentially consistent on
  // both sides).
  struct alignas(64) offer {
    std::atomic<job*> current{nullptr};
    std::atomic<int> helpers{0};
    std::atomic<bool> taken{false};
  };

  class worker_scheduler final : public scheduler {
   public:
    worker_scheduler() : scheduler(kind::worker) {}
    void post(work& w) noexcept override;
  };

  explicit worker_pool(unsigned width) : width_(width) {}
  void start_threads();
  void run_worker() noexcept;
  bool lead_one() noexcept;
  bool run_posted() noexcept;
  bool has_work() const noexcept;
  void sleep() noexcept;

  static constexpr auto spin_time = std::chrono::microseconds(50);

  // constant after construction
  unsigned width_;
  std::uint32_t generation_ = detail::process_generation();
  worker_scheduler posts_;
  // dispatch lock
  unit* first_ = nullptr;
  unit* last_ = nullptr;
  // any thread
  std::atomic<int> pending_{0};    // units on the list and posted work
  std::atomic<int> computing_{0};  // threads that compute or spin
  std::atomic<int> spinning_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<std::uint32_t> epoch_{0};
  std::atomic<bool> started_{false};
  std::atomic<int> offers_open_{0};
  std::array<offer, 64> offers_;
  std::mutex posted_mutex_;
  work* posted_first_ = nullptr;
  work* posted_last_ = nullptr;
  std::mutex start_mutex_;
  std::vector<pthread_t> threads_;

 public:
  /// The scheduler whose posted work runs on workers (compilations, host callbacks).
  scheduler& as_scheduler() noexcept {
    start_threads();
    return posts_;
  }
};

// -------------------------------------------------------------------------------------- scheduling

inline void worker_pool::schedule(unit& u) noexcept {
  if (u.scheduled_) return;
  u.retain();
  u.scheduled_ = true;
  u.next_scheduled_ = nullptr;
  (last_ ? last_->next_scheduled_ : first_) = &u;
  last_ = &u;
  pending_.fetch_add(1);
}

inline void worker_pool::poke() noexcept {
  if (!started_.load(std::memory_order_acquire)) start_threads();
  epoch_.fetch_add(1);
  // A worker that spins sees the work by itself, 0.1 us from now; waking another costs this thread 7 to 12
  // us.
  if (spinning_.load() == 0 && sleepers_.load() > 0) epoch_.notify_one();
}

inline void worker_pool::worker_scheduler::post(work& w) noexcept {
  worker_pool& pool = worker_pool::instance();
  {
    std::lock_guard lock(pool.posted_mutex_);
    w.next = nullptr;
    (pool.posted_last_ ? pool.posted_last_->next : pool.posted_first_) = &w;
    pool.posted_last_ = &w;
  }
  pool.pending_.fetch_add(1);
  pool.poke();
}

inline bool worker_pool::run_posted() noexcept {
  work* w = nullptr;
  {
    std::lock_guard lock(posted_mutex_);
    w = posted_first_;
    if (!w) return false;
    posted_first_ = w->next;
    if (!posted_first_) posted_last_ = nullptr;
  }
  pending_.fetch_sub(1);
  w->run(*w);
  return true;
}

inline bool worker_pool::lead_one() noexcept {
  ref<unit> u;
  {
    detail::dispatch_lock lock;
    if (!first_) return false;
    u = ref<unit>::adopt(first_);
    first_ = u->next_scheduled_;
    if (!first_) last_ = nullptr;
    u->scheduled_ = false;
  }
  if (pending_.fetch_sub(1) > 1) poke();  // more than this thread can do
  dispatcher::lead(*u, [] { return false; });
  return true;
}

// ------------------------------------------------------------------------------------------ shares

inline void worker_pool::share(share_function fn, void* const* slots, std::int64_t extent, std::int64_t grain,
                               bool worth_waking) noexcept {
  offer* place = nullptr;
  if (width_ > 1 && extent > grain) {
    if (!started_.load(std::memory_order_acquire)) start_threads();
    for (offer& o : offers_) {
      if (!o.taken.load(std::memory_order_relaxed) && !o.taken.exchange(true)) {
        place = &o;
        break;
      }
    }
  }
  if (!place) return fn(slots, 0, extent);
  job shares{fn, slots, extent, grain, offers_open_};
  offers_open_.fetch_add(1);
  place->current.store(&shares);
  if (worth_waking && spinning_.load() == 0 && computing_.load() < static_cast<int>(width_)) poke();
  shares.run();
  place->current.store(nullptr);
  for (int spin = 0; place->helpers.load() != 0; ++spin) {
    if (spin < 1000) {
      detail::cpu_relax();
    } else {
      sched_yield();  // the helper may have lost its core
    }
  }
  place->taken.store(false);
}

inline bool worker_pool::help_shares() noexcept {
  bool any = false;
  for (offer& o : offers_) {
    if (!o.current.load(std::memory_order_relaxed)) continue;
    o.helpers.fetch_add(1);
    if (job* j = o.current.load(); j && j->next.load(std::memory_order_relaxed) < j->extent) {
      any = true;
      j->run();
    }
    o.helpers.fetch_sub(1);
    if (offers_open_.load(std::memory_order_relaxed) == 0) break;
  }
  return any;
}

// ----------------------------------------------------------------------------------------- threads

inline void worker_pool::start_threads() {
  std::lock_guard lock(start_mutex_);
  if (started_.load()) return;
  for (unsigned k = 0; k < width_; ++k) {
    std::thread thread([this] { run_worker(); });
    threads_.push_back(thread.native_handle());
    pthread_setname_np(thread.native_handle(), ("wherry-cpu" + std::to_string(k)).c_str());
    thread.detach();
  }
  started_.store(true, std::memory_order_release);
}

inline void worker_pool::pin() noexcept {
  start_threads();
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0 || static_cast<unsigned>(CPU_COUNT(&mask)) != width_)
    return;
  std::size_t k = 0;
  for (int core = 0; core < CPU_SETSIZE && k < threads_.size(); ++core) {
    if (!CPU_ISSET(core, &mask)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    pthread_setaffinity_np(threads_[k++], sizeof one, &one);
  }
}

inline bool worker_pool::has_work() const noexcept {
  return pending_.load() != 0 || offers_open_.load() != 0;
}

inline void worker_pool::run_worker() noexcept {
  scheduler_scope scope(posts_);
  for (;;) {
    // A place among the compute threads, or sleep: whoever leaves one looks at `pending_` and pokes.
    if (computing_.fetch_add(1) >= static_cast<int>(width_)) {
      computing_.fetch_sub(1);
      sleep();
      continue;
    }
    while (help_shares() || lead_one() || run_posted()) {
    }
    const bool may_spin = spinning_.fetch_add(1) < static_cast<int>(width_) - 1;
    if (may_spin) {
      const auto end = std::chrono::steady_clock::now() + spin_time;
      while (!has_work() && std::chrono::steady_clock::now() < end) {
        for (int k = 0; k < 32; ++k) detail::cpu_relax();
      }
    }
    spinning_.fetch_sub(1);
    computing_.fetch_sub(1);
    if (!has_work()) sleep();  // work that came since the spin ended is seen here or there
  }
}

inline void worker_pool::sleep() noexcept {
  const std::uint32_t seen = epoch_.load();
  sleepers_.fetch_add(1);
  const bool room = computing_.load() < static_cast<int>(width_);
  if (!(room && has_work()) && epoch_.load() == seen) epoch_.wait(seen);
  sleepers_.fetch_sub(1);
}

}  // namespace wherry
