// timer_queue.hpp: the timers of a loop, earliest first.
//
// A pairing heap linked through the timers themselves: no allocation, constant-time insertion, removal
// from the middle for cancellation. (Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, 1986.)
// Timers with equal deadlines leave in the order of their `turn`.
//
// Threads: one. Owns nothing.
#pragma once

#include <utility>
#include <wherry/loop/operation.hpp>

namespace wherry {

class timer_queue {
 public:
  bool is_empty() const noexcept { return root_ == nullptr; }

  /// The timer that leaves next, or null.
  timer* first() const noexcept { return root_; }

  void insert(timer& t) noexcept {
    t.child = t.sibling = t.previous = nullptr;
    root_ = root_ == nullptr ? &t : meld(root_, &t);
  }

  /// Precondition: `t` is in this queue.
  void remove(timer& t) noexcept {
    timer* const rest = merge_pairs(t.child);
    if (&t == root_) {
      root_ = rest;
      return;
    }
    // `previous` is the parent of a first child and the left sibling of any other.
    (t.previous->child == &t ? t.previous->child : t.previous->sibling) = t.sibling;
    if (t.sibling != nullptr) t.sibling->previous = t.previous;
    if (rest != nullptr) root_ = meld(root_, rest);
  }

 private:
  static bool leaves_before(const timer& a, const timer& b) noexcept {
    return a.deadline != b.deadline ? a.deadline < b.deadline : a.turn < b.turn;
  }

  static timer* meld(timer* a, timer* b) noexcept {
    if (leaves_before(*b, *a)) std::swap(a, b);
    b->previous = a;
    b->sibling = a->child;
    if (b->sibling != nullptr) b->sibling->previous = b;
    a->child = b;
    a->sibling = a->previous = nullptr;
    return a;
  }

  // Two passes without recursion: melds neighbours left to right, then the pairs right to left.
  static timer* merge_pairs(timer* first) noexcept {
    timer* pairs = nullptr;
    while (first != nullptr) {
      timer* const a = first;
      timer* const b = a->sibling;
      first = b != nullptr ? b->sibling : nullptr;
      a->sibling = a->previous = nullptr;
      timer* pair = a;
      if (b != nullptr) {
        b->sibling = b->previous = nullptr;
        pair = meld(a, b);
      }
      pair->sibling = pairs;
      pairs = pair;
    }
    timer* root = nullptr;
    while (pairs != nullptr) {
      timer* const pair = pairs;
      pairs = pair->sibling;
      pair->sibling = nullptr;
      root = root == nullptr ? pair : meld(root, pair);
    }
    return root;
  }

  timer* root_ = nullptr;
};

}  // namespace wherry
