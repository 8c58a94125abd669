// device_kernel.hpp: a kernel in OpenCL C that custom calls name as their target.
//
//   register_kernel("saxpy", {.source = "__kernel void saxpy(__global const float* x, __global const float*
//   y,"
//                                       "                    __global float* z, float a) {"
//                                       "  const size_t i = get_global_id(0); z[i] = a * x[i] + y[i]; }",
//                             .entry = "saxpy",
//                             .arguments = {in(dtype::f32), in(dtype::f32), out(dtype::f32),
//                                           scalar(dtype::f32, "a", 1.0)}});
//
// The arguments are the kernel's parameters in their order: operands and results of the call are pointers to
// `__global` memory of the element's OpenCL C type, dense and in the layout of the call; scalars are
// attributes of the call. The kernel runs once over `size`, by default with one work item for each element of
// the first result. It runs on OpenCL devices, and on `cpu:k` with codegen "opencl".
//
// Threads: values.
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <wherry/exec/custom_call.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

struct kernel_argument {
  enum class role : std::uint8_t { operand, result, scalar };
  role what = role::operand;
  dtype type = dtype::f32;
  std::string name;                    // scalar: of the attribute
  std::optional<attribute> otherwise;  // scalar: its value where the call has none
};

inline kernel_argument in(dtype type) { return {kernel_argument::role::operand, type, {}, {}}; }
inline kernel_argument out(dtype type) { return {kernel_argument::role::result, type, {}, {}}; }
inline kernel_argument scalar(dtype type, std::string name, std::optional<attribute> otherwise = {}) {
  return {kernel_argument::role::scalar, type, std::move(name), std::move(otherwise)};
}

/// A grid of work items. Where `local` is 0 the driver chooses the size of work groups.
struct work_size {
  std::array<std::size_t, 3> global{1, 1, 1};
  std::array<std::size_t, 3> local{0, 0, 0};
};

struct device_kernel {
  std::string source;        // OpenCL C
  std::string entry;         // the kernel in it
  std::string options = {};  // for clBuildProgram, besides the library's own
  std::vector<kernel_argument> arguments = {};
  std::function<work_size(const custom_call&)> size = {};
};

