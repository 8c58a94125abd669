// calling.hpp: how a call of an executable is checked and becomes a request; the definitions behind
// `executable`.
//
// Everything is checked before anything changes. Then donated arguments are claimed, outputs are found
// memory, and the run is submitted; only after that are the donated arguments gone.
//
// Threads: any.
#pragma once

#include <wherry/exec/executable.hpp>

namespace wherry {

namespace detail {

/// The buffer that the caller gave for output `k`, or null.
inline const buffer* given_output(const execute_options& options, std::size_t k) noexcept {
  return k < options.into.size() && options.into[k] ? &options.into[k] : nullptr;
}

/// True if a byte belongs to both.
inline bool share_bytes(const buffer_core& a, const buffer_core& b) noexcept {
  return a.memory == b.memory && a.offset < b.offset + b.type.bytes() && b.offset < a.offset + a.type.bytes();
}

}  // namespace detail

inline bool executable::donates(std::uint32_t input, const execute_options& options) const {
  for (const std::uint32_t kept : options.keep) {
    if (kept == input) return false;
  }
  for (const alias& a : core_->code().aliases) {
    if (a.input == input) return !detail::given_output(options, a.output);
  }
  return false;
}

inline void executable::refuse(absl::StatusCode code, const std::string& what, reason why) const {
  throw error(code, "execution of " + name() + ": " + what, why);
}

inline void executable::validate(argument_span args, const execute_options& options) const {
  const plan& p = core_->code();
  if (args.size() != p.inputs.size()) {
    refuse(absl::StatusCode::kInvalidArgument,
           "expected " + std::to_string(p.inputs.size()) + " arguments, got " + std::to_string(args.size()));
  }
  for (std::size_t i = 0; i < args.size(); ++i)
    validate_buffer(*args[i], p.inputs[i], [i] { return "argument " + std::to_string(i); });
  for (const std::uint32_t kept : options.keep) {
    if (kept < args.size()) continue;
    refuse(absl::StatusCode::kInvalidArgument, "there is no argument " + std::to_string(kept) + " to keep");
  }
  if (!options.into.empty()) validate_outputs(args, options);
  if (!p.aliases.empty()) validate_donations(args, options);
}

template <class Name>
void executable::validate_buffer(const buffer& b, const tensor_type& expected, Name&& named) const {
  if (!b) refuse(absl::StatusCode::kInvalidArgument, named() + " is an empty buffer handle");
  if (b.is_deleted()) b.usable("execution of " + name() + ": " + named());
  if (!(b.type() == expected)) {
    refuse(absl::StatusCode::kInvalidArgument,
           named() + ": expected " + to_string(expected) + ", got " + to_string(b.type()));
  }
  if (&b.place() != &core_->where()) {
    const bool is_foreign = b.place().name() == core_->where().name();
    refuse(absl::StatusCode::kInvalidArgument,
           named() + " is on " + b.place().name() + (is_foreign ? " of another client" : "") +
               ", the executable on " + core_->where().name() + ": use copy_to");
  }
}

inline void executable::validate_outputs(argument_span args, const execute_options& options) const {
  const plan& p = core_->code();
  if (options.into.size() != p.outputs.size()) {
    refuse(absl::StatusCode::kInvalidArgument, "expected a buffer for each of " +
                                                   std::to_string(p.outputs.size()) + " outputs, got " +
                                                   std::to_string(options.into.size()));
  }
  for (std::size_t k = 0; k < p.outputs.size(); ++k) {
    const buffer* const given = detail::given_output(options, k);
    if (!given) continue;
    const auto named = [k] { return "output " + std::to_string(k); };
    validate_buffer(*given, p.outputs[k], named);
    const detail::buffer_core& place = *given->handle();
    if (place.memory->is_read_only())
      refuse(absl::StatusCode::kInvalidArgument, named() + ": the buffer's host memory was lent for reading");
    for (std::size_t other = 0; other < k; ++other) {
      const buffer* const b = detail::given_output(options, other);
      if (!b || !detail::share_bytes(place, *b->handle())) continue;
      refuse(absl::StatusCode::kInvalidArgument,
             named() + " and output " + std::to_string(other) + " are to go into the same memory");
    }
    for (std::size_t i = 0; i < args.size(); ++i) {
      // Views that begin inside their memory are copied before or after the run, so nothing is in the way.
      const detail::buffer_core& read = *args[i]->handle();
      if (read.memory != place.memory || read.offset != 0 || place.offset != 0) continue;
      const auto is_pair = [&](const alias& a) { return a.output == k && a.input == i; };
      const bool is_aliased = std::any_of(p.aliases.begin(), p.aliases.end(), is_pair);
      if (is_aliased && *args[i] == *given) continue;
      refuse(absl::StatusCode::kInvalidArgument,
             named() + " is to go into the memory of argument " + std::to_string(i) +
                 ", which is read meanwhile: " +
                 (is_aliased ? "only the argument's whole buffer can be updated in place"
                             : "the program does not alias the two (tf.aliasing_output)"));
    }
  }
}

inline void executable::validate_donations(argument_span args, const execute_options& options) const {
  for (const alias& a : core_->code().aliases) {
    if (!donates(a.input, options)) continue;
    for (std::size_t j = 0; j < args.size(); ++j) {
      if (j == a.input || args[j]->handle()->memory != args[a.input]->handle()->memory) continue;
      const std::string first = "argument " + std::to_string(a.input);
      const std::string second = "argument " + std::to_string(j);
      refuse(absl::StatusCode::kFailedPrecondition,
             donates(static_cast<std::uint32_t>(j), options)
                 ? first + " and " + second + " donate the same buffer twice"
                 : first + " is donated, and " + second + " is the same buffer",
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

inline execution executable::run(argument_span args, const execute_options& options,
                                 submit_options how) const {
  if (core_->code().open) return specialised(args).run(args, options, how);
  validate(args, options);
  return run_on(choose_unit(args, options), args, options, how);
}

inline std::vector<std::string> executable::input_names() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs().size(); ++i) names.push_back(input_name(code(), i));
  return names;
}
inline std::vector<std::string> executable::output_names() const {
  std::vector<std::string> names;
  const std::size_t count = std::max(outputs().size(), code().output_names.size());
  for (std::size_t k = 0; k < count; ++k) names.push_back(output_name(code(), k));
  return names;
}

inline std::string executable::stage(std::string_view name) const {
  return detail::stage_of(core_->origin().name(), core_->origin().code(), core_->origin().source(), name);
}

inline execution executable::call(const tensor_set& inputs, const tensor_set& outputs,
                                  const execute_options& options) const {
  buffer_list args;
  for (std::size_t i = 0; i < code().inputs.size(); ++i) {
    const std::string name = input_name(code(), i);
    if (const buffer* b = inputs.find(name)) {
      args.push_back(*b);
    } else {
      refuse(absl::StatusCode::kInvalidArgument, "no buffer called '" + name + "' (argument " +
                                                     std::to_string(i) + ") in the set; it has " +
                                                     inputs.names());
    }
  }
  const std::span<const buffer> list(args.data(), args.size());
  if (outputs.empty()) return call(list, options);
  const executable ready = specialised(pointers(list));
  const std::vector<std::string> names = ready.output_names();
  execute_options with = options;
  with.into.resize(names.size());
  for (const auto& [name, b] : outputs) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      std::string known;
      for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
      refuse(absl::StatusCode::kInvalidArgument,
             "the program has no result called '" + name + "'; it has " + (known.empty() ? "none" : known));
    }
    with.into[static_cast<std::size_t>(at - names.begin())] = b;
  }
  return ready.call(list, with);
}

/// What is not donated, and what is written into: another thread may donate or delete it before the
/// submission.
struct executable::kept_arguments {
  argument_span args;
  std::span<const buffer> into;
  std::span<detail::buffer_core* const> claimed;
  const executable_core& program;

