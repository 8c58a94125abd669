// blurs.cpp: what weighs a pixel with its neighbours: Gaussian blur, sharpening, denoising.
//
// Beyond its edges a frame continues with the pixels at the edge.
#include <algorithm>
#include <cmath>

#include "frames.hpp"

namespace wherry::named {
namespace {

/// The 2 * radius + 1 weights exp(-k * k * falloff), normalised.
value gaussian_weights(writer& p, const value& falloff, std::int64_t radius) {
  const tensor_type type{falloff.element(), {2 * radius + 1}};
  const value k = p.sub(p.iota(0, type), static_cast<double>(radius));
  const value w = p.unary("exponential", p.unary("negate", p.mul(p.mul(k, k), falloff)));
  return p.div(w, p.reduce("add", w, 0, {0}));
}

/// One pass: `x` is [batch, n, rest], blurred along n.
value blurred_along(writer& p, const value& x, const value& weights, std::int64_t radius) {
  const value extended = extend_edges(p, x, 1, radius);
  const value image = p.reshape(extended, {x.extent(0), extended.extent(1), x.extent(2), 1});
  const value kernel = p.reshape(weights, {weights.extent(0), 1, 1, 1});
  const value y = p.convolution(image, kernel, "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]", {},
                                {x.extent(0), x.extent(1), x.extent(2), 1});
  return p.reshape(y, x.dims());
}

value blurred(writer& p, const value& frame, const value& falloff, std::int64_t radius) {
  const std::int64_t h = frame.extent(rows_axis(frame)), w = frame.extent(columns_axis(frame));
  const std::int64_t c = frame.extent(channels_axis(frame)), frames = frame.dims().elements() / (h * w * c);
  const value weights = gaussian_weights(p, falloff, radius);
  const value down = blurred_along(p, p.reshape(frame, {frames, h, w * c}), weights, radius);
  const value across = blurred_along(p, p.reshape(down, {frames * h, w, c}), weights, radius);
  return p.reshape(across, frame.dims());
}

double falloff_of(const kernel_call& call) {
  const double given = call.number("sigma");
  const double sigma = given > 0 ? given : sigma_of_radius(static_cast<double>(call.integer("radius")));
  return 1 / (2 * sigma * sigma);
}

kernel_program gaussian_blur(const kernel_call& call) {
  require_frame(call, 0);
  const dtype type = call.input(0).element;
  composition p(call, wide(type), 1);
  const value y = blurred(p, load(p, p.input(0)), p.operand(0), call.integer("radius"));
  return p.returning(store(p, y, type));
}

kernel_program sharpen(const kernel_call& call) {
  require_frame(call, 0);
  const dtype type = call.input(0).element;
  composition p(call, wide(type), 2);
  const value x = load(p, p.input(0));
  const value y = blurred(p, x, p.operand(0), call.integer("radius"));
  return p.returning(store(p, p.add(x, p.mul(p.sub(x, y), p.operand(1))), type));
}

kernel_program denoise(const kernel_call& call) {
  require_frame(call, 0);
  const dtype type = call.input(0).element;
  const std::int64_t radius = call.integer("radius"), width = 2 * radius + 1;
  const double sigma = sigma_of_radius(static_cast<double>(radius)), fall = 1 / (2 * sigma * sigma);
  composition p(call, wide(type), 1);
  const value frame = load(p, p.input(0));
  const std::int64_t h = frame.extent(rows_axis(frame)), w = frame.extent(columns_axis(frame));
  const std::int64_t c = frame.extent(channels_axis(frame)), frames = frame.dims().elements() / (h * w * c);
  const value x = p.transpose(p.reshape(frame, {frames, h, w, c}), {0, 3, 1, 2});
  const value extended = extend_edges(p, extend_edges(p, x, 2, radius), 3, radius);
  const value zero = p.scalar(0, dtype::i32);
  // A step of the loop adds a row of the window: the sums stay in memory, whatever the window's size.
  const auto add_row = [&](const value& index, const std::vector<value>& sums) {
    const value row = p.dynamic_slice(extended, {zero, zero, index, zero}, {frames, c, h, w + 2 * radius});
    const value dy = p.sub(p.convert(index, x.element()), static_cast<double>(radius));
    const value down = p.mul(p.mul(dy, dy), fall);
    value total = sums[0], sum = sums[1];
    for (std::int64_t column = 0; column < width; ++column) {
      const value other = p.part(row, 3, column, column + w);
      const value difference = p.sub(other, x);
      const value distance = p.reduce("add", p.mul(difference, difference), 0, {1});
      const double across = static_cast<double>((column - radius) * (column - radius)) * fall;
      const value exponent = p.add(p.mul(distance, p.operand(0)), p.add(down, across));
      const value weight = p.unary("exponential", p.unary("negate", exponent));
      total = p.add(total, weight);
      sum = p.add(sum, p.mul(other, p.broadcast(weight, {0, 2, 3}, other.dims())));
    }
    return std::vector<value>{total, sum};
  };
  const std::vector<value> sums =
      p.repeat(width, {p.splat(0, {x.element(), {frames, h, w}}), p.splat(0, x.type)}, add_row);
  const value y = p.div(sums[1], p.broadcast(sums[0], {0, 2, 3}, x.dims()));
  return p.returning(store(p, p.reshape(p.transpose(y, {0, 2, 3, 1}), frame.dims()), type));
}

std::vector<double> denoise_operands(const kernel_call& call) {
  const double sigma = 0.2 * call.number("strength");
  return {std::min(1 / (2 * sigma * sigma), 1e30)};  // strength 0: only equal colours have weight
}

kernel_parameter sigma() {
  return operand(number("sigma", 0, 0, 1e6, "standard deviation in pixels; 0: 0.3 * (radius - 1) + 0.8"));
}

}  // namespace

void add_blurs(named_kernels& to) {
  add(to,
      {.name = "gaussian_blur",
       .family = "video",
       .formula = "the mean of the 2 * radius + 1 pixels around, down and then across, weighted by exp(-k^2 "
                  "/ (2 sigma^2)); beyond the edges the pixel at the edge",
       .inputs = {{"frame", frame_text}},
       .output = "as frame",
       .parameters = {integer("radius", 1, 0, 256, "pixels to each side"), sigma()}},
      gaussian_blur, [](const kernel_call& call) { return std::vector<double>{falloff_of(call)}; });
  add(to,
      {.name = "sharpen",
       .family = "video",
       .formula = "x + strength * (x - gaussian_blur(x))",
       .inputs = {{"frame", frame_text}},
       .output = "as frame",
       .parameters = {operand(number("strength", 1, -1000, 1000,
                                     "how much is added of what the blur takes away")),
                      integer("radius", 1, 0, 256, "of the blur"), sigma()}},
      sharpen,
      [](const kernel_call& call) { return std::vector<double>{falloff_of(call), call.number("strength")}; });
  add(to,
      {.name = "denoise",
       .family = "video",
       .formula = "a bilateral filter: the mean over the square window, weighted by exp(-distance^2 / (2 "
                  "s^2) - difference^2 / (2 t^2)), where difference is that of the colours, s = 0.3 * "
                  "(radius - 1) + 0.8 and t = 0.2 * strength; beyond the edges the pixel at the edge",
       .inputs = {{"frame", frame_text}},
       .output = "as frame",
       .parameters = {operand(number("strength", 0.5, 0, 1000, "0: the frame as it is")),
                      integer("radius", 2, 1, 4, "pixels to each side")}},
      denoise, denoise_operands);
}

}  // namespace wherry::named
