// scaling.cpp: frames of another size, by cubic convolution (R. Keys, 1981).
#include "frames.hpp"

namespace wherry::named {
namespace {

/// `x` resampled to `count` elements along an axis.
value resampled(writer& p, const value& x, std::size_t axis, std::int64_t count) {
  const std::int64_t n = x.extent(axis);
  if (count == n) return x;
  // The centre of element i lies at (i + 1/2) n / count - 1/2 = ((2 i + 1) n - count) / (2 count) of the
  // source. In integers, so that it is exact.
  const bool is_large = static_cast<double>(2 * count + 1) * static_cast<double>(n) > 2e9;
  const tensor_type index{is_large ? dtype::i64 : dtype::i32, {count}};
  const auto number = [](std::int64_t v) { return static_cast<double>(v); };
  const value above = p.sub(p.mul(p.add(p.mul(p.iota(0, index), 2), 1), number(n)), number(count));
  // It is above -1/2; dividing rounds towards zero, so one is added before.
  const value left = p.sub(p.div(p.add(above, number(2 * count)), number(2 * count)), 1);
  const value rest = p.sub(above, p.mul(left, number(2 * count)));
  const value t = p.div(p.convert(rest, x.element()), number(2 * count));
  const auto polynomial = [&](double c3, double c2, double c1, double c0) {
    return p.add(p.mul(p.add(p.mul(p.add(p.mul(t, c3), c2), t), c1), t), c0);
  };
  const value weights[4] = {polynomial(-0.5, 1, -0.5, 0), polynomial(1.5, -2.5, 0, 1),
                            polynomial(-1.5, 2, 0.5, 0), polynomial(0.5, -0.5, 0, 0)};
  std::optional<value> sum;
  for (int k = 0; k < 4; ++k) {
    const value near = p.take(x, p.add(left, k - 1), axis);
    const value part = p.mul(near, p.broadcast(weights[k], {static_cast<std::int64_t>(axis)}, near.dims()));
    sum = sum ? p.add(*sum, part) : part;
  }
  return *sum;
}

kernel_program bicubic_scale(const kernel_call& call) {
  require_frame(call, 0);
  const dtype type = call.input(0).element;
  composition p(call);
  const value x = load(p, p.input(0));
  const value rows = resampled(p, x, rows_axis(x), call.integer("height"));
  return p.returning(store(p, resampled(p, rows, columns_axis(x), call.integer("width")), type));
}

}  // namespace

void add_scaling(named_kernels& to) {
  add(to,
      {.name = "bicubic_scale",
       .family = "video",
       .formula = "cubic convolution with a = -1/2 over the four nearest rows and columns; pixel i lies at "
                  "(i + 1/2) * H / height - 1/2; beyond the edges the pixel at the edge; nothing is smoothed "
                  "first when a frame shrinks",
       .inputs = {{"frame", frame_text}},
       .output = "[..., height, width, C]; the element type of frame",
       .parameters = {integer("width", std::nullopt, 1, 1 << 20, "columns"),
                      integer("height", std::nullopt, 1, 1 << 20, "rows")}},
      bicubic_scale);
}

}  // namespace wherry::named
