// pipeline_running.hpp: how pipelines are checked and their stages submitted; the definitions behind
// `pipeline` and `pipeline_run`.
//
// Threads: any.
#pragma once

#include <wherry/device/wait_for_place.hpp>
#include <wherry/exec/pipeline.hpp>

namespace wherry {

inline pipeline::pipeline(std::vector<pipeline_stage> stages) : core_(make_ref<core>()) {
  core_->stages.reserve(stages.size());
  for (std::size_t k = 0; k < stages.size(); ++k) {
    pipeline_stage& given = stages[k];
    const std::string name = given.name.empty() ? given.program.name() : given.name;
    const auto labelled = [&](const std::string& what) {
      return "pipeline: stage " + std::to_string(k) + " (" + name + "): " + what;
    };
    try {
      const executable ready = given.program.specialised(executable::pointers(given.inputs));
      if (given.outputs.size() != ready.outputs().size()) {
        throw error(absl::StatusCode::kInvalidArgument, "expected " + std::to_string(ready.outputs().size()) +
                                                            " outputs, got " +
                                                            std::to_string(given.outputs.size()));
      }
      for (std::size_t i = 0; i < given.outputs.size(); ++i) {
        if (!given.outputs[i])
          throw error(absl::StatusCode::kInvalidArgument,
                      "output " + std::to_string(i) + " is an empty buffer handle");
      }
      stage& s =
          core_->stages.emplace_back(stage{ready, std::move(given.inputs), std::move(given.outputs), name});
      s.is_named = !given.name.empty();
      for (const buffer& b : s.inputs) s.arguments.push_back(&b);
      s.options.into = s.outputs;
      s.options.check_numerics = given.check_numerics;
      ready.validate(s.arguments, s.options);
      s.make_detours();
    } catch (const error& e) {
      throw error(e.code(), labelled(e.what()), e.reason(), e.id());
    }
  }
  for (stage& s : core_->stages) {
    const device_core* const where = &s.program.core_->where();
    const auto is_there = [&](std::size_t first) {
      return &core_->stages[first].program.core_->where() == where;
    };
    auto& known = core_->first_on;
    const auto at = std::find_if(known.begin(), known.end(), is_there);
    s.device = static_cast<std::size_t>(at - known.begin());
    if (at == known.end()) {
      known.push_back(static_cast<std::size_t>(&s - core_->stages.data()));
      core_->counts.push_back(0);
    }
    ++core_->counts[s.device];
  }
}

/// Finds memory now for the copies around each run: while the stages of a run are submitted nothing may wait.
inline void pipeline::stage::make_detours() {
  const auto whole_for = [](const buffer& view) {
    const detail::buffer_core& b = *view.handle();
    return buffer(make_ref<detail::buffer_core>(b.type, b.where->allocate(b.type.bytes()), b.where));
  };
  before.reserve(inputs.size());  // `arguments` point there
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].handle()->offset == 0) continue;
    arguments[i] = &before.emplace_back(detour{inputs[i], whole_for(inputs[i])}).whole;
  }
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k].handle()->offset == 0) continue;
    options.into[k] = after.emplace_back(detour{outputs[k], whole_for(outputs[k])}).whole;
  }
}

inline const pipeline::stage& pipeline::core::at(std::size_t k) const {
  if (k < stages.size()) return stages[k];
  throw error(absl::StatusCode::kOutOfRange, "the pipeline has " + std::to_string(stages.size()) +
                                                 " stages; stage " + std::to_string(k) + " was asked for");
}

inline void pipeline::core::require_usable() const {
  const auto check = [](std::size_t k, const stage& s, const char* what, std::span<const buffer> all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all[i].is_deleted()) continue;
      all[i].usable("pipeline: stage " + std::to_string(k) + " (" + s.name + "): " + what + " " +
                    std::to_string(i));
    }
  };
  for (std::size_t k = 0; k < stages.size(); ++k) {
    check(k, stages[k], "argument", stages[k].inputs);
    check(k, stages[k], "output", stages[k].outputs);
  }
}

class pipeline::places {
 public:
  struct held {
    unit* where;
    std::uint64_t wanted;
    std::uint64_t count;
    std::size_t device;
  };

  /// Chooses a unit for each device.
  places(const core& c, const request_options& options) {
    if (options.place) {
      throw error(absl::StatusCode::kInvalidArgument,
                  "pipeline: a run takes its own places; none may be given");
    }
    for (std::size_t d = 0; d < c.first_on.size(); ++d) {
      const stage& first = c.stages[c.first_on[d]];
      const executable& program = first.program;
      unit& u = options.unit
                    ? program.core_->where().unit_for(unit_kind::compute, options, "pipeline: " + first.name)
                    : program.choose_unit(first.arguments, first.options);
      held_.push_back({&u, c.counts[d], 0, d});
    }
    // Everybody takes places in this order, so that two runs never wait for one another.
    std::sort(held_.begin(), held_.end(),
              [](const held& a, const held& b) { return a.where->id() < b.where->id(); });
  }
  places(const places&) = delete;
  places& operator=(const places&) = delete;
  ~places() {
    for (const held& h : held_) {
      if (h.count != 0) dispatcher::leave(*h.where, h.count);
    }
  }

