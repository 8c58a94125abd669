// executable.hpp: a program compiled for one device, ready to run any number of times.
//
// Calling it submits one request and returns at once. Arguments are buffers, executions with one output, or
// ranges of buffers, in the order of the program's arguments; they need not be ready. Arguments that the
// program donates (`tf.aliasing_output`) are deleted by the call unless `execute_options::keep` names them.
// Outputs are new buffers unless `execute_options::into` says where they go.
//
// A program whose arguments have unknown sizes is compiled by the call, once for each combination of shapes;
// see open_executable.hpp.
//
// Threads: any.
#pragma once

#include <optional>
#include <ranges>
#include <stop_token>
#include <wherry/exec/execute_options.hpp>
#include <wherry/exec/execution.hpp>
#include <wherry/exec/plan.hpp>
#include <wherry/exec/stages.hpp>
#include <wherry/exec/tensor_set.hpp>

namespace wherry {

/// The device side of an executable: how a plan runs on one device. Implemented per family of devices.
class executable_core : public ref_counted<executable_core> {
 public:
  virtual ~executable_core() = default;

  const plan& code() const noexcept { return *plan_; }
  device_core& where() const noexcept { return *where_; }
  /// True when a run may be done inline by its caller: at most 20 us by estimate, no loop of unknown length.
  bool is_cheap() const noexcept { return cheap_; }

  /// Makes the request of one run, which keeps this executable. The arguments are the memory of the plan's
  /// inputs and outputs, an output that lives in an input's memory being the same storage.
  virtual ref<request> new_run(const run_arguments& a) = 0;

  /// Returns the executable of an open program for `args`; see open_executable.hpp. Any other is its own.
  virtual ref<executable_core> specialised(std::span<const buffer* const> args) {
    (void)args;
    return ref<executable_core>(this);
  }

  /// Returns the executable whose code runs: another one where this only settles arguments of it.
  virtual const executable_core& origin() const noexcept { return *this; }

  /// What it is called in messages and traces: the plan's name, unless it was given another, once, before it
  /// is used. Plans of equal programs are shared, whatever their files are called.
  const std::string& name() const noexcept { return *name_; }
  /// The same, for what may outlive the executable.
  const std::shared_ptr<const std::string>& shared_name() const noexcept { return name_; }
  void set_name(std::string name) {
    if (!name.empty()) name_ = std::make_shared<const std::string>(std::move(name));
  }

  /// What it was compiled from, if that is known. Set once, before the executable is used.
  void set_source(std::shared_ptr<const compile_source> s) noexcept { source_ = std::move(s); }
  const compile_source* source() const noexcept { return source_.get(); }

 protected:
  executable_core(std::shared_ptr<const plan> p, ref<device_core> where)
      : plan_(std::move(p)),
        where_(std::move(where)),
        cheap_(plan_->bounded && plan_->cost_ns <= 20'000),
        name_(plan_, &plan_->name) {}

 private:
  // constant after construction
  std::shared_ptr<const plan> plan_;
  ref<device_core> where_;
  bool cheap_;
  std::shared_ptr<const compile_source> source_;
  std::shared_ptr<const std::string> name_;
};

inline device_core& execution::place() const noexcept { return code_->where(); }

inline tensor_set execution::named_outputs() const {
  tensor_set all;
  for (std::size_t k = 0; k < outputs_.size(); ++k) all.set(output_name(code_->code(), k), outputs_[k]);
  return all;
}

inline const buffer& execution::operator[](std::string_view name) const {
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    if (output_name(code_->code(), k) == name) return outputs_[k];
  }
  throw error(absl::StatusCode::kNotFound, run_->describe() + " has no output called '" + std::string(name) +
                                               "'; it has " + named_outputs().names());
}

class executable {
 public:
  explicit executable(ref<executable_core> core) noexcept : core_(std::move(core)) {}

  const std::string& name() const noexcept { return core_->name(); }
  /// Of an open program, with the extent -1 for a size that is not known.
  std::span<const tensor_type> inputs() const noexcept { return core_->code().inputs; }
  /// Of an open program nothing: they depend on the arguments.
  std::span<const tensor_type> outputs() const noexcept { return core_->code().outputs; }
  /// What the source calls them, each once; `arg0`, `out0`, ... where it says nothing.
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;
  wherry::device device() const { return wherry::device(ref<device_core>(&core_->where())); }
  const plan& code() const noexcept { return core_->code(); }
  /// The device side, for executables made from others.
  const ref<executable_core>& core() const noexcept { return core_; }

  /// Returns one stage of its compilation as text: `stablehlo` (simplified), `clusters`, `kernels`, `llvm`,
  /// `opencl` or `plan`. Most of them compile again, for as long as that takes; refused on a loop's thread.
  /// Throws invalid_argument for another name, unimplemented without a compiler, failed_precondition for what
  /// an artifact does not hold.
  std::string stage(std::string_view name) const;

  /// Submits a run and returns at once, its outputs being legal inputs already. Joins the unit of the
  /// producer of its first input that is not ready, else an idle compute unit, else the least loaded. Waits
  /// on an ordinary thread if the unit is full. Throws invalid_argument for a wrong count, type or
  /// device, failed_precondition for a deleted buffer or a double donation, before anything has changed.
  template <class... Args>
  execution operator()(const Args&... args) const {
    const auto list = gather<argument_list<Args...>>(args...);
    return run(pointers(list), execute_options::none(), {});
  }
  execution call(std::span<const buffer> args, const execute_options& options = {}) const {
    return run(pointers(args), options, {});
  }

