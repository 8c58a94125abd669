// composites.cpp: frames over frames, frames mixed, parts of frames.
#include "frames.hpp"

namespace wherry::named {
namespace {

/// A position as an operand, as an index.
value position(composition& p, std::int64_t operand) { return p.convert(p.operand(operand), dtype::i32); }

kernel_program overlay_alpha(const kernel_call& call) {
  require_frame(call, 0, {1, 3, 4});
  const tensor_type& base = call.input(0);
  const std::size_t rank = base.dims.rank();
  const std::int64_t channels = base.dims[rank - 1];
  const bool has_alpha_below = channels == 4;
  const extents allowed = has_alpha_below ? extents{4} : extents{channels, channels + 1};
  require_frame(call, 1, allowed);
  const tensor_type& top = call.input(1);
  bool fits = top.element == base.element && top.dims.rank() == rank;
  for (std::size_t i = 0; fits && i + 3 < rank; ++i) fits = top.dims[i] == base.dims[i];
  if (!fits) {
    call.refuse_input(1, "the element type and leading axes of input 0, " + to_string(base));
  }
  const std::int64_t over_channels = top.dims[rank - 1];
  const std::int64_t colours = has_alpha_below ? 3 : channels;
  const std::int64_t h = base.dims[rank - 3], w = base.dims[rank - 2], oh = top.dims[rank - 3],
                     ow = top.dims[rank - 2];
  const dtype in = wide(base.element);
  composition p(call, in);
  // The overlay with a channel of alpha, in the midst of so much nothing that a window of the size of the
  // frame at the right place is the overlay as the frame sees it.
  value over = load(p, p.input(1));
  const value alpha = p.operand(2);
  value colour = p.part(over, rank - 1, 0, colours);
  extents single(over.dims().begin(), over.dims().end());
  single.back() = 1;
  const value own = over_channels > colours ? p.mul(p.part(over, rank - 1, colours, colours + 1), alpha)
                                            : p.broadcast(alpha, {}, shape(single));
  extents around(rank, 0), sizes(base.dims.begin(), base.dims.end());
  around[rank - 3] = h;
  around[rank - 2] = w;
  sizes[rank - 1] = colours + 1;
  const value field = p.pad(p.concatenate({colour, own}, rank - 1), 0, around, around);
  const value zero = p.scalar(0, dtype::i32);
  std::vector<value> starts(rank, zero);
  starts[rank - 3] = p.sub(p.scalar(static_cast<double>(h), dtype::i32),
                           p.clamp(-static_cast<double>(oh), position(p, 1), static_cast<double>(h)));
  starts[rank - 2] = p.sub(p.scalar(static_cast<double>(w), dtype::i32),
                           p.clamp(-static_cast<double>(ow), position(p, 0), static_cast<double>(w)));
  over = p.dynamic_slice(field, starts, sizes);
  colour = p.part(over, rank - 1, 0, colours);
  const value opacity = p.part(over, rank - 1, colours, colours + 1);
  extents all;
  for (std::size_t i = 0; i < rank; ++i) all.push_back(static_cast<std::int64_t>(i));
  const value spread = p.broadcast(opacity, all, colour.dims());
  const value below = load(p, p.input(0));
  if (!has_alpha_below) return p.returning(store(p, p.mix(below, colour, spread), base.element));
  // Both straight: the colour of the result is the mean of both, weighted by what is seen of each.
  const value below_alpha = p.part(below, rank - 1, 3, 4);
  const value seen = p.mul(below_alpha, p.sub(p.scalar(1, in), opacity));
  const value result_alpha = p.add(opacity, seen);
  const value safe = p.select(p.compare("GT", result_alpha, p.scalar(0, in)), result_alpha, p.scalar(1, in));
  const value share = p.broadcast(p.div(opacity, safe), all, colour.dims());
  const value rest = p.broadcast(p.div(seen, safe), all, colour.dims());
  const value mixed = p.add(p.mul(colour, share), p.mul(p.part(below, rank - 1, 0, 3), rest));
  return p.returning(store(p, p.concatenate({mixed, result_alpha}, rank - 1), base.element));
}

kernel_program video_mix(const kernel_call& call) {
  require_frame(call, 0);
  require_same(call, 1, 0);
  const dtype type = call.input(0).element;
  composition p(call, wide(type));
  const value a = load(p, p.input(0)), b = load(p, p.input(1));
  const std::string& mode = call.text("mode");
  const value blend = mode == "dissolve" ? b : mode == "add" ? p.add(a, b) : p.mul(a, b);
  return p.returning(store(p, p.mix(a, blend, p.operand(0)), type));
}

kernel_program video_crop(const kernel_call& call) {
  const tensor_type& type = call.input(0);
  const std::size_t rank = type.dims.rank();
  if (rank < 3) call.refuse_input(0, "a frame [..., H, W, C]");
  const std::int64_t width = call.integer("width"), height = call.integer("height");
  if (width > type.dims[rank - 2])
    call.refuse_parameter("width",
                          "at most " + std::to_string(type.dims[rank - 2]) + ", the width of the frame");
  if (height > type.dims[rank - 3])
    call.refuse_parameter("height",
                          "at most " + std::to_string(type.dims[rank - 3]) + ", the height of the frame");
  composition p(call);
  std::vector<value> starts(rank, p.scalar(0, dtype::i32));
  starts[rank - 2] = position(p, 0);
  starts[rank - 3] = position(p, 1);
  extents sizes(type.dims.begin(), type.dims.end());
  sizes[rank - 2] = width;
  sizes[rank - 3] = height;
  return p.returning(p.dynamic_slice(p.input(0), starts, sizes));
}

std::vector<double> video_crop_operands(const kernel_call& call) {
  const shape& dims = call.input(0).dims;
  const std::int64_t spare_x = dims[dims.rank() - 2] - call.integer("width");
  const std::int64_t spare_y = dims[dims.rank() - 3] - call.integer("height");
  const auto require = [&](const char* name, std::int64_t spare) {
    if (call.integer(name) > spare)
      call.refuse_parameter(name,
                            "at most " + std::to_string(spare) + ", so that the part lies in the frame");
  };
  require("x", spare_x);
  require("y", spare_y);
  return call.operands();
}

}  // namespace

void add_composites(named_kernels& to) {
  add(to,
      {.name = "overlay_alpha",
       .family = "video",
       .formula = "base + a * (overlay - base) where the overlay lies, a = alpha times the overlay's own; "
                  "with alpha in both the colour is weighted by what is seen of each, and alpha is a + (1 - "
                  "a) * base alpha",
       .inputs = {{"base", "[..., H, W, C], C 1, 3 or 4 (red, green, blue, alpha); ui8, f16, bf16, f32, f64"},
                  {"overlay",
                   "[..., h, w, C], or C + 1 for a base without alpha: the last is alpha, not multiplied "
                   "into the colour; the leading axes and element type of base"}},
       .output = "as base",
       .parameters = {operand(integer(
                          "x", 0, -exact_f32, exact_f32,
                          "column of the overlay's left edge; what lies outside the base is cut off")),
                      operand(integer("y", 0, -exact_f32, exact_f32, "row of its upper edge")),
                      operand(number("alpha", 1, 0, 1, "opacity of the whole overlay"))}},
      overlay_alpha);
  add(to,
      {.name = "video_mix",
       .family = "video",
       .formula = "a + ratio * (blend - a), where blend is b, a + b or a * b",
       .inputs = {{"a", frame_text}, {"b", "as a"}},
       .output = "as a",
       .parameters = {choice("mode", {"dissolve", "add", "multiply"}, "what blend is"),
                      operand(number("ratio", 0.5, 0, 1, "0: a; 1: the blend"))}},
      video_mix);
  add(to,
      {.name = "video_crop",
       .family = "video",
       .formula = "rows y to y + height - 1 and columns x to x + width - 1",
       .inputs = {{"frame", "[..., H, W, C]; any element type"}},
       .output = "[..., height, width, C]; the element type of frame",
       .parameters = {operand(integer("x", 0, 0, exact_f32, "first column")),
                      operand(integer("y", 0, 0, exact_f32, "first row")),
                      integer("width", std::nullopt, 1, exact_f32, "columns"),
                      integer("height", std::nullopt, 1, exact_f32, "rows")}},
      video_crop, video_crop_operands);
}

}  // namespace wherry::named
