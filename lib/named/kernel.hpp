// kernel.hpp: how the kernels of this library are put together.
//
// A kernel is a signature and a function that writes its program. The function makes a `composition`, a
// writer that starts with the call's inputs and operands as arguments of the program.
//
// Threads: any; kernels are constant after construction.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <wherry/exec/named_kernel.hpp>

#include "writer.hpp"

namespace wherry::named {

/// The type to compute in: f64 for f64, f32 for every other type.
constexpr dtype wide(dtype type) noexcept { return type == dtype::f64 ? dtype::f64 : dtype::f32; }

class composition : public writer {
 public:
  /// Operands are of type `operands`; there are as many as the call has, or `count`.
  explicit composition(const kernel_call& call, dtype operands = dtype::f32)
      : composition(call, operands, call.operands().size()) {}
  composition(const kernel_call& call, dtype operands, std::size_t count)
      : call_(call), operand_type_(operands) {
    const std::vector<kernel_input>& names = call.kernel().inputs;
    for (std::size_t i = 0; i < call.inputs().size(); ++i) {
      // Of a repeated input each has a name of its own: x0, x1, ...
      const kernel_input& in = names[std::min(i, names.size() - 1)];
      inputs_.push_back(argument(call.input(i), in.repeated ? in.name + std::to_string(i) : in.name));
    }
    if (count != 0) operands_ = argument({operands, {static_cast<std::int64_t>(count)}}, "operands");
  }

  const kernel_call& call() const noexcept { return call_; }
  const std::vector<value>& inputs() const noexcept { return inputs_; }
  const value& input(std::size_t index) const { return inputs_[index]; }
  /// Operand `index` as a scalar.
  value operand(std::int64_t index) { return element(operands_, index); }
  const value& operands() const noexcept { return operands_; }

  kernel_program returning(const value& result) {
    return {finish(call_.kernel().name, result), operand_type_};
  }

 private:
  const kernel_call& call_;
  dtype operand_type_;
  std::vector<value> inputs_;
  value operands_;
};

using write_function = std::function<kernel_program(const kernel_call&)>;
using operands_function = std::function<std::vector<double>(const kernel_call&)>;

class written_kernel final : public named_kernel {
 public:
  written_kernel(kernel_signature s, write_function write, operands_function operands)
      : named_kernel(std::move(s)), write_(std::move(write)), operands_(std::move(operands)) {}

  kernel_program write(const kernel_call& call) const override { return write_(call); }
  std::vector<double> operands(const kernel_call& call) const override {
    return operands_ ? operands_(call) : call.operands();
  }

 private:
  write_function write_;
  operands_function operands_;
};

inline void add(named_kernels& to, kernel_signature s, write_function write,
                operands_function operands = {}) {
  to.add(std::make_unique<written_kernel>(std::move(s), std::move(write), std::move(operands)));
}

// Parameters, for signatures.

inline kernel_parameter flag(std::string name, bool fallback, std::string doc) {
  return {.name = std::move(name),
          .kind = parameter_value::kind::boolean,
          .fallback = fallback,
          .doc = std::move(doc)};
}
inline kernel_parameter integer(std::string name, std::optional<std::int64_t> fallback, double low,
                                double high, std::string doc) {
  kernel_parameter p{.name = std::move(name),
                     .kind = parameter_value::kind::integer,
                     .doc = std::move(doc),
                     .low = low,
                     .high = high};
  if (fallback) p.fallback = *fallback;
  return p;
}
inline kernel_parameter number(std::string name, double fallback, double low, double high, std::string doc) {
  return {.name = std::move(name),
          .kind = parameter_value::kind::number,
          .fallback = fallback,
          .doc = std::move(doc),
          .low = low,
          .high = high};
}
inline kernel_parameter choice(std::string name, std::vector<std::string> choices, std::string doc) {
  kernel_parameter p{.name = std::move(name),
                     .kind = parameter_value::kind::text,
                     .fallback = choices[0],
                     .doc = std::move(doc)};
  p.choices = std::move(choices);
  return p;
}
inline kernel_parameter numbers(std::string name, std::optional<std::vector<double>> fallback, double low,
                                double high, std::string doc,
                                std::optional<std::size_t> size = std::nullopt) {
  kernel_parameter p{.name = std::move(name),
                     .kind = parameter_value::kind::list,
                     .doc = std::move(doc),
                     .low = low,
                     .high = high,
                     .list_size = size};
  if (fallback) p.fallback = *std::move(fallback);
  return p;
}
inline kernel_parameter operand(kernel_parameter p) {
  p.is_operand = true;
  return p;
}
inline kernel_parameter above(kernel_parameter p) {
  p.above_low = true;
  return p;
}

inline constexpr double unbounded = std::numeric_limits<double>::infinity();
/// The largest integer that f32 holds with all before it, for positions that are operands.
inline constexpr double exact_f32 = 16777216;

// One function for each file of kernels.
void add_elementwise(named_kernels& to);
void add_reductions(named_kernels& to);
void add_movements(named_kernels& to);
void add_products(named_kernels& to);
void add_blurs(named_kernels& to);
void add_colours(named_kernels& to);
void add_yuv(named_kernels& to);
void add_keys(named_kernels& to);
void add_composites(named_kernels& to);
void add_scaling(named_kernels& to);
void add_levels(named_kernels& to);
void add_biquad(named_kernels& to);
void add_convolver(named_kernels& to);
void add_resampling(named_kernels& to);

}  // namespace wherry::named
