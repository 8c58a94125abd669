// types.hpp: checks of input types that several kernels share.
//
// Threads: any.
#pragma once

#include "kernel.hpp"

namespace wherry::named {

constexpr bool is_common_float(dtype t) noexcept { return t >= dtype::f16 && t <= dtype::f64; }
/// Integers of 8 to 64 bits.
constexpr bool is_common_integer(dtype t) noexcept {
  return (t >= dtype::i8 && t <= dtype::i64) || (t >= dtype::ui8 && t <= dtype::ui64);
}

inline constexpr const char* floats_text = "f16, bf16, f32 or f64";

inline void require_float(const kernel_call& call, std::size_t index) {
  if (!is_common_float(call.input(index).element))
    call.refuse_input(index, std::string("elements of ") + floats_text);
}

inline void require_number(const kernel_call& call, std::size_t index) {
  const dtype t = call.input(index).element;
  if (!is_common_float(t) && !is_common_integer(t))
    call.refuse_input(index, "elements of integers of 8 to 64 bits, f16, bf16, f32 or f64");
}

inline void require_same(const kernel_call& call, std::size_t index, std::size_t as) {
  if (!(call.input(index) == call.input(as)))
    call.refuse_input(index, to_string(call.input(as)) + ", the type of input " + std::to_string(as));
}

inline void require_type(const kernel_call& call, std::size_t index, const tensor_type& type) {
  if (!(call.input(index) == type)) call.refuse_input(index, to_string(type));
}

/// Axes as a parameter gives them, negative ones counted from the end, in ascending order.
extents axes_of(const kernel_call& call, std::string_view parameter, const std::vector<double>& given,
                std::size_t rank);
std::int64_t axis_of(const kernel_call& call, std::string_view parameter, std::size_t rank);

}  // namespace wherry::named
