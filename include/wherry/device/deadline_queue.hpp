// deadline_queue.hpp: points in time at which something is to be told, set and taken back by any thread.
//
// The entries of one device share one timer of its client's loop, armed for the earliest of them. Most are
// taken back before their time, which costs a lock and no wake-up: a timer that nobody waits for any more
// ends once, finds nothing to do and is armed for the next.
//
// Threads: any; entries are told on the loop's thread, one at a time, outside the lock. The queue keeps
// itself alive while its timer is armed; the loop may end before it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <wherry/device/ref.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

class deadline_queue : public ref_counted<deadline_queue>, work {
 public:
  /// Belongs to who adds it and stays where it is until told or removed.
  struct entry : timer {
    void (*passed)(entry&) noexcept = nullptr;  // on the loop's thread
    bool is_waiting = false;                    // the queue's
  };

  deadline_queue() {
    work::run = [](work& w) noexcept {
      const auto self = ref<deadline_queue>::adopt(&static_cast<deadline_queue&>(w));
      self->look();
    };
    alarm_.run = [](work& w) noexcept {
      auto& a = static_cast<alarm&>(w);
      const auto self = ref<deadline_queue>::adopt(a.owner);
      self->alarm_ended();
    };
    alarm_.owner = this;
  }

  /// True when `deadline` has passed, as far as this thread can tell: the time of a simulated loop is known
  /// on its own thread only.
  static bool has_passed(loop_clock::time_point deadline, const loop& home) noexcept {
    if (home.is_here()) return home.now() >= deadline;
    return home.backend_name() != "simulated" && loop_clock::now() >= deadline;
  }

  /// Has `e` told on the thread of `home` once `e.deadline` has come, if it is not removed before. `home` is
  /// the same at every call, and lives for as long as entries wait.
  void add(entry& e, loop& home) {
    const std::lock_guard lock(mutex_);
    home_ = &home;
    e.turn = ++turn_;
    e.is_waiting = true;
    entries_.insert(e);
    if (e.deadline >= armed_for_) return;
    armed_for_ = e.deadline;
    if (std::exchange(posted_, true)) return;
    retain();
    home.post(*this);
  }

  /// Takes `e` back. If it is being told on another thread, waits until that is over; afterwards nothing
  /// touches it.
  void remove(entry& e) noexcept {
    std::unique_lock lock(mutex_);
    if (std::exchange(e.is_waiting, false)) {
      entries_.remove(e);
    } else if (telling_ == &e) {
      if (teller_ == std::this_thread::get_id()) {
        telling_ = nullptr;
      } else {
        told_.wait(lock, [&] { return telling_ != &e; });
      }
    }
  }

 private:
  struct alarm : timer {
    deadline_queue* owner = nullptr;
  };

  void look() noexcept {
    {
      const std::lock_guard lock(mutex_);
      posted_ = false;
    }
    tell();
  }

  void alarm_ended() noexcept {
    in_loop_ = false;
    const bool loop_ends = alarm_.result < 0 && !moving_;
    moving_ = false;
    if (!loop_ends) tell();  // else every new timer would end at once, too
  }

  /// Tells whose time has come, then sees to it that the timer is armed for the next.
  void tell() noexcept {
    std::unique_lock lock(mutex_);
    loop& home = *home_;
    while (timer* first = entries_.first()) {
      if (first->deadline > home.now()) break;
      auto& e = static_cast<entry&>(*first);
      entries_.remove(e);
      e.is_waiting = false;
      telling_ = &e;
      teller_ = std::this_thread::get_id();
      lock.unlock();
      e.passed(e);  // may free it
      lock.lock();
      telling_ = nullptr;
      told_.notify_all();
    }
    const timer* const next = entries_.first();
    const auto wanted = next ? next->deadline : loop_clock::time_point::max();
    if (!in_loop_) {
      armed_for_ = wanted;
      if (!next) return;
      in_loop_ = true;
      alarm_.deadline = wanted;
      alarm_.is = operation::state::idle;
      alarm_.result = 0;
      retain();
      lock.unlock();
      home.start(alarm_);
    } else if (wanted < alarm_.deadline) {
      armed_for_ = wanted;  // by the end of the timer, which is on its way if it is not in flight
      if (alarm_.is != operation::state::in_flight) return;
      moving_ = true;
      lock.unlock();
      home.cancel(alarm_);
    } else {
      armed_for_ = alarm_.deadline;
    }
  }

  std::mutex mutex_;
  // guarded by mutex_
  timer_queue entries_;
  loop* home_ = nullptr;
  std::uint64_t turn_ = 0;
  loop_clock::time_point armed_for_ = loop_clock::time_point::max();  // what the timer is, or will be, set to
  bool posted_ = false;
  entry* telling_ = nullptr;
  std::thread::id teller_;
  std::condition_variable told_;
  // loop thread only
  alarm alarm_;
  bool in_loop_ = false;  // from its start until it runs as work
  bool moving_ = false;   // it was ended to be set anew
};

}  // namespace wherry
