// compare.hpp: how far two arrays of one type are apart, under each of the rules that the command knows.
//
// Every rule looks at all elements and reports the worst one, so that a message can name it. Precondition
// of all: both arrays have the same type.
#pragma once

#include <cstdint>
#include <string>
#include <wherry/array/array.hpp>

namespace wherry::cli {

struct comparison {
  std::int64_t failed = 0;  // elements outside of the rule
  std::int64_t worst = -1;  // the element furthest outside, else the furthest apart; -1: there are none
  double difference = 0;    // |got - want| of the worst; the modulus of complex numbers
  bool passed() const noexcept { return failed == 0; }
};

/// |got - want| <= atol + rtol * |want|; NaN equals NaN, equal infinities are equal. Integers and booleans
/// exact.
comparison compare_within(const array& got, const array& want, double rtol, double atol);

/// `==`: NaN differs from itself, -0 equals 0; complex numbers part by part.
comparison compare_equal(const array& got, const array& want);

/// Each part at most `tolerance` apart, in double; NaN equals NaN, equal infinities are equal.
comparison compare_near(const array& got, const array& want, double tolerance);

/// Each part at most `limit` units in the last place of its own type apart.
comparison compare_ulps(const array& got, const array& want, std::uint64_t limit);

/// Bit for bit.
comparison compare_bits(const array& got, const array& want);

/// Values of the element type between the two, counted in representable numbers: 0 for equal bits, for two
/// zeros and for two NaNs; the largest number where only one is finite or the infinities differ. Parts of
/// complex numbers: the larger.
std::uint64_t ulp_distance(const array& got, const array& want, std::int64_t index);

/// Returns the largest distance of all elements; 0 for types without a last place.
std::uint64_t worst_ulp_distance(const array& got, const array& want);

/// `element [1, 2]: got 1.0, want 2.0; 3 of 40 elements differ`, for the worst element.
std::string explain(const comparison& c, const array& got, const array& want);

}  // namespace wherry::cli
