// named_kernel.hpp: kernels that are found by name: what they take, and how one becomes a program.
//
// A named kernel is a template of programs. Given the types of its inputs and its parameters it checks both
// and writes a StableHLO program, which is compiled like any other, for any device. Parameters that only
// scale values are operands of that program: changing them does not compile again. Sizes and modes are
// written into it.
//
// `wherry::named_kernels` is a library of such kernels; linking it adds them to the registry. Anybody may add
// more before or while the registry is used. Entries are never removed or replaced.
//
// Threads: any.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/array/shape.hpp>
#include <wherry/exec/kernel_parameters.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

struct kernel_input {
  std::string name;
  std::string doc;        // types and shapes
  bool optional = false;  // may be left out, with all behind it
  bool repeated = false;  // the last one: any number of them
};

struct kernel_parameter {
  std::string name;
  parameter_value::kind kind = parameter_value::kind::number;
  std::optional<parameter_value> fallback = {};  // empty: a call must give it
  std::string doc = {};
  // Numbers, integers and the elements of lists lie in [low, high], or in (low, high] if `above_low`.
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;
  std::vector<std::string> choices = {};      // text: what it may be
  std::optional<std::size_t> list_size = {};  // list: how many elements
  bool is_operand = false;                    // changing it does not compile again
};

/// Returns what a value of the parameter must be: `an integer from 0 to 64`, `'add' or 'multiply'`.
std::string expected_of(const kernel_parameter& p);

struct kernel_signature {
  std::string name;
  std::string family;   // "compute", "video", "audio"
  std::string formula;  // what it computes
  std::vector<kernel_input> inputs;
  std::string output;  // types and shapes
  std::vector<kernel_parameter> parameters;
};

class named_kernel;

/// One use of a kernel: the types of its inputs, and its parameters with defaults filled in.
class kernel_call {
 public:
  /// Throws invalid_argument for a wrong number of inputs and for parameters that the signature does not
  /// allow, naming kernel, argument, what was expected and what came. Whether the types suit the kernel is
  /// the kernel's to say.
  kernel_call(const kernel_signature& kernel, std::span<const tensor_type> inputs,
              const kernel_parameters& given, bool fp64);

  const kernel_signature& kernel() const noexcept { return *kernel_; }
  std::span<const tensor_type> inputs() const noexcept { return inputs_; }
  const tensor_type& input(std::size_t index) const { return inputs_[index]; }
  /// Whether the device has f64 arithmetic, for kernels that compute f32 signals in it.
  bool fp64() const noexcept { return fp64_; }

  // Precondition of each: the signature has such a parameter of that kind, or of kind `integer` for `number`.
  bool boolean(std::string_view name) const { return *value(name).boolean(); }
  std::int64_t integer(std::string_view name) const { return *value(name).integer(); }
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const { return *value(name).text(); }
  const std::vector<double>& list(std::string_view name) const { return *value(name).list(); }

  /// The values of all parameters that are operands, one after the other.
  std::vector<double> operands() const;
  /// What is written into the program: all other parameters, as text.
  std::string written_in() const;

  /// Throws invalid_argument: `kernel: input 1 'b': expected EXPECTED, got tensor<...>`.
  [[noreturn]] void refuse_input(std::size_t index, const std::string& expected) const;
  /// Throws invalid_argument: `kernel: parameter 'p': expected EXPECTED, got VALUE`.
  [[noreturn]] void refuse_parameter(std::string_view name, const std::string& expected) const;

 private:
  const parameter_value& value(std::string_view name) const { return values_.find(name)->second; }

  const kernel_signature* kernel_;
  std::vector<tensor_type> inputs_;
  kernel_parameters values_;
  bool fp64_;
};

/// What a kernel writes for a call: StableHLO with one function `@main` whose arguments are the inputs, then,
/// if the call has operands, one tensor of all of them, of type `operands`; or anything else that `program`
/// can hold.
struct kernel_program {
  std::string text;
  dtype operands = dtype::f32;
};

class named_kernel {
 public:
  explicit named_kernel(kernel_signature s) : signature_(std::move(s)) {}
  named_kernel(const named_kernel&) = delete;
  named_kernel& operator=(const named_kernel&) = delete;
  virtual ~named_kernel() = default;

  const kernel_signature& signature() const noexcept { return signature_; }

  /// Checks the types and returns the program. Throws invalid_argument.
  virtual kernel_program write(const kernel_call& call) const = 0;
  /// Returns the values of the program's operands for a call whose program was written already. Throws
  /// invalid_argument for values that do not suit the inputs.
  virtual std::vector<double> operands(const kernel_call& call) const { return call.operands(); }

 private:
  kernel_signature signature_;
};

class named_kernels {
 public:
  /// Returns the registry of this process. It is never destroyed.
  static named_kernels& instance() {
    static auto* const registry = new named_kernels;
    return *registry;
  }

  /// Returns true when `kernel` was added; false, changing nothing, when its name is empty or taken.
  bool add(std::unique_ptr<named_kernel> kernel) {
    const std::string name = kernel->signature().name;
    if (name.empty()) return false;
    const std::unique_lock lock(mutex_);
    return entries_.try_emplace(name, std::move(kernel)).second;
  }

  /// Returns the kernel called `name`, or null.
  const named_kernel* find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : found->second.get();
  }

  /// Returns the kernel called `name`. Throws not_found, naming those with a similar name.
  const named_kernel& at(std::string_view name) const;

  /// Returns the signatures of all, in alphabetical order. They stay valid for ever.
  std::vector<const kernel_signature*> all() const {
    const std::shared_lock lock(mutex_);
    std::vector<const kernel_signature*> result;
    for (const auto& [name, kernel] : entries_) result.push_back(&kernel->signature());
    return result;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<named_kernel>, std::less<>> entries_;
};

}  // namespace wherry

#include <wherry/exec/detail/kernel_call.hpp>
