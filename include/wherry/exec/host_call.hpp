// host_call.hpp: a custom call whose target has been found, ready to be run on the host.
//
// What a handler returns or throws becomes a failure with the target's name in front.
//
// Threads: any; handlers are called by whoever leads the execution, by several at once.
#pragma once

#include <wherry/coro/scheduler.hpp>
#include <wherry/device/worker_pool.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/plan.hpp>
#include <wherry/exec/print_tensor.hpp>

namespace wherry {

namespace detail {

/// What a handler runs on: it must not wait for the runtime, which waits for it. Work that is posted to it
/// runs on a worker.
class handler_scheduler final : public scheduler {
 public:
  handler_scheduler() noexcept : scheduler(kind::worker) {}
  void post(work& w) noexcept override { worker_pool::instance().as_scheduler().post(w); }
  std::string_view rule_name() const noexcept override {
    return "the handler of a custom call must not wait";
  }

  static handler_scheduler& instance() noexcept {
    static auto& one = *new handler_scheduler;
    return one;
  }
};

/// `custom call "scale"`, with its line where that is known.
inline std::string name_of(const custom_call& call) {
  return "custom call \"" + call.target + "\"" +
         (call.line ? " (line " + std::to_string(call.line) + ")" : std::string());
}

/// Calls `check`, its errors with the name of the call in front.
template <class Check>
void check_named(const std::string& program, const custom_call& call, Check&& check) {
  try {
    check();
  } catch (const error& e) {
    throw error(e.code(), program + ": " + name_of(call) + ": " + e.what(), e.reason());
  }
}

}  // namespace detail

class host_call {
 public:
  /// Precondition: `call` lives as long as this, `handler` is not null.
  host_call(const custom_call& call, std::shared_ptr<const call_handler> handler) noexcept
      : call_(&call), handler_(std::move(handler)) {}

  /// Returns the target of `call`. Throws not_found if nothing of that name is registered.
  static registered_target find(const std::string& program, const custom_call& call) {
    const kernel_registry& registry = kernel_registry::instance();
    registered_target found = registry.find_target(call.target);
    if (found.host || found.device) return found;
    std::string known;
    for (const std::string& name : registry.target_names()) known += (known.empty() ? " " : ", ") + name;
    throw error(absl::StatusCode::kNotFound,
                program + ": the target of " + detail::name_of(call) +
                    " is not registered; registered:" + (known.empty() ? " none" : known));
  }

  /// Finds the handlers of all calls of `p`. Throws not_found for a target nobody registered, unimplemented
  /// for one that is a kernel only, what the handler's check throws.
  static std::vector<host_call> find_all(const plan& p) {
    std::vector<host_call> all;
    for (const custom_call& call : p.calls) {
      registered_target found = find(p.name, call);
      if (!found.host) {
        throw error(absl::StatusCode::kUnimplemented,
                    p.name + ": " + detail::name_of(call) +
                        " is a kernel in OpenCL C; native code cannot run it: use an OpenCL device, or "
                        "codegen \"opencl\" on cpu",
                    reason::unsupported);
      }
      all.push_back(checked(p, call, std::move(found.host)));
    }
    return all;
  }

  static host_call checked(const plan& p, const custom_call& call,
                           std::shared_ptr<const call_handler> handler) {
    if (handler->check) detail::check_named(p.name, call, [&] { handler->check(call); });
    return {call, std::move(handler)};
  }

  const custom_call& what() const noexcept { return *call_; }

  /// Runs the handler on the memory of the operands and results; null, or why it failed.
  failure run(std::byte* const* memory) const noexcept {
    const scheduler_scope inside(detail::handler_scheduler::instance());
    failure why;
    try {
      call_frame frame(*call_, memory);
      const absl::Status status = handler_->run(frame);
      if (status.ok()) return nullptr;
      why = make_failure(status.code(), std::string(status.message()), reason_of(status));
    } catch (...) {
      why = as_failure(std::current_exception());
    }
    return make_failure(why->code(), detail::name_of(*call_) + ": " + why->what(), why->reason());
  }

 private:
  const custom_call* call_;
  std::shared_ptr<const call_handler> handler_;
};

}  // namespace wherry
