// error.hpp: what the library throws, and how a failure is kept until somebody asks.
//
// `error` carries an Abseil status code (what kind of failure), a `reason` (the rule that was broken, where
// it is one of ours), a message and the ticket of the request where there is one. Copies share one
// immutable state: copying neither allocates nor throws, as [exception] asks for.
//
// `failure` is an error at rest: completions and requests keep it, hand it to everything downstream and
// throw a copy at each observer.
//
// Threads: any; errors are immutable.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/cord.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/status/ticket.hpp>

namespace wherry {

/// The rule that was broken. Append before `count_`; names are part of messages.
enum class reason : std::uint16_t {
  none,
  deadlock_would_occur,
  client_closed,
  buffer_donated,
  buffer_deleted,
  donated_twice,
  unit_full,
  device_lost,
  cancelled,
  deadline_exceeded,
  upstream_failed,
  wrong_thread,
  already_completed,
  forked,
  ring_unusable,
  moved_from,
  out_of_memory,
  unsupported,
  corrupt_file,
  driver_failed,
  numerical_error,
  count_,
};

/// Returns the enumerator's spelling: `deadlock_would_occur`, ...
constexpr std::string_view name_of(reason r) noexcept {
  constexpr std::string_view names[] = {"none",
                                        "deadlock_would_occur",
                                        "client_closed",
                                        "buffer_donated",
                                        "buffer_deleted",
                                        "donated_twice",
                                        "unit_full",
                                        "device_lost",
                                        "cancelled",
                                        "deadline_exceeded",
                                        "upstream_failed",
                                        "wrong_thread",
                                        "already_completed",
                                        "forked",
                                        "ring_unusable",
                                        "moved_from",
                                        "out_of_memory",
                                        "unsupported",
                                        "corrupt_file",
                                        "driver_failed",
                                        "numerical_error"};
  static_assert(std::size(names) == static_cast<std::size_t>(reason::count_));
  const auto index = static_cast<std::size_t>(r);
  return index < std::size(names) ? names[index] : std::string_view("unknown");
}

class error;

/// Told of failures that nobody has looked at by the time when nothing knows them any more.
class unobserved_sink {
 public:
  virtual ~unobserved_sink() = default;
  /// On whatever thread dropped the last of it, perhaps under locks: keeps `e` for later.
  virtual void unobserved(const error& e) noexcept = 0;
};

class error final : public std::exception {
 public:
  /// One request on the way of a failure: its ticket, and what it is ("execution 17 of mlp_step").
  struct link {
    ticket id;
    std::string what;
  };
  /// A chain that is longer leaves out links before the last `near_origin`.
  static constexpr std::size_t most_links = 16;
  static constexpr std::size_t near_origin = 4;

  /// Precondition: `code` is not `kOk`; it is taken for `kInternal`.
  error(absl::StatusCode code, std::string message, reason why = reason::none, ticket id = {})
      : state_(make(code, why, id, std::move(message), {}, 0, nullptr)) {}

  absl::StatusCode code() const noexcept { return state_->code; }
  wherry::reason reason() const noexcept { return state_->why; }
  /// Returns the ticket of the request that failed; names nothing where no request is involved.
  ticket id() const noexcept { return state_->id; }
  /// The chain, then what was wrong: "read of loss <- execution 17 of mlp_step <- write of labels: expected
  /// 512 bytes, got 510".
  const char* what() const noexcept override { return state_->message.c_str(); }

  /// The requests that this failure has come through: first the one that was asked, last the one where it
  /// began, `id()`. Empty where no request is involved.
  std::span<const link> chain() const noexcept { return state_->chain; }
  /// How many links are left out before the last `near_origin`.
  std::size_t left_out() const noexcept { return state_->left_out; }

  /// Returns this error as it began in the request `at`. If nobody observes it, or one that follows from it,
  /// `sink` is told.
  error begun_in(link at, std::shared_ptr<unobserved_sink> sink) const;
  /// Returns this error as the request `next` sees it, which depends on the first of the chain.
  error followed_by(link next) const;

  /// Somebody has seen this, or one that follows from the same: it need not be reported.
  void mark_observed() const noexcept;

  /// Returns code and message, with reason and ticket as payloads (`reason_of`, `ticket_of`).
  absl::Status to_status() const;

