// frame_pool.hpp: where coroutine frames come from.
//
// Frames come in few sizes and die soon: each thread keeps free lists by size class (128-byte steps up to
// 4 KiB; larger frames go to the heap). A frame may be freed on another thread than it was made on, so a
// full list hands half of itself to a depot shared by all threads, and an empty one refills there before
// it asks the heap.
//
// Under AddressSanitizer every frame comes from the heap, so that a use after free is seen.
//
// Threads: any. A thread's lists go to the depot when it ends; frames freed after that go to the heap.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#ifndef WHERRY_FRAME_POOL
#if defined(__SANITIZE_ADDRESS__)
#define WHERRY_FRAME_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WHERRY_FRAME_POOL 0
#endif
#endif
#endif
#ifndef WHERRY_FRAME_POOL
#define WHERRY_FRAME_POOL 1
#endif

namespace wherry {

class frame_pool {
 public:
  static constexpr std::size_t step = 128;
  static constexpr std::size_t classes = 32;
  static constexpr std::size_t largest = step * classes;
  static constexpr std::uint32_t thread_capacity = 64;  // free frames of one class a thread keeps
  static constexpr std::uint32_t depot_capacity = 1024;

  /// Returns memory for a frame, aligned as by `operator new`. Throws std::bad_alloc.
  static void* allocate(std::size_t bytes);
  /// Precondition: `p` came from `allocate(bytes)`.
  static void release(void* p, std::size_t bytes) noexcept;

  /// Returns how many frames of this process are allocated and not released. Exact when no other thread
  /// is making or freeing frames.
  static std::int64_t live() noexcept;

 private:
  struct node {
    node* next;
  };
  struct list {
    node* top = nullptr;
    std::uint32_t count = 0;
    void push(node* n) noexcept {
      n->next = std::exchange(top, n);
      ++count;
    }
    node* pop() noexcept {
      node* const n = top;
      if (n != nullptr) {
        top = n->next;
        --count;
      }
      return n;
    }
  };
  // The owning thread's; only `live` is read by others.
  struct cache {
    std::array<list, classes> lists;
    std::atomic<std::int64_t> live = 0;
    cache* next = nullptr;  // in the depot's list, under its lock
    cache* prev = nullptr;
  };
  struct depot {
    std::mutex mutex;
    std::array<list, classes> lists;
    cache* caches = nullptr;
    std::atomic<std::int64_t> live = 0;  // of threads that have no cache (any more)
  };
  struct keeper {  // ties a cache to its thread's life
    cache own;
    keeper() noexcept;
    ~keeper();
  };
  enum class phase : std::uint8_t { unused, running, ended };

  // What happens now and then: kept out of the way of what happens several times a request.
  [[gnu::cold]] static void* allocate_slowly(std::size_t bytes);
  [[gnu::cold]] static void shed(list& own, std::size_t index) noexcept;

  static depot& shared() {
    static depot& d = *new depot;  // frames may be freed while static objects are destroyed
    return d;
  }
  static cache* mine() noexcept {
    if (cache_ == nullptr && phase_ == phase::unused) open();
    return cache_;
  }
  static void open() noexcept {
    static thread_local keeper k;
    (void)k;
  }
  static void count(cache* c, std::int64_t change) noexcept {
    if (c == nullptr) {
      shared().live.fetch_add(change, std::memory_order_relaxed);
    } else {  // one writer: no atomic addition needed
      c->live.store(c->live.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
    }
  }
  static void move(list& from, list& to, std::uint32_t n) noexcept {
    for (; n > 0; --n) to.push(from.pop());
  }

  static inline constinit thread_local cache* cache_ = nullptr;
  static inline constinit thread_local phase phase_ = phase::unused;
};

inline frame_pool::keeper::keeper() noexcept {
  depot& d = shared();
  const std::lock_guard lock(d.mutex);
  own.next = d.caches;
  if (own.next != nullptr) own.next->prev = &own;
  d.caches = &own;
  cache_ = &own;
  phase_ = phase::running;
}

inline frame_pool::keeper::~keeper() {
  depot& d = shared();
  const std::lock_guard lock(d.mutex);
  for (std::size_t i = 0; i < classes; ++i) {
    while (node* const n = own.lists[i].pop()) {
      if (d.lists[i].count < depot_capacity) {
        d.lists[i].push(n);
      } else {
        ::operator delete(n);
      }
    }
  }
  d.live.fetch_add(own.live.load(std::memory_order_relaxed), std::memory_order_relaxed);
  (own.prev != nullptr ? own.prev->next : d.caches) = own.next;
  if (own.next != nullptr) own.next->prev = own.prev;
  cache_ = nullptr;
  phase_ = phase::ended;
}

inline void* frame_pool::allocate(std::size_t bytes) {
  cache* const c = cache_;
  const std::size_t index = (bytes - 1) / step;
  if (WHERRY_FRAME_POOL != 0 && c != nullptr && index < classes) [[likely]] {
    if (node* const n = c->lists[index].pop()) [[likely]] {
      count(c, 1);
      return n;
    }
  }
  return allocate_slowly(bytes);
}

inline void* frame_pool::allocate_slowly(std::size_t bytes) {
  cache* const c = mine();
  const std::size_t index = (bytes - 1) / step;
  void* p = nullptr;
  if (WHERRY_FRAME_POOL != 0 && c != nullptr && index < classes) {
    list& own = c->lists[index];
    if (own.top == nullptr) {
      depot& d = shared();
      const std::lock_guard lock(d.mutex);
      list& stock = d.lists[index];
      move(stock, own, stock.count < thread_capacity / 2 ? stock.count : thread_capacity / 2);
    }
    p = own.pop();
  }
  if (p == nullptr) p = ::operator new(index < classes ? (index + 1) * step : bytes);
  count(c, 1);
  return p;
}

inline void frame_pool::release(void* p, std::size_t bytes) noexcept {
  cache* c = cache_;
  if (c == nullptr) [[unlikely]]
    c = mine();
  count(c, -1);
  const std::size_t index = (bytes - 1) / step;
  if (WHERRY_FRAME_POOL == 0 || c == nullptr || index >= classes) [[unlikely]] {
    ::operator delete(p);
    return;
  }
  list& own = c->lists[index];
  own.push(static_cast<node*>(p));
  if (own.count > thread_capacity) [[unlikely]]
    shed(own, index);
}

inline void frame_pool::shed(list& own, std::size_t index) noexcept {
  depot& d = shared();
  const std::lock_guard lock(d.mutex);
  if (d.lists[index].count + thread_capacity / 2 <= depot_capacity) {
    move(own, d.lists[index], thread_capacity / 2);
  } else {
    ::operator delete(own.pop());
  }
}

inline std::int64_t frame_pool::live() noexcept {
  depot& d = shared();
  const std::lock_guard lock(d.mutex);
  std::int64_t sum = d.live.load(std::memory_order_relaxed);
  for (const cache* c = d.caches; c != nullptr; c = c->next) sum += c->live.load(std::memory_order_relaxed);
  return sum;
}

/// Base of promises whose frames come from the pool.
struct pooled_frame {
  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }
};

}  // namespace wherry
