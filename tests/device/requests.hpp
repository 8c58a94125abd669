// requests.hpp: requests that do what a test says, for every kind of device.
//
// `called` runs a function on the leading thread; `held` starts, stays in flight and ends when the test says
// so, so that a test decides every order and sleeps nowhere.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>
#include <wherry/device/pending.hpp>

namespace wherry::testing_support {

/// Runs `body` when its turn has come; what it returns is the outcome.
class called final : public request {
 public:
  called(std::string name, std::function<failure()> body, std::vector<storage_use> uses = {},
         std::uint64_t weight = 1)
      : name_(std::move(name)), body_(std::move(body)) {
    for (storage_use& use : uses) add_use(std::move(use.memory), use.writes);
    set_weight(weight);
  }
  std::string describe() const override { return name_; }

 protected:
  started start(failure& outcome) noexcept override {
    outcome = body_();
    return started::finished;
  }

 private:
  std::string name_;
  std::function<failure()> body_;
};

/// Starts and stays in flight until `end` is called.
class held final : public request {
 public:
  explicit held(std::string name, std::vector<storage_use> uses = {}, std::uint64_t weight = 1)
      : name_(std::move(name)) {
    for (storage_use& use : uses) add_use(std::move(use.memory), use.writes);
    set_weight(weight);
  }
  std::string describe() const override { return name_; }

  bool has_started() const noexcept { return started_.load(); }
  /// Blocks until the request has been started.
  void wait_for_start() const noexcept { started_.wait(false); }
  /// Blocks until the request has been started, then ends it.
  void end(failure outcome = nullptr) {
    wait_for_start();
    dispatcher::finish(*this, std::move(outcome));
  }

 protected:
  started start(failure&) noexcept override {
    started_.store(true);
    started_.notify_all();
    return started::in_flight;
  }

 private:
  std::string name_;
  std::atomic<bool> started_{false};
};

inline failure fault(const std::string& what) { return make_failure(absl::StatusCode::kInternal, what); }

/// Submits a `called`, which may run inline, and returns it.
inline ref<request> call(unit& u, std::string name, std::function<failure()> body,
                         std::vector<storage_use> uses = {}) {
  ref<request> r(new called(std::move(name), std::move(body), std::move(uses)));
  dispatcher::submit(u, *r, {.cheap = true});
  return r;
}

/// As `call`, with a body that does nothing.
inline ref<request> pass(unit& u, std::string name, std::vector<storage_use> uses = {}) {
  return call(u, std::move(name), [] { return failure(); }, std::move(uses));
}

/// Submits a `held` and returns it.
inline ref<held> hold(unit& u, std::string name, std::vector<storage_use> uses = {},
                      std::uint64_t weight = 1) {
  ref<held> r(new held(std::move(name), std::move(uses), weight));
  dispatcher::submit(u, *r, {});
  return r;
}

inline storage_use reads(const ref<storage>& s) { return {s, false}; }
inline storage_use writes(const ref<storage>& s) { return {s, true}; }

/// Waits for `r` as `value()` does and returns its failure, or null.
inline failure outcome_of(const ref<request>& r) {
  const pending p(r);
  p.wait();
  return p.why();
}

}  // namespace wherry::testing_support
