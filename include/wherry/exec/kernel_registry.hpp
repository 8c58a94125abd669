// kernel_registry.hpp: names to kernels, one table per process.
//
// Plans (prebuilt kernels), run-by-name, pipelines and `stablehlo.custom_call` all look here. An entry
// is one native kernel (see plan.hpp for its contract) under one public name; which instruction set it
// uses is settled before it is added. Names are dotted, the family first: `gemm_f32.compute`. Entries
// are never removed or replaced, so a pointer that `find` returned stays valid for ever.
//
// Threads: any. Libraries add their kernels in static initialisers, before `main`.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/exec/plan.hpp>

namespace wherry {

/// One entry of the registry. A kind of entry other than native code gets a member of its own.
struct registered_kernel {
  std::string name;
  native_kernel native = nullptr;
  std::string variant;  // for people: the instruction set, or where the kernel comes from
};

class kernel_registry {
 public:
  kernel_registry() = default;
  kernel_registry(const kernel_registry&) = delete;
  kernel_registry& operator=(const kernel_registry&) = delete;

  /// Returns the registry of this process. It is never destroyed: static objects may use it last.
  static kernel_registry& instance() {
    static auto* const registry = new kernel_registry;
    return *registry;
  }

  /// Returns true when `entry` was added; false, changing nothing, when its name is empty or taken or it
  /// has no code.
  bool add(const registered_kernel& entry) {
    if (entry.name.empty() || entry.native == nullptr) return false;
    const std::unique_lock lock(mutex_);
    return entries_.try_emplace(entry.name, entry).second;
  }

  /// Returns the entry called `name`, or null when there is none.
  const registered_kernel* find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto entry = entries_.find(name);
    return entry == entries_.end() ? nullptr : &entry->second;
  }

  /// Returns all names in alphabetical order.
  std::vector<std::string> names() const {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> result;
    result.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) result.push_back(name);
    return result;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, registered_kernel, std::less<>> entries_;  // nodes do not move
};

}  // namespace wherry
