// products.cpp: matrix products and convolutions of images.
#include <cmath>

#include "types.hpp"

namespace wherry::named {
namespace {

void require_product_type(const kernel_call& call, std::size_t index) {
  const dtype t = call.input(index).element;
  if (!is_common_float(t) && t != dtype::i32 && t != dtype::i64)
    call.refuse_input(index, "elements of f16, bf16, f32, f64, i32 or i64");
}

kernel_program matmul(const kernel_call& call) {
  require_product_type(call, 0);
  const tensor_type &a = call.input(0), &b = call.input(1);
  const std::size_t rank = a.dims.rank();
  if (rank < 2) call.refuse_input(0, "at least two dimensions");
  const bool turn_a = call.boolean("transpose_a"), turn_b = call.boolean("transpose_b");
  const std::int64_t k = a.dims[turn_a ? rank - 2 : rank - 1];
  bool fits = b.element == a.element && b.dims.rank() == rank && b.dims[turn_b ? rank - 1 : rank - 2] == k;
  std::string expected = "tensor<";
  extents batch;
  for (std::size_t i = 0; fits && i + 2 < rank; ++i) fits = a.dims[i] == b.dims[i];
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    batch.push_back(static_cast<std::int64_t>(i));
    expected += std::to_string(a.dims[i]) + "x";
  }
  expected += turn_b ? "Nx" + std::to_string(k) : std::to_string(k) + "xN";
  if (!fits) call.refuse_input(1, expected + "x" + std::string(name_of(a.element)) + ">");
  composition p(call);
  const auto last = static_cast<std::int64_t>(rank) - 1;
  return p.returning(
      p.dot(p.input(0), p.input(1), batch, batch, {turn_a ? last - 1 : last}, {turn_b ? last : last - 1}));
}

/// A pair of positive integers from a list of one or two.
std::array<std::int64_t, 2> pair_of(const kernel_call& call, std::string_view name) {
  const std::vector<double>& list = call.list(name);
  if (list.empty() || list.size() > 2) call.refuse_parameter(name, "one or two integers");
  std::array<std::int64_t, 2> pair{};
  for (std::size_t i = 0; i < 2; ++i) {
    const double n = list[list.size() == 2 ? i : 0];
    if (std::trunc(n) != n) call.refuse_parameter(name, "one or two integers");
    pair[i] = static_cast<std::int64_t>(n);
  }
  return pair;
}

kernel_program conv2d(const kernel_call& call) {
  require_float(call, 0);
  const tensor_type &x = call.input(0), &k = call.input(1);
  const bool first = call.text("layout") == "nchw";
  if (x.dims.rank() != 4) call.refuse_input(0, first ? "four axes [N, C, H, W]" : "four axes [N, H, W, C]");
  if (k.dims.rank() != 4 || k.element != x.element) {
    call.refuse_input(1, std::string(first ? "tensor<OxIxKHxKWx" : "tensor<KHxKWxIxOx") +
                             std::string(name_of(x.element)) + ">");
  }
  window2d w;
  w.stride = pair_of(call, "stride");
  w.dilation = pair_of(call, "dilation");
  w.groups = call.integer("groups");
  const std::int64_t in = x.dims[first ? 1 : 3], out = k.dims[first ? 0 : 3],
                     per_group = k.dims[first ? 1 : 2];
  if (in % w.groups != 0 || out % w.groups != 0) {
    call.refuse_parameter("groups", "a divisor of " + std::to_string(in) + " input and " +
                                        std::to_string(out) + " output channels");
  }
  if (per_group != in / w.groups) {
    call.refuse_input(1, "kernels of " + std::to_string(in / w.groups) + " input channels");
  }
  const std::vector<double>& padding = call.list("padding");
  const std::string& rule = call.text("edges");
  extents dims = {x.dims[0], first ? out : 0, 0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t size = x.dims[i + (first ? 2 : 1)];
    const std::int64_t window = (k.dims[i + (first ? 2 : 0)] - 1) * w.dilation[i] + 1;
    if (window < 1) call.refuse_input(1, "kernels of at least one element");
    if (!padding.empty()) {
      if (padding.size() != 1 && padding.size() != 2 && padding.size() != 4)
        call.refuse_parameter("padding", "one, two or four integers");
      const std::size_t at = padding.size() == 4 ? 2 * i : padding.size() == 2 ? i : 0;
      for (std::size_t side = 0; side < 2; ++side) {
        const double n = padding[at + (padding.size() == 4 ? side : 0)];
        if (std::trunc(n) != n) call.refuse_parameter("padding", "one, two or four integers");
        w.padding[i][side] = static_cast<std::int64_t>(n);
      }
    } else if (rule == "same") {
      const std::int64_t wanted = (size + w.stride[i] - 1) / w.stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (wanted - 1) * w.stride[i] + window - size);
      w.padding[i] = {total / 2, total - total / 2};
    }
    const std::int64_t padded = size + w.padding[i][0] + w.padding[i][1];
    dims[i + (first ? 2 : 1)] = padded < window ? 0 : (padded - window) / w.stride[i] + 1;
  }
  if (!first) dims[3] = out;
  if (call.inputs().size() > 2) require_type(call, 2, {x.element, {out}});
  composition p(call);
  const value y = p.convolution(
      p.input(0), p.input(1),
      first ? "[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]" : "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]", w,
      shape(dims));
  if (call.inputs().size() < 3) return p.returning(y);
  return p.returning(p.add(y, p.broadcast(p.input(2), {first ? 1 : 3}, y.dims())));
}

}  // namespace

void add_products(named_kernels& to) {
  add(to,
      {.name = "matmul",
       .family = "compute",
       .formula = "the matrix product of the last two axes, for each index of those before them",
       .inputs = {{"a", "[..., M, K]; f16, bf16, f32, f64, i32, i64"},
                  {"b", "[..., K, N]; the leading axes and element type of a"}},
       .output = "[..., M, N]; the element type of a",
       .parameters = {flag("transpose_a", false, "a is [..., K, M]"),
                      flag("transpose_b", false, "b is [..., N, K]")}},
      matmul);
  add(to,
      {.name = "conv2d",
       .family = "compute",
       .formula = "y[n, o, i, j] = bias[o] + the sum over c, u, v of x[n, c, i * stride + u * dilation - "
                  "low, ...] * kernel[o, c, u, v]",
       .inputs =
           {{"x", "[N, C, H, W] or [N, H, W, C]; f16, bf16, f32, f64"},
            {"kernel",
             "[O, C / groups, KH, KW] for nchw, [KH, KW, C / groups, O] for nhwc; the element type of x"},
            {"bias", "[O]; the element type of x", true}},
       .output = "[N, O, OH, OW] or [N, OH, OW, O]; the element type of x",
       .parameters =
           {choice("layout", {"nchw", "nhwc"}, "the order of the axes"),
            numbers("stride", std::vector<double>{1}, 1, exact_f32, "down and across, or one for both"),
            choice("edges", {"valid", "same"},
                   "'valid': no padding; 'same': the result has ceil(size / stride) elements"),
            numbers("padding", std::vector<double>{}, 0, exact_f32,
                    "zeros around: one for all sides, [down, across] or [top, bottom, left, right]; "
                    "overrides edges"),
            numbers("dilation", std::vector<double>{1}, 1, exact_f32, "the distance of kernel elements"),
            integer("groups", 1, 1, exact_f32, "channels of input and output are cut into so many groups")}},
      conv2d);
}

}  // namespace wherry::named
