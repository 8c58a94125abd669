// writer.cpp: the spelling of the operations that `writer` writes.
#include "writer.hpp"

#include <algorithm>
#include <utility>
#include <wherry/array/element.hpp>

namespace wherry::named {
namespace {

std::string joined(const extents& list) {
  std::string all;
  for (const std::int64_t n : list) all += (all.empty() ? "" : ", ") + std::to_string(n);
  return all;
}

std::string bracketed(const extents& list) { return "[" + joined(list) + "]"; }

std::string function(const std::vector<const value*>& from, const tensor_type& to) {
  std::string all;
  for (const value* v : from) all += (all.empty() ? "" : ", ") + to_string(v->type);
  return " : (" + all + ") -> " + to_string(to);
}

std::string literal(double number, dtype type) {
  if (is_float(type)) return detail::float_literal(type, encode_float(format_of(type), number));
  if (type == dtype::boolean) return number != 0 ? "true" : "false";
  if (number >= 9223372036854775808.0) return std::to_string(static_cast<std::uint64_t>(number));
  return std::to_string(static_cast<std::int64_t>(number));
}

}  // namespace

value writer::write(const tensor_type& type, const std::string& operation) {
  value v{"%" + std::to_string(count_++), type};
  body_ += "  " + v.name + " = " + operation + "\n";
  return v;
}

void writer::agree(value& a, value& b) {
  if (a.rank() == 0 && b.rank() != 0) a = broadcast(a, {}, b.dims());
  if (b.rank() == 0 && a.rank() != 0) b = broadcast(b, {}, a.dims());
}

value writer::argument(const tensor_type& type, const std::string& called) {
  value v{"%arg" + std::to_string(arguments_count_++), type};
  arguments_ += (arguments_.empty() ? "" : ", ") + v.name + ": " + to_string(type) + " {jax.arg_info = \"" +
                called + "\"}";
  return v;
}

value writer::splat(double number, const tensor_type& type) {
  return write(type, "stablehlo.constant dense<" + literal(number, type.element) + "> : " + to_string(type));
}

value writer::iota(std::size_t axis, const tensor_type& type) {
  return write(type, "stablehlo.iota dim = " + std::to_string(axis) + " : " + to_string(type));
}

value writer::unary(std::string_view operation, const value& x) {
  return write(x.type, "stablehlo." + std::string(operation) + " " + x.name + " : " + to_string(x.type));
}

value writer::binary(std::string_view operation, value a, value b) {
  agree(a, b);
  return write(a.type, "stablehlo." + std::string(operation) + " " + a.name + ", " + b.name + " : " +
                           to_string(a.type));
}

value writer::compare(std::string_view direction, value a, value b) {
  agree(a, b);
  const tensor_type truth{dtype::boolean, a.dims()};
  return write(truth, "stablehlo.compare " + std::string(direction) + ", " + a.name + ", " + b.name +
                          function({&a, &b}, truth));
}

value writer::select(const value& condition, value yes, value no) {
  agree(yes, no);
  return write(yes.type, "stablehlo.select " + condition.name + ", " + yes.name + ", " + no.name + " : " +
                             to_string(condition.type) + ", " + to_string(yes.type));
}

value writer::convert(const value& x, dtype type) {
  if (x.element() == type) return x;
  const tensor_type to{type, x.dims()};
  return write(to, "stablehlo.convert " + x.name + function({&x}, to));
}

value writer::broadcast(const value& x, const extents& dims, const shape& to) {
  const tensor_type type{x.element(), to};
  return write(type,
               "stablehlo.broadcast_in_dim " + x.name + ", dims = " + bracketed(dims) + function({&x}, type));
}

value writer::reshape(const value& x, const shape& to) {
  if (x.dims() == to) return x;
  const tensor_type type{x.element(), to};
  return write(type, "stablehlo.reshape " + x.name + function({&x}, type));
}

value writer::transpose(const value& x, const extents& permutation) {
  extents dims;
  for (const std::int64_t axis : permutation) dims.push_back(x.extent(static_cast<std::size_t>(axis)));
  const tensor_type type{x.element(), shape(dims)};
  return write(type,
               "stablehlo.transpose " + x.name + ", dims = " + bracketed(permutation) + function({&x}, type));
}

value writer::slice(const value& x, const extents& low, const extents& high) {
  std::string ranges;
  extents dims;
  for (std::size_t i = 0; i < low.size(); ++i) {
    ranges += (i ? ", " : "") + std::to_string(low[i]) + ":" + std::to_string(high[i]);
    dims.push_back(high[i] - low[i]);
  }
  if (shape(dims) == x.dims()) return x;
  const tensor_type type{x.element(), shape(dims)};
  return write(type, "stablehlo.slice " + x.name + " [" + ranges + "]" + function({&x}, type));
}

value writer::part(const value& x, std::size_t axis, std::int64_t low, std::int64_t high) {
  extents from(x.rank(), 0);
  extents to(x.dims().begin(), x.dims().end());
  from[axis] = low;
  to[axis] = high;
  return slice(x, from, to);
}

value writer::dynamic_slice(const value& x, const std::vector<value>& starts, const extents& sizes) {
  std::string names;
  std::vector<const value*> operands = {&x};
  for (const value& s : starts) {
    names += ", " + s.name;
    operands.push_back(&s);
  }
  const tensor_type type{x.element(), shape(sizes)};
  return write(type, "stablehlo.dynamic_slice " + x.name + names + ", sizes = " + bracketed(sizes) +
                         function(operands, type));
}

value writer::pad(const value& x, double with, const extents& low, const extents& high) {
  extents dims;
  for (std::size_t i = 0; i < low.size(); ++i) dims.push_back(x.extent(i) + low[i] + high[i]);
  if (shape(dims) == x.dims()) return x;
  const value filler = scalar(with, x.element());
  const tensor_type type{x.element(), shape(dims)};
  return write(type, "stablehlo.pad " + x.name + ", " + filler.name + ", low = " + bracketed(low) +
                         ", high = " + bracketed(high) + ", interior = " + bracketed(extents(low.size(), 0)) +
                         function({&x, &filler}, type));
}

value writer::concatenate(const std::vector<value>& parts, std::size_t axis) {
  std::string names;
  std::vector<const value*> operands;
  extents dims(parts[0].dims().begin(), parts[0].dims().end());
  dims[axis] = 0;
  for (const value& p : parts) {
    names += (names.empty() ? "" : ", ") + p.name;
    operands.push_back(&p);
    dims[axis] += p.extent(axis);
  }
  const tensor_type type{parts[0].element(), shape(dims)};
  return write(
      type, "stablehlo.concatenate " + names + ", dim = " + std::to_string(axis) + function(operands, type));
}

value writer::reduce(std::string_view operation, const value& x, double initial, const extents& axes) {
  if (axes.empty()) return x;
  const value start = scalar(initial, x.element());
  extents dims;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end())
      dims.push_back(x.extent(i));
  }
  const tensor_type type{x.element(), shape(dims)};
  return write(type, "stablehlo.reduce(" + x.name + " init: " + start.name + ") applies stablehlo." +
                         std::string(operation) + " across dimensions = " + bracketed(axes) +
                         function({&x, &start}, type));
}