  void require_usable() const {
    for (std::size_t i = 0; i < args.size(); ++i) {
      detail::buffer_core* const b = args[i]->handle().get();
      if (b->phase.load() == detail::buffer_core::life::alive) continue;
      if (std::find(claimed.begin(), claimed.end(), b) != claimed.end()) continue;
      args[i]->usable("execution of " + program.name() + ": argument " + std::to_string(i));
    }
    for (std::size_t k = 0; k < into.size(); ++k) {
      if (into[k] && into[k].is_deleted())
        into[k].usable("execution of " + program.name() + ": output " + std::to_string(k));
    }
  }
};

inline execution executable::run_on(unit& u, argument_span args, const execute_options& options,
                                    submit_options how, storage* order) const {
  const plan& p = core_->code();
  device_core& where = core_->where();

  // Donated arguments are claimed first, so that of two threads that donate one buffer one is refused.
  absl::InlinedVector<detail::buffer_core*, 8> claimed;
  bool holds_place = how.admitted;
  const auto undo = [&] {
    for (detail::buffer_core* b : claimed) b->unclaim();
    if (holds_place) dispatcher::leave(u, 1);
  };
  try {
    absl::InlinedVector<storage*, 8> inputs;
    absl::InlinedVector<ref<storage>, 2> dense;  // in place of views that begin inside their memory
    for (std::size_t i = 0; i < args.size(); ++i) {
      detail::buffer_core& b = *args[i]->handle();
      if (donates(static_cast<std::uint32_t>(i), options)) {
        if (!b.claim()) args[i]->usable("execution of " + name() + ": argument " + std::to_string(i));
        claimed.push_back(&b);
      }
      if (b.offset != 0) dense.push_back(detail::dense_copy(b));
      inputs.push_back(b.offset != 0 ? dense.back().get() : b.memory.get());
    }
    absl::InlinedVector<storage*, 4> outputs(p.outputs.size(), nullptr);
    run_arguments a;
    for (const alias& pair : p.aliases) {
      storage* const memory = inputs[pair.input];
      if (const buffer* given = detail::given_output(options, pair.output)) {
        a.is_in_place |= given->handle()->memory.get() == memory;  // a view's argument is a copy
        continue;
      }
      if (!donates(pair.input, options)) continue;
      if (!memory->is_read_only() && memory->handles.load(std::memory_order_seq_cst) == 1) {
        outputs[pair.output] = memory;
        a.is_in_place = true;
      }
    }
    absl::InlinedVector<buffer, 2> results;
    for (std::size_t k = 0; k < p.outputs.size(); ++k) {
      if (const buffer* given = detail::given_output(options, k)) {
        const detail::buffer_core& b = *given->handle();
        if (b.offset != 0) {
          detail::require_copies(where);  // the copy behind the run
          dense.push_back(where.allocate(p.outputs[k].bytes()));
        }
        outputs[k] = b.offset != 0 ? dense.back().get() : b.memory.get();
        results.push_back(*given);
        continue;
      }
      ref<storage> memory = outputs[k] ? ref<storage>(outputs[k]) : where.allocate(p.outputs[k].bytes());
      outputs[k] = memory.get();
      results.emplace_back(
          make_ref<detail::buffer_core>(p.outputs[k], std::move(memory), ref<device_core>(&where)));
    }
    a.inputs = {inputs.data(), inputs.size()};
    a.outputs = {outputs.data(), outputs.size()};
    a.has_given = !options.into.empty();
    a.check_numerics = options.check_numerics;
    a.launch_id = options.launch_id;
    ref<request> r = core_->new_run(a);
    if (order) r->join(ref<storage>(order));
    how.cheap = core_->is_cheap();
    if (!how.request) how.with(options);
    const kept_arguments kept{args, options.into, {claimed.data(), claimed.size()}, *core_};
    how.check = [](const void* self) { static_cast<const kept_arguments*>(self)->require_usable(); };
    how.arguments = &kept;
    holds_place = false;  // the submission's now
    if (!dispatcher::submit(u, *r, how)) {
      undo();
      return execution(*core_);
    }
    for (const buffer& b : results) b.handle()->made_by.store(r->id(), std::memory_order_relaxed);
    for (detail::buffer_core* b : claimed) b->bury(core_->shared_name(), r->id());
    claimed.clear();
    for (std::size_t k = 0; k < options.into.size(); ++k) {
      const buffer* const given = detail::given_output(options, k);
      if (given && given->handle()->offset != 0)
        detail::copy_into_view(ref<storage>(outputs[k]), *given->handle());
    }
    // Outputs with numerical errors are good buffers, and given ones may be written again later.
    const bool decides = options.check_numerics || !options.into.empty();
    return execution(std::move(r), std::move(results), *core_, decides);
  } catch (...) {
    undo();
    throw;
  }
}

}  // namespace wherry