  /// A call by name. `inputs` has a buffer for every argument, and may have others; `outputs` has buffers for
  /// some results, as `execute_options::into`. Throws invalid_argument, naming what is missing or not known.
  execution call(const tensor_set& inputs, const tensor_set& outputs = {},
                 const execute_options& options = {}) const;

  /// As a call, but returns nothing instead of waiting when the unit is full.
  template <class... Args>
  std::optional<execution> try_submit(const Args&... args) const {
    const auto list = gather<argument_list<Args...>>(args...);
    execution made = run(pointers(list), execute_options::none(), {.try_only = true});
    if (!made.run_) return std::nullopt;
    return made;
  }

  /// As a call, but `co_await` it: suspends while the unit is full instead of blocking.
  template <class... Args>
  auto submit(const Args&... args) const {
    auto list = gather<buffer_list>(args...);
    executable ready = specialised(pointers(std::span<const buffer>(list.data(), list.size())));
    return submission(std::move(ready), std::move(list), {});
  }
  auto submit_with(std::span<const buffer> args, execute_options options) const;

 private:
  friend class pipeline;
  friend class pipeline_run;
  using buffer_list = absl::InlinedVector<buffer, 8>;
  // The arguments of one call, where they are: copies would count references that other threads count too.
  using pointer_list = absl::InlinedVector<const buffer*, 8>;
  using argument_span = std::span<const buffer* const>;
  class submission;
  struct kept_arguments;

  /// True for a buffer, an execution, and a range of buffers that exist somewhere.
  template <class T>
  static constexpr bool is_in_place() {
    if constexpr (std::ranges::input_range<const T>) {
      return std::is_convertible_v<std::add_pointer_t<std::ranges::range_reference_t<const T>>,
                                   const buffer*> &&
             std::is_lvalue_reference_v<std::ranges::range_reference_t<const T>>;
    } else {
      return std::is_convertible_v<const T*, const buffer*> || std::is_same_v<T, execution>;
    }
  }
  template <class... Args>
  using argument_list = std::conditional_t<(is_in_place<Args>() && ...), pointer_list, buffer_list>;

  static void append(buffer_list& list, const buffer& b) { list.push_back(b); }
  static void append(pointer_list& list, const buffer& b) { list.push_back(&b); }
  static void append(pointer_list& list, const execution& e) { list.push_back(&e.only()); }
  template <class List, std::ranges::input_range Range>
  static void append(List& list, const Range& range) {
    for (const auto& b : range) append(list, b);
  }
  template <class List, class... Args>
  static List gather(const Args&... args) {
    List list;
    (append(list, args), ...);
    return list;
  }
  static const pointer_list& pointers(const pointer_list& list) noexcept { return list; }
  static pointer_list pointers(std::span<const buffer> args) { return gather<pointer_list>(args); }

  executable specialised(argument_span args) const {
    return core_->code().open ? executable(core_->specialised(args)) : *this;
  }
  unit& choose_unit(argument_span args, const execute_options& options) const;
  void validate(argument_span args, const execute_options& options) const;
  void validate_outputs(argument_span args, const execute_options& options) const;
  void validate_donations(argument_span args, const execute_options& options) const;
  // Both return an execution without a run if `how` says to try only and the unit is full.
  execution run(argument_span args, const execute_options& options, submit_options how) const;
  execution run_on(unit& u, argument_span args, const execute_options& options, submit_options how,
                   storage* order = nullptr) const;
  [[noreturn, gnu::cold]] void refuse(absl::StatusCode code, const std::string& what,
                                      reason why = reason::none) const;
  template <class Name>
  void validate_buffer(const buffer& b, const tensor_type& expected, Name&& named) const;
  bool donates(std::uint32_t input, const execute_options& options) const;

  ref<executable_core> core_;
};

/// What `co_await step.submit(...)` awaits: a place in the unit, then the submission itself.
class executable::submission {
 public:
  submission(executable e, buffer_list args, execute_options options)
      : target_(std::move(e)), args_(std::move(args)), options_(std::move(options)) {}
  submission(const submission&) = delete;
  submission& operator=(const submission&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) {
    const pointer_list args = pointers(args_);
    target_.validate(args, options_);
    unit_ = &target_.choose_unit(args, options_);
    if (options_.place) return false;
    place_.emplace(*unit_, 1, options_.stop, options_.deadline);
    return place_->await_suspend(h);
  }
  execution await_resume() {
    if (!place_) return target_.run_on(*unit_, pointers(args_), options_, {});
    place got = place_->await_resume();
    options_.place = &got;
    return target_.run_on(*unit_, pointers(args_), options_, {});
  }

 private:
  executable target_;
  buffer_list args_;
  execute_options options_;
  unit* unit_ = nullptr;
  std::optional<place_awaiter> place_;
};

inline auto executable::submit_with(std::span<const buffer> args, execute_options options) const {
  return submission(specialised(pointers(args)), {args.begin(), args.end()}, std::move(options));
}

}  // namespace wherry

#include <wherry/exec/calling.hpp>
