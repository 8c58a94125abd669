// operation.hpp: one request to the outside world: a read, a timer, a file to open.
//
// An operation is a part of the awaiter that waits for it, so starting one allocates nothing. It belongs
// to the awaiter; from `loop::start` until it runs as work on its loop it and everything it points to are
// lent to the loop, and the awaiter neither moves nor dies (its destructor cancels and waits).
//
// Threads: the loop's.
//
// States: idle --start--> in_flight --finished or cancelled--> completed.
// `completed` means that the result is there and that the operation is, or was, ready work of its loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <wherry/coro/scheduler.hpp>

namespace wherry {

/// The clock of timers and deadlines. A simulated loop has its own time on the same scale: ask `loop::now()`.
using loop_clock = std::chrono::steady_clock;

struct operation : work {
  enum class kind : std::uint8_t { nop, poll, read, write, open, close, stat, sync, rename, remove, timer };
  enum class state : std::uint8_t { idle, in_flight, completed };

  static constexpr std::uint64_t current_position = ~std::uint64_t{0};

  kind what = kind::nop;
  state is = state::idle;
  std::int32_t result = 0;                  // as the system call returns it, or minus an errno
  int fd = -1;                              // poll, read, write, close, stat, sync
  std::uint32_t flags = 0;                  // poll: events; open: O_...; sync: 1 for data only
  std::uint32_t size = 0;                   // read, write: bytes; open: mode
  const void* from = nullptr;               // write: bytes; open, stat, rename, remove: path
  void* to = nullptr;                       // read: bytes; stat: struct statx
  const char* new_path = nullptr;           // rename
  std::uint64_t offset = current_position;  // read, write

  operation* newer = nullptr;  // the backend's list of what is in flight
  operation* older = nullptr;
  std::uint64_t turn = 0;  // the backend's
};

/// An operation of kind `timer`: completes with result 0 when `deadline` has come.
struct timer : operation {
  timer() { what = kind::timer; }

  loop_clock::time_point deadline{};
  timer* child = nullptr;  // the timer queue's
  timer* sibling = nullptr;
  timer* previous = nullptr;
};

}  // namespace wherry