  std::span<held> units() noexcept { return {held_.data(), held_.size()}; }

  /// Takes a place for every stage. Returns false if a unit is full and `try_only`.
  bool take(bool try_only, const request_options& options) {
    for (held& h : held_) {
      if (!wait_for_place(*h.where, h.wanted, try_only, options)) return false;
      h.count = h.wanted;
    }
    return true;
  }

  /// Hands one over to a stage on device `d`.
  unit& use(std::size_t d) noexcept {
    const auto is_there = [d](const held& h) { return h.device == d; };
    held& h = *std::find_if(held_.begin(), held_.end(), is_there);
    --h.count;
    return *h.where;
  }

 private:
  absl::InlinedVector<held, 2> held_;
};

inline pipeline_run pipeline::start(const ref<core>& c, places& held, const request_options& options) {
  auto made = make_ref<pipeline_run::requests>();
  made->submitted.reserve(c->stages.size());
  const ref<storage> order(new detail::order_storage);
  std::lock_guard alone(c->submitting);
  for (const stage& s : c->stages) {
    try {
      request_options terms = options;
      if (s.is_named) terms.name = s.name;
      submit_options how;
      how.admitted = true;
      how.with(terms);
      for (const detour& d : s.before) detail::copy_from_view(*d.view.handle(), d.whole.handle()->memory);
      unit& u = held.use(s.device);
      made->submitted.push_back(s.program.run_on(u, s.arguments, s.options, how, order.get()).run_);
      for (const detour& d : s.after) {
        detail::copy_into_view(d.whole.handle()->memory, *d.view.handle());
        d.view.handle()->made_by.store(made->submitted.back()->id(), std::memory_order_relaxed);
      }
    } catch (...) {
      if (made->submitted.empty()) throw;
      made->refused = as_failure(std::current_exception());
      break;
    }
  }
  return pipeline_run(c, std::move(made));
}

inline std::optional<pipeline_run> pipeline::run(const request_options& options, bool try_only) const {
  core_->require_usable();
  places held(*core_, options);
  if (!held.take(try_only, options)) return std::nullopt;
  return start(core_, held, options);
}

inline pipeline_run pipeline::run(const request_options& options) const { return *run(options, false); }
inline std::optional<pipeline_run> pipeline::try_run(const request_options& options) const {
  return run(options, true);
}
inline task<pipeline_run> pipeline::submit(request_options options) const {
  return submit(core_, std::move(options));
}

inline task<pipeline_run> pipeline::submit(ref<core> c, request_options options) {
  c->require_usable();
  places held(*c, options);
  for (places::held& h : held.units()) {
    wherry::place got = co_await place_in(*h.where, h.wanted, options.stop, options.deadline);
    got.detach();
    h.count = h.wanted;
  }
  co_return start(c, held, options);
}

// ------------------------------------------------------------------------------------------- runs

inline execution pipeline_run::operator[](std::size_t k) const {
  const pipeline::stage& s = stages_->at(k);
  if (k >= requests_->submitted.size()) raise(requests_->refused);
  const auto& outputs = s.outputs;
  return execution(requests_->submitted[k], absl::InlinedVector<buffer, 2>(outputs.begin(), outputs.end()),
                   *s.program.core_, true);
}

inline std::vector<ticket> pipeline_run::tickets() const {
  std::vector<ticket> all(size());
  for (std::size_t k = 0; k < requests_->submitted.size(); ++k) all[k] = requests_->submitted[k]->id();
  return all;
}

inline request_state pipeline_run::poll(std::size_t k) const {
  (void)stages_->at(k);
  if (k >= requests_->submitted.size()) return request_state::failed;
  const request& r = *requests_->submitted[k];
  return dispatcher::poll(*r.where(), r.id());
}

inline bool pipeline_run::cancel() const {
  bool any = false;
  for (const auto& r : requests_->submitted) {
    any |= dispatcher::cancel(
        *r, make_failure(absl::StatusCode::kCancelled, r->describe() + " was cancelled in its queue",
                         reason::cancelled, r->id()));
  }
  return any;
}

inline array pipeline_run::value() const {
  if (outputs().size() != 1) {
    throw error(absl::StatusCode::kFailedPrecondition, "value() of a pipeline's run: its last stage has " +
                                                           std::to_string(outputs().size()) +
                                                           " outputs, not one");
  }
  outcome().get();
  return outputs()[0].value();
}

inline pending pipeline_run::outcome() const {
  if (requests_->refused) return pending(requests_->refused);
  return requests_->submitted.empty() ? pending() : pending(requests_->submitted.back());
}

inline void pipeline_run::on_ready(std::function<void(const absl::Status&)> callback) const {
  if (size() != 0 || !callback) return promise<pipeline_run>::on_ready(std::move(callback));
  struct call : work {
    std::function<void(const absl::Status&)> callback;
  };
  auto* const c = new call;
  c->callback = std::move(callback);
  c->run = [](work& w) noexcept {
    const std::unique_ptr<call> self(&static_cast<call&>(w));
    guarded_call("a callback of on_ready", [&self] { self->callback(absl::OkStatus()); });
  };
  worker_pool::instance().as_scheduler().post(*c);
}

}  // namespace wherry
