// call_frame.hpp: what the handler of a custom call gets: operands, results, attributes.
//
// The frame and everything it hands out live until the handler returns. Operands and results are dense, in
// the layout that the call asks for (`operand_layouts`, `result_layouts`; row-major without), aligned to 64
// bytes. A result that the call aliases with an operand (`output_operand_aliases`) is the same memory as that
// operand. Results are undefined until they are written.
//
// A handler runs on the thread that leads the execution, or on a worker: it may use other threads, but must
// not wait for this runtime (`value()` and the like throw deadlock_would_occur).
//
// Threads: one at a time.
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <span>
#include <wherry/exec/custom_call.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

/// One operand (`Byte` is `const std::byte`) or result (`std::byte`).
template <class Byte>
class call_view {
 public:
  call_view(const custom_call& call, const call_value& what, Byte* data) noexcept
      : call_(&call), what_(&what), data_(data) {}

  const tensor_type& type() const noexcept { return what_->type; }
  wherry::dtype dtype() const noexcept { return what_->type.element; }
  const shape& dims() const noexcept { return what_->type.dims; }
  std::int64_t size() const noexcept { return what_->type.dims.elements(); }
  /// Dimensions from the fastest varying to the slowest; empty: row-major.
  std::span<const std::uint32_t> minor_to_major() const noexcept { return what_->minor_to_major; }
  std::span<Byte> bytes() const noexcept { return {data_, what_->type.bytes()}; }

  /// The elements as they lie in memory. Throws invalid_argument if `T` is not the element type.
  template <class T>
  auto data() const {
    using element = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    if (dtype_of<T> != dtype()) {
      const std::vector<call_value>& list = std::is_const_v<Byte> ? call_->operands : call_->results;
      throw error(absl::StatusCode::kInvalidArgument,
                  std::string(std::is_const_v<Byte> ? "operand " : "result ") +
                      std::to_string(what_ - list.data()) + ": expected " +
                      std::string(name_of(dtype_of<T>)) + ", got " + to_string(type()));
    }
    return std::span<element>(reinterpret_cast<element*>(data_), static_cast<std::size_t>(size()));
  }

 private:
  const custom_call* call_;
  const call_value* what_;
  Byte* data_;
};

using call_operand = call_view<const std::byte>;
using call_result = call_view<std::byte>;

class call_frame {
 public:
  /// `memory` is that of the operands, then that of the results.
  call_frame(const custom_call& call, std::byte* const* memory) noexcept : call_(call), memory_(memory) {}
  call_frame(const call_frame&) = delete;
  call_frame& operator=(const call_frame&) = delete;

  const std::string& target() const noexcept { return call_.target; }
  std::size_t operands() const noexcept { return call_.operands.size(); }
  std::size_t results() const noexcept { return call_.results.size(); }

  /// Throws invalid_argument if there is no such operand or result.
  call_operand operand(std::size_t index) const {
    require(index, operands(), "operand");
    return {call_, call_.operands[index], memory_[index]};
  }
  call_result result(std::size_t index) const {
    require(index, results(), "result");
    return {call_, call_.results[index], memory_[operands() + index]};
  }

  /// Returns the attribute `name`. Throws invalid_argument if there is none, or it is no `T`.
  template <class T>
  T attribute(std::string_view name) const {
    const wherry::attribute* found = find(call_.attributes, name);
    if (!found)
      throw error(absl::StatusCode::kInvalidArgument, "attribute '" + std::string(name) + "' is missing");
    return convert<T>(name, *found);
  }
  /// The same, but `otherwise` where there is none.
  template <class T>
  T attribute(std::string_view name, T otherwise) const {
    const wherry::attribute* found = find(call_.attributes, name);
    return found ? convert<T>(name, *found) : std::move(otherwise);
  }
  const wherry::attribute::dictionary& attributes() const noexcept { return call_.attributes; }
  /// The `backend_config` if it is a string; empty otherwise.
  const std::string& backend_config() const noexcept { return call_.backend_config; }

  /// The call as the plan has it.
  const custom_call& call() const noexcept { return call_; }

 private:
  static void require(std::size_t index, std::size_t count, const char* what) {
    if (index < count) return;
    throw error(absl::StatusCode::kInvalidArgument, "expected at least " + std::to_string(index + 1) + " " +
                                                        what + "s, got " + std::to_string(count));
  }
  template <class T>
  static T convert(std::string_view name, const wherry::attribute& found) {
    if (auto value = found.as<T>()) return *std::move(value);
    throw error(absl::StatusCode::kInvalidArgument, "attribute '" + std::string(name) + "': expected " +
                                                        std::string(detail::attribute_kind<T>()) + ", got " +
                                                        std::string(found.kind()));
  }

  const custom_call& call_;
  std::byte* const* memory_;
};

/// What runs for a custom call on the host.
struct call_handler {
  /// Does the call. A status that is not ok, and anything thrown, becomes the error of the execution.
  std::function<absl::Status(call_frame&)> run;
  /// Optional: called when an executable is made, throws `error` where the call can never succeed.
  std::function<void(const custom_call&)> check = {};
};

}  // namespace wherry
