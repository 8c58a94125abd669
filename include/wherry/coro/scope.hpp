// scope.hpp: tasks that run side by side and are all joined.
//
// `spawn` starts a task at once, up to its first suspension; `co_await join()` continues when all have
// ended and throws the first failure. Nothing is detached: destroying a scope in which tasks still run is
// a broken rule. `with_scope` joins also when its body throws, so prefer it:
//
//   task<void> upload_all(scope& s, const std::vector<std::string>& names) {
//     for (const auto& name : names) s.spawn(upload(name));
//     co_return;
//   }
//   co_await with_scope(upload_all, std::cref(names));
//
// A failure does not stop the other tasks; `request_stop` does, for all that look at their stop token.
//
// Threads: `request_stop` any; the rest on the thread of one scheduler, tasks that are in it included.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/coro/scheduler.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/status/log.hpp>

namespace wherry {

class scope {
 public:
  class join_awaiter;

  scope() : token_(source_.get_token()) {}
  /// Stops with `outer`, too.
  explicit scope(std::stop_token outer) : scope() { follow_.emplace(std::move(outer), forward{source_}); }
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope() {
    if (open_.load() != 1) broken_rule("scope_joins_first", "a scope is destroyed while its tasks run");
    if (first_failure_) log(log_level::warn, "a scope was not joined: the failure of a task in it is lost");
  }

  /// Starts `t` with this scope's stop token. Throws moved_from when `t` is empty; what `t` throws goes to
  /// `join`.
  void spawn(task<void> t) {
    detail::task_access::require_coroutine(t, "scope::spawn");
    auto* const c = new child(*this, std::move(t));
    open_.fetch_add(1);
    detail::start(c->running, *c, &token_);
  }

  /// Asks every task in the scope to stop, those spawned later included.
  void request_stop() noexcept { source_.request_stop(); }
  std::stop_token stop_token() const noexcept { return token_; }

  /// Returns how many tasks have not ended.
  std::size_t size() const noexcept { return open_.load() - 1; }

  /// Resumes when no task is left; throws what the first that failed threw. The scope may be used again
  /// afterwards. One coroutine joins at a time.
  join_awaiter join() noexcept;

 private:
  struct forward {
    std::stop_source& source;
    void operator()() const noexcept { source.request_stop(); }
  };

  struct child : detail::finish_hook, pooled_frame {
    child(scope& s, task<void> t) noexcept : home(s), running(std::move(t)) {
      call = [](detail::finish_hook& hook) noexcept {
        auto* const self = static_cast<child*>(&hook);
        scope& home = self->home;
        if (auto thrown = detail::thrown_by(self->running)) home.keep(std::move(thrown));
        delete self;
        home.leave();
      };
    }
    scope& home;
    task<void> running;
  };

  void keep(std::exception_ptr thrown) noexcept {
    if (!has_failed_.exchange(true)) first_failure_ = std::move(thrown);
  }
  void leave() noexcept;

  std::stop_source source_;
  const std::stop_token token_;
  std::optional<std::stop_callback<forward>> follow_;
  std::atomic<std::size_t> open_{1};  // tasks that run, and 1 for the scope while nobody joins
  std::atomic<bool> has_failed_{false};
  std::exception_ptr first_failure_;
  join_awaiter* joiner_ = nullptr;
};

class scope::join_awaiter : work {
 public:
  explicit join_awaiter(scope& s) noexcept : scope_(s) {}
  join_awaiter(const join_awaiter&) = delete;
  join_awaiter& operator=(const join_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }

  bool await_suspend(std::coroutine_handle<> h) {
    if (scope_.joiner_ != nullptr) broken_rule("scope_join", "two coroutines join one scope");
    handle_ = h;
    home_ = scheduler::current();
    run = [](work& w) noexcept { resume(static_cast<join_awaiter&>(w).handle_); };
    scope_.joiner_ = this;
    return scope_.open_.fetch_sub(1) != 1;
  }

  void await_resume() {
    scope_.joiner_ = nullptr;
    scope_.open_.store(1);
    if (!scope_.has_failed_.exchange(false)) return;
    std::rethrow_exception(std::exchange(scope_.first_failure_, nullptr));
  }

 private:
  friend scope;

  void go_on() noexcept {
    if (home_ == nullptr || home_ == scheduler::current()) {
      hop_.target = handle_;
      detail::continue_with(hop_);
    } else {
      home_->post(*this);
    }
  }

  scope& scope_;
  scheduler* home_ = nullptr;
  std::coroutine_handle<> handle_;
  detail::hop hop_;
};

inline scope::join_awaiter scope::join() noexcept { return join_awaiter(*this); }

inline void scope::leave() noexcept {
  if (open_.fetch_sub(1) == 1) joiner_->go_on();
}

/// Runs `body(scope&, args...)`, which returns `task<void>`, then joins the scope. When the body throws, the
/// tasks are asked to stop and joined, and the body's exception is thrown on. The scope follows the stop
/// token of the awaiting task. `body` and `args` live until all of that is over.
template <class Body, class... Args>
task<void> with_scope(Body body, Args... args) {
  const auto outer = co_await current_stop_token();
  scope s(outer);
  std::exception_ptr thrown;
  try {
    co_await body(s, args...);
  } catch (...) {
    thrown = std::current_exception();
    s.request_stop();
  }
  try {
    co_await s.join();
  } catch (...) {
    if (!thrown) thrown = std::current_exception();
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace wherry
