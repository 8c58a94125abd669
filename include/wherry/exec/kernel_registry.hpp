// kernel_registry.hpp: names to kernels and handlers, one table per process.
//
// A *prebuilt kernel* is native code that plans launch (see plan.hpp for its contract); which instruction set
// it uses is settled before it is added. Names are dotted, the family first: `gemm_f32.compute`. Such entries
// are never removed or replaced, so a pointer that `find` returned stays valid for ever.
//
// A *target* is what `stablehlo.custom_call` names: a handler on the host (call_frame.hpp, bind.hpp), a
// kernel in OpenCL C (device_kernel.hpp), or both, of which OpenCL executables take the kernel. Targets are
// looked up when an executable is made (`client.compile`, also from a cache or an artifact), which keeps what
// it found: replacing or removing a target changes later executables only. Adding a name that is taken is
// refused, `replace_call` and `replace_kernel` are explicit.
//
// Threads: any. Libraries add their kernels in static initialisers, before `main`.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/exec/call_frame.hpp>
#include <wherry/exec/device_kernel.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry {

/// A prebuilt kernel.
struct registered_kernel {
  std::string name;
  native_kernel native = nullptr;
  std::string variant;  // for people: the instruction set, or where the kernel comes from
};

/// A target of custom calls; at least one of the two is there.
struct registered_target {
  std::shared_ptr<const call_handler> host;
  std::shared_ptr<const device_kernel> device;
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

  /// Returns true when the handler was added for `target`; false, changing nothing, when there is one
  /// already, the name is empty or the handler runs nothing.
  bool add_call(std::string_view target, call_handler handler) {
    if (!handler.run) return false;
    return set(target, &registered_target::host, std::move(handler), false);
  }
  /// The same for a kernel.
  bool add_kernel(std::string_view target, device_kernel kernel) {
    if (kernel.entry.empty()) return false;
    return set(target, &registered_target::device, std::move(kernel), false);
  }
  /// The same, taking the place of what is there.
  bool replace_call(std::string_view target, call_handler handler) {
    if (!handler.run) return false;
    return set(target, &registered_target::host, std::move(handler), true);
  }
  bool replace_kernel(std::string_view target, device_kernel kernel) {
    if (kernel.entry.empty()) return false;
    return set(target, &registered_target::device, std::move(kernel), true);
  }
  /// Forgets `target`, handler and kernel. Returns whether there was one.
  bool remove_target(std::string_view target) {
    const std::unique_lock lock(mutex_);
    const auto found = targets_.find(target);
    if (found == targets_.end()) return false;
    targets_.erase(found);
    return true;
  }

  /// Returns what `target` names; neither handler nor kernel when it names nothing.
  registered_target find_target(std::string_view target) const {
    const std::shared_lock lock(mutex_);
    const auto found = targets_.find(target);
    return found == targets_.end() ? registered_target() : found->second;
  }

  /// Returns the names of all targets in alphabetical order.
  std::vector<std::string> target_names() const {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> result;
    for (const auto& [name, target] : targets_) result.push_back(name);
    return result;
  }

  /// Returns the names of all prebuilt kernels in alphabetical order.
  std::vector<std::string> names() const {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> result;
    result.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) result.push_back(name);
    return result;
  }

 private:
  template <class What>
  bool set(std::string_view target, std::shared_ptr<const What> registered_target::* member, What what,
           bool replaces) {
    if (target.empty()) return false;
    auto added = std::make_shared<const What>(std::move(what));
    const std::unique_lock lock(mutex_);
    std::shared_ptr<const What>& place = targets_[std::string(target)].*member;
    if (place && !replaces) return false;
    place.swap(added);  // what was there is destroyed after the lock
    return true;
  }

  mutable std::shared_mutex mutex_;
  std::map<std::string, registered_kernel, std::less<>> entries_;  // nodes do not move
  std::map<std::string, registered_target, std::less<>> targets_;
};

/// Makes `handler` what custom calls of `target` run on the host. Throws already_exists if there is a handler
/// of that name, invalid_argument if it runs nothing or has no name.
inline void register_call(std::string_view target, call_handler handler) {
  const std::string name(target);
  if (target.empty() || !handler.run) {
    throw error(absl::StatusCode::kInvalidArgument,
                "register_call: '" + name + "': expected a name and a handler");
  }
  if (!kernel_registry::instance().add_call(target, std::move(handler))) {
    throw error(absl::StatusCode::kAlreadyExists,
                "register_call: '" + name + "' has a handler already: use replace_call");
  }
}
/// The same for a function of the frame.
inline void register_call(std::string_view target, std::function<absl::Status(call_frame&)> run) {
  register_call(target, call_handler{std::move(run), {}});
}

/// Makes `kernel` what custom calls of `target` run on OpenCL devices. Throws as `register_call`.
inline void register_kernel(std::string_view target, device_kernel kernel) {
  const std::string name(target);
  if (target.empty() || kernel.entry.empty()) {
    throw error(absl::StatusCode::kInvalidArgument,
                "register_kernel: '" + name + "': expected a name and the name of an entry");
  }
  if (!kernel_registry::instance().add_kernel(target, std::move(kernel))) {
    throw error(absl::StatusCode::kAlreadyExists,
                "register_kernel: '" + name + "' has a kernel already: use replace_kernel");
  }
}

}  // namespace wherry
