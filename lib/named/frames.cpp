// frames.cpp: reading, writing and extending frames.
#include "frames.hpp"

#include <algorithm>

namespace wherry::named {

void require_frame(const kernel_call& call, std::size_t index, const extents& channels) {
  const tensor_type& type = call.input(index);
  const std::size_t rank = type.dims.rank();
  const bool is_element = type.element == dtype::ui8 || is_common_float(type.element);
  bool fits = is_element && rank >= 3;
  for (std::size_t i = 0; fits && i < rank; ++i) fits = type.dims[i] > 0;
  if (fits && !channels.empty())
    fits = std::find(channels.begin(), channels.end(), type.dims[rank - 1]) != channels.end();
  if (fits) return;
  std::string counts;
  for (const std::int64_t c : channels) counts += (counts.empty() ? "" : " or ") + std::to_string(c);
  call.refuse_input(index, "a frame [..., H, W, " + (counts.empty() ? "C" : counts) +
                               "] of ui8, f16, bf16, f32 or f64 that is not empty");
}

value load(writer& p, const value& frame) {
  const value x = p.convert(frame, wide(frame.element()));
  return frame.element() == dtype::ui8 ? p.mul(x, 1.0 / 255) : x;
}

value store(writer& p, const value& x, dtype type) {
  if (type != dtype::ui8) return p.convert(x, type);
  return p.convert(p.unary("round_nearest_even", p.clamp(0, p.mul(x, 255), 255)), type);
}

value extend_edges(writer& p, const value& x, std::size_t axis, std::int64_t count) {
  if (count == 0) return x;
  extents dims(x.dims().begin(), x.dims().end()), all;
  for (std::size_t i = 0; i < x.rank(); ++i) all.push_back(static_cast<std::int64_t>(i));
  dims[axis] = count;
  const std::int64_t n = x.extent(axis);
  return p.concatenate({p.broadcast(p.part(x, axis, 0, 1), all, shape(dims)), x,
                        p.broadcast(p.part(x, axis, n - 1, n), all, shape(dims))},
                       axis);
}

value channel(writer& p, const value& frame, std::int64_t index) {
  const std::size_t axis = channels_axis(frame);
  return p.reshape(p.part(frame, axis, index, index + 1),
                   shape(extents(frame.dims().begin(), frame.dims().end() - 1)));
}

value interleave(writer& p, const std::vector<value>& channels) {
  std::vector<value> parts;
  for (const value& c : channels) {
    extents dims(c.dims().begin(), c.dims().end());
    dims.push_back(1);
    parts.push_back(p.reshape(c, shape(dims)));
  }
  return p.concatenate(parts, channels[0].rank());
}

}  // namespace wherry::named
