// frames.hpp: frames of video: what they are, and how kernels read, write and extend them.
//
// A frame is [..., H, W, C]: rows, columns, channels interleaved, with any number of leading axes for several
// frames. Elements are ui8, 0 to 255, or floats whose nominal range is 0 to 1. Kernels compute in f32 (f64
// for f64) on the range 0 to 1. A result of ui8 is clamped and rounded to the nearest, ties to even; a
// result of floats is not clamped.
//
// Threads: any.
#pragma once

#include "types.hpp"

namespace wherry::named {

inline constexpr const char* frame_text = "[..., H, W, C]; ui8, f16, bf16, f32, f64";

/// Refuses what is no frame, or has another number of channels than one of `channels` (any, if empty).
void require_frame(const kernel_call& call, std::size_t index, const extents& channels = {});

inline std::size_t rows_axis(const value& frame) { return frame.rank() - 3; }
inline std::size_t columns_axis(const value& frame) { return frame.rank() - 2; }
inline std::size_t channels_axis(const value& frame) { return frame.rank() - 1; }

/// The elements of a frame on the range 0 to 1, in the type to compute in.
value load(writer& p, const value& frame);
/// The opposite of `load`.
value store(writer& p, const value& x, dtype type);

/// `x` with `count` copies of its first and last row along an axis before and after it.
value extend_edges(writer& p, const value& x, std::size_t axis, std::int64_t count);

/// Channel `index`, without the axis of channels.
value channel(writer& p, const value& frame, std::int64_t index);
/// The opposite of `channel`.
value interleave(writer& p, const std::vector<value>& channels);

/// What a Gaussian of `radius` has as its standard deviation where none is given: 0.8 for 1, growing by 0.3.
/// (The weights at the ends of the window are then small.)
inline double sigma_of_radius(double radius) { return 0.3 * (radius - 1) + 0.8; }

}  // namespace wherry::named