namespace detail {

/// How OpenCL C spells an element type in memory; bytes for those it does not have.
constexpr const char* opencl_type(dtype type) noexcept {
  switch (type) {
    case dtype::i2:
    case dtype::i4:
    case dtype::i8:
      return "char";
    case dtype::i16:
      return "short";
    case dtype::i32:
      return "int";
    case dtype::i64:
      return "long";
    case dtype::ui16:
    case dtype::bf16:
      return "ushort";
    case dtype::ui32:
      return "uint";
    case dtype::ui64:
      return "ulong";
    case dtype::f16:
      return "half";
    case dtype::f32:
      return "float";
    case dtype::f64:
      return "double";
    case dtype::c64:
      return "float2";
    case dtype::c128:
      return "double2";
    default:
      return "uchar";
  }
}

/// The name of the kernel that a plan launches for `k`.
inline std::string wrapper_name(const device_kernel& k) { return "wherry_call_" + k.entry; }

/// Returns the source of `k` with a kernel that calls it: memory of a plan is a base and an offset, which
/// only a pointer inside the device adds up.
inline std::string wrapped_source(const device_kernel& k) {
  std::string parameters, values;
  std::size_t n = 0;
  for (const kernel_argument& a : k.arguments) {
    const std::string number = std::to_string(n++), type = opencl_type(a.type);
    const char* const comma = n == 1 ? "" : ", ";
    if (a.what == kernel_argument::role::scalar) {
      parameters += comma + type + " s" + number;
      values += comma + ("s" + number);
      continue;
    }
    parameters += comma + ("__global uchar* p" + number + ", ulong o" + number);
    values += comma + ("(__global " + type + "*)(p" + number + " + o" + number + ")");
  }
  return k.source + "\n__kernel void " + wrapper_name(k) + "(" + parameters + ") { " + k.entry + "(" +
         values + "); }\n";
}

/// The bytes of a scalar argument.
struct scalar_bytes {
  std::array<std::byte, 8> data{};
  std::size_t size = 0;
};

/// Returns `value` as an element of `type`. Throws invalid_argument if it is none, naming `name`.
inline scalar_bytes scalar_value(const std::string& name, dtype type, const attribute& value) {
  scalar_bytes result;
  const auto store = [&]<class T>(T) {
    const std::optional<T> number = value.as<T>();
    if (!number) {
      throw error(absl::StatusCode::kInvalidArgument,
                  "attribute '" + name + "': expected " + std::string(attribute_kind<T>()) + " (" +
                      std::string(name_of(type)) + "), got " + std::string(value.kind()));
    }
    std::memcpy(result.data.data(), &*number, sizeof(T));
    result.size = sizeof(T);
  };
  switch (type) {
    case dtype::boolean: {
      store(bool{});
      break;
    }
    case dtype::i8:
      store(std::int8_t{});
      break;
    case dtype::i16:
      store(std::int16_t{});
      break;
    case dtype::i32:
      store(std::int32_t{});
      break;
    case dtype::i64:
      store(std::int64_t{});
      break;
    case dtype::ui8:
      store(std::uint8_t{});
      break;
    case dtype::ui16:
      store(std::uint16_t{});
      break;
    case dtype::ui32:
      store(std::uint32_t{});
      break;
    case dtype::ui64:
      store(std::uint64_t{});
      break;
    case dtype::f32:
      store(float{});
      break;
    case dtype::f64:
      store(double{});
      break;
    default:
      throw error(absl::StatusCode::kInvalidArgument,
                  "attribute '" + name + "': a kernel takes no scalar of type " + std::string(name_of(type)));
  }
  return result;
}

/// Returns the value of scalar argument `a` in `call`. Throws invalid_argument.
inline scalar_bytes scalar_value(const kernel_argument& a, const custom_call& call) {
  if (const attribute* given = find(call.attributes, a.name)) return scalar_value(a.name, a.type, *given);
  if (a.otherwise) return scalar_value(a.name, a.type, *a.otherwise);
  throw error(absl::StatusCode::kInvalidArgument, "attribute '" + a.name + "' is missing");
}

/// Throws invalid_argument if `call` is not what `k` takes.
inline void check_call(const device_kernel& k, const custom_call& call) {
  const auto refuse = [](std::string what) {
    throw error(absl::StatusCode::kInvalidArgument, std::move(what));
  };
  std::size_t taken[2] = {0, 0};
  for (const kernel_argument& a : k.arguments) {
    if (a.what == kernel_argument::role::scalar) {
      (void)scalar_value(a, call);
      continue;
    }
    const bool is_result = a.what == kernel_argument::role::result;
    const std::vector<call_value>& list = is_result ? call.results : call.operands;
    const std::size_t index = taken[is_result]++;
    if (index < list.size() && list[index].type.element != a.type) {
      refuse((is_result ? "result " : "operand ") + std::to_string(index) + ": expected " +
             std::string(name_of(a.type)) + ", got " + to_string(list[index].type));
    }
  }
  if (taken[0] != call.operands.size()) {
    refuse("expected " + std::to_string(taken[0]) + " operands, got " + std::to_string(call.operands.size()));
  }
  if (taken[1] != call.results.size()) {
    refuse("expected " + std::to_string(taken[1]) + " results, got " + std::to_string(call.results.size()));
  }
  for (const named_attribute& given : call.attributes) {
    const auto is_it = [&given](const kernel_argument& a) {
      return a.what == kernel_argument::role::scalar && a.name == given.name;
    };
    bool known = false;
    for (const kernel_argument& a : k.arguments) known = known || is_it(a);
    if (!known) refuse("attribute '" + given.name + "' is not known");
  }
}

/// Returns over what `k` runs for `call`.
inline work_size size_of_work(const device_kernel& k, const custom_call& call) {
  if (k.size) return k.size(call);
  work_size size;
  if (!call.results.empty()) size.global[0] = static_cast<std::size_t>(call.results[0].type.dims.elements());
  return size;
}

}  // namespace detail
}  // namespace wherry
