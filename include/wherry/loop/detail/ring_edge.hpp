// ring_edge.hpp: tells ThreadSanitizer about orderings that pass through the kernel.
//
// A thread writes memory, then a file descriptor; the loop learns of the descriptor through a ring and
// reads the memory. The kernel orders the two, but ThreadSanitizer sees system calls only where it
// intercepts them, and a ring is none; poll(2) orders nothing for it either (such hand-overs are reported
// as races). So every operation releases the edge of its descriptor before it is submitted and acquires it
// after it has completed, and so does `event_fd`. For the far end of a pipe or socket, where another
// thread used plain system calls, a read of no bytes makes ThreadSanitizer look. liburing maps and unmaps
// rings past ThreadSanitizer too, and the kernel gives the addresses of one that ended to the next: whoever
// unmaps a ring releases an edge that whoever maps one acquires. Without ThreadSanitizer all of this is
// nothing.
//
// Threads: any.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define WHERRY_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WHERRY_THREAD_SANITIZER 1
#endif
#endif

#ifdef WHERRY_THREAD_SANITIZER
#include <unistd.h>

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace wherry::detail {

#ifdef WHERRY_THREAD_SANITIZER
// Descriptors that share a slot are ordered more strictly than they are: a race may be missed, never
// invented.
inline char ring_edges[1024];
inline void release_edge(int fd) noexcept { __tsan_release(&ring_edges[static_cast<unsigned>(fd) % 1024]); }
inline void acquire_edge(int fd) noexcept {
  __tsan_acquire(&ring_edges[static_cast<unsigned>(fd) % 1024]);
  char nothing = 0;
  static_cast<void>(!::read(fd, &nothing, 0));
}
inline char ring_memory_edge;
inline void release_ring_memory() noexcept { __tsan_release(&ring_memory_edge); }
inline void acquire_ring_memory() noexcept { __tsan_acquire(&ring_memory_edge); }
#else
inline void release_edge(int) noexcept {}
inline void acquire_edge(int) noexcept {}
inline void release_ring_memory() noexcept {}
inline void acquire_ring_memory() noexcept {}
#endif

}  // namespace wherry::detail
