// ticket.hpp: the name of one request.
//
// 64 bits: the id of the execution unit that took the request (16, high) and its sequence number
// in that unit (48, from 1, never reused). Requests of one unit complete in order, so
// `unit.last_completed() >= t` means that `t` is done. Tickets of different units do not compare.
//
// Threads: any. Layout matches Neuron's nrta_seq_t (nrt_async.h), so ids can be logged side by side.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <wherry/status/broken_rule.hpp>

namespace wherry {

class ticket {
 public:
  static constexpr std::uint64_t max_number = (std::uint64_t{1} << 48) - 1;

  constexpr ticket() = default;  // names nothing; `unit()` and `number()` are 0

  /// Precondition: `number <= max_number`.
  constexpr ticket(std::uint16_t unit, std::uint64_t number);

  constexpr std::uint16_t unit() const noexcept { return static_cast<std::uint16_t>(bits_ >> 48); }
  constexpr std::uint64_t number() const noexcept { return bits_ & max_number; }

  /// True when this names a request.
  constexpr explicit operator bool() const noexcept { return number() != 0; }

  friend constexpr bool operator==(ticket a, ticket b) noexcept { return a.bits_ == b.bits_; }

  /// Order within one unit; `unordered` across units.
  friend constexpr std::partial_ordering operator<=>(ticket a, ticket b) noexcept {
    if (a.unit() != b.unit()) return std::partial_ordering::unordered;
    return a.number() <=> b.number();
  }

 private:
  std::uint64_t bits_ = 0;
};

constexpr ticket::ticket(std::uint16_t unit, std::uint64_t number)
    : bits_((std::uint64_t{unit} << 48) | number) {
  if (number > max_number) broken_rule("ticket_number", "a ticket's number has at most 48 bits");
}

/// Returns `UNIT:NUMBER`, for example `3:17`.
inline std::string to_string(ticket t) { return std::to_string(t.unit()) + ':' + std::to_string(t.number()); }

}  // namespace wherry
