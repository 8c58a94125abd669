// signals.hpp: signals of audio: what they are, and how kernels read and write them.
//
// A signal is [N], or [N, C] with the channels interleaved. Elements are floats whose nominal range is -1 to
// 1, or i16, which stands for i16 / 32768. Results of i16 are clamped and rounded to the nearest, ties to
// even.
//
// Threads: any.
#pragma once

#include "types.hpp"

namespace wherry::named {

inline constexpr const char* signal_text = "[N] or [N, C]; i16, f32, f64";

inline void require_signal(const kernel_call& call, std::size_t index) {
  const tensor_type& type = call.input(index);
  const std::size_t rank = type.dims.rank();
  const bool is_element =
      type.element == dtype::i16 || type.element == dtype::f32 || type.element == dtype::f64;
  if (!is_element || rank < 1 || rank > 2 || type.dims.elements() == 0)
    call.refuse_input(index, "a signal [N] or [N, C] of i16, f32 or f64 that is not empty");
}

/// The signal as floats of `type`, which is f32 or f64.
inline value samples(writer& p, const value& signal, dtype type) {
  const value x = p.convert(signal, type);
  return signal.element() == dtype::i16 ? p.mul(x, 1.0 / 32768) : x;
}

/// The opposite of `samples`.
inline value stored(writer& p, const value& x, dtype type) {
  if (type != dtype::i16) return p.convert(x, type);
  return p.convert(p.unary("round_nearest_even", p.clamp(-32768, p.mul(x, 32768), 32767)), type);
}

/// [N] or [N, C] as [C, N].
inline value by_channel(writer& p, const value& x) {
  return x.rank() == 1 ? p.reshape(x, {1, x.extent(0)}) : p.transpose(x, {1, 0});
}
/// The opposite of `by_channel`, for a signal of rank `rank`.
inline value interleaved(writer& p, const value& x, std::size_t rank) {
  return rank == 1 ? p.reshape(x, {x.extent(1)}) : p.transpose(x, {1, 0});
}

/// `x` moved along an axis towards higher indices by `count`, zeros coming in.
inline value delayed(writer& p, const value& x, std::size_t axis, std::int64_t count) {
  extents low(x.rank(), 0);
  const std::int64_t n = x.extent(axis);
  if (count >= n) return p.splat(0, x.type);
  low[axis] = count;
  return p.pad(p.part(x, axis, 0, n - count), 0, low, extents(x.rank(), 0));
}

}  // namespace wherry::named
