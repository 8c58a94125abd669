// target_kernel.hpp: a kernel in OpenCL C that was registered for custom calls, called by its name.
//
// Its signature follows from its arguments: operands are inputs, scalars parameters. Results have the shape
// of the first input, or the one that the parameter `shape` gives. Scalars are written into the program.
//
// Threads: constant after construction.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <wherry/array/element.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/named_kernel.hpp>

namespace wherry {

class target_kernel final : public named_kernel {
 public:
  target_kernel(const std::string& name, std::shared_ptr<const device_kernel> kernel)
      : named_kernel(signature_of(name, *kernel)), kernel_(std::move(kernel)) {}

  const std::shared_ptr<const device_kernel>& kernel() const noexcept { return kernel_; }

  kernel_program write(const kernel_call& call) const override {
    std::string parameters, operands, types, results, attributes;
    std::size_t inputs = 0, outputs = 0;
    const shape dims = shape_of(call);
    const auto list = [](std::string& all, const std::string& next) {
      all += (all.empty() ? "" : ", ") + next;
    };
    for (const kernel_argument& a : kernel_->arguments) {
      if (a.what == kernel_argument::role::operand) {
        const std::string number = std::to_string(inputs), type = to_string(call.input(inputs));
        if (call.input(inputs).element != a.type)
          call.refuse_input(inputs, "elements of " + std::string(name_of(a.type)));
        list(operands, "%arg" + number);
        list(types, type);
        list(parameters, "%arg" + number + ": " + type);
        ++inputs;
      } else if (a.what == kernel_argument::role::result) {
        list(results, to_string(tensor_type{a.type, dims}));
        ++outputs;
      } else {
        list(attributes, "\"" + a.name + "\" = " + written(call, a));
      }
    }
    std::string values;
    for (std::size_t k = 0; k < outputs; ++k) list(values, outputs == 1 ? "%0" : "%0#" + std::to_string(k));
    const std::string name = "@\"" + signature().name + "\"",
                      count = outputs > 1 ? ":" + std::to_string(outputs) : "";
    return {"module " + name + " {\nfunc.func @main(" + parameters + ") -> (" + results + ") {\n  %0" +
            count + " = stablehlo.custom_call " + name + "(" + operands +
            ") {api_version = 4 : i32, backend_config = {" + attributes + "}} : (" + types + ") -> (" +
            results + ")\n  return " + values + " : " + results + "\n}\n}\n"};
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

  static std::string written(const kernel_call& call, const kernel_argument& a) {
    if (a.type == dtype::boolean) return call.boolean(a.name) ? "true" : "false";
    if (!is_float(a.type)) return std::to_string(call.integer(a.name)) + " : i64";
    const double value = call.number(a.name);
    return detail::float_literal(dtype::f64, std::bit_cast<std::uint64_t>(value)) + " : f64";
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