value writer::take(const value& x, const value& indices, std::size_t axis) {
  extents dims(x.dims().begin(), x.dims().end()), sizes = dims, offsets;
  dims[axis] = indices.extent(0);
  sizes[axis] = 1;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (i != axis) offsets.push_back(static_cast<std::int64_t>(i));
  }
  const value columns = reshape(indices, {indices.extent(0), 1});
  const tensor_type type{x.element(), shape(dims)};
  const std::string at = "[" + std::to_string(axis) + "]";
  return write(type, "\"stablehlo.gather\"(" + x.name + ", " + columns.name +
                         ") <{dimension_numbers = #stablehlo.gather<offset_dims = " + bracketed(offsets) +
                         ", collapsed_slice_dims = " + at + ", start_index_map = " + at +
                         ", index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: " +
                         joined(sizes) + ">}>" + function({&x, &columns}, type));
}

value writer::look_up(const value& table, const value& indices) {
  const tensor_type type{table.element(), indices.dims()};
  return write(type, "\"stablehlo.gather\"(" + table.name + ", " + indices.name +
                         ") <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], "
                         "start_index_map = [0], index_vector_dim = " +
                         std::to_string(indices.rank()) +
                         ">, indices_are_sorted = false, slice_sizes = array<i64: 1>}>" +
                         function({&table, &indices}, type));
}

