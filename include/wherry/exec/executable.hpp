// executable.hpp: a program compiled for one device, ready to run any number of times.
//
// Calling it submits one request and returns at once. Arguments are buffers, or ranges of buffers, in the
// order of the program's arguments; they need not be ready. Arguments that the program donates
// (`tf.aliasing_output`) are deleted by the call unless `execute_options::keep` names them.
//
// A program whose arguments have unknown sizes is compiled by the call, once for each combination of shapes;
// see open_executable.hpp.
//
// Threads: any.
#pragma once

#include <optional>
#include <ranges>
#include <stop_token>
#include <wherry/exec/execution.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry {

/// With `request_options`: unit (null: see `executable`), stop token, deadline, error tracker and name.
struct execute_options : request_options {
  std::vector<std::uint32_t> keep;  // arguments that must not be donated in this run
};

/// The device side of an executable: how a plan runs on one device. Implemented per family of devices.
class executable_core : public ref_counted<executable_core> {
 public:
  virtual ~executable_core() = default;

  const plan& code() const noexcept { return *plan_; }
  device_core& where() const noexcept { return *where_; }
  /// True when a run may be done inline by its caller: at most 20 us by estimate, no loop of unknown length.
  bool is_cheap() const noexcept { return cheap_; }

  /// Makes the request of one run, which keeps this executable. `inputs` and `outputs` are the memory of the
  /// plan's inputs and outputs, an output that lives in a donated input's memory being the same storage.
  virtual ref<request> new_run(std::span<storage* const> inputs, std::span<storage* const> outputs) = 0;

  /// Returns the executable of an open program for `args`; see open_executable.hpp. Any other is its own.
  virtual ref<executable_core> specialised(std::span<const buffer* const> args) {
    (void)args;
    return ref<executable_core>(this);
  }

 protected:
  executable_core(std::shared_ptr<const plan> p, ref<device_core> where)
      : plan_(std::move(p)), where_(std::move(where)), cheap_(plan_->bounded && plan_->cost_ns <= 20'000) {}

 private:
  // constant after construction
  std::shared_ptr<const plan> plan_;
  ref<device_core> where_;
  bool cheap_;
};

class executable {
 public:
  explicit executable(ref<executable_core> core) noexcept : core_(std::move(core)) {}

  const std::string& name() const noexcept { return core_->code().name; }
  /// Of an open program, with the extent -1 for a size that is not known.
  std::span<const tensor_type> inputs() const noexcept { return core_->code().inputs; }
  /// Of an open program nothing: they depend on the arguments.
  std::span<const tensor_type> outputs() const noexcept { return core_->code().outputs; }
  wherry::device device() const { return wherry::device(ref<device_core>(&core_->where())); }
  const plan& code() const noexcept { return core_->code(); }
  /// The device side, for executables made from others.
  const ref<executable_core>& core() const noexcept { return core_; }

  /// Submits a run and returns at once, its outputs being legal inputs already. Joins the unit of the
  /// producer of its first input that is not ready, else an idle compute unit, else the least loaded. Waits
  /// on an ordinary thread if the unit is full. Throws invalid_argument for a wrong count, type or
  /// device, failed_precondition for a deleted buffer or a double donation, before anything has changed.
  template <class... Args>
  execution operator()(const Args&... args) const {
    const auto list = gather<argument_list<Args...>>(args...);
    return *run(pointers(list), {}, {});
  }
  execution call(std::span<const buffer> args, const execute_options& options = {}) const {
    return *run(pointers(args), options, {});
  }

