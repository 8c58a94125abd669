// kernel_cache.hpp: kernels by name that were compiled, so that the next use finds them.
//
// A kernel is kept under its name, the types of its inputs, what its parameters write into the program, and
// the device. With it stays the executable that holds the operands of its last use, which repeated calls with
// the same parameters use again. The least recently used go first.
//
// Threads: any.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <wherry/exec/executable.hpp>

namespace wherry {

class kernel_cache {
 public:
  static constexpr std::size_t capacity = 256;

  struct entry {
    executable program;  // takes the operands as its last argument, if it has any
    dtype operands = dtype::f32;
    std::shared_ptr<const void> source = nullptr;  // of a registered kernel, which may be replaced
    std::vector<double> last_values = {};
    std::optional<executable> last = std::nullopt;  // `program` with `last_values`
  };

  /// Returns a copy of what is kept under `key`.
  std::optional<entry> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, found->second.place);
    return found->second.kept;
  }

  void keep(const std::string& key, entry e) {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      found->second.kept = std::move(e);
      return;
    }
    if (entries_.size() == capacity) {
      entries_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(key);
    entries_.emplace(key, placed{std::move(e), order_.begin()});
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  struct placed {
    entry kept;
    std::list<std::string>::iterator place;
  };
  mutable std::mutex mutex_;
  std::list<std::string> order_;  // guarded by mutex_; the last used first
  std::map<std::string, placed> entries_;
};

}  // namespace wherry
