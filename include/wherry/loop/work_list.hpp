// work_list.hpp: a first-in first-out list of work, linked through the work itself.
//
// Threads: one. Owns nothing: an item belongs to whoever posted it, and `next` is the list's while the
// item is in it.
#pragma once

#include <cstddef>
#include <utility>
#include <wherry/coro/scheduler.hpp>

namespace wherry {

class work_list {
 public:
  work_list() = default;
  work_list(const work_list&) = delete;
  work_list& operator=(const work_list&) = delete;

  bool is_empty() const noexcept { return first_ == nullptr; }

  void push_back(work& item) noexcept {
    item.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &item;
    last_ = &item;
  }

  /// Moves all of `other` behind the items that are here.
  void append(work_list& other) noexcept {
    if (other.first_ == nullptr) return;
    (last_ != nullptr ? last_->next : first_) = other.first_;
    last_ = std::exchange(other.last_, nullptr);
    other.first_ = nullptr;
  }

  /// Returns the oldest item, or null.
  work* pop_front() noexcept {
    work* const item = first_;
    if (item == nullptr) return nullptr;
    first_ = item->next;
    if (first_ == nullptr) last_ = nullptr;
    return item;
  }

  /// Returns true if `item` was here; it no longer is. Looks at every item.
  bool remove(work& item) noexcept {
    work* previous = nullptr;
    for (work* w = first_; w != nullptr; previous = w, w = w->next) {
      if (w != &item) continue;
      (previous != nullptr ? previous->next : first_) = w->next;
      if (last_ == w) last_ = previous;
      return true;
    }
    return false;
  }

 private:
  work* first_ = nullptr;
  work* last_ = nullptr;
};

}  // namespace wherry