  /// As a call, but returns nothing instead of waiting when the unit is full.
  template <class... Args>
  std::optional<execution> try_submit(const Args&... args) const {
    const auto list = gather<argument_list<Args...>>(args...);
    return run(pointers(list), {}, {.try_only = true});
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
  using buffer_list = absl::InlinedVector<buffer, 8>;
  // The arguments of one call, where they are: copies would count references that other threads count too.
  using pointer_list = absl::InlinedVector<const buffer*, 8>;
  using argument_span = std::span<const buffer* const>;
  class submission;
  struct kept_arguments;

  /// True for a buffer, and for a range of buffers that exist somewhere.
  template <class T>
  static constexpr bool is_in_place() {
    if constexpr (std::ranges::input_range<const T>) {
      return std::is_convertible_v<std::add_pointer_t<std::ranges::range_reference_t<const T>>,
                                   const buffer*> &&
             std::is_lvalue_reference_v<std::ranges::range_reference_t<const T>>;
    } else {
      return true;
    }
  }
  template <class... Args>
  using argument_list = std::conditional_t<(is_in_place<Args>() && ...), pointer_list, buffer_list>;

  static void append(buffer_list& list, const buffer& b) { list.push_back(b); }
  static void append(pointer_list& list, const buffer& b) { list.push_back(&b); }
  template <class List, std::ranges::input_range Range>
  static void append(List& list, const Range& range) {
    for (const buffer& b : range) append(list, b);
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
  std::optional<execution> run(argument_span args, const execute_options& options, submit_options how) const;
  std::optional<execution> run_on(unit& u, argument_span args, const execute_options& options,
                                  submit_options how) const;
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
    if (!place_) return *target_.run_on(*unit_, pointers(args_), options_, {});
    place got = place_->await_resume();
    options_.place = &got;
    return *target_.run_on(*unit_, pointers(args_), options_, {});
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

// ------------------------------------------------------------------------------------------ calls

inline bool executable::donates(std::uint32_t input, const execute_options& options) const {
  for (const std::uint32_t kept : options.keep) {
    if (kept == input) return false;
  }
  for (const alias& a : core_->code().aliases) {
    if (a.input == input) return true;
  }
  return false;
}

inline void executable::validate(argument_span args, const execute_options& options) const {
  const plan& p = core_->code();
  const auto fail = [&](absl::StatusCode code, std::string what, reason why = reason::none) {
    throw error(code, "execution of " + p.name + ": " + std::move(what), why);
  };
  if (args.size() != p.inputs.size()) {
    fail(absl::StatusCode::kInvalidArgument,
         "expected " + std::to_string(p.inputs.size()) + " arguments, got " + std::to_string(args.size()));
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto argument = [i] { return "argument " + std::to_string(i); };
    if (!*args[i]) fail(absl::StatusCode::kInvalidArgument, argument() + " is an empty buffer handle");
    if (args[i]->is_deleted()) args[i]->usable("execution of " + p.name + ": " + argument());
    if (!(args[i]->type() == p.inputs[i])) {
      fail(absl::StatusCode::kInvalidArgument,
           argument() + ": expected " + to_string(p.inputs[i]) + ", got " + to_string(args[i]->type()));
    }
    if (&args[i]->place() != &core_->where()) {
      fail(absl::StatusCode::kInvalidArgument, argument() + " is on " + args[i]->place().name() +
                                                   ", the executable on " + core_->where().name() +
                                                   ": use copy_to");
    }
  }
  for (const alias& a : p.aliases) {
    if (!donates(a.input, options)) continue;
    for (std::size_t j = 0; j < args.size(); ++j) {
      if (j == a.input || args[j]->handle()->memory != args[a.input]->handle()->memory) continue;
      fail(absl::StatusCode::kFailedPrecondition,
           "argument " + std::to_string(a.input) + " is donated, and argument " + std::to_string(j) +
               " is the same buffer",
           reason::donated_twice);
    }
  }
}

inline unit& executable::choose_unit(argument_span args, const execute_options& options) const {
  if (options.unit || options.place)
    return core_->where().unit_for(unit_kind::compute, options, "execution of " + name());
  for (const buffer* b : args) {
    const std::atomic<request*>& writer = b->handle()->memory->writer;
    if (!writer.load(std::memory_order_acquire)) continue;  // ready: the common case takes no lock
    detail::dispatch_lock lock;
    if (const request* producer = writer.load(std::memory_order_relaxed)) {
      if (producer->where()->kind() == unit_kind::compute) return *producer->where();
      break;
    }
  }
  return core_->where().pick(unit_kind::compute);
}

inline std::optional<execution> executable::run(argument_span args, const execute_options& options,
                                                submit_options how) const {
  if (core_->code().open) return specialised(args).run(args, options, how);
  validate(args, options);
  return run_on(choose_unit(args, options), args, options, how);
}

/// The arguments that are not donated, which another thread may donate or delete before the submission.
struct executable::kept_arguments {
  argument_span args;
  std::span<detail::buffer_core* const> claimed;
  const plan& code;

  void require_usable() const {
    for (std::size_t i = 0; i < args.size(); ++i) {
      detail::buffer_core* const b = args[i]->handle().get();
      if (b->phase.load() == detail::buffer_core::life::alive) continue;
      if (std::find(claimed.begin(), claimed.end(), b) != claimed.end()) continue;
      args[i]->usable("execution of " + code.name + ": argument " + std::to_string(i));
    }
  }
};

inline std::optional<execution> executable::run_on(unit& u, argument_span args,
                                                   const execute_options& options, submit_options how) const {
  const plan& p = core_->code();
  device_core& where = core_->where();

  // Donated arguments are claimed first, so that of two threads that donate one buffer one is refused.
  absl::InlinedVector<detail::buffer_core*, 8> claimed;
  const auto undo = [&] {
    for (detail::buffer_core* b : claimed) b->unclaim();
  };
  try {
    absl::InlinedVector<storage*, 8> inputs;
    for (std::size_t i = 0; i < args.size(); ++i) {
      detail::buffer_core& b = *args[i]->handle();
      if (donates(static_cast<std::uint32_t>(i), options)) {
        if (!b.claim()) args[i]->usable("execution of " + p.name + ": argument " + std::to_string(i));
        claimed.push_back(&b);
      }
      inputs.push_back(b.memory.get());
    }
    absl::InlinedVector<storage*, 4> outputs(p.outputs.size(), nullptr);
    for (const alias& a : p.aliases) {
      if (!donates(a.input, options)) continue;
      storage* const memory = inputs[a.input];
      if (!memory->is_read_only() && memory->handles.load(std::memory_order_acquire) == 1)
        outputs[a.output] = memory;
    }
    absl::InlinedVector<buffer, 2> results;
    for (std::size_t k = 0; k < p.outputs.size(); ++k) {
      ref<storage> memory = outputs[k] ? ref<storage>(outputs[k]) : where.allocate(p.outputs[k].bytes());
      outputs[k] = memory.get();
      results.emplace_back(
          make_ref<detail::buffer_core>(p.outputs[k], std::move(memory), ref<device_core>(&where)));
    }
    ref<request> r = core_->new_run({inputs.data(), inputs.size()}, {outputs.data(), outputs.size()});
    how.cheap = core_->is_cheap();
    how.with(options);
    const kept_arguments kept{args, {claimed.data(), claimed.size()}, p};
    how.check = [](const void* self) { static_cast<const kept_arguments*>(self)->require_usable(); };
    how.arguments = &kept;
    if (!dispatcher::submit(u, *r, how)) {
      undo();
      return std::nullopt;
    }
    for (const buffer& b : results) b.handle()->made_by = r->id();
    if (!claimed.empty()) {
      const failure why = make_failure(absl::StatusCode::kFailedPrecondition,
                                       "buffer was donated to " + p.name + ", request " + to_string(r->id()),
                                       reason::buffer_donated, r->id());
      for (detail::buffer_core* b : claimed) b->bury(why);
    }
    return execution(std::move(r), std::move(results), where);
  } catch (...) {
    undo();
    throw;
  }
}

}  // namespace wherry
