// unobserved_errors.hpp: failures that nobody has looked at, handed to the client's hook.
//
// A failure is reported once, where it began, when the last handle to it and to everything that follows from
// it is gone and none of them was asked: by `value()`, `await()`, `status()`, `co_await`, `on_ready` or an
// error tracker. The hook runs on the client's loop, so it may do what callbacks may. Without one the failure
// is logged, as it is after the client has closed. What was cancelled is not reported: somebody asked for it.
//
// Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>
#include <wherry/loop/loop.hpp>
#include <wherry/status/error.hpp>
#include <wherry/status/guarded_call.hpp>
#include <wherry/status/log.hpp>

namespace wherry {

class unobserved_errors final : public unobserved_sink,
                                public std::enable_shared_from_this<unobserved_errors>,
                                work {
 public:
  using hook = std::function<void(const error&)>;

  explicit unobserved_errors(std::function<loop&()> home) : home_(std::move(home)) {
    work::run = [](work& w) noexcept {
      auto& self = static_cast<unobserved_errors&>(w);
      const std::shared_ptr<unobserved_errors> alive = std::move(self.posted_);
      self.tell();
    };
  }

  /// Replaces what is called; an empty hook logs. Exceptions that it throws are logged.
  void set_hook(hook h) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(h);
  }

  void unobserved(const error& e) noexcept override {
    try {
      const std::lock_guard lock(mutex_);
      if (!home_) return write(e);
      waiting_.push_back(e);
      if (waiting_.size() > 1) return;
      loop& home = home_();
      posted_ = shared_from_this();
      home.post(*this);
    } catch (...) {
      write(e);
    }
  }

  /// Tells what is left; from now on failures are logged by whoever drops them.
  void close() noexcept {
    {
      const std::lock_guard lock(mutex_);
      home_ = nullptr;
    }
    tell();
  }

 private:
  static void write(const error& e) noexcept {
    try {
      log(log_level::error, std::string("nobody looked at this failure: ") + e.what());
    } catch (...) {
    }
  }

  void tell() noexcept {
    std::vector<error> all;
    hook call;
    {
      const std::lock_guard lock(mutex_);
      all = std::exchange(waiting_, {});
      call = hook_;
    }
    for (const error& e : all) {
      if (!call) {
        write(e);
        continue;
      }
      guarded_call("the hook for unobserved errors", [&] { call(e); });
    }
  }

  std::mutex mutex_;
  // guarded by mutex_
  std::function<loop&()> home_;  // empty: closed
  hook hook_;
  std::vector<error> waiting_;
  // from the post until it runs
  std::shared_ptr<unobserved_errors> posted_;
};

}  // namespace wherry