 private:
  struct origin;
  struct state {
    absl::StatusCode code;
    wherry::reason why;
    ticket id;
    std::string detail;  // what was wrong, without the chain
    std::vector<link> chain;
    std::size_t left_out;
    std::shared_ptr<const origin> from;  // shared by all that follow from one failure; null: nobody is told
    std::string message;
  };
  explicit error(std::shared_ptr<const state> s) noexcept : state_(std::move(s)) {}
  static std::shared_ptr<const state> make(absl::StatusCode code, wherry::reason why, ticket id,
                                           std::string detail, std::vector<link> chain, std::size_t left_out,
                                           std::shared_ptr<const origin> from);
  std::shared_ptr<const state> state_;
};

struct error::origin {
  origin(error e, std::shared_ptr<unobserved_sink> s) : root(std::move(e)), sink(std::move(s)) {}
  origin(const origin&) = delete;
  origin& operator=(const origin&) = delete;
  ~origin() {
    if (!observed.load(std::memory_order_relaxed)) sink->unobserved(root);
  }
  error root;
  std::shared_ptr<unobserved_sink> sink;
  mutable std::atomic<bool> observed{false};
};

inline void error::mark_observed() const noexcept {
  if (state_->from) state_->from->observed.store(true, std::memory_order_relaxed);
}

inline std::shared_ptr<const error::state> error::make(absl::StatusCode code, wherry::reason why, ticket id,
                                                       std::string detail, std::vector<link> chain,
                                                       std::size_t left_out,
                                                       std::shared_ptr<const origin> from) {
  std::string message;
  for (std::size_t k = 0; k < chain.size(); ++k) {
    if (k != 0) message += " <- ";
    if (left_out != 0 && k + near_origin == chain.size())
      message += "(" + std::to_string(left_out) + " more) <- ";
    message += chain[k].what;
  }
  if (!chain.empty()) message += ": ";
  message += detail;
  if (code == absl::StatusCode::kOk) code = absl::StatusCode::kInternal;
  return std::make_shared<const state>(state{code, why, id, std::move(detail), std::move(chain), left_out,
                                             std::move(from), std::move(message)});
}

inline error error::begun_in(link at, std::shared_ptr<unobserved_sink> sink) const {
  const ticket id = at.id;
  std::vector<link> chain;
  chain.push_back(std::move(at));
  const error root(make(code(), reason(), id, state_->detail, chain, 0, nullptr));
  if (!sink) return root;
  return error(make(code(), reason(), id, state_->detail, std::move(chain), 0,
                    std::make_shared<const origin>(root, std::move(sink))));
}

inline error error::followed_by(link next) const {
  std::vector<link> chain;
  chain.reserve(state_->chain.size() + 1);
  chain.push_back(std::move(next));
  chain.insert(chain.end(), state_->chain.begin(), state_->chain.end());
  std::size_t left_out = state_->left_out;
  if (chain.size() > most_links) {
    chain.erase(chain.end() - static_cast<std::ptrdiff_t>(near_origin) - 1);
    ++left_out;
  }
  return error(make(code(), reason(), id(), state_->detail, std::move(chain), left_out, state_->from));
}

/// A stored error, shared by all who may observe it; null: none.
using failure = std::shared_ptr<const error>;

inline failure make_failure(absl::StatusCode code, std::string message, reason why = reason::none,
                            ticket id = {}) {
  return std::make_shared<const error>(code, std::move(message), why, id);
}

/// Throws a copy of `*f`, which has been observed then. Precondition: `f` is not null.
[[noreturn]] inline void raise(const failure& f) {
  if (!f) broken_rule("raise", "there is no failure to raise");
  f->mark_observed();
  throw error(*f);
}

/// Returns the exception as a failure: `wherry::error` as it is, `std::bad_alloc` as `resource_exhausted`,
/// other exceptions as `internal` with their `what()`; null for null.
inline failure as_failure(std::exception_ptr thrown) noexcept {
  if (!thrown) return nullptr;
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const error& e) {
    return std::make_shared<const error>(e);
  } catch (const std::bad_alloc&) {
    return make_failure(absl::StatusCode::kResourceExhausted, "out of host memory", reason::out_of_memory);
  } catch (const std::exception& e) {
    return make_failure(absl::StatusCode::kInternal, e.what());
  } catch (...) {
    return make_failure(absl::StatusCode::kInternal, "an exception that is no std::exception");
  }
}

namespace detail {
inline constexpr const char* reason_payload = "wherry/reason";
inline constexpr const char* ticket_payload = "wherry/ticket";
}  // namespace detail

inline absl::Status error::to_status() const {
  // Cord's constructor from std::string is a template that GCC and clang 22 mangle differently: it does not
  // link with a library that the other compiler built. The one from string_view does.
  const auto cord = [](std::string_view text) {
    return absl::Cord(absl::string_view(text.data(), text.size()));
  };
  absl::Status status(code(), what());
  if (reason() != wherry::reason::none) status.SetPayload(detail::reason_payload, cord(name_of(reason())));
  if (id()) status.SetPayload(detail::ticket_payload, cord(to_string(id())));
  return status;
}

/// Returns the reason that `error::to_status` recorded, or `none`.
inline reason reason_of(const absl::Status& status) {
  const auto payload = status.GetPayload(detail::reason_payload);
  if (!payload) return reason::none;
  for (std::uint16_t i = 0; i < static_cast<std::uint16_t>(reason::count_); ++i) {
    const std::string_view name = name_of(static_cast<reason>(i));
    if (*payload == absl::string_view(name.data(), name.size())) return static_cast<reason>(i);
  }
  return reason::none;
}

/// Returns the ticket that `error::to_status` recorded, or one that names nothing.
inline ticket ticket_of(const absl::Status& status) {
  const auto payload = status.GetPayload(detail::ticket_payload);
  if (!payload) return {};
  const std::string text(*payload);
  const auto colon = text.find(':');
  if (colon == std::string::npos) return {};
  return ticket(static_cast<std::uint16_t>(std::stoul(text)), std::stoull(text.substr(colon + 1)));
}

}  // namespace wherry
