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

#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
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

class error final : public std::exception {
 public:
  /// Precondition: `code` is not `kOk`; it is taken for `kInternal`.
  error(absl::StatusCode code, std::string message, reason why = reason::none, ticket id = {})
      : state_(std::make_shared<const state>(
            state{code == absl::StatusCode::kOk ? absl::StatusCode::kInternal : code, why, id,
                  std::move(message)})) {}

  absl::StatusCode code() const noexcept { return state_->code; }
  wherry::reason reason() const noexcept { return state_->why; }
  /// Returns the ticket of the request that failed; names nothing where no request is involved.
  ticket id() const noexcept { return state_->id; }
  const char* what() const noexcept override { return state_->message.c_str(); }

  /// Returns code and message, with reason and ticket as payloads (`reason_of`, `ticket_of`).
  absl::Status to_status() const;

 private:
  struct state {
    absl::StatusCode code;
    wherry::reason why;
    ticket id;
    std::string message;
  };
  std::shared_ptr<const state> state_;
};

/// A stored error, shared by all who may observe it; null: none.
using failure = std::shared_ptr<const error>;

inline failure make_failure(absl::StatusCode code, std::string message, reason why = reason::none,
                            ticket id = {}) {
  return std::make_shared<const error>(code, std::move(message), why, id);
}

/// Throws a copy of `*f`. Precondition: `f` is not null.
[[noreturn]] inline void raise(const failure& f) {
  if (!f) broken_rule("raise", "there is no failure to raise");
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
