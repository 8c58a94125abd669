// client_compile.hpp: how a client turns programs into executables; the definitions behind `client::compile`.
//
// A program is compiled once however many threads ask for it at the same time. Plans are found in memory
// while an executable uses them, then in the cache on disk, and are made by the compiler otherwise, which
// finds kernels that it has made before (kernel_code_cache.hpp); an artifact is a plan already.
//
// A program takes three steps: it becomes a plan, its OpenCL C is built, both become an executable. Of many
// programs the plans are made on all workers, each on one thread, and what they need is built at once.
//
// Threads: any but a loop's.
#pragma once

#include <wherry/client.hpp>
#include <wherry/exec/for_each_on_workers.hpp>

namespace wherry {

inline std::shared_ptr<const plan> client::core::plan_of(const program& source, const target& t,
                                                         const compile_options& options,
                                                         kernel_code_cache& code, bool among_others) {
  compiler* c = compiler::installed();
  std::string key = std::string(c ? c->revision() : "") + '\0' + t.key + '\0' + t.cpu + '\0' +
                    std::to_string(static_cast<int>(t.exit)) + '\0' + source.function() + '\0';
  for (const known_argument& k : options.arguments)
    key += to_string(k.type) + (k.value ? "=" + std::to_string(*k.value) : std::string()) + ";";
  key += '\0' + std::string(source.text());
  std::promise<std::shared_ptr<const plan>> mine;
  std::shared_future<std::shared_ptr<const plan>> theirs;
  {
    std::lock_guard lock(mutex);
    auto& known = compilations[key];
    if (auto made = known.made.lock()) return made;
    theirs = known.running;
    if (!theirs.valid()) known.running = mine.get_future().share();
  }
  if (theirs.valid()) return theirs.get();
  try {
    std::shared_ptr<const plan> made;
    if (options.cache) {
      if (const auto stored = cache.find(key)) {
        try {
          made = std::make_shared<const plan>(read_plan(*stored));
        } catch (const error&) {
          made = nullptr;  // written by another version: compile again
        }
      }
    }
    if (!made) {
      if (!c) {
        throw error(
            absl::StatusCode::kUnimplemented,
            source.name() + ": no compiler for source programs: link wherry::compiler or load an artifact");
      }
      made = std::make_shared<const plan>(
          c->compile({source.text(), source.name(), source.function(), t, options.arguments, among_others,
                      options.cache ? &code : nullptr}));
      if (options.cache) cache.store(key, write_plan(*made));
    }
    {
      std::lock_guard lock(mutex);
      compilations[key] = {{}, made};
    }
    mine.set_value(made);
    return made;
  } catch (...) {
    {
      std::lock_guard lock(mutex);
      compilations.erase(key);
    }
    mine.set_exception(std::current_exception());
    throw;
  }
}

/// "native" or "opencl": as the options say, else the artifact, the environment, the device.
inline std::string client::core::codegen_for(const compile_options& options, device_core& d,
                                             const plan* artifact) {
  std::string codegen = options.codegen;
  if (codegen.empty() && d.is_host() && artifact && !artifact->anywhere)
    codegen = artifact->opencl ? "opencl" : "native";
  if (codegen.empty() && d.is_host()) {
    const char* set = std::getenv("WHERRY_CODEGEN");
    codegen = set && *set ? set : "native";
  }
  if (codegen.empty()) codegen = "opencl";
  if (codegen != "native" && codegen != "opencl") {
    throw error(absl::StatusCode::kInvalidArgument, "codegen '" + codegen + "': expected native or opencl");
  }
  if (codegen == "native" && !d.is_host()) {
    throw error(absl::StatusCode::kInvalidArgument,
                "codegen native on " + d.name() + ": native code runs on cpu devices only");
  }
  return codegen;
}

inline target client::core::target_for(const compile_options& options, device_core& d,
                                       const std::string& codegen) {
  target t;
  t.cpu = options.cpu;
  if (codegen == "native") return t;
  t.exit = target::codegen::opencl;
  t.fp64 = d.description().fp64;
  t.fp16 = d.description().fp16;
  t.gpu = d.description().gpu;
  t.key = opencl_place::of(d).key();
  return t;
}

inline bool client::core::is_artifact(const program& source) noexcept {
  return detail::begins_as_plan(source.text());
}

/// One of the programs that are compiled together.
struct client::core::compiling {
  const program* source = nullptr;
  const compile_options* options = nullptr;
  ref<device_core> where;
  bool native = true;
  std::shared_ptr<const plan> made;
  std::vector<opencl_program> programs;
  ref<executable_core> ready;
  failure problem;  // what went wrong at any step; later ones are left out
};

inline void client::core::make_plan(compiling& one, kernel_code_cache& code, bool among_others) {
  const program& source = *one.source;
  device_core& d = *one.where;
  if (is_artifact(source)) {
    try {
      one.made = std::make_shared<const plan>(read_plan(std::as_bytes(std::span(source.text()))));
    } catch (const error& e) {
      throw error(e.code(), source.name() + ": " + e.what(), e.reason());
    }
  }
  const std::string codegen = codegen_for(*one.options, d, one.made.get());
  one.native = codegen == "native";
  if (!one.made) {
    one.made = plan_of(source, target_for(*one.options, d, codegen), *one.options, code, among_others);
    return;
  }
  if (one.native == one.made->opencl && !one.made->anywhere) {
    const std::string features = one.made->features.empty() ? "" : " (" + one.made->features + ")";
    throw error(absl::StatusCode::kFailedPrecondition,
                source.name() + ": the artifact holds " +
                    (one.made->opencl ? "OpenCL C" : "native code for cpu devices") + features + "; " +
                    d.name() + " was asked to run " + (one.native ? "native code" : "OpenCL C"),
                reason::unsupported);
  }
  if (one.made->open) {
    throw error(absl::StatusCode::kFailedPrecondition,
                source.name() + ": the artifact leaves sizes open, and nothing is here to compile them");
  }
}

/// Builds the OpenCL C of those that are for one device.
inline void client::core::build(std::span<compiling> all) {
  std::vector<compiling*> waiting;
  std::vector<const plan*> plans;
  for (compiling& one : all) {
    if (one.problem || one.native || one.made->open) continue;
    waiting.push_back(&one);
    plans.push_back(one.made.get());
  }
  if (plans.empty()) return;
  const bool caches = waiting.front()->options->cache;
  auto results =
      built.build(opencl_place::of(*waiting.front()->where), plans, caches ? cache : file_cache(""));
  for (std::size_t k = 0; k < waiting.size(); ++k) {
    waiting[k]->programs = std::move(results[k].kernels);
    waiting[k]->problem = std::move(results[k].problem);
  }
}

inline void client::core::finish(const std::shared_ptr<core>& self, compiling& one) {
  if (one.made->open) {
    const auto again = [client = std::weak_ptr<core>(self), source = *one.source, options = *one.options,
                        where = one.where](const std::vector<known_argument>& arguments) {
      const std::shared_ptr<core> alive = client.lock();
      if (!alive)
        throw error(absl::StatusCode::kFailedPrecondition, "compile: the client has been closed",
                    reason::client_closed);
      compile_options special = options;
      special.arguments = arguments;
      std::vector<compiling> made = compile(alive, {&source, 1}, special, where);
      if (made.front().problem) raise(made.front().problem);
      return std::move(made.front().ready);
    };
    one.ready = ref<executable_core>(new open_executable(one.made, one.where, again));
  } else if (one.native) {
    one.ready = ref<executable_core>(new native_executable(one.made, one.where));
  } else {
    one.ready = ref<executable_core>(
        new opencl_executable(one.made, one.where, opencl_place::of(*one.where), std::move(one.programs),
                              one.options->cache ? self->cache : file_cache("")));
  }
  if (!one.made->is_named) one.ready->set_name(one.source->title());
  if (!is_artifact(*one.source)) {
    const std::string codegen = one.native ? "native" : "opencl";
    one.ready->set_source(std::make_shared<const compile_source>(
        compile_source{*one.source, target_for(*one.options, *one.where, codegen), one.options->arguments}));
  }
}

inline std::vector<client::core::compiling> client::core::compile(const std::shared_ptr<core>& self,
                                                                  std::span<const program> sources,
                                                                  const compile_options& options,
                                                                  const ref<device_core>& where) {
  const scheduler* here = scheduler::current();
  if (here && here->what() == scheduler::kind::loop) {
    throw error(absl::StatusCode::kFailedPrecondition,
                "compile: takes long, and a loop's thread must not wait: use compile_async",
                reason::deadlock_would_occur);
  }
  std::vector<compiling> all(sources.size());
  for (std::size_t k = 0; k < sources.size(); ++k) {
    all[k].source = &sources[k];
    all[k].options = &options;
    all[k].where = where;
  }
  const auto guarded = [](compiling& one, auto step) {
    if (one.problem) return;
    try {
      step();
    } catch (...) {
      one.problem = as_failure(std::current_exception());
    }
  };
  kernel_code_cache code(options.cache ? self->cache : file_cache(""));
  for_each_on_workers(all.size(), [&](std::size_t k) {
    guarded(all[k], [&] { self->make_plan(all[k], code, all.size() > 1); });
  });
  try {
    self->build(all);
  } catch (...) {
    const failure problem = as_failure(std::current_exception());
    for (compiling& one : all) {
      if (!one.problem && !one.native) one.problem = problem;
    }
  }
  for (compiling& one : all) guarded(one, [&] { finish(self, one); });
  return all;
}

inline executable client::compile(const program& source, const compile_options& options) const {
  auto made = core::compile(core_, {&source, 1}, options, ref<device_core>(&place(options.device)));
  if (made.front().problem) raise(made.front().problem);
  return executable(std::move(made.front().ready));
}

inline std::vector<executable> client::compile(std::span<const program> sources,
                                               const compile_options& options) const {
  auto made = core::compile(core_, sources, options, ref<device_core>(&place(options.device)));
  std::vector<executable> all;
  for (std::size_t k = 0; k < made.size(); ++k) {
    if (const failure& why = made[k].problem) {
      const std::string name = sources[k].name();
      const bool is_named = std::string_view(why->what()).find(name) != std::string_view::npos;
      throw error(why->code(),
                  "program " + std::to_string(k + 1) + " of " + std::to_string(made.size()) +
                      (is_named ? "" : " (" + name + ")") + ": " + why->what(),
                  why->reason());
    }
    all.emplace_back(std::move(made[k].ready));
  }
  return all;
}

inline std::vector<absl::StatusOr<executable>> client::compile_each(std::span<const program> sources,
                                                                    const compile_options& options) const {
  auto made = core::compile(core_, sources, options, ref<device_core>(&place(options.device)));
  std::vector<absl::StatusOr<executable>> all;
  for (auto& one : made) {
    if (one.problem)
      all.emplace_back(one.problem->to_status());
    else
      all.emplace_back(executable(std::move(one.ready)));
  }
  return all;
}

namespace detail {

/// Runs `compile` on a worker and comes back to where it was awaited.
template <class Compile>
task<std::invoke_result_t<Compile>> compile_on_worker(Compile compile) {
  scheduler* home = scheduler::current();
  co_await move_to(worker_pool::instance().as_scheduler());
  std::optional<std::invoke_result_t<Compile>> made;
  failure problem;
  try {
    made.emplace(compile());
  } catch (...) {
    problem = as_failure(std::current_exception());
  }
  if (home) co_await move_to(*home);
  if (problem) raise(problem);
  co_return std::move(*made);
}

}  // namespace detail

inline task<executable> client::compile_async(program source, compile_options options) const {
  co_return co_await detail::compile_on_worker([&] { return compile(source, options); });
}

inline task<std::vector<executable>> client::compile_async(std::vector<program> sources,
                                                           compile_options options) const {
  co_return co_await detail::compile_on_worker([&] { return compile(sources, options); });
}

}  // namespace wherry
