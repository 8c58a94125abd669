// target_kernel.hpp: a kernel in OpenCL C that was registered for custom calls, called by its name.
//
// Its signature follows from its arguments: operands are inputs, scalars parameters. Results have the shape
// of the first input, or the one that the parameter `shape` gives. Scalars are written into the program,
// which is a plan of one call and needs no compiler.
//
// Threads: constant after construction.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <wherry/exec/call_program.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/named_kernel.hpp>

namespace wherry {

class target_kernel final : public named_kernel {
 public:
  target_kernel(const std::string& name, std::shared_ptr<const device_kernel> kernel)
      : named_kernel(signature_of(name, *kernel)), kernel_(std::move(kernel)) {}

  const std::shared_ptr<const device_kernel>& kernel() const noexcept { return kernel_; }

  kernel_program write(const kernel_call& call) const override {
    custom_call alone{.target = signature().name, .api_version = 4};
    const shape dims = shape_of(call);
    for (const kernel_argument& a : kernel_->arguments) {
      if (a.what == kernel_argument::role::scalar) {
        alone.attributes.push_back({a.name, value_of(call, a)});
      } else if (a.what == kernel_argument::role::result) {
        alone.results.push_back({{a.type, dims}});
      } else {
        const std::size_t index = alone.operands.size();
        if (call.input(index).element != a.type)
          call.refuse_input(index, "elements of " + std::string(name_of(a.type)));
        alone.operands.push_back({call.input(index)});
      }
    }
    return {std::string(call_program(std::move(alone)).text())};
  }

 private:
  static constexpr const char* shape_name = "shape";

  static kernel_signature signature_of(const std::string& name, const device_kernel& kernel) {
    kernel_signature s{name, "OpenCL C", "what its source says", {}, "", {}};
    for (const kernel_argument& a : kernel.arguments) {
      const std::string type(name_of(a.type));
      if (a.what == kernel_argument::role::operand) {
        s.inputs.push_back({"x" + std::to_string(s.inputs.size()), type});
      } else if (a.what == kernel_argument::role::result) {
        s.output += (s.output.empty() ? "" : ", ") + type;
      } else {
        s.parameters.push_back(parameter_of(a));
      }
    }
    kernel_parameter dims;
    dims.name = shape_name;
    dims.kind = parameter_value::kind::list;
    if (!s.inputs.empty()) dims.fallback = std::vector<double>{};
    dims.doc = "of the results; none: that of the first input";
    dims.low = 0;
    dims.high = 1e15;
    s.parameters.push_back(dims);
    return s;
  }

  static kernel_parameter parameter_of(const kernel_argument& a) {
    using kind = parameter_value::kind;
    kernel_parameter p;
    p.name = a.name;
    p.doc = std::string(name_of(a.type));
    p.kind = a.type == dtype::boolean ? kind::boolean : is_float(a.type) ? kind::number : kind::integer;
    if (p.kind == kind::integer) {
      const int bits = static_cast<int>(size_of(a.type)) * 8;
      p.low = is_unsigned_integer(a.type) ? 0 : -std::ldexp(1.0, bits - 1);
      p.high = std::ldexp(1.0, bits - (is_unsigned_integer(a.type) ? 0 : 1)) - 1;
    }
    if (!a.otherwise) return p;
    if (const auto flag = a.otherwise->as<bool>()) p.fallback = *flag;
    if (const auto number = a.otherwise->as<double>()) p.fallback = *number;
    if (const auto whole = a.otherwise->as<std::int64_t>()) p.fallback = *whole;
    return p;
  }

  static shape shape_of(const kernel_call& call) {
    const std::vector<double>& given = call.list(shape_name);
    if (given.empty() && !call.inputs().empty()) return call.input(0).dims;
    std::vector<std::int64_t> dims;
    for (const double extent : given) {
      if (std::trunc(extent) != extent) call.refuse_parameter(shape_name, "whole numbers");
      dims.push_back(static_cast<std::int64_t>(extent));
    }
    return shape(dims);
  }

  static attribute value_of(const kernel_call& call, const kernel_argument& a) {
    if (a.type == dtype::boolean) return call.boolean(a.name);
    if (is_float(a.type)) return call.number(a.name);
    return call.integer(a.name);
  }

  std::shared_ptr<const device_kernel> kernel_;
};

/// Returns the kernel in OpenCL C that is registered as `name`, or null.
inline std::unique_ptr<target_kernel> find_target_kernel(std::string_view name) {
  registered_target target = kernel_registry::instance().find_target(name);
  if (!target.device) return nullptr;
  return std::make_unique<target_kernel>(std::string(name), std::move(target.device));
}

}  // namespace wherry