value writer::dot(const value& a, const value& b, const extents& batch_a, const extents& batch_b,
                  const extents& contract_a, const extents& contract_b) {
  const auto is_in = [](const extents& list, std::size_t axis) {
    return std::find(list.begin(), list.end(), static_cast<std::int64_t>(axis)) != list.end();
  };
  extents dims;
  for (const std::int64_t axis : batch_a) dims.push_back(a.extent(static_cast<std::size_t>(axis)));
  for (std::size_t i = 0; i < a.rank(); ++i)
    if (!is_in(batch_a, i) && !is_in(contract_a, i)) dims.push_back(a.extent(i));
  for (std::size_t i = 0; i < b.rank(); ++i)
    if (!is_in(batch_b, i) && !is_in(contract_b, i)) dims.push_back(b.extent(i));
  const tensor_type type{a.element(), shape(dims)};
  const std::string batches =
      batch_a.empty() ? "" : ", batching_dims = " + bracketed(batch_a) + " x " + bracketed(batch_b);
  return write(type, "stablehlo.dot_general " + a.name + ", " + b.name + batches + ", contracting_dims = " +
                         bracketed(contract_a) + " x " + bracketed(contract_b) + function({&a, &b}, type));
}

value writer::convolution(const value& x, const value& kernel, std::string_view layout,
                          const window2d& window, const shape& result) {
  const auto pair = [](const std::array<std::int64_t, 2>& p) { return bracketed({p[0], p[1]}); };
  const tensor_type type{x.element(), result};
  return write(type,
               "stablehlo.convolution(" + x.name + ", " + kernel.name +
                   ") dim_numbers = " + std::string(layout) + ", window = {stride = " + pair(window.stride) +
                   ", pad = [" + pair(window.padding[0]) + ", " + pair(window.padding[1]) +
                   "], rhs_dilate = " + pair(window.dilation) +
                   "} {batch_group_count = 1 : i64, feature_group_count = " + std::to_string(window.groups) +
                   " : i64}" + function({&x, &kernel}, type));
}

value writer::real_fft(const value& x, std::int64_t length) {
  extents dims(x.dims().begin(), x.dims().end());
  dims.back() = length / 2 + 1;
  const tensor_type type{x.element() == dtype::f64 ? dtype::c128 : dtype::c64, shape(dims)};
  return write(type, "stablehlo.fft " + x.name + ", type = RFFT, length = [" + std::to_string(length) + "]" +
                         function({&x}, type));
}

value writer::inverse_real_fft(const value& x, std::int64_t length) {
  extents dims(x.dims().begin(), x.dims().end());
  dims.back() = length;
  const tensor_type type{x.element() == dtype::c128 ? dtype::f64 : dtype::f32, shape(dims)};
  return write(type, "stablehlo.fft " + x.name + ", type = IRFFT, length = [" + std::to_string(length) + "]" +
                         function({&x}, type));
}

std::vector<value> writer::repeat(
    std::int64_t count, const std::vector<value>& initial,
    const std::function<std::vector<value>(const value& index, const std::vector<value>&)>& body) {
  const value limit = scalar(static_cast<double>(count), dtype::i32), one = scalar(1, dtype::i32);
  std::vector<value> start = {scalar(0, dtype::i32)};
  start.insert(start.end(), initial.begin(), initial.end());
  const std::string loop = "%" + std::to_string(count_++);
  std::vector<value> carried, results;
  std::string bindings, types;
  for (std::size_t i = 0; i < start.size(); ++i) {
    const std::string separator = i ? ", " : "";
    carried.push_back({"%" + std::to_string(count_++), start[i].type});
    bindings += separator + carried[i].name + " = " + start[i].name;
    types += separator + to_string(start[i].type);
    if (i > 0) results.push_back({loop + "#" + std::to_string(i), start[i].type});
  }
  body_ += "  " + loop + ":" + std::to_string(start.size()) + " = stablehlo.while(" + bindings +
           ") : " + types + "\n  cond {\n";
  const value goes_on = compare("LT", carried[0], limit);
  body_ += "  stablehlo.return " + goes_on.name + " : tensor<i1>\n  } do {\n";
  const std::vector<value> next = body(carried[0], {carried.begin() + 1, carried.end()});
  std::string names = add(carried[0], one).name;
  for (const value& v : next) names += ", " + v.name;
  body_ += "  stablehlo.return " + names + " : " + types + "\n  }\n";
  return results;
}

value writer::element(const value& vector, std::int64_t index) {
  return reshape(slice(vector, {index}, {index + 1}), {});
}

std::string writer::finish(std::string_view name, const value& result) {
  const std::string type = to_string(result.type);
  return "module @" + std::string(name) + " {\nfunc.func @main(" + arguments_ + ") -> " + type + " {\n" +
         body_ + "  return " + result.name + " : " + type + "\n}\n}\n";
}

}  // namespace wherry::named
