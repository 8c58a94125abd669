// place.hpp: a place in a unit, held before there is a request for it.
//
// A unit admits requests up to its bound (bytes, for transfers). Plain calls wait for a place on their
// thread; with this one asks first: `try_place` says at once whether there is one, `co_await place_in(...)`
// suspends until there is. The next submission that names the place in its options takes it, and never waits:
//
//   wh::place p = co_await wh::place_in(unit, bytes);
//   const wh::buffer b = client.buffer(values, dims, {.place = &p});
//
// Threads: a `place` belongs to one thread at a time; the rest any.
#pragma once

#include <wherry/device/unit.hpp>

namespace wherry {

class dispatcher;

/// Made by `try_place` and `place_in` (place_in.hpp).
class place {
 public:
  place() = default;
  /// Holds `weight` in `u`, which `dispatcher::enter` gave.
  place(unit& u, std::uint64_t weight) noexcept : unit_(&u), weight_(weight) {}
  place(place&& other) noexcept : unit_(std::move(other.unit_)), weight_(other.weight_) {}
  place& operator=(place&& other) noexcept {
    give_back();
    unit_ = std::move(other.unit_);
    weight_ = other.weight_;
    return *this;
  }
  ~place() { give_back(); }

  /// False once a submission has taken it.
  explicit operator bool() const noexcept { return static_cast<bool>(unit_); }
  unit* where() const noexcept { return unit_.get(); }
  std::uint64_t weight() const noexcept { return weight_; }

  void give_back() noexcept;
  /// Leaves it to the caller to use the place, or to give it back.
  void detach() noexcept { unit_ = nullptr; }

 private:
  friend class dispatcher;
  ref<unit> unit_;
  std::uint64_t weight_ = 0;
};

}  // namespace wherry
