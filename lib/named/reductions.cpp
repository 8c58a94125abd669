// reductions.cpp: sums, extremes, softmax and layer normalisation.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "types.hpp"

namespace wherry::named {
namespace {

/// The least (or greatest) value of a type: where a search for the maximum (minimum) starts.
double extreme(dtype type, bool least) {
  if (is_float(type)) return least ? -unbounded : unbounded;
  const int bits = static_cast<int>(size_of(type)) * 8;
  if (is_unsigned_integer(type)) return least ? 0 : std::ldexp(1.0, bits) - (bits == 64 ? 2048 : 1);
  return least ? -std::ldexp(1.0, bits - 1) : std::ldexp(1.0, bits - 1) - (bits == 64 ? 1024 : 1);
}

extents axes_given(const kernel_call& call) {
  const std::size_t rank = call.input(0).dims.rank();
  if (!call.list("axes").empty()) return axes_of(call, "axes", call.list("axes"), rank);
  extents all(rank);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

/// The shape with the given axes of extent 1.
shape kept(const shape& dims, const extents& axes) {
  extents all(dims.begin(), dims.end());
  for (const std::int64_t axis : axes) all[static_cast<std::size_t>(axis)] = 1;
  return shape(all);
}

/// `x` reduced over axes, and broadcast again to its shape.
value spread(writer& p, const value& reduced, const value& x, const extents& axes) {
  extents dims;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end())
      dims.push_back(static_cast<std::int64_t>(i));
  }
  return p.broadcast(reduced, dims, x.dims());
}

void add_reduction(named_kernels& to, const std::string& name, const std::string& operation,
                   const std::string& formula) {
  add(to,
      {.name = name,
       .family = "compute",
       .formula = formula,
       .inputs = {{"x", "any shape; integers of 8 to 64 bits, f16, bf16, f32, f64"}},
       .output = "x without the axes, or with extent 1 there; the element type of x",
       .parameters = {numbers("axes", std::vector<double>{}, -unbounded, unbounded,
                              "what to reduce; none: all axes; negative: from the end"),
                      flag("keep_dims", false, "keep reduced axes, with extent 1")}},
      [operation](const kernel_call& call) {
        require_number(call, 0);
        const extents axes = axes_given(call);
        const tensor_type& type = call.input(0);
        const bool is_sum = operation == "add";
        for (const std::int64_t axis : axes) {
          if (!is_sum && type.dims[static_cast<std::size_t>(axis)] == 0)
            call.refuse_input(0, "at least one element along axis " + std::to_string(axis));
        }
        composition p(call);
        const bool is_narrow = is_sum && (type.element == dtype::f16 || type.element == dtype::bf16);
        const value x = is_narrow ? p.convert(p.input(0), dtype::f32) : p.input(0);
        const double initial = is_sum ? 0 : extreme(type.element, operation == "maximum");
        const value reduced = p.convert(p.reduce(operation, x, initial, axes), type.element);
        return p.returning(call.boolean("keep_dims") ? p.reshape(reduced, kept(type.dims, axes)) : reduced);
      });
}

kernel_program softmax(const kernel_call& call) {
  require_float(call, 0);
  const tensor_type& type = call.input(0);
  const extents axes = {axis_of(call, "axis", type.dims.rank())};
  composition p(call);
  const value x = p.convert(p.input(0), wide(type.element));
  const value highest = p.reduce("maximum", x, -unbounded, axes);
  const value raised = p.unary("exponential", p.sub(x, spread(p, highest, x, axes)));
  const value sum = p.reduce("add", raised, 0, axes);
  return p.returning(p.convert(p.div(raised, spread(p, sum, x, axes)), type.element));
}

kernel_program layer_norm(const kernel_call& call) {
  require_float(call, 0);
  const tensor_type& type = call.input(0);
  const std::int64_t first = axis_of(call, "axis", type.dims.rank());
  extents axes, inner;
  double count = 1;
  for (std::size_t i = static_cast<std::size_t>(first); i < type.dims.rank(); ++i) {
    axes.push_back(static_cast<std::int64_t>(i));
    inner.push_back(type.dims[i]);
    count *= static_cast<double>(type.dims[i]);
  }
  const tensor_type affine{type.element, shape(inner)};
  for (std::size_t i = 1; i < call.inputs().size(); ++i) require_type(call, i, affine);
  const dtype in = wide(type.element);
  composition p(call, in);
  const value x = p.convert(p.input(0), in);
  const value mean = p.div(p.reduce("add", x, 0, axes), count);
  const value centred = p.sub(x, spread(p, mean, x, axes));
  const value variance = p.div(p.reduce("add", p.mul(centred, centred), 0, axes), count);
  const value scale = p.unary("rsqrt", p.add(variance, p.operand(0)));
  value y = p.mul(centred, spread(p, scale, x, axes));
  if (call.inputs().size() > 1) y = p.mul(y, p.broadcast(p.convert(p.input(1), in), axes, x.dims()));
  if (call.inputs().size() > 2) y = p.add(y, p.broadcast(p.convert(p.input(2), in), axes, x.dims()));
  return p.returning(p.convert(y, type.element));
}

}  // namespace

void add_reductions(named_kernels& to) {
  add_reduction(to, "reduce_sum", "add",
                "the sum over the axes; f16 and bf16 are summed in f32, integers wrap around");
  add_reduction(to, "reduce_max", "maximum", "the greatest over the axes; NaN if there is one");
  add_reduction(to, "reduce_min", "minimum", "the least over the axes; NaN if there is one");
  add(to,
      {.name = "softmax",
       .family = "compute",
       .formula = "exp(x - max) / sum(exp(x - max)) along the axis",
       .inputs = {{"x", "rank 1 or more; f16, bf16, f32, f64"}},
       .output = "as x",
       .parameters = {integer("axis", -1, -unbounded, unbounded, "negative: from the end")}},
      softmax);
  add(to,
      {.name = "layer_norm",
       .family = "compute",
       .formula = "(x - mean) / sqrt(variance + epsilon) * scale + shift, over the axis and all behind it",
       .inputs = {{"x", "rank 1 or more; f16, bf16, f32, f64"},
                  {"scale", "the shape of x from the axis on; the element type of x", true},
                  {"shift", "as scale", true}},
       .output = "as x",
       .parameters = {integer("axis", -1, -unbounded, unbounded, "negative: from the end"),
                      operand(number("epsilon", 1e-5, 0, unbounded, "added to the variance"))}},
      layer_norm);
}

}  // namespace wherry::named
