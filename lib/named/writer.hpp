// writer.hpp: writes one StableHLO program, an operation at a time.
//
// A `value` is the name of something computed, with its type. Operations return the value they wrote. Where
// two operands have different ranks, one of them is a scalar and is broadcast to the shape of the other.
// Types are the caller's to keep right: what is wrong is an error of the compiler's parser.
//
// Threads: one.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/array/shape.hpp>

namespace wherry::named {

struct value {
  std::string name;
  tensor_type type;

  dtype element() const noexcept { return type.element; }
  const shape& dims() const noexcept { return type.dims; }
  std::size_t rank() const noexcept { return type.dims.rank(); }
  std::int64_t extent(std::size_t axis) const noexcept { return type.dims[axis]; }
};

using extents = std::vector<std::int64_t>;

/// The windows of a convolution over two spatial dimensions; padding is low and high.
struct window2d {
  std::array<std::int64_t, 2> stride = {1, 1};
  std::array<std::array<std::int64_t, 2>, 2> padding = {{{0, 0}, {0, 0}}};
  std::array<std::int64_t, 2> dilation = {1, 1};
  std::int64_t groups = 1;
};

class writer {
 public:
  /// The next argument of the program, with a name for callers.
  value argument(const tensor_type& type, const std::string& called);

  value scalar(double number, dtype type) { return splat(number, {type, {}}); }
  value splat(double number, const tensor_type& type);
  value iota(std::size_t axis, const tensor_type& type);

  /// Any operation of one operand whose result has its type: `tanh`, `exponential`, ...
  value unary(std::string_view operation, const value& x);
  value binary(std::string_view operation, value a, value b);
  value add(const value& a, const value& b) { return binary("add", a, b); }
  value add(const value& a, double b) { return add(a, scalar(b, a.element())); }
  value sub(const value& a, const value& b) { return binary("subtract", a, b); }
  value sub(const value& a, double b) { return sub(a, scalar(b, a.element())); }
  value mul(const value& a, const value& b) { return binary("multiply", a, b); }
  value mul(const value& a, double b) { return mul(a, scalar(b, a.element())); }
  value div(const value& a, const value& b) { return binary("divide", a, b); }
  value div(const value& a, double b) { return div(a, scalar(b, a.element())); }
  value max(const value& a, const value& b) { return binary("maximum", a, b); }
  value max(const value& a, double b) { return max(a, scalar(b, a.element())); }
  value min(const value& a, const value& b) { return binary("minimum", a, b); }
  value min(const value& a, double b) { return min(a, scalar(b, a.element())); }
  value clamp(double low, const value& x, double high) { return min(max(x, low), high); }
  /// `a + (b - a) * t`.
  value mix(const value& a, const value& b, const value& t) { return add(a, mul(sub(b, a), t)); }

  /// `direction` is EQ, NE, LT, LE, GT or GE.
  value compare(std::string_view direction, value a, value b);
  value select(const value& condition, value yes, value no);
  value convert(const value& x, dtype type);

  /// Dimension `i` of `x` becomes `dims[i]` of the result.
  value broadcast(const value& x, const extents& dims, const shape& to);
  value reshape(const value& x, const shape& to);
  value transpose(const value& x, const extents& permutation);
  value slice(const value& x, const extents& low, const extents& high);
  /// The part [low, high) of one dimension.
  value part(const value& x, std::size_t axis, std::int64_t low, std::int64_t high);
  /// Starts are scalars of one integer type and are clamped so that the part lies inside.
  value dynamic_slice(const value& x, const std::vector<value>& starts, const extents& sizes);
  value pad(const value& x, double with, const extents& low, const extents& high);
  value concatenate(const std::vector<value>& parts, std::size_t axis);
  /// `operation` is add, maximum, minimum or multiply; the reduced dimensions are gone.
  value reduce(std::string_view operation, const value& x, double initial, const extents& axes);
  /// The rows `indices` (a vector of integers, which are clamped) of dimension `axis`.
  value take(const value& x, const value& indices, std::size_t axis);
  /// The entries of a vector at indices of any shape, which are clamped.
  value look_up(const value& table, const value& indices);
  value dot(const value& a, const value& b, const extents& batch_a, const extents& batch_b,
            const extents& contract_a, const extents& contract_b);
  /// `layout` is that of `dim_numbers`, such as `[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]`.
  value convolution(const value& x, const value& kernel, std::string_view layout, const window2d& window,
                    const shape& result);
  /// Over the last dimension; `length` is that of the real side.
  value real_fft(const value& x, std::int64_t length);
  value inverse_real_fft(const value& x, std::int64_t length);

  /// Runs `body` for each index from 0 to `count` - 1 (an i32 scalar) on what it returned before, at first
  /// `initial`, and returns what it returned last.
  std::vector<value> repeat(
      std::int64_t count, const std::vector<value>& initial,
      const std::function<std::vector<value>(const value& index, const std::vector<value>&)>& body);

  /// Element `index` of a vector, as a scalar.
  value element(const value& vector, std::int64_t index);

  /// Returns the program, which returns `result`. The writer is used up.
  std::string finish(std::string_view name, const value& result);

 private:
  value write(const tensor_type& type, const std::string& operation);
  void agree(value& a, value& b);

  std::string arguments_;
  std::string body_;
  int arguments_count_ = 0;
  int count_ = 0;
};

}  // namespace wherry::named
